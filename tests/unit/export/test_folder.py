"""`monoimage export`: what is in the folder, what is kept out of it, and what is refused."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from environments import Environment
from huggingface_hub import ModelCard
from scipy import stats
from torch import nn

import vissl_monoimage.models.checkpoint.load as checkpoints
from vissl_monoimage import load_trunk
from vissl_monoimage.cli.main import main
from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.export.folder import write_folder
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.models.checkpoint.file import checkpoint_sha256, save_trunk
from vissl_monoimage.models.trunks.registry import build_trunk
from vissl_monoimage.models.trunks.resnet import VisslResNet

from .conftest import ACCURACIES, write_rows

SHAPES = """
import sys
import torch
import vissl_monoimage
trunk = vissl_monoimage.load_trunk("exported")
for layer, feature in trunk(torch.zeros(2, 3, trunk.input_size, trunk.input_size)).items():
    print(layer, *feature.shape)
assert not {"vissl", "classy_vision"} & set(sys.modules)
"""


def test_the_folder_opens_with_the_checkpoints_features(checkpoint: Path, tmp_path: Path) -> None:
    out = tmp_path / "exported"
    assert main(["export", str(checkpoint), "-o", str(out)]) == 0
    images = torch.randn(2, 3, 32, 32)
    wanted = load_trunk(checkpoint)(images)
    assert sorted(file.name for file in out.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    for source in (out, out / "model.safetensors"):
        features = load_trunk(source)(images)
        assert list(features) == list(wanted)
        assert all(torch.equal(features[layer], wanted[layer]) for layer in wanted)
    as_checkpoint = checkpoints.load_trunk(str(out / "model.safetensors"), "convnet4").eval()  # as a probe reads it
    assert torch.equal(as_checkpoint(images)[0], wanted["pool4"])
    config = json.loads((out / "config.json").read_text())
    assert config["weights_sha256"] == checkpoint_sha256(out / "model.safetensors")
    assert config["facts"]["checkpoint"]["sha256"] == checkpoint_sha256(checkpoint)
    assert config["facts"]["shapes"] == {layer: list(feature.shape[1:]) for layer, feature in wanted.items()}


def test_a_script_without_vissl_prints_the_shape_of_each_layer(
    checkpoint: Path, without_vissl: Environment, tmp_path: Path
) -> None:
    assert main(["export", str(checkpoint), "-o", str(tmp_path / "exported")]) == 0
    printed = without_vissl.run("-c", SHAPES, cwd=tmp_path, checkout=True).stdout.splitlines()
    assert printed[0] == "conv1 2 64 32 32"
    assert printed[-1] == "pool4 2 256 2 2"
    assert len(printed) == 8


def test_the_card_is_made_from_the_ledger(checkpoint: Path, tmp_path: Path, china: dict[str, Any]) -> None:
    runs, out = checkpoint.parents[1], tmp_path / "exported"
    assert main(["export", str(checkpoint), "-o", str(out), "--results", str(runs)]) == 0
    card = ModelCard.load(out / "README.md")
    assert (card.data.license, card.data.library_name) == ("unknown", "vissl_monoimage")
    numbers = {result.task_name: result.metric_value for result in card.data.eval_results}
    assert numbers == {f"probe of {layer}": values[0] for layer, values in ACCURACIES.items()}
    lines = {line.split("|")[1].strip(): line for line in card.text.splitlines() if line.count("|") > 3}
    assert [cell.strip() for cell in lines["**these weights**"].split("|")[2:4]] == ["60.0", "58.0"]
    for cell, values in zip(lines["rotnet on china (1 image)"].split("|")[2:4], ACCURACIES.values(), strict=True):
        low, high = stats.t.interval(0.95, 2, loc=sum(values) / 3, scale=stats.sem(values))
        assert cell.strip() == f"{(low + high) / 2:.1f} ± {(high - low) / 2:.1f}"
    assert "n=3 (seeds 0 1 2)" in lines["rotnet on china (1 image)"]
    assert "50.0" in next(line for label, line in lines.items() if label.startswith("random"))
    credit = CATALOG["china"]
    assert all(text in lines["china"] for text in (credit.credit, credit.licence, china["sha256"]))
    assert "config.CHECKPOINT.DIR=r" in card.text
    assert "/home/me" not in card.text


def test_what_is_unknown_is_said(checkpoint: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.torch"
    alone.write_bytes(checkpoint.read_bytes())
    assert main(["export", str(alone), "--trunk", "convnet4", "-o", str(tmp_path / "out")]) == 0
    text = (tmp_path / "out" / "README.md").read_text()
    assert "convnet4, origin unknown" in text
    assert "How they were trained is unknown" in text
    assert "Unknown: no probe of these weights" in text
    assert "The normalisation is an assumption." in text
    assert "model-index" not in text


@pytest.mark.parametrize("name", ["private.jpg", "china"])
def test_of_a_photo_without_a_known_licence_only_the_hash_leaves(
    name: str, checkpoint: Path, tmp_path: Path, a_row: Callable[..., Row]
) -> None:
    """A photo that is called like one of the catalog is not taken for it."""
    path = f"/home/me/photos/{name}" if name != "china" else CATALOG["china"].path_in_package
    runs, out = checkpoint.parents[1], tmp_path / "exported"
    write_rows(runs, checkpoint, a_row, [{"name": name, "path": path, "sha256": "5" * 64}])
    assert main(["export", str(checkpoint), "-o", str(out), "--results", str(runs)]) == 0
    text = (out / "README.md").read_text()
    assert "no licence known" in text
    assert "5" * 64 in text
    for file in ("README.md", "config.json"):
        content = (out / file).read_text()
        assert path not in content
        assert name not in content
        assert CATALOG["china"].credit not in content
    assert not [file.name for file in out.iterdir() if file.suffix in (".jpg", ".png")]


def test_the_same_checkpoint_is_exported_again_and_another_is_refused(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "exported"
    command = ["export", str(checkpoint), "-o", str(out)]
    assert main(command) == 0
    (out / "README.md").unlink()
    assert main(command) == 0
    assert (out / "README.md").is_file()
    save_trunk(build_trunk("convnet4"), checkpoint)
    before = (out / "model.safetensors").read_bytes()
    assert main(command) == 2
    assert "holds the export of another checkpoint" in capsys.readouterr().err
    assert (out / "model.safetensors").read_bytes() == before


def test_a_folder_of_something_else_is_left_alone(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for content in ({"model_type": "bert"}, [], None):
        out = tmp_path / f"mine{content}"
        out.mkdir()
        (out / "config.json").write_text(json.dumps(content))
        assert main(["export", str(checkpoint), "-o", str(out)]) == 2
        assert "holds other files, and is no folder of `monoimage export`" in capsys.readouterr().err
        assert [file.name for file in out.iterdir()] == ["config.json"]
    assert main(["export", str(checkpoint), "-o", str(checkpoint)]) == 2
    assert "is a file" in capsys.readouterr().err


@pytest.fixture
def small_files_only() -> Iterator[None]:
    """The system refuses files of the weights' size, as a full disk does."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_failed_export_leaves_no_folder(checkpoint: Path, tmp_path: Path, small_files_only: None) -> None:
    with pytest.raises(MonoImageError, match=r"cannot write .*model\.safetensors: File too large"):
        write_folder(load_trunk(checkpoint), tmp_path / "exported")
    assert not (tmp_path / "exported").exists()


