"""The emulated concentrator: it knows meters, reads them on schedule, fills gaps, and reports (DL/T 698.45, 6000 on).

`archive` says who is there, `schemes` and `tasks` what is collected when, `collecting` does it through `ports`, and
`gathered` keeps what came. A meter of its own (its alternating-current sampling) gives it identity, clock and security.
"""
