"""Measurements that anyone can run; results are kept in docs/benchmarks.md."""
