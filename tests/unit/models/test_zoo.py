"""Weights by URL and by name: downloaded once, completely or not at all, and refused where they do not fit."""

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

from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.launch import prepare
from vissl_monoimage.models import features as trunks
from vissl_monoimage.models.download import fetch, is_remote
from vissl_monoimage.models.zoo import named_models, zoo_model


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "torch" / "hub" / "vissl_monoimage"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path, list[str]]]:
    """The URL of a server, the folder it serves, and the paths requested from it."""
    folder, requests = tmp_path / "served", []
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_request(self, *_: Any) -> None:
            requests.append(self.path)

        def do_GET(self) -> None:
            if "short" in self.path:
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b"cut")
            else:
                super().do_GET()

    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", folder, requests
        running.shutdown()


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_a_url_is_downloaded_once_and_kept_under_its_own_path(server: tuple[str, Path, list[str]], cache: Path) -> None:
    url, folder, requests = server
    for name in ("one", "two"):
        (folder / name).mkdir()
        (folder / name / "final.torch").write_text(name)
    files = [fetch(f"{url}/{name}/final.torch") for name in ("one", "two", "one")]
    assert [Path(file).read_text() for file in files] == ["one", "two", "one"]
    assert requests == ["/one/final.torch", "/two/final.torch"]
    assert all(Path(file).is_relative_to(cache) for file in files)
    assert all(is_remote(weights) for weights in (url, "zoo:x"))
    assert not any(is_remote(weights) for weights in ("a/b.torch", "", None))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (
            "nothing.torch",
            r"nothing\.torch could not be downloaded \(HTTP Error 404.*put its file at .*/nothing\.torch",
        ),
        ("short.torch", "short.torch could not be downloaded"),
        ("a/", "does not end in the name of a file"),
        ("a.torch?download=true", "does not end in the name of a file"),
    ],
)
def test_a_failed_download_is_reported_and_leaves_nothing(
    server: tuple[str, Path, list[str]], cache: Path, path: str, words: str
) -> None:
    with pytest.raises(MonoImageError, match=words):
        fetch(f"{server[0]}/{path}")
    assert not files_in(cache)


def composed(name: str, overrides: list[str], folder: Path) -> Any:
    for label in ("cat", "dog"):
        (folder / "data" / label).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(folder / "data" / label / "0.png")
    config = compose_config(
        [
            "config=benchmark/monoimage/linear_imagenet1k",
            *([f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE=zoo:{name}"] if name else []),
            *overrides,
            f"config.DATA.TRAIN.DATA_PATHS=[{folder}/data]",
            f"config.DATA.TEST.DATA_PATHS=[{folder}/data]",
            "config.DATA.TRAIN.DATASET_NAMES=[mine]",
            "config.DATA.TEST.DATASET_NAMES=[mine]",
            f"config.CHECKPOINT.DIR={folder}/run",
        ]
    )
    prepare(config)
    return config.config


@pytest.mark.parametrize("name", named_models())
def test_a_probe_reads_each_of_them_from_the_cache(name: str, tmp_path: Path, cache: Path) -> None:
    """Files of the zoo are not here: those in its place have their trunk's tensors under the names VISSL gives them."""
    model = zoo_model(name)
    trunk = f"config.MODEL.TRUNK.NAME={model.trunk}"
    settings = compose_config(["config=benchmark/monoimage/linear_imagenet1k", trunk]).config.MODEL
    tensors = trunks.build_on_meta(settings).state_dict()
    state = {f"trunk.{key}": torch.zeros(value.shape) for key, value in tensors.items()}
    file = cache / model.url.removeprefix("https://")
    file.parent.mkdir(parents=True)
    torch.save({"model_state_dict": state}, file)
    assert str(file) == composed(name, [trunk], tmp_path).MODEL.WEIGHTS_INIT.PARAMS_FILE
    lost = next(key for key in state if key.endswith("weight"))
    del state[lost]
    torch.save({"model_state_dict": state}, file)
    with pytest.raises(MonoImageError, match=f"lacks 1 of the .*{lost.removeprefix('trunk.')}"):
        composed(name, [trunk], tmp_path)


@pytest.mark.parametrize(
    ("name", "overrides", "words"),
    [
        (
            "rotnet-imagenet",
            [],
            "PARAMS_FILE: unknown model of the zoo 'rotnet-imagenet': did you mean 'rotnet-imagenet-1k'",
        ),
        ("rotnet-imagenet-1k", [], "of trunk 'alexnet_rotnet', not of 'alexnet_wide'"),
        ("rotnet-imagenet-1k", ["config.OPTIMIZER.num_epochs=none"], "num_epochs"),
    ],
)
def test_mistakes_are_reported_before_anything_is_downloaded(
    name: str, overrides: list[str], words: str, tmp_path: Path, cache: Path
) -> None:
    with pytest.raises(MonoImageError, match=words):
        composed(name, overrides, tmp_path)
    assert not cache.exists()


def test_null_means_random_weights_as_nothing_does(tmp_path: Path) -> None:
    chosen = ["config.MODEL.WEIGHTS_INIT.PARAMS_FILE=null"]
    assert composed("", chosen, tmp_path).MODEL.WEIGHTS_INIT.PARAMS_FILE == ""


@pytest.mark.parametrize("wrong", ["config.MODEL.WEIGHTS_INIT=x", "config.MODEL.WEIGHTS_INIT=null", "config.MODEL=3"])
def test_a_malformed_weights_block_is_reported_in_a_sentence(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(MonoImageError, match=wrong.partition("=")[0]):
        composed("", [wrong], tmp_path)
