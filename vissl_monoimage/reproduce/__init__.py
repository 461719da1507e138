"""Benchmarks: from a small YAML to a grid of runs, and from their ledger to a table."""
