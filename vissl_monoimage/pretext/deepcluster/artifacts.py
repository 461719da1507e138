"""Names of a DeepCluster run's files; a report reads them without importing VISSL."""

from __future__ import annotations

CLUSTERS_FILE, LABELS_FILE = "clusters.jsonl", "clusters.npy"
FOLDER, CLUSTERS = "pictures", "clusters"
ROWS, COLUMNS = 8, 12
"""Clusters of a contact sheet, and samples of each."""
