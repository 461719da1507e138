"""Types of command-line arguments: numbers with a range, refused with a sentence that names it."""

from __future__ import annotations

import argparse

from vissl_monoimage.config.schema import LARGEST_SEED


def at_least_one(text: str) -> int:
    """Convert an argument to an integer of at least 1.

    Raises:
        argparse.ArgumentTypeError: it is something else.
    """
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' must be a whole number from 1")
    return int(text)


def seed(text: str) -> int:
    """Convert an argument to a seed, an integer from 0 to `LARGEST_SEED`.

    Raises:
        argparse.ArgumentTypeError: it is something else.
    """
    if not text.isdigit() or int(text) > LARGEST_SEED:
        raise argparse.ArgumentTypeError(f"'{text}' must be a whole number from 0 to {LARGEST_SEED}")
    return int(text)
