"""VISSL's training loop with exact resume, seeding and progress."""
