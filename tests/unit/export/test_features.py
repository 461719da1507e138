"""`monoimage features` against a computation of its own: Pillow, one image at a time, the trunk's own forward."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from safetensors import safe_open
from torch import Tensor, nn
from torchvision.datasets import ImageFolder

from vissl_monoimage.cli.main import main
from vissl_monoimage.export import pooled_features
from vissl_monoimage.models.checkpoint.file import save_trunk
from vissl_monoimage.models.trunks.registry import build_trunk

MEAN, STD = [0.4, 0.5, 0.6], [0.2, 0.25, 0.3]
SIZES = {
    "cat/b.png": (32, 32),
    "cat/a.png": (40, 61),
    "cat/deep/c.png": (33, 90),
    "dog/1.png": (70, 35),
    "owl/x.png": (35, 32),
}


@pytest.fixture(scope="module")
def trunk() -> nn.Module:
    torch.manual_seed(0)
    network = build_trunk("convnet4").eval()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.uniform_(-0.1, 0.1)
            layer.running_var.uniform_(0.8, 1.2)
    return network


@pytest.fixture
def here(tmp_path: Path, trunk: nn.Module, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with classes of noise, some files beside them, and the folder of a run with its checkpoint."""
    rng = np.random.default_rng(0)
    for name, (width, height) in SIZES.items():
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8)).save(tmp_path / "data" / name)
    (tmp_path / "data" / "dog" / "notes.txt").write_text("none")
    (tmp_path / "run").mkdir()
    save_trunk(trunk, tmp_path / "run" / "checkpoint.torch")
    transforms = [{"name": "ToTensor"}, {"name": "Normalize", "mean": MEAN, "std": STD}]
    config = {"MODEL": {"TRUNK": {"NAME": "convnet4"}}, "DATA": {"TRAIN": {"TRANSFORMS": transforms}}}
    (tmp_path / "run" / "train_config.yaml").write_text(yaml.safe_dump(config))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pooled_features, "BATCH", 2)
    return tmp_path


