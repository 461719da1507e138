"""Which photo is good? Rank correlation of the measures of photos with the accuracies that they lead to, per layer.

    python benchmarks/photo_set.py photos
    monoimage card photos/photos.txt PHOTO -o cards
    monoimage reproduce sources --photo PHOTO --data cifar10=FOLDER --out OUT
    python benchmarks/which_photo.py cards/card.csv OUT/results/sources.jsonl [-o which_photo.csv]

A ledger is a file or a folder. Photos without a line in card.csv are left out. Only trunks trained on exactly one
photo count. The accuracies of several seeds of a photo are averaged, so that n is the number of photos. Ledgers that
mix methods, trunks, recipes (but for seeds), protocols or data sets are refused: such differences would look like
differences between photos.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import statistics
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy.stats import permutation_test, spearmanr

from vissl_monoimage.data.statistics.measures import MEASURES
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.io import read
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.report.tables.join import join_probes
from vissl_monoimage.utils.atomic_write import replace_text

FEWEST = 5
RESAMPLES = 9_999


@dataclass(frozen=True)
class Correlation:
    """Spearman's rho of a measure with the accuracy of a layer over n photos.

    Attributes:
        measure: name in MEASURES.
        layer: name of the layer.
        n: number of photos.
        rho: the correlation; None where the measure or the accuracy is equal for all photos.
        p: two-sided p value by permutation; None where rho is.
    """

    measure: str
    layer: str
    n: int
    rho: float | None
    p: float | None


def read_cards(path: Path) -> dict[str, dict[str, float]]:
    """Return {sha256 of a photo: its measures} from the file that `monoimage card -o` writes.

    Raises:
        MonoImageError: the file cannot be read, or is another.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return {row["sha256"]: {name: float(row[name]) for name in MEASURES} for row in csv.DictReader(file)}
    except OSError as error:
        raise MonoImageError(f"cannot read the cards {path}: {error.strerror}") from None
    except (KeyError, ValueError, TypeError) as error:
        raise MonoImageError(f"{path} is not a card.csv of `monoimage card -o`: {error}") from None


def accuracies(rows: Iterable[Row]) -> dict[str, dict[str, float]]:
    """Return {sha256 of a photo: {layer: top-1 in percent}}, means over the trunks and probes of a photo.

    Raises:
        MonoImageError: the runs differ in more than photo and seeds.
    """
    found: dict[str, dict[str, list[float]]] = {}
    kinds: dict[tuple[str, ...], None] = {}
    for item in join_probes(rows):
        if item.pretrain is None or len(item.pretrain.images) != 1:
            continue
        probe, pretrain = item.probe, item.pretrain
        recipe = json.dumps({key: value for key, value in pretrain.recipe.items() if key != "seed"}, sort_keys=True)
        changes = "; ".join(probe.protocol_changes)
        steps = f"{pretrain.iterations} steps"
        kinds[(pretrain.method, pretrain.trunk, steps, recipe, probe.protocol or "", changes, probe.dataset)] = None
        layers = found.setdefault(pretrain.images[0]["sha256"], {})
        for layer, scores in probe.accuracies.items():
            layers.setdefault(layer, []).append(scores["top_1"])
    if len(kinds) > 1:
        apart = [" / ".join(dict.fromkeys(part)) for part in zip(*kinds, strict=True) if len(set(part)) > 1]
        raise MonoImageError(f"the runs differ in more than the photo: {'; '.join(apart)}: give ledgers of one kind")
    return {photo: {layer: statistics.fmean(all_) for layer, all_ in layers.items()} for photo, layers in found.items()}


def correlate(cards: dict[str, dict[str, float]], learned: dict[str, dict[str, float]]) -> list[Correlation]:
    """Return the correlation of every measure with every layer that was probed for all photos with a card.

    Raises:
        MonoImageError: fewer than FEWEST photos have both a card and an accuracy.
    """
    photos = sorted(cards.keys() & learned.keys())
    if len(photos) < FEWEST:
        raise MonoImageError(
            f"{len(photos)} photos have a card and a probed trunk: a rank correlation needs at least {FEWEST}"
        )
    layers = [layer for layer in learned[photos[0]] if all(layer in learned[photo] for photo in photos)]
    return [
        _correlation(measure, layer, [(cards[photo][measure], learned[photo][layer]) for photo in photos])
        for measure in MEASURES
        for layer in layers
    ]


def _correlation(measure: str, layer: str, pairs: list[tuple[float, float]]) -> Correlation:
    x, y = np.array(pairs).T
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return Correlation(measure, layer, len(pairs), None, None)
    tested = permutation_test(
        (x,),
        lambda shuffled: spearmanr(shuffled, y).statistic,
        permutation_type="pairings",
        n_resamples=RESAMPLES,
        rng=np.random.default_rng(0),
    )
    return Correlation(measure, layer, len(pairs), float(tested.statistic), float(tested.pvalue))


def as_csv(found: list[Correlation]) -> str:
    """Return a line for each measure and layer."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(asdict(found[0])), lineterminator="\n")
    writer.writeheader()
    for correlation in found:
        writer.writerow({key: f"{v:.4g}" if isinstance(v, float) else v for key, v in asdict(correlation).items()})
    return text.getvalue()


def note(found: list[Correlation]) -> str:
    """Return how many comparisons were made, and what chance alone would give."""
    tested = sum(correlation.p is not None for correlation in found)
    return (
        f"{tested} comparisons: chance alone gives about {0.05 * tested:.1f} with p < 0.05; "
        f"for all of them together (Bonferroni) p must be below {0.05 / max(tested, 1):.2g}."
    )


def main() -> int:
    """Read cards and ledgers, and print and write the correlations."""
    parser = argparse.ArgumentParser(
        description="rank correlation of the measures of photos with the accuracies that they lead to"
    )
    parser.add_argument("cards", type=Path)
    parser.add_argument("ledgers", type=Path, nargs="+", metavar="LEDGER")
    parser.add_argument("-o", "--output", type=Path, help="a CSV file")
    arguments = parser.parse_args()
    try:
        found = correlate(read_cards(arguments.cards), accuracies(read(arguments.ledgers)))
        if not found:
            raise MonoImageError("no layer was probed for all photos: probe the same layers of each")
        print(as_csv(found) + note(found))
        if arguments.output:
            replace_text(arguments.output, as_csv(found))
    except MonoImageError as error:
        print(f"which_photo: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
