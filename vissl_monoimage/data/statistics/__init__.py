"""Measures of a photo that might say how much a network learns from it."""
