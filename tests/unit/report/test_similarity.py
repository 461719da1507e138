"""Similarity of layers to those of a reference: which networks, which pairs, and what the page shows."""

from __future__ import annotations

import copy
import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pages import page_of

from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.data.photo_patches import PatchesConfig, PhotoPatches
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.ledger.row_parts import Weights
from vissl_monoimage.models.trunks.registry import build_trunk
from vissl_monoimage.report.similarity import features as layer_features
from vissl_monoimage.report.similarity.cka import linear_cka
from vissl_monoimage.report.similarity.compare import Similarity, compare_layers
from vissl_monoimage.report.similarity.features import LayerReader
from vissl_monoimage.report.similarity.pairing import group_networks
from vissl_monoimage.report.similarity.section import similarity_block
from vissl_monoimage.report.tables.join import ProbedTrunk, join_probes

MakeRow = Callable[..., Row]
Trained = Callable[..., list[Row]]
LAYERS = ["conv1", "conv2", "conv3", "conv4"]
PHOTO = [{"name": "me.jpg", "path": "me.jpg", "sha256": "s"}]
HEADING = "Similarity to networks pretrained on many images"
NO_ROWS: list[Row] = []


def trunk_of(seed: int) -> torch.nn.Module:
    torch.manual_seed(seed)
    trunk = build_trunk("convnet4")
    for name, value in trunk.state_dict().items():
        if "running_var" in name:
            value.uniform_(0.5, 1.5)
    return trunk.eval()


def saved(path: Path, seed: int) -> str:
    state = {"trunk": trunk_of(seed).state_dict(), "heads": {}}
    torch.save({"classy_state_dict": {"base_model": {"model": state}}}, path)
    return str(path)


@pytest.fixture
def trained(a_row: MakeRow, tmp_path: Path) -> Trained:
    """`trained(method, images, {seed: seed of the weights})`: pretrainings, and probes that read their checkpoints."""

    def make(method: str, images: list[dict[str, Any]], weights: dict[int, int], name: str = "x") -> list[Row]:
        rows = []
        for seed, of_weights in weights.items():
            run = f"{method}-{len(images)}-{name}-{seed}"
            file = saved(tmp_path / f"{run}.torch", of_weights)
            of_probe = {"trunk": "convnet4", "seed": seed, "accuracies": {layer: {"top_1": 50.0} for layer in LAYERS}}
            if method == "random":
                rows.append(a_row(run_id=run, checkpoint_out=file, **of_probe))
                continue
            rows += [
                a_row(
                    run_id=run,
                    kind="pretrain",
                    method=method,
                    trunk="convnet4",
                    dataset="cifar10",
                    images=images,
                    seed=seed,
                    group_hash=f"{method}{len(images)}{name}",
                    checkpoint_out_sha256=run,
                    accuracies={},
                ),
                a_row(run_id=f"{run}-p", weights=Weights(file, run), **of_probe),
            ]
        return rows

    return make


@pytest.fixture(scope="module")
def reader() -> LayerReader:
    return LayerReader("convnet4")


@pytest.fixture
def quick(reader: LayerReader, monkeypatch: pytest.MonkeyPatch) -> LayerReader:
    """Use one reader with 24 images in all comparisons of the test."""
    few = copy.copy(reader)
    few.images = reader.images[:24]
    monkeypatch.setattr(layer_features, "LayerReader", lambda trunk: few)
    return few


def compared(rows: list[Row]) -> tuple[list[Similarity], list[str]]:
    missing: list[str] = []
    return compare_layers(join_probes(rows), missing), missing


