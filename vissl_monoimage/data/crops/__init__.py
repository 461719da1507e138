"""Drawing crops from a photo by a recipe."""
