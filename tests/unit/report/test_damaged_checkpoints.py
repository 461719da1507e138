"""Missing, damaged or replaced checkpoints and photos: the page names them and shows the rest."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from environments import Environment
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from vissl_monoimage.data.photos.decode import file_sha256
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.ledger.row_parts import Weights
from vissl_monoimage.report.plots.filters import filter_figures
from vissl_monoimage.report.sections.photos import photo_figures
from vissl_monoimage.report.similarity.compare import compare_layers
from vissl_monoimage.report.tables.join import join_probes

MakeRow = Callable[..., Row]
WEIGHT = torch.randn(16, 3, 3, 3, generator=torch.Generator().manual_seed(0))
RECIPE = {"name": "released", "size": 32, "num_samples": 4096, "seed": 0, "fresh": False}


def state(trunk: Any) -> dict[str, Any]:
    return {"classy_state_dict": {"base_model": {"model": {"trunk": trunk}}}}


def saved(content: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


class Code:
    """An object that runs code when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("run",)


WHOLE = saved(state({"w": WEIGHT}))
CHECKPOINTS = {
    "empty": b"",
    "NULs": b"\0" * len(WHOLE),
    "truncated": WHOLE[:-300],
    "the first half": WHOLE[: len(WHOLE) // 2],
    "text": b"hello",
    "a plain pickle": pickle.dumps({"w": 1}),
    "code": pickle.dumps(Code()),
    "code in a checkpoint": saved(state({"w": Code()})),
    "a number": saved(17),
    "a list": saved([WEIGHT]),
    "nothing in it": saved({}),
    "no trunk": saved(state({})),
    "a trunk that is a list": saved(state([WEIGHT])),
    "a trunk that is a tensor": saved(state(WEIGHT)),
    "levels that are lists": saved({"classy_state_dict": [1, 2]}),
    "levels that are null": saved({"classy_state_dict": None}),
    "numbers for tensors": saved(state({"w": 1.0})),
    "grey filters": saved(state({"w": WEIGHT[:, :1]})),
    "no filters": saved(state({"w": WEIGHT[:0]})),
    "filters without pixels": saved(state({"w": WEIGHT[:, :, :0]})),
    "NaN": saved(state({"w": WEIGHT * torch.nan})),
    "an infinite weight": saved(state({"w": WEIGHT.index_fill(0, torch.tensor([3]), torch.inf)})),
    "complex weights": saved(state({"w": WEIGHT.to(torch.complex64)})),
}


def probe_of(a_row: MakeRow, checkpoint: Path, **changes: Any) -> Row:
    return a_row(**{"weights": Weights(str(checkpoint), "f")} | changes)


@pytest.mark.parametrize("case", CHECKPOINTS)
def test_a_damaged_checkpoint_is_named_once_and_has_no_filters(case: str, tmp_path: Path, a_row: MakeRow) -> None:
    (tmp_path / "good.torch").write_bytes(WHOLE)
    (tmp_path / "bad.torch").write_bytes(CHECKPOINTS[case])
    missing: list[str] = []
    probed = join_probes([probe_of(a_row, tmp_path / name) for name in ("bad.torch", "good.torch")])
    (figure,) = filter_figures(probed, missing)
    assert "good.torch" in figure.caption
    (note,) = missing
    assert note.startswith("Not shown: ")
    assert str(tmp_path / "bad.torch") in note


@pytest.mark.parametrize("name", ["gone.torch", "folder", "x" * 300, "loop", "two\nlines"])
def test_a_missing_checkpoint_is_named(name: str, tmp_path: Path, a_row: MakeRow) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    missing: list[str] = []
    assert filter_figures(join_probes([probe_of(a_row, tmp_path / name)]), missing) == []
    assert str(tmp_path / name) in missing[0]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.int8, torch.uint8])
def test_filters_of_any_real_type_are_shown(dtype: torch.dtype, tmp_path: Path, a_row: MakeRow) -> None:
    torch.save(state({"w": WEIGHT.mul(40).to(dtype)}), tmp_path / "good.torch")
    missing: list[str] = []
    assert len(filter_figures(join_probes([probe_of(a_row, tmp_path / "good.torch")]), missing)) == 1
    assert missing == []


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.integers(0, len(WHOLE)), length=st.integers(0, 200), patch=st.binary(max_size=30))
def test_no_bytes_raise(start: int, length: int, patch: bytes, tmp_path: Path, a_row: MakeRow) -> None:
    path, missing = tmp_path / "model.torch", list[str]()
    path.write_bytes(WHOLE[:start] + patch + WHOLE[start + length :])
    shown = filter_figures(join_probes([probe_of(a_row, path)]), missing)
    assert len(shown) + len([note for note in missing if str(path) in note]) == 1


