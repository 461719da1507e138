"""Nearest neighbours compared with scikit-learn's and with VISSL's tool."""

from __future__ import annotations

import vissl_monoimage  # noqa: F401  # mends VISSL before it is imported

# isort: split
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier
from vissl.config import AttrDict
from vissl.models.heads import get_model_head

from vissl_monoimage.probe import knn

CLASSES, SHAPE = 4, (5, 2, 3)


def settings(count: int, temperature: float = 0.1) -> AttrDict:
    return AttrDict({"NEAREST_NEIGHBOR": {"TOPK": count, "SIGMA": temperature, "L2_NORM_FEATS": True}})


def images(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return features (count, 5, 2, 3) of very different lengths around one centre per class, and their labels."""
    draw = torch.Generator().manual_seed(seed)
    labels = torch.randint(CLASSES, (count,), generator=draw)
    centres = torch.randn(CLASSES, *SHAPE, generator=torch.Generator().manual_seed(99))
    features = centres[labels] + 3 * torch.randn(count, *SHAPE, generator=draw)
    return features * torch.rand(count, 1, 1, 1, generator=draw).mul(4).exp(), labels


def fitted(features: torch.Tensor, labels: torch.Tensor, config: AttrDict) -> torch.nn.Module:
    head = get_model_head("knn")(AttrDict({}), shape=SHAPE, num_classes=CLASSES)
    head.fit(features.flatten(1), labels, config)
    return head


@pytest.mark.parametrize(("rows", "count"), [(4096, 20), (64, 20), (16, 20), (64, 300), (7, 1)])
def test_votes_equal_scikit_learns(monkeypatch: pytest.MonkeyPatch, rows: int, count: int) -> None:
    """Blocks may be larger or smaller than the data and than the number of neighbours, which may be all images."""
    monkeypatch.setattr(knn, "ROWS", rows)
    (train, labels), (test, _) = images(300, 0), images(50, 1)
    theirs = KNeighborsClassifier(
        count, metric="cosine", algorithm="brute", weights=lambda distances: np.exp((1 - distances) / 0.1)
    ).fit(train.flatten(1).double(), labels)
    shares = fitted(train, labels, settings(count))(test).double().softmax(1)
    np.testing.assert_allclose(shares, theirs.predict_proba(test.flatten(1).double()), atol=1e-5)


def test_a_layer_inside_wider_rows_is_read_without_a_copy() -> None:
    (train, labels), (test, _) = images(60, 0), images(20, 1)
    wide = torch.cat([torch.ones(60, 8), train.flatten(1), torch.ones(60, 3)], 1)
    head = fitted(wide[:, 8:38].unflatten(1, SHAPE), labels, settings(10))
    assert head.features.data_ptr() == wide[:, 8:].data_ptr()
    torch.testing.assert_close(head(test), fitted(train, labels, settings(10))(test))


def test_similarities_stay_in_float32_under_the_trunks_bfloat16() -> None:
    (train, labels), (test, _) = images(60, 0), images(20, 1)
    head = fitted(train, labels, settings(10))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(head(test), head(test.float()))
        inside = head(test)
    assert torch.equal(inside, head(test))


def test_the_accuracy_equals_that_of_vissls_tool(tmp_path: Path) -> None:
    from tools.nearest_neighbor_test import nearest_neighbor_test

    (train, labels), (test, truth) = images(300, 0), images(200, 1)
    for split, features, targets in (("train", train, labels), ("test", test, truth)):
        stem = f"{tmp_path}/rank0_chunk0_{split}_heads"
        np.save(f"{stem}_features.npy", features.flatten(1).numpy())
        np.save(f"{stem}_targets.npy", targets[:, None].numpy())
        np.save(f"{stem}_inds.npy", np.arange(len(targets)))
    config = settings(40)
    config.update(
        AttrDict({"MACHINE": {"DEVICE": "cpu"}, "CHECKPOINT": {"DIR": str(tmp_path)}, "DISTRIBUTED": {"NUM_NODES": 1}})
    )
    theirs, _ = nearest_neighbor_test(config)
    ours = (fitted(train, labels, settings(40))(test).argmax(1) == truth).double().mean().item()
    assert 100 * ours == pytest.approx(theirs)
    assert 40 < theirs < 95
