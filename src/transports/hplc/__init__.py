"""An HPLC module in software: a CCO with its archive, a seeded power-line network, and the meters behind it.

The network is a configurable model, not a claim of conformance; `settings` says of each figure where it comes from.
"""
