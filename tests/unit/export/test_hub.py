"""Hugging Face's three methods on a local folder, which is the folder of `monoimage export`."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from vissl_monoimage import PretrainedTrunk, load_trunk
from vissl_monoimage.cli.main import main
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.export import hub

from .conftest import run_example


def test_from_pretrained_opens_an_exported_folder_and_save_pretrained_writes_one(
    checkpoint: Path, tmp_path: Path
) -> None:
    first, again, images = tmp_path / "exported", tmp_path / "again", torch.randn(2, 3, 32, 32)
    assert main(["export", str(checkpoint), "-o", str(first), "--results", str(checkpoint.parents[1])]) == 0
    trunk = PretrainedTrunk.from_pretrained(first)
    trunk.save_pretrained(again)
    for file in ("README.md", "config.json", "model.safetensors"):
        assert (again / file).read_bytes() == (first / file).read_bytes(), file
    features, wanted = PretrainedTrunk.from_pretrained(str(again))(images), load_trunk(checkpoint)(images)
    assert list(features) == list(wanted)
    assert all(torch.equal(features[layer], wanted[layer]) for layer in wanted)


def test_changed_weights_are_said_to_be_changed(checkpoint: Path, tmp_path: Path) -> None:
    trunk = load_trunk(checkpoint)
    with torch.no_grad():
        next(trunk.parameters()).add_(1)
    trunk.save_pretrained(tmp_path / "tuned")
    assert "Its weights were changed after they were loaded" in (tmp_path / "tuned" / "README.md").read_text()
    assert torch.equal(next(load_trunk(tmp_path / "tuned").parameters()), next(trunk.parameters()))


def test_a_card_that_was_written_by_hand_stays(checkpoint: Path, tmp_path: Path) -> None:
    trunk, folder = load_trunk(checkpoint), tmp_path / "mine"
    trunk.save_pretrained(folder)
    (folder / "README.md").write_text("mine")
    trunk.save_pretrained(folder)
    assert (folder / "README.md").read_text() == "mine"


@pytest.mark.parametrize("method", ["from_pretrained", "save_pretrained", "push_to_hub"])
def test_without_the_package_each_method_is_one_sentence(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)  # its import fails
    mixin = runpy.run_path(str(hub.__file__))["HubMixin"]
    with pytest.raises(MonoImageError, match=rf"^{method} needs the package huggingface_hub: pip install"):
        getattr(mixin(), method)("folder")


def test_the_examples_of_the_documentation_run(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The photo and the checkpoint are where the page's first command leaves them."""
    monkeypatch.chdir(tmp_path)
    Image.new("L", (60, 40), 99).save("me.jpg")
    checkpoint.parent.rename(checkpoint.parents[1] / "rotnet")
    run_example("A trunk as a plain module")
    assert capsys.readouterr().out.splitlines()[-1] == "pool4 (1, 256, 2, 2)"
    assert main(["export", "runs/rotnet/checkpoint.torch", "-o", "rotnet", "--results", "runs"]) == 0
    assert run_example("The Hugging Face hub")["trunk"].trunk == "convnet4"
    assert load_trunk("copy").input_size == 32
