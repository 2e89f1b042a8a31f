"""Fuzz targets, one module for each frame type and server: `NAME`, `SEEDS` and `target(data)`.

Each opens with its invariant in prose. The same target serves the mutating runner here, Hypothesis and atheris.
"""
