"""Evaluations of a trunk, layer by layer, under named and versioned protocols."""