def test_a_failed_export_leaves_the_one_before(
    checkpoint: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    trunk, out = load_trunk(checkpoint), tmp_path / "exported"
    write_folder(trunk, out, onnx=b"an earlier export")
    before = {file.name: file.read_bytes() for file in out.iterdir()}
    request.getfixturevalue("small_files_only")
    with torch.no_grad():
        next(trunk.parameters()).add_(1)
    with pytest.raises(MonoImageError, match="File too large"):
        write_folder(trunk, out)
    assert {file.name: file.read_bytes() for file in out.iterdir()} == before


def test_weights_that_the_config_is_not_of_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    out = tmp_path / "exported"
    assert main(["export", str(checkpoint), "-o", str(out)]) == 0
    weights = bytearray((out / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (out / "model.safetensors").write_bytes(weights)
    with pytest.raises(MonoImageError, match=r"is not the file that the config.json beside it is of"):
        load_trunk(out)
    (out / "model.safetensors").unlink()
    with pytest.raises(MonoImageError, match=r"has no model.safetensors: export again"):
        load_trunk(out)
    (out / "config.json").write_text('{"library": "vissl_monoimage"}')
    with pytest.raises(MonoImageError, match="lacks trunk, settings, layers"):
        load_trunk(out)


def test_vissls_resnet_is_built_again_with_the_settings_of_its_run(tmp_path: Path) -> None:
    """The stride leaves no trace in the tensors."""
    model = {"TRUNK": {"NAME": "resnet", "RESNETS": {"LAYER4_STRIDE": 1}}}
    config = yaml.safe_dump({"MODEL": model, "DATA": {"TRAIN": {"TRANSFORMS": []}}})
    (tmp_path / "train_config.yaml").write_text(config)
    network: nn.Module = VisslResNet(last_stride=1).eval()
    torch.save(network.state_dict(), tmp_path / "resnet.pth")
    assert main(["export", str(tmp_path / "resnet.pth"), "-o", str(tmp_path / "out")]) == 0
    images = torch.randn(1, 3, 64, 64)
    assert torch.equal(load_trunk(tmp_path / "out")(images)["res5"], network(images, ["res5"])[0])


def test_fixed_features_are_exported_without_weights(checkpoint: Path, tmp_path: Path) -> None:
    assert main(["export", str(checkpoint), "--trunk", "hog_32px", "-o", str(tmp_path / "out")]) == 0
    assert list(load_trunk(tmp_path / "out")(torch.rand(1, 3, 32, 32))) == ["hog_cell4", "hog_cell8"]