def test_features_equal_those_of_the_probe(reader: LayerReader, tmp_path: Path) -> None:
    source = PhotoPatches(PatchesConfig(), train=False)
    images = [np.asarray(source[index].resize((32, 32), 2), np.float32) for index in range(240)]
    stacked = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).div(255).sub(0.5).div(0.19)
    torch.testing.assert_close(reader.images, stacked)
    found = reader.features(saved(tmp_path / "a.torch", 3))
    with torch.no_grad():
        maps = trunk_of(3)(stacked, LAYERS)
    for layer, one, side in zip(LAYERS, maps, (6, 6, 4, 3), strict=True):
        expected = torch.nn.functional.adaptive_max_pool2d(one, side).flatten(1)
        torch.testing.assert_close(torch.from_numpy(found[layer]), expected, rtol=1e-3, atol=1e-3)


def test_images_are_prepared_as_the_probes_yaml_says() -> None:
    composed = compose_config(["config=benchmark/monoimage/linear_photo_patches"]).config
    assert composed.MONOIMAGE.PROTOCOL == layer_features.PROTOCOL
    assert dataclasses.asdict(PatchesConfig()) == composed.MONOIMAGE.PATCHES
    assert composed.DATA.TEST.TRANSFORMS == [
        {"name": "Resize", "size": "trunk"},
        {"name": "ToTensor"},
        {"name": "Normalize", "mean": [layer_features.MEAN] * 3, "std": [layer_features.STD] * 3},
    ]


def test_another_architecture_and_an_unknown_one_are_refused(reader: LayerReader, tmp_path: Path) -> None:
    torch.save({"state_dict": {"weight": torch.ones(2)}}, tmp_path / "b.torch")
    with pytest.raises(MonoImageError, match="another architecture than trunk 'convnet4'"):
        reader.features(str(tmp_path / "b.torch"))
    with pytest.raises(MonoImageError, match="did you mean 'convnet4'"):
        LayerReader("convnet")


def test_networks_of_one_seed_are_paired(trained: Trained, quick: LayerReader) -> None:
    rows = trained("rotnet", PHOTO, {1: 11, 0: 10}) + trained("rotnet", [], {1: 21, 0: 20, 2: 22})
    rows += trained("random", [], {7: 30})
    files = {row.weights.sha256: quick.features(row.weights.path) for row in rows if row.weights.path}
    (one,), missing = compared(rows)
    assert missing == []
    assert (one.reference, one.images, one.layers) == ("rotnet on cifar10", 24, tuple(LAYERS))
    random, full, photo = one.lines
    assert (random.name, random.pairs) == ("random weights", "n=1 (different seeds)")
    assert (full.name, full.pairs) == ("rotnet on cifar10, another seed", "n=3 (different seeds)")
    assert (photo.name, photo.pairs) == ("rotnet on me.jpg (1 image)", "n=2 (seeds 0 1)")
    for layer in LAYERS:
        values = [linear_cka(files[f"rotnet-1-x-{seed}"][layer], files[f"rotnet-0-x-{seed}"][layer]) for seed in (0, 1)]
        assert photo.cells[layer].mean == pytest.approx(np.mean(values), abs=1e-6)
        assert photo.cells[layer].half_width == pytest.approx(12.706 * abs(values[0] - values[1]) / 2, rel=1e-3)
        assert full.cells[layer].half_width is None
        assert 0 < random.cells[layer].mean < 1


@pytest.mark.usefixtures("quick")
def test_equal_weights_have_similarity_1_in_every_layer(trained: Trained) -> None:
    (one,), _ = compared(trained("rotnet", PHOTO, {0: 5}) + trained("rotnet", [], {0: 5}))
    assert [line.pairs for line in one.lines] == ["n=1 (seed 0)"]
    assert [line.cells["conv3"].mean for line in one.lines] == pytest.approx([1])


@pytest.mark.usefixtures("quick")
def test_the_reference_of_a_method_is_pretrained_on_the_most_images(trained: Trained) -> None:
    rows = trained("rotnet", PHOTO * 10, {0: 1}) + trained("rotnet", [], {0: 2}) + trained("bigan", PHOTO * 10, {0: 3})
    rows += trained("mono", PHOTO, {0: 4})
    assert [one.reference for one in compared(rows)[0]] == ["bigan on 10 images", "rotnet on cifar10"]
    assert [one.reference for one in compared(rows[2:])[0]] == ["bigan on 10 images", "rotnet on cifar10"]


