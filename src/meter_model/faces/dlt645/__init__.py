"""The meter as a DL/T 645 server."""
