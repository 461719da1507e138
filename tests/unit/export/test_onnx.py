"""`torch.export` and ONNX of trunks, against torch with other numbers of images than they were traced with."""

from __future__ import annotations

from pathlib import Path

import onnxruntime
import pytest
import torch

from vissl_monoimage import PretrainedTrunk
from vissl_monoimage.cli.main import main
from vissl_monoimage.export.config import TrunkConfig
from vissl_monoimage.export.onnx import to_onnx
from vissl_monoimage.models.features import feature_names, input_size
from vissl_monoimage.models.trunks.registry import build_trunk

from .conftest import run_example


def plain(name: str) -> PretrainedTrunk:
    torch.manual_seed(0)
    network = build_trunk(name)
    size = input_size(network)
    return PretrainedTrunk(network, TrunkConfig(name, {}, feature_names(network), size, [0.5] * 3, [0.2] * 3, "a test"))


@pytest.mark.parametrize("name", ["convnet4", "resnet18_32px"])
def test_torch_exports_a_trunk_with_any_number_of_images(name: str) -> None:
    trunk = plain(name)
    images = torch.rand(3, 3, 32, 32)
    program = torch.export.export(trunk, (images[:2],), dynamic_shapes=({0: torch.export.Dim("N")},))
    features = program.module()(images)
    for layer, wanted in trunk(images).items():
        torch.testing.assert_close(features[layer], wanted)


@pytest.mark.parametrize("name", ["convnet4", "alexnet_wide_32px"])
def test_onnx_has_an_output_for_each_layer(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trunk = plain(name)
    (tmp_path / "rotnet").mkdir()
    (tmp_path / "rotnet" / "model.onnx").write_bytes(to_onnx(trunk))
    session = onnxruntime.InferenceSession(tmp_path / "rotnet" / "model.onnx", providers=["CPUExecutionProvider"])
    assert [output.name for output in session.get_outputs()] == list(trunk.layers)
    for count in (1, 3):
        images = torch.randn(count, 3, 32, 32)
        outputs = session.run(None, {"images": images.numpy()})
        for output, (layer, wanted) in zip(outputs, trunk(images).items(), strict=True):
            torch.testing.assert_close(torch.from_numpy(output), wanted, rtol=0, atol=1e-4, msg=layer)
    monkeypatch.chdir(tmp_path)
    shown = run_example("ONNX and torch.export")["features"]
    assert list(shown) == list(trunk.layers)
    assert len(shown["conv1"]) == 5


def test_fixed_features_are_refused_before_anything_is_written(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["export", str(checkpoint), "--trunk", "hog_32px", "-o", str(out), "--onnx"]) == 2
    assert "ONNX is written of convolutional trunks, and trunk 'hog_32px' is HOG" in capsys.readouterr().err
    assert not out.exists()
