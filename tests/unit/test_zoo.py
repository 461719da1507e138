"""Weights by address and by name: fetched once, whole or not at all, and refused where they do not fit."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from vissl_monoimage.compose import compose_config
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.launch import prepare
from vissl_monoimage.models import zoo
from vissl_monoimage.probe import trunks
from vissl_monoimage.report import references

NAMED = references.named()
MODELS = "+config/benchmark/linear_image_classification/imagenet1k/models"
OVERLAYS = {
    "alexnet_bvlc": [f"{MODELS}=alexnet_bvlc_supervised"],
    "alexnet_colorization": [f"{MODELS}=alexnet_colorization"],
}
OURS = [
    "config.MODEL.HEAD.PARAMS=[[linear_probe,{num_classes: 1000}]]",
    "config.MODEL.FEATURE_EVAL_SETTINGS.LINEAR_EVAL_FEAT_POOL_OPS_MAP=[]",
]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "torch" / "hub" / "checkpoints"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path, list[str]]]:
    """Its address, the folder it serves, and what it was asked for."""
    folder, asked = tmp_path / "served", []
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_request(self, *_: Any) -> None:
            asked.append(self.path)

    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", folder, asked
        running.shutdown()


def test_an_address_is_fetched_once_and_a_path_is_itself(server: tuple[str, Path, list[str]], cache: Path) -> None:
    address, folder, asked = server
    (folder / "weights.torch").write_bytes(b"as they are")
    files = [zoo.local(f"{address}/weights.torch") for _ in range(2)]
    assert files == [str(cache / "weights.torch")] * 2
    assert Path(files[0]).read_bytes() == b"as they are"
    assert asked == ["/weights.torch"]
    assert [zoo.local(path) for path in ("", "a/b.torch")] == ["", "a/b.torch"]


def test_what_cannot_be_fetched_is_told_and_leaves_nothing(server: tuple[str, Path, list[str]], cache: Path) -> None:
    with pytest.raises(MonoImageError, match=r"nothing\.torch could not be fetched \(HTTP Error 404.*put its file"):
        zoo.local(f"{server[0]}/nothing.torch")
    assert not list(cache.iterdir())


def composed(name: str, overrides: list[str], folder: Path) -> Any:
    (folder / "data" / "cat").mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8)).save(folder / "data" / "cat" / "0.png")
    config = compose_config(
        [
            "config=benchmark/monoimage/linear_imagenet1k",
            *overrides,
            f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE=zoo:{name}",
            f"config.DATA.TRAIN.DATA_PATHS=[{folder}/data]",
            f"config.DATA.TEST.DATA_PATHS=[{folder}/data]",
            f"config.CHECKPOINT.DIR={folder}/run",
        ]
    )
    prepare(config)
    return config.config


@pytest.mark.parametrize("name", NAMED)
def test_a_probe_reads_each_of_them_from_the_cache(name: str, tmp_path: Path, cache: Path) -> None:
    """Files of the zoo are not here: those in its place have their trunk's tensors under the names VISSL gives them."""
    model = NAMED[name]
    overrides = [*OVERLAYS.get(model.trunk, []), *OURS, f"config.MODEL.TRUNK.NAME={model.trunk}"]
    trunk = trunks.build_on_meta(
        compose_config(["config=benchmark/monoimage/linear_imagenet1k", *overrides]).config.MODEL
    )
    state = {f"trunk.{key}": torch.zeros(value.shape) for key, value in trunk.state_dict().items()}
    cache.mkdir(parents=True)
    file = cache / model.url.rpartition("/")[2]
    torch.save({"model_state_dict": state}, file)
    assert model.trunk == composed(name, overrides, tmp_path).MODEL.TRUNK.NAME
    lost = next(key for key in state if key.endswith("weight"))
    del state[lost]
    torch.save({"model_state_dict": state}, file)
    with pytest.raises(MonoImageError, match=f"lacks 1 of the .*{lost.removeprefix('trunk.')}"):
        composed(name, overrides, tmp_path)


@pytest.mark.parametrize(
    ("name", "overrides", "words"),
    [
        ("rotnet-imagenet", [], "unknown model of the zoo 'rotnet-imagenet': did you mean 'rotnet-imagenet-1k'"),
        ("rotnet-imagenet-1k", [], "of trunk 'alexnet_rotnet', not of 'alexnet_wide'"),
        (
            "supervised-imagenet",
            ["config.MODEL.TRUNK.NAME=alexnet_bvlc"],
            "ImgPilToRawTensor.*models=alexnet_bvlc_super",
        ),
        ("colorization-yfcc100m", ["config.MODEL.TRUNK.NAME=alexnet_colorization"], "ImgPil2LabTensor"),
    ],
)
def test_what_does_not_fit_is_told_before_anything_is_fetched(
    name: str, overrides: list[str], words: str, tmp_path: Path, cache: Path
) -> None:
    with pytest.raises(MonoImageError, match=words):
        composed(name, overrides, tmp_path)
    assert not cache.exists()
