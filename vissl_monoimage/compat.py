"""Every mend that unmodified VISSL 0.1.6 needs on today's stack."""


def apply() -> None:
    """Apply all mends once."""
