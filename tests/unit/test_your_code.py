"""The examples of docs/your_code.md with a photo in PyTorch's and lightly's loops, and with a file of features, run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from vissl_monoimage.export.feature_file import Labelled, write_features

PAGE = Path(__file__).parents[2] / "docs" / "your_code.md"
SMALLER = {"samples=50_000": "samples=8", "batch_size=256": "batch_size=4", "range(10)": "range(2)"}


def run_example(heading: str, smaller_sizes: dict[str, str] = SMALLER) -> dict[str, Any]:
    """Run the Python block below a heading with fewer and smaller batches, and return its variables."""
    pattern = rf"^##+ {heading}\n[^#]*?```python\n(.*?)```"
    (block,) = re.findall(pattern, PAGE.read_text(), flags=re.DOTALL | re.MULTILINE)
    for size, smaller in smaller_sizes.items():
        assert block.count(size) == 1, size
        block = block.replace(size, smaller)
    variables: dict[str, Any] = {"__name__": heading}
    torch.manual_seed(0)
    exec(compile(block, PAGE.name, "exec"), variables)
    return variables


def test_pytorchs_loop_with_transforms_of_torchvision() -> None:
    made = run_example("PyTorch and torchvision")
    assert (made["images"].shape, made["images"].dtype) == ((4, 3, 64, 64), torch.float32)
    assert made["labels"].tolist() == [0] * 4
    crops = []
    for set_epoch in (lambda _: None, made["dataset"].set_epoch):  # the loop has left the epoch at 1
        set_epoch(0)
        torch.manual_seed(0)
        crops.append(made["dataset"][1][0])
    assert not torch.equal(*crops)


def test_lightlys_simclr_trains_on_the_photo(capsys: pytest.CaptureFixture[str]) -> None:
    made = run_example("lightly")
    losses = [float(loss) for loss in re.findall(r"epoch \d: loss (\S+)", capsys.readouterr().out)]
    assert len(losses) == 2
    assert all(0 < loss < 10 for loss in losses)
    first, second = made["first"], made["second"]
    assert first.shape == second.shape == (4, 3, 64, 64)
    assert not torch.equal(first, second)
    gradients: list[Tensor] = [weights.grad for weights in made["model"].parameters()]
    assert all(gradient.abs().sum() > 0 for gradient in gradients)
    (views, label, name) = made["dataset"][3]
    assert ([view.shape for view in views], label, name) == ([(3, 64, 64)] * 2, 0, "3")


def test_a_classifier_on_a_file_of_features(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    labels = np.array([0, 0, 1, 1])
    features = {"conv3": np.float32([[0, 0], [0, 1], [9, 0], [9, 1]])}
    write_features(Path("train.npz"), features, Labelled(labels, ["cat", "dog"], list("abcd"), {}))
    run_example("Features of labelled images", {})
    assert capsys.readouterr().out == "['cat' 'dog'] 1.0\n"
