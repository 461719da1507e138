"""Sections of the page on what runs left in their folders, and on their photos."""
