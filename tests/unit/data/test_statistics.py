"""The card's measures on images whose numbers are known beforehand, and which of them go with accuracy."""

from __future__ import annotations

import csv
import dataclasses
import math
import runpy
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.stats
from PIL import Image

from vissl_monoimage.cli.main import main
from vissl_monoimage.data.photos import synthetic
from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.data.photos.decode import Pixels, load_photo
from vissl_monoimage.data.photos.find import find_photos
from vissl_monoimage.data.statistics import crops, pixels
from vissl_monoimage.data.statistics.measures import MEASURES, Card, measure, save_csv
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.ledger.row_parts import Weights

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
WHICH = SimpleNamespace(**runpy.run_path(str(BENCHMARKS / "which_photo.py"), run_name="m"))
PHOTOS = SimpleNamespace(**runpy.run_path(str(BENCHMARKS / "photo_set.py"), run_name="m"))


def stripes(width: int) -> Pixels:
    """Black and white, upright, `width` px each; 256 px square."""
    row = (np.arange(256) // width % 2 * 255).astype(np.uint8)
    return np.broadcast_to(row[None, :, None], (256, 256, 3)).copy()


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0])
def test_the_slope_is_that_of_the_noise_it_was_made_with(exponent: float) -> None:
    slopes = [pixels.spectrum_slope(synthetic.pink_noise(256, seed, exponent)) for seed in range(4)]
    assert np.allclose(slopes, -exponent, atol=0.2)
    assert np.mean(slopes) == pytest.approx(-exponent, abs=0.1)


def test_a_flat_image_has_nothing(tmp_path: Path) -> None:
    Image.fromarray(synthetic.flat(300, 1)).save(tmp_path / "flat.png")
    card = measure(load_photo(tmp_path / "flat.png"))
    numbers = {name: getattr(card, name) for name in MEASURES}
    assert numbers.pop("rotation_accuracy") == pytest.approx(25, abs=0.5)
    assert np.allclose(list(numbers.values()), 0, atol=1e-9), numbers


@pytest.mark.parametrize("width", [4, 8, 32])
def test_both_sides_of_a_step_are_edges(width: int) -> None:
    steps = 256 // width - 1
    assert pixels.edge_density(stripes(width)) == 2 * steps / 256
    assert pixels.edge_density(stripes(width).swapaxes(0, 1).copy()) == 2 * steps / 256


def test_the_threshold_of_an_edge_is_grey_levels_a_pixel() -> None:
    ramp = np.arange(15, dtype=np.uint8)
    for step, share in ((15, 0.0), (17, 13 / 15)):  # at the border the difference is halved
        ramp_rgb = np.broadcast_to((ramp * step)[None, :, None], (15, 15, 3)).copy()
        assert pixels.edge_density(ramp_rgb) == pytest.approx(share)


def test_entropies_of_known_mixtures() -> None:
    assert pixels.colour_entropy(stripes(8)) == pytest.approx(1)
    assert pixels.patch_entropy(stripes(8)) == pytest.approx(1)  # each 16 px tile holds a stripe of both
    assert pixels.patch_entropy(stripes(16)) == 0
    quarter = stripes(8)
    quarter[:, :192] = 0  # 1/8 white
    share = 1 / 8
    bits = -share * math.log2(share) - (1 - share) * math.log2(1 - share)
    assert pixels.colour_entropy(quarter) == pytest.approx(bits)


def test_crops_of_a_photo_differ_more_than_those_of_stripes() -> None:
    flat, striped, coffee = (
        crops.crop_distinctness(photo)
        for photo in (
            synthetic.flat(256, 0),
            stripes(8),
            pixels.at_working_size(load_photo(CATALOG["coffee"].path).pixels),
        )
    )
    assert flat == 0 < striped < 0.6 * coffee


def test_rotations_can_be_predicted_where_there_is_an_up() -> None:
    shade = np.broadcast_to(np.linspace(0, 255, 256).astype(np.uint8)[:, None, None], (256, 256, 3)).copy()
    assert crops.rotation_accuracy(shade) > 95
    assert crops.rotation_accuracy(synthetic.white_noise(256, 0)) < 35


def test_a_photo_at_twice_the_size_has_the_same_numbers() -> None:
    photo = synthetic.dead_leaves(256, 0)
    twice = photo.repeat(2, axis=0).repeat(2, axis=1)
    assert np.array_equal(pixels.at_working_size(twice), photo)