@torch.no_grad()
def expected(trunk: nn.Module, layers: list[str], paths: list[str]) -> dict[str, Tensor]:
    rows: dict[str, list[Tensor]] = {layer: [] for layer in layers}
    for path in paths:
        with Image.open(path) as file:
            image = file.convert("RGB")
        width, height = (int(32 * side / min(image.size)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BILINEAR)
        left, top = round((width - 32) / 2), round((height - 32) / 2)
        pixels = np.asarray(image.crop((left, top, left + 32, top + 32)), np.float64) / 255
        normalised = torch.from_numpy((pixels - MEAN) / STD).permute(2, 0, 1)[None].float()
        for layer, feature in zip(layers, trunk(normalised, layers), strict=True):
            rows[layer].append(feature.double().sum((2, 3)) / (feature.shape[2] * feature.shape[3]))
    return {layer: torch.cat(parts) for layer, parts in rows.items()}


def test_a_npz_has_the_features_labels_and_names_of_an_image_folder(
    here: Path, trunk: nn.Module, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["features", "run/checkpoint.torch", "data", "-o", "out.npz"]) == 0
    layers, folder = ["conv1", "conv2", "conv3", "conv4"], ImageFolder("data")
    with np.load("out.npz") as made:  # pickle is not allowed by default
        assert [*made] == [*layers, "labels", "classes", "paths", "about"]
        for layer, rows in expected(trunk, layers, [path for path, _ in folder.samples]).items():
            assert made[layer].dtype == np.float32
            np.testing.assert_allclose(made[layer], rows, rtol=1e-4, atol=1e-5)
        assert (made["labels"].dtype, made["labels"].tolist()) == (np.int64, folder.targets)
        assert made["classes"].tolist() == folder.classes == ["cat", "dog", "owl"]
        assert [f"data/{path}" for path in made["paths"]] == [path for path, _ in folder.samples]
        about = json.loads(str(made["about"]))
    assert about["weights_sha256"] == hashlib.sha256((here / "run" / "checkpoint.torch").read_bytes()).hexdigest()
    assert (about["trunk"], about["mean"], about["std"], about["input_size"]) == ("convnet4", MEAN, STD, 32)
    assert about["pooling"] == "mean of each channel over its map"
    said = capsys.readouterr().out
    assert f"normalised by mean {MEAN}, std {STD} (the configuration of the run)" in said
    assert "out.npz: 5 images of 3 classes; mean of each channel over its map: conv1 64, conv2 64, conv3 128" in said


def test_safetensors_have_the_same_of_an_exported_folder_and_layers_can_be_chosen(here: Path) -> None:
    assert main(["features", "run/checkpoint.torch", "data", "-o", "out.npz"]) == 0
    assert main(["export", "run/checkpoint.torch", "-o", "exported"]) == 0
    assert main(["features", "exported", "data", "-o", "out.safetensors", "--layers", "conv3, pool1"]) == 0
    with np.load("out.npz") as all_layers, safe_open("out.safetensors", "np") as made:
        assert sorted(made.keys()) == ["conv3", "labels", "pool1"]
        assert (made.get_tensor("conv3") == all_layers["conv3"]).all()
        assert (made.get_tensor("labels") == all_layers["labels"]).all()
        for key in ("classes", "paths"):
            assert json.loads(made.metadata()[key]) == all_layers[key].tolist()
        about, of_export = (json.loads(text) for text in (str(all_layers["about"]), made.metadata()["about"]))
        different = {key for key in about if about[key] != of_export[key]}
        assert (different, of_export["weights"]) == ({"weights", "weights_sha256"}, "exported")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run/checkpoint.torch", "data", "out.h5"], "'out.h5' must end in .npz or .safetensors"),
        (["run/checkpoint.torch", "data", "no/out.npz"], "cannot write no/out.npz: there is no folder no"),
        (
            ["run/checkpoint.torch", "dat", "out.npz"],
            "there is no folder 'dat' of labelled images: did you mean",
        ),
        (["run/checkpoint.torch", "data/cat", "out.npz"], "data/cat/deep/d.png is not an image that Pillow can read"),
        (["run", "data", "out.npz"], "'run' is the folder of a run: name its checkpoint, 'run/checkpoint.torch'"),
        (["lone.torch", "data", "out.npz"], "'lone.torch' does not say what its trunk is"),
        # before a long scan of the folder
        (["no.torch", "no folder", "out.npz"], "no checkpoint and no exported folder at 'no.torch'"),
        (["lone.torch", "data", "out.npz", "--trunk=convnet"], "unknown trunk 'convnet': did you mean 'convnet4'?"),
        (["run/checkpoint.torch", "data", "out.npz", "--layers=conv9"], "unknown layer of trunk convnet4 'conv9': did"),
    ],
)
def test_a_mistake_is_one_sentence_and_writes_nothing(
    arguments: list[str], sentence: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "lone.torch").write_bytes((here / "run" / "checkpoint.torch").read_bytes())
    (here / "data" / "cat" / "deep" / "d.png").write_text("no image")
    before = sorted(here.rglob("*"))
    checkpoint, folder, file, *options = arguments
    assert main(["features", checkpoint, folder, "-o", file, *options]) == 2
    assert capsys.readouterr().err.startswith(f"monoimage: {sentence}")
    assert sorted(here.rglob("*")) == before


def test_a_checkpoint_without_a_run_needs_its_trunks_name_and_says_what_is_assumed(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "run" / "checkpoint.torch").rename(here / "lone.torch")
    assert main(["features", "lone.torch", "data", "-o", "out.npz", "--trunk", "convnet4"]) == 0
    assert "mean [0.4914, 0.4822, 0.4465], std [0.247, 0.2435, 0.2616] (not known" in capsys.readouterr().out


def test_images_in_memory_are_bounded(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a batch is computed, the next one is read, and no more."""
    read: list[str] = []
    computed: list[int] = []
    forward = pooled_features.PretrainedTrunk.forward
    original = pooled_features.ClassImages.__getitem__

    def note_read(images: Any, index: int) -> Any:
        read.append(images.paths[index])
        return original(images, index)

    def note_forward(module: Any, images: Tensor) -> Any:
        computed.append(len(images))
        assert len(read) <= sum(computed) + 2
        return forward(module, images)

    monkeypatch.setattr(pooled_features.ClassImages, "__getitem__", note_read)
    monkeypatch.setattr(pooled_features.PretrainedTrunk, "forward", note_forward)
    assert main(["features", "run/checkpoint.torch", "data", "-o", "out.npz"]) == 0
    assert (len(read), computed) == (5, [2, 2, 1])
