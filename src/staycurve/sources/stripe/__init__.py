"""Stripe: its objects fetched and kept as they came, and the rows that are derived from them.

`fetching` and `changes` ask Stripe; `accounts`, `lines`, `payments` and `spans` ask nobody. Shapes
of every version of its interface are read in `shapes` alone.
"""