@pytest.mark.parametrize("name", synthetic.SYNTHETIC)
def test_synthetic_photos_depend_on_size_and_seed_alone(name: str) -> None:
    make = synthetic.SYNTHETIC[name]
    photo = make(64, 1)
    assert photo.shape == (64, 64, 3)
    assert photo.dtype == np.uint8
    assert np.array_equal(photo, make(64, 1))
    assert not np.array_equal(photo, make(64, 2))


def test_the_photo_set_is_large_enough_and_readable(tmp_path: Path) -> None:
    paths = find_photos(PHOTOS.write_photos(tmp_path / "new", 64))
    assert len(paths) == 21
    assert len({load_photo(path).sha256 for path in paths}) == 21


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["card", "coffee", "-o", str(tmp_path / "a/b")]) == 0
    assert "coffee  600x400" in capsys.readouterr().out
    (row,) = csv.DictReader((tmp_path / "a/b/card.csv").open())
    photo = load_photo(CATALOG["coffee"].path)
    assert row["sha256"] == photo.sha256
    assert float(row["edge_density"]) == pytest.approx(measure(photo).edge_density, rel=1e-5)
    assert Image.open(tmp_path / "a/b/card.png").width > 600
    (tmp_path / "broken.png").write_bytes(b"no photo")
    assert main(["card", str(tmp_path / "broken.png")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def _runs(a_row: Callable[..., Row], photo: str, seed: int, top_1: float, **changes: object) -> list[Row]:
    made = f"{photo}-{seed}"
    pretrain: dict[str, object] = {"kind": "pretrain", "images": [{"name": photo, "sha256": photo}], "method": "rotnet"}
    pretrain |= {"run_id": made, "checkpoint_out_sha256": made, "recipe": {"seed": seed}}
    scores = {"conv1": {"top_1": top_1}, "conv2": {"top_1": 50.0}}
    probe = a_row(run_id=f"p{made}", weights=Weights("/x/y", made), accuracies=scores)
    return [a_row(**(pretrain | changes)), probe]


def test_correlations_are_scipys_over_means_of_seeds(a_row: Callable[..., Row], tmp_path: Path) -> None:
    values, learned = [0.1, 0.5, 0.2, 0.4, 0.3, 0.6], [30.0, 41.0, 35.0, 33.0, 36.0, 39.0]
    blank = Card("x", "", 1, 1, 0.0, 0.0, 0.0, 0.0, 0.0, 25.0)
    cards = [dataclasses.replace(blank, sha256=f"s{n}", edge_density=value) for n, value in enumerate(values)]
    save_csv(cards, tmp_path / "card.csv")
    rows = [
        row
        for number, top_1 in enumerate(learned)
        for seed, off in ((0, -20.0), (1, 20.0))
        for row in _runs(a_row, f"s{number}", seed, top_1 + off * (number % 2))
    ]
    found = WHICH.correlate(WHICH.read_cards(tmp_path / "card.csv"), WHICH.accuracies(rows))
    assert len(found) == len(MEASURES) * 2
    first, second = found[:2]
    assert (first.measure, first.layer, first.n) == ("edge_density", "conv1", 6)
    assert first.rho == pytest.approx(scipy.stats.spearmanr(values, learned).statistic)
    assert first.p == pytest.approx(_exact_p(values, learned), abs=1e-9)
    assert second.rho is None  # all photos alike on conv2
    assert WHICH.note(found).startswith("1 comparisons")


def _exact_p(x: list[float], y: list[float]) -> float:
    """Two-sided: twice the smaller tail over all 720 orders."""
    seen = scipy.stats.spearmanr(x, y).statistic
    ranks = scipy.stats.rankdata(y)
    all_ = np.array([np.corrcoef(scipy.stats.rankdata(order), ranks)[0, 1] for order in permutations(x)])
    return 2 * min(np.mean(all_ >= seen - 1e-9), np.mean(all_ <= seen + 1e-9))


def test_too_few_photos_and_mixed_runs_are_refused(a_row: Callable[..., Row]) -> None:
    cards = {f"s{number}": dict.fromkeys(MEASURES, float(number)) for number in range(9)}
    four = [row for number in range(4) for row in _runs(a_row, f"s{number}", 0, 30.0 + number)]
    with pytest.raises(MonoImageError, match=r"4 photos .* at least 5"):
        WHICH.correlate(cards, WHICH.accuracies(four))
    with pytest.raises(MonoImageError, match="rotnet / simclr"):
        WHICH.accuracies([*four, *_runs(a_row, "s5", 0, 40.0, method="simclr")])