def test_the_page_shows_the_comparison_with_a_text_alternative(trained: Trained) -> None:
    page = page_of(trained("rotnet", PHOTO, {0: 5}) + trained("rotnet", [], {0: 5}) + trained("random", [], {0: 6}))
    assert page.count(HEADING) == 1
    assert "CKA with rotnet on cifar10: convnet4" in page
    assert "rotnet on me.jpg (1 image): conv1 1.00, conv2 1.00, conv3 1.00, conv4 1.00" in page
    assert re.search(r'alt="Line plot of the CKA [^"]+random weights: conv1 0\.\d\d', page)
    assert "n = 240 test images of photo_patches" in page
    assert "Not compared" not in page


def test_without_a_pair_there_is_no_comparison(trained: Trained) -> None:
    few, full, random = (
        trained("rotnet", PHOTO, {0: 5}),
        trained("rotnet", [], {0: 5, 1: 6}),
        trained("random", [], {0: 7}),
    )
    for rows in (few + random, full, random, NO_ROWS):
        assert compared(rows) == ([], [])
    assert HEADING not in page_of(few + random)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("how", ["gone", "torn"])
def test_a_missing_or_damaged_reference_is_named_once_and_not_replaced(trained: Trained, how: str) -> None:
    rows = trained("rotnet", PHOTO, {0: 5}) + trained("rotnet", PHOTO * 10, {0: 7}) + trained("rotnet", [], {0: 6})
    file = Path(rows[-1].weights.path or "")
    file.unlink() if how == "gone" else file.write_bytes(b"torn")
    comparisons, missing = compared(rows)
    assert comparisons == []
    assert len(missing) == 1
    assert missing[0].startswith("Not compared layer by layer: ")
    assert ("convnet4 of rotnet on cifar10" if how == "gone" else file.name) in missing[0]


@pytest.mark.usefixtures("quick")
def test_a_dead_layer_is_a_dash(trained: Trained) -> None:
    rows = trained("rotnet", PHOTO, {0: 5, 1: 7}) + trained("rotnet", [], {0: 6, 1: 8})
    file = Path(rows[1].weights.path or "")
    state = torch.load(file, weights_only=True)
    state["classy_state_dict"]["base_model"]["model"]["trunk"]["_feature_blocks.6.1.weight"].zero_()
    state["classy_state_dict"]["base_model"]["model"]["trunk"]["_feature_blocks.6.1.bias"].fill_(-1)
    torch.save(state, file)
    shown = similarity_block(compared(rows)[0][0])
    (photo,) = [row for row in shown.table.rows if row[0].startswith("rotnet on me.jpg")]
    assert "±" in photo[3]
    assert photo[4] == "-"
    assert "conv4 -" in shown.figure.alt


def test_fixed_features_and_checkpoints_of_unknown_origin_are_left_out(
    trained: Trained, a_row: MakeRow, tmp_path: Path
) -> None:
    foreign = a_row(weights=Weights(saved(tmp_path / "f.torch", 8), "f"), trunk="convnet4")
    hog = a_row(method="HOG", trunk="convnet4", checkpoint_out=foreign.weights.path)
    full = join_probes(trained("rotnet", [], {0: 6}))
    assert compare_layers([*full, ProbedTrunk(foreign, None), ProbedTrunk(hog, None)], []) == []


@pytest.mark.parametrize(("protocol", "there"), [("cifar-v1", True), ("freeze-v1", True), ("finetune-v1", False)])
def test_a_network_trained_on_labels_does_not_count_as_random_weights(
    trained: Trained, protocol: str, there: bool
) -> None:
    (row,) = trained("random", [], {0: 1})
    (random,) = group_networks(join_probes([dataclasses.replace(row, protocol=protocol)]))
    assert bool(random.files) is there
