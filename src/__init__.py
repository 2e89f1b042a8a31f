"""meterwire: talk to electricity meters, emulate them, and fuzz their protocols."""

from meterwire.connect import aconnect, connect

__version__ = "0.1.0"
__all__ = ["__version__", "aconnect", "connect"]
