"""`monoimage export`: what is in the folder, what is kept out of it, and what is refused."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import yaml
from environments import Environment
from torch import nn

import vissl_monoimage.models.checkpoint.load as checkpoints
from vissl_monoimage import load_trunk
from vissl_monoimage.cli.main import main
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.export.folder import write_folder
from vissl_monoimage.models.checkpoint.file import checkpoint_sha256, save_trunk
from vissl_monoimage.models.trunks.registry import build_trunk
from vissl_monoimage.models.trunks.resnet import VisslResNet

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
