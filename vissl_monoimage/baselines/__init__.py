"""Baselines: features made by hand, or learned from patches of a photo without a pretext task."""
