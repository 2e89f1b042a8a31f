"""The fast engine: straight-line Python written from the declarations on first use."""
