"""A photo by numbers that might say how much a network learns from it."""
