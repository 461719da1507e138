"""Benchmarks: a small YAML becomes a grid of runs, and their ledger a table."""
