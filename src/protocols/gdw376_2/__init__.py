"""Q/GDW 10376.2: the link between a concentrator and its local communication module."""
