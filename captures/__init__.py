"""Frames and sessions as they passed a line, with what their dissection looks like."""
