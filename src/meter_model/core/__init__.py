"""The metering core: exact energy registers for any number of meters, fed by a small C extension."""

from meterwire.meter_model.core.registers import EnergyRegisters, Phase, Register

__all__ = ["EnergyRegisters", "Phase", "Register"]
