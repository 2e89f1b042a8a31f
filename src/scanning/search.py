"""A scan of one endpoint: stage by stage until somebody is found, at settings that the line can do."""

from __future__ import annotations

from typing import Any

import msgspec

from meterwire.errors import Disconnected, LocalProtocolError, TransportError
from meterwire.protocols.dialogue import Line
from meterwire.scanning.dialects import Meter, Scanner, scanner
from meterwire.scanning.plan import Settings, Trial, advice, estimate, estimate_search, stages
from meterwire.scanning.progress import Progress
from meterwire.transports.echo import DropEcho
from meterwire.transports.endpoint import Endpoint


class Found(msgspec.Struct, frozen=True):
    """A meter that answered.

    Attributes:
        dialect: that it speaks.
        address: in the dialect's own form.
        settings: of the serial line as text, None where they are not ours to choose.
        edition: of the standard, as a year; None where it does not show.
        url: what `connect` reads it with, beside the address.
        note: what else there is to know, for people.
    """

    dialect: str
    address: str
    settings: str | None
    edition: int | None
    url: str
    note: str = ""


class Search:
    """A scan.

    Args:
        endpoint: where to look; what its options give is not varied.
        edition: of DL/T 645 or DL/T 698.45; None or `auto` looks for all.
        thorough: all questions at each setting (DL/T 645).

    Attributes:
        endpoint: to open a line to; it has no echo filter, since `echoes` are that.
        echoes: filters that the line needs.
        trials: the settings that have been tried.

    Raises:
        LocalProtocolError: nothing looks for meters there.
    """

    def __init__(self, endpoint: Endpoint, edition: str | None = None, *, thorough: bool = False) -> None:
        self._asked = endpoint
        self._looking: Scanner = scanner(endpoint, edition, thorough=thorough)
        mode = endpoint.option("echo", "auto" if endpoint.has_settings else "off")
        self.echoes = [] if mode == "off" else [DropEcho(mode)]
        self.endpoint = msgspec.structs.replace(endpoint, options=endpoint.options | {"echo": "off"})
        self.trials: list[Trial] = []

    @property
    def found(self) -> list[Found]:
        """The meters found so far."""
        return [self._found(meter) for meter in self._looking.meters]

    def advice(self) -> list[str]:
        """What to check when nobody was found."""
        serial = self._asked.has_settings
        return advice(self.trials, sum(one.dropped for one in self.echoes), serial=serial)

    def run(self, line: Line, told: Progress) -> None:
        """Look for meters on an open line.

        Raises:
            TransportError: the line is gone, or its settings cannot be had and are the only ones.
        """
        looking, endpoint = self._looking, self._asked
        plan = stages(endpoint, looking.bauds, pseudo=_is_pseudo(endpoint, line))
        for text in estimate(plan, looking.questions, looking.attention, looking.scope):
            told.say(text)
        if looking.ways:
            usual: Settings = endpoint.settings if endpoint.has_settings else None
            told.say(estimate_search(looking.ways, usual, looking.attention(usual)))
        for stage in plan:
            if looking.meters:
                break
            told.expect((len(self.trials) + len(stage.settings)) * looking.questions)
            for settings in stage.settings:
                self._try(line, settings, told)

    def _try(self, line: Line, settings: Settings, told: Progress) -> None:
        """One setting; one that the port cannot do is told of and left out."""
        looking = self._looking
        try:
            trial = looking.search(line, settings, told)
        except Disconnected:
            raise
        except (TransportError, LocalProtocolError) as error:
            if settings is None:
                raise
            told.say(f"{settings} is left out: {error}")
            return
        if settings is not None and not trial.found:
            told.say(f"{settings}: nobody {'else' if looking.meters else 'found'}{_came(trial)}")
        self.trials.append(trial)

    def _found(self, meter: Meter) -> Found:
        options: dict[str, Any] = dict(self._asked.options)
        if meter.settings is not None:
            options |= {"baud": meter.settings.baud, "parity": meter.settings.parity}
        url = str(msgspec.structs.replace(self._asked, dialect=meter.dialect, options=options | meter.options))
        settings = None if meter.settings is None else str(meter.settings)
        return Found(meter.dialect, meter.address, settings, meter.edition, url, meter.note)


def _came(trial: Trial) -> str:
    return f", {trial.tally.garbage} octets of garbage came" if trial.tally.garbage else ""


def _is_pseudo(endpoint: Endpoint, line: Line) -> bool:
    number = getattr(line, "fileno", None)
    if endpoint.carrier != "serial" or number is None:
        return False
    from meterwire.transports import termios_settings  # noqa: PLC0415  for serial ports alone

    return termios_settings.is_pseudo(number())
