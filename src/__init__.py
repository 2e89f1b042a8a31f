"""meterwire: talk to electricity meters, emulate them, and fuzz their protocols."""

__version__ = "0.1.0"
