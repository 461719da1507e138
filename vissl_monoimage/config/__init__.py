"""Composing, reading and checking configurations."""
