"""The meter as a DL/T 698.45 server."""
