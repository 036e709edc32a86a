"""Stores on both databases, and invented cases."""

from tests.stores import cluster, keys, make_case, one_url, store

__all__ = ["cluster", "keys", "make_case", "one_url", "store"]
