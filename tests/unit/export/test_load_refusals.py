"""What `load_trunk` and its module refuse, each in one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from vissl_monoimage import load_trunk
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.checkpoint.file import save_trunk
from vissl_monoimage.models.trunks.registry import build_trunk

REFUSED = {
    "no such file": ("nothing.torch", "convnet4", "no checkpoint and no exported folder at"),
    "a run's folder": (".", None, "is the folder of a run: name its checkpoint"),
    "nothing says the trunk": ("checkpoint.torch", None, "does not say what its trunk is"),
    "another trunk": ("checkpoint.torch", "alexnet_wide_32px", "lacks 6 of the 30 tensors of trunk"),
    "one of VISSL's": (
        "checkpoint.torch",
        "vision_transformer",
        "does not open without VISSL: of VISSL's only 'resnet'",
    ),
    "a mistyped trunk": ("checkpoint.torch", "convnet", "did you mean 'convnet4'?"),
    "not a ResNet": ("checkpoint.torch", "resnet", "is a checkpoint of another architecture than trunk 'resnet'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_opened_is_one_sentence(case: str, tmp_path: Path) -> None:
    save_trunk(build_trunk("convnet4"), tmp_path / "checkpoint.torch")
    file, name, sentence = REFUSED[case]
    with pytest.raises(MonoImageError) as raised:
        load_trunk(tmp_path / file, name)
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("layers", "sentence"), [("conv1", "must be a list of names"), ([], "must be a list"), (["conv5"], "unknown layer")]
)
def test_layers_that_are_none_are_refused(layers: Any, sentence: str, tmp_path: Path) -> None:
    save_trunk(build_trunk("convnet4"), tmp_path / "w.torch")
    with pytest.raises(MonoImageError, match=sentence):
        load_trunk(tmp_path / "w.torch", "convnet4", layers=layers)


def test_a_partial_checkpoint_is_refused_with_the_count(tmp_path: Path) -> None:
    state = build_trunk("convnet4").state_dict()
    del state["_feature_blocks.2.0.weight"]
    torch.save({"state_dict": {f"backbone.{name}": value for name, value in state.items()}}, tmp_path / "p.pt")
    with pytest.raises(MonoImageError, match=r"lacks 1 of the 24 tensors of trunk .convnet4.: "):
        load_trunk(tmp_path / "p.pt", "convnet4")


@pytest.mark.parametrize(
    "images", [torch.zeros(3, 32, 32), torch.zeros(1, 3, 32, 32).byte(), torch.zeros(1, 3, 64, 64)]
)
def test_images_of_another_form_are_refused(images: Tensor, tmp_path: Path) -> None:
    save_trunk(build_trunk("convnet4"), tmp_path / "w.torch")
    with pytest.raises(MonoImageError, match=r"takes normalised float images \(N, 3, 32, 32\), not torch"):
        load_trunk(tmp_path / "w.torch", "convnet4")(images)
