"""Where the time of an epoch of DeepCluster goes, and its k-means beside bare faiss.

The shares are of a short run of `deepcluster_convnet4` with all 500 clusters: the seconds of its clusters.jsonl, and
what is left of its ledger's wall time is training. k-means gets points of length 1 in as many dimensions as the run's,
20 iterations, and finds the nearest centroid of each at the end; the bare one calls faiss and nothing else.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import faiss
import numpy as np

from benchmarks.speed.measurement import (
    Figure,
    Measurement,
    median_of,
    median_ratio,
    process_seconds_of,
    take_turns,
)
from vissl_monoimage.pretext.deepcluster.clustering import Assignments, Features, k_means

CLUSTERS, DIMENSIONS, ITERATIONS = 500, 128, 20
POINTS = 20_000
SAMPLES, EPOCHS = 10_000, 2
PARTS = ("extraction", "pca", "kmeans")
GOAL = 1.2


def measure(rounds: int) -> Measurement:
    """Return the shares of an epoch, and the process time of k-means."""
    points = np.random.default_rng(0).standard_normal((POINTS, DIMENSIONS), dtype=np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    if not np.array_equal(k_means(points, CLUSTERS, ITERATIONS, 0), bare_k_means(points)):
        raise RuntimeError("the two k-means differ")
    kinds = {
        "ours": lambda: process_seconds_of(lambda: k_means(points, CLUSTERS, ITERATIONS, 0)),
        "faiss": lambda: process_seconds_of(lambda: bare_k_means(points)),
    }
    values = take_turns(kinds, rounds)
    ours, theirs = median_of(values, "ours"), median_of(values, "faiss")
    name = f"k-means of {POINTS:,} points, {CLUSTERS} clusters"
    figures = [Figure(name, "s", ours, theirs, median_ratio(values, "ours", "faiss"), at_most=GOAL)]
    shares = shares_of_run()
    figures += [Figure(f"{part}, share of the run", "%", share, None, share) for part, share in shares.items()]
    title = f"an epoch of DeepCluster, {SAMPLES:,} samples at 32 px"
    peer = "faiss.Kmeans and a search"
    return Measurement(title, peer, "process", tuple(figures), {"k-means": values, "shares": shares})


def bare_k_means(points: Features) -> Assignments:
    """Return the clusters that faiss finds."""
    trainer = faiss.Kmeans(
        DIMENSIONS, CLUSTERS, niter=ITERATIONS, seed=0, min_points_per_centroid=1, max_points_per_centroid=POINTS
    )
    trainer.train(points)
    found: Assignments = trainer.index.search(points, 1)[1][:, 0]
    return found


def shares_of_run() -> dict[str, float]:
    """Return the percentage of a run's wall time that each part and the training took."""
    with tempfile.TemporaryDirectory() as folder:
        words = [
            "config=pretrain/monoimage/deepcluster_convnet4",
            "config.DATA.TRAIN.DATA_PATHS=[china]",
            f"config.MONOIMAGE.SOURCE.NUM_SAMPLES={SAMPLES}",
            f"config.OPTIMIZER.num_epochs={EPOCHS}",
            "config.TEST_MODEL=false",
            f"config.CHECKPOINT.DIR={folder}",
        ]
        command = [sys.executable, "-m", "vissl_monoimage", "run", *words]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
        lines = [json.loads(line) for line in Path(folder, "clusters.jsonl").read_text().splitlines()]
        total = json.loads(Path(folder, "ledger.jsonl").read_text().splitlines()[-1])["wall_s"]
    shares = {part: 100 * sum(line[f"seconds_{part}"] for line in lines) / total for part in PARTS}
    return {**shares, "training and the rest": 100 - sum(shares.values())}
