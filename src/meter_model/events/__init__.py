"""The events of a meter: kinds as data, recognition, records, counters, and what is to be reported."""

from meterwire.meter_model.events.engine import Events
from meterwire.meter_model.events.kinds import Kind
from meterwire.meter_model.events.log import Event, EventLog
from meterwire.meter_model.events.record import EventRecord

__all__ = ["Event", "EventLog", "EventRecord", "Events", "Kind"]
