"""Numbers on the command line, refused in a sentence where they are not what they must be."""

from __future__ import annotations

import argparse

from vissl_monoimage.config.schema import LARGEST_SEED


def at_least_one(text: str) -> int:
    """A whole number from 1."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' must be a whole number from 1")
    return int(text)


def seed(text: str) -> int:
    """A whole number from 0 to `LARGEST_SEED`."""
    if not text.isdigit() or int(text) > LARGEST_SEED:
        raise argparse.ArgumentTypeError(f"'{text}' must be a whole number from 0 to {LARGEST_SEED}")
    return int(text)
