"""meterwire: talk to electricity meters, emulate them, and fuzz their protocols."""

from meterwire.connect import aconnect, connect
from meterwire.scanning import ascan, scan

__version__ = "0.1.0"
__all__ = ["__version__", "aconnect", "ascan", "connect", "scan"]
