"""Checkpoints of VISSL and of other libraries: read, matched with a trunk, loaded and reported."""
