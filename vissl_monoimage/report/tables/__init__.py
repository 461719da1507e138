"""Accuracies by layer, the tables derived from them, and the paper's numbers."""