@pytest.mark.parametrize("case", ["truncated", "text", "a trunk that is a list", "NaN", "complex weights"])
def test_a_comparison_leaves_damaged_checkpoints_out(case: str, tmp_path: Path, a_row: MakeRow) -> None:
    rows, missing = [], list[str]()
    for images in (1, 3):
        file, photos = tmp_path / f"{images}.torch", [{"name": "a", "path": "a", "sha256": "a"}] * images
        file.write_bytes(CHECKPOINTS[case])
        common = {"trunk": "convnet4", "images": photos, "group_hash": str(images)}
        rows.append(a_row(run_id=f"{images}", kind="pretrain", checkpoint_out_sha256=f"{images}", **common))
        rows.append(a_row(run_id=f"{images}-p", trunk="convnet4", weights=Weights(str(file), f"{images}")))
    assert compare_layers(join_probes(rows), missing) == []
    assert [str(tmp_path / f"{images}.torch") in " ".join(missing) for images in (1, 3)] == [True, True]


READ = """
import sys
from vissl_monoimage.report.plots.filters import conv1_filters
print(conv1_filters(sys.argv[1], "x").alt)
"""


def test_vissls_own_types_beside_the_tensors_are_read_without_vissl(without_vissl: Environment, tmp_path: Path) -> None:
    from vissl.config import AttrDict

    file = tmp_path / "model.torch"
    torch.save({**state({"w": WEIGHT}), "config": AttrDict({"a": 1}), "rng": np.arange(3), "loss": np.float64(1)}, file)
    done = without_vissl.run("-c", READ, str(file), cwd=tmp_path, checkout=True)
    assert "Grid of the 16 first-layer filters (3x3 px)" in done.stdout


PHOTOS: dict[str, Callable[[Path, dict[str, Any]], object]] = {
    "gone": lambda path, recipe: path.unlink(),
    "a folder": lambda path, recipe: (path.unlink(), path.mkdir()),
    "changed": lambda path, recipe: path.write_bytes(path.read_bytes() + b"\0"),
    "empty": lambda path, recipe: path.write_bytes(b""),
    "too small": lambda path, recipe: Image.new("RGB", (2, 2)).save(path),
    "a recipe without a seed": lambda path, recipe: recipe.pop("seed"),
    "a recipe without a number of samples": lambda path, recipe: recipe.pop("num_samples"),
    "no recipe": lambda path, recipe: recipe.clear(),
    "a recipe of another name": lambda path, recipe: recipe.update(name="mine"),
    "a recipe of a later version": lambda path, recipe: recipe.update(elastic=0.5),
    "a size of nothing": lambda path, recipe: recipe.update(size=0),
    "a size beyond memory": lambda path, recipe: recipe.update(size=10**9),
    "a size in words": lambda path, recipe: recipe.update(size="32"),
    "a scale of one number": lambda path, recipe: recipe.update(scale=[0.5]),
    "a scale of words": lambda path, recipe: recipe.update(scale=["a", "b"]),
    "a negative seed": lambda path, recipe: recipe.update(seed=-1),
    "a seed in words": lambda path, recipe: recipe.update(seed="0"),
    "samples in words": lambda path, recipe: recipe.update(num_samples="many"),
    "an unknown fill": lambda path, recipe: recipe.update(fill="pink"),
    "jitter of NaN": lambda path, recipe: recipe.update(jitter=float("nan")),
    "a rotation of infinity": lambda path, recipe: recipe.update(rotation=float("inf")),
}


@pytest.mark.parametrize("case", PHOTOS)
def test_a_photo_that_cannot_be_shown_is_named(case: str, tmp_path: Path, a_row: MakeRow) -> None:
    path, recipe = tmp_path / "me.png", dict(RECIPE)
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    sha256 = file_sha256(path)
    row = a_row(kind="pretrain", images=[{"name": "me.png", "path": str(path), "sha256": sha256}], recipe=recipe)
    assert [len(figures) for figures in photo_figures([row], [])] == [2]
    PHOTOS[case](path, recipe)
    if case in ("empty", "too small"):  # the row has the hash of the file as it is
        sha256 = file_sha256(path)
    row.images[0]["sha256"] = sha256
    missing: list[str] = []
    photo_figures([row], missing)
    (note,) = missing
    assert note.startswith("Not shown: ")
    assert "me.png" in note or row.name in note
