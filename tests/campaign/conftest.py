"""Campaigns on both databases, and invented cases."""

from tests.stores import cluster, keys, make_case, store, url

__all__ = ["cluster", "keys", "make_case", "store", "url"]
