"""`monoimage doctor`: what is wrong with an installation or a checkpoint is said, and is the status."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from vissl_monoimage.cli.main import main
from vissl_monoimage.compat import examine, index
from vissl_monoimage.models.checkpoint.file import save_trunk
from vissl_monoimage.models.trunks.registry import build_trunk


def test_an_installation_that_works_has_nothing_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    lines = {line.split()[0]: line for line in said.splitlines() if line.startswith("  ")}
    assert "(supported: " in lines["torch"]
    assert "usable" in lines["gloo"]
    assert Path(lines["china"].split()[-1]).is_file()
    assert all("applied" in lines[mend.__name__] for mend in index.ALL)
    assert "guard: apex can be imported." in lines["native_larc"]
    assert said.endswith("\nnothing is wrong\n")


def test_a_version_out_of_range_and_a_missing_package_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ["numpy>=99", "no-such-package>=1", "pillow", 'onnx<0; extra == "onnx"']
    monkeypatch.setattr(examine, "requires", lambda package: wanted)
    assert [(thing.is_right, thing.name) for thing in examine.examine_versions()] == [
        (True, "vissl"),
        (False, "numpy"),
        (False, "no-such-package"),
        (True, "pillow"),
    ]


def test_a_mend_that_does_not_find_its_place_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index.MENDS, "modules_of", lambda mend: ["vissl.no_such_module"])
    assert not any(thing.is_right for thing in examine.examine_mends())


def test_a_checkpoint_says_which_trunk_it_fits_and_how_its_names_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trunk = build_trunk("convnet4")
    save_trunk(trunk, tmp_path / "a.torch")
    assert main(["doctor", str(tmp_path / "a.torch")]) == 0
    said = capsys.readouterr().out
    assert "has classy_state_dict" in said
    assert "tensors of trunk 'convnet4' loaded" in said

    names = [name for name in trunk.state_dict() if not name.endswith("num_batches_tracked")]
    state = {f"module.encoder_q.{name}": trunk.state_dict()[name] for name in names}
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "b.torch")
    assert main(["doctor", str(tmp_path / "b.torch")]) == 0
    said = capsys.readouterr().out
    assert [line.split()[:3] for line in said.splitlines() if " -> " in line] == [
        [f"module.encoder_q.{name}", "->", name] for name in names
    ]


def test_a_checkpoint_of_no_trunk_or_of_a_part_of_one_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = dict(build_trunk("resnet18_32px").state_dict())
    dropped = [name for name in state if name.endswith("conv1.weight")][-1]
    del state[dropped]
    torch.save({"state_dict": state}, tmp_path / "part.torch")
    assert main(["doctor", str(tmp_path / "part.torch")]) == 1
    said = capsys.readouterr().out
    assert "lacks 1 of the" in said
    assert dropped in said
