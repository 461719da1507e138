"""What a run's files are called, apart from the code that writes them: a report reads them without importing VISSL."""

from __future__ import annotations

PLAYERS_FILE = "players.jsonl"
FOLDER, SAMPLES, RECONSTRUCTIONS = "pictures", "samples", "reconstructions"
COLUMNS = 16
"""Images in a row of a grid of pictures."""
