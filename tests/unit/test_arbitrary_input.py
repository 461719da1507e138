"""Arbitrary bytes and structures where a user's file is read: a value, or one sentence in a `MonoImageError`.

Each property has a few examples in a normal run, and many in a slow one.
"""

from __future__ import annotations

import copy
import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save

from vissl_monoimage.data.class_labels import read_labels
from vissl_monoimage.data.image_list import read_image_list
from vissl_monoimage.data.photos.decode import load_photo
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.models.checkpoint.file import read_checkpoint
from vissl_monoimage.models.checkpoint.load import fill
from vissl_monoimage.reproduce.grid import Grid
from vissl_monoimage.reproduce.read_grid import read_grid
from vissl_monoimage.utils.paths import benchmarks

FEW = 25
Examples = Callable[[st.SearchStrategy[Any], Callable[[Any], object]], None]


@pytest.fixture(params=[FEW, pytest.param(1000, marks=pytest.mark.slow)])
def examples(request: pytest.FixtureRequest) -> Examples:
    """`examples(strategy, read)`: read some examples, none of which may raise anything but one sentence."""

    def run(strategy: st.SearchStrategy[Any], read: Callable[[Any], object]) -> None:
        @settings(
            max_examples=request.param,
            derandomize=request.param == FEW,  # the slow form draws others each time
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy)
        def test(value: Any) -> None:
            try:
                read(value)
            except MonoImageError as error:
                assert str(error).strip()  # noqa: PT017
                assert "\n" not in str(error)  # noqa: PT017

        test()

    return run


def damaged(*contents: bytes) -> st.SearchStrategy[bytes]:
    """Bytes of one of these files with some replaced, cut off, or put in; or any bytes."""

    @st.composite
    def draw(choose: st.DrawFn) -> bytes:
        content = bytearray(choose(st.sampled_from(contents)))
        for _ in range(choose(st.integers(0, 4))):
            place = choose(st.integers(0, len(content)))
            new = choose(st.binary(max_size=6) | st.integers(0, 2**32 - 1).map(struct.Struct("<I").pack))
            content[place : place + choose(st.sampled_from([0, len(new)]))] = new
        return bytes(content[: choose(st.integers(0, len(content)) | st.just(len(content)))])

    return draw() | st.binary(max_size=200)


KEYS = st.text(max_size=6) | st.integers() | st.just("a\nb")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.dates() | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


def photos() -> list[bytes]:
    """Small files of every kind of photo."""
    pixels = np.random.default_rng(0).integers(0, 255, (12, 10, 3), np.uint8)
    picture = Image.fromarray(pixels)
    kinds: list[tuple[Image.Image, str, dict[str, Any]]] = [
        (picture, "PNG", {}),
        (picture.convert("P"), "PNG", {"transparency": 3}),
        (Image.fromarray(pixels[..., 0].astype(np.uint16) << 8), "PNG", {}),
        (picture, "JPEG", {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"}),
        (picture.convert("CMYK"), "JPEG", {}),
        (picture, "TIFF", {"compression": "tiff_lzw"}),
        (Image.fromarray(pixels[..., 0].astype(np.float32)), "TIFF", {}),
        (picture, "WEBP", {}),
        (picture, "GIF", {}),
        (picture, "BMP", {}),
        (picture, "PPM", {}),
        (picture, "TGA", {}),
        (picture, "PCX", {}),
        (picture, "SGI", {}),
        (picture, "DDS", {}),
        (picture, "JPEG2000", {}),
        (picture.convert("1"), "XBM", {}),
    ]
    files = []
    for image, kind, options in kinds:
        buffer = io.BytesIO()
        image.save(buffer, kind, **options)
        files.append(buffer.getvalue())
    return files


def test_any_bytes_are_a_photo_or_a_sentence(tmp_path: Path, examples: Examples) -> None:
    path = tmp_path / "photo.png"

    def read(content: bytes) -> None:
        path.write_bytes(content)
        photo = load_photo(path)
        assert photo.pixels.dtype == np.uint8
        assert photo.pixels.shape == (*photo.size[::-1], 3)

    examples(damaged(*photos()), read)


def test_any_bytes_are_a_list_of_images_or_labels_or_a_sentence(tmp_path: Path, examples: Examples) -> None:
    arrays = []
    for array in (np.array(["a.png", "b.png"]), np.arange(4), np.eye(2, dtype=np.uint8), np.array([1.5])):
        buffer = io.BytesIO()
        np.save(buffer, array)
        arrays += [buffer.getvalue(), buffer.getvalue().replace(b"}", b" ")]  # half a header of NumPy's

    def read(content: bytes) -> None:
        for suffix in (".npy", ".json", ".yaml"):
            path = tmp_path / f"list{suffix}"
            path.unlink(missing_ok=True)
            path.write_bytes(content)
            _same_or_sentence(lambda path=path: read_image_list(path))
        _same_or_sentence(lambda: read_labels(tmp_path / "list.npy"))

    examples(damaged(*arrays, b'["a.png", "b.png"]', b"- a.png\n- b.png\n"), read)


def _same_or_sentence(read: Callable[[], object]) -> None:
    try:
        read()
    except MonoImageError as error:
        assert "\n" not in str(error)  # noqa: PT017


def test_any_bytes_are_a_ledger(tmp_path: Path, examples: Examples) -> None:
    rows = [line for file in sorted(benchmarks("results").glob("*.jsonl")) for line in file.read_bytes().splitlines()]
    version_1 = next(row for row in rows if b'"schema"' not in row)
    path = tmp_path / "ledger.jsonl"

    def read(content: bytes) -> None:
        path.write_bytes(content)
        notes: list[str] = []
        assert len(ledger.read([path], notes.append)) + len(notes) <= content.count(b"\n") + 1
        assert not any("\n" in note for note in notes)

    examples(damaged(rows[-1] + b"\n", version_1 + b"\n" + rows[-1] + b"\n"), read)


def test_any_structure_is_a_benchmark_or_a_sentence(tmp_path: Path, examples: Examples) -> None:
    path = tmp_path / "mine.yaml"
    whole = yaml.safe_load((benchmarks("grids") / "demo.yaml").read_text())

    @st.composite
    def changed(draw: st.DrawFn) -> str:
        values = json.loads(json.dumps(whole))
        node: Any = values
        for _ in range(draw(st.integers(0, 4))):
            inner = (
                node[key] if isinstance(node, dict) and node and (key := draw(st.sampled_from(list(node)))) else None
            )
            if not isinstance(inner, dict) or not inner:
                break
            node = inner
        node[draw(st.sampled_from(list(node)))] = draw(JSON)
        return yaml.dump(values, allow_unicode=True)

    def read(text: str) -> None:
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
        assert isinstance(read_grid(str(path)), Grid)

    examples(changed(), read)


def test_any_text_is_a_benchmark_or_a_sentence(tmp_path: Path, examples: Examples) -> None:
    path = tmp_path / "mine.yaml"

    def read(content: bytes) -> None:
        path.write_bytes(content)
        read_grid(str(path))

    examples(damaged((benchmarks("grids") / "demo.yaml").read_bytes(), b"a: [1, 2]\n? {b: c}\n: 2001-01-01\n"), read)


def test_any_bytes_are_a_checkpoint_or_a_sentence(tmp_path: Path, examples: Examples) -> None:
    state = {"weight": torch.ones(2, 3), "note": {"epoch": 1}}
    zipped, old = io.BytesIO(), io.BytesIO()
    torch.save(state, zipped)
    torch.save(state, old, _use_new_zipfile_serialization=False)
    inside = zipfile.ZipFile(zipped)
    pickled = next(name for name in inside.namelist() if name.endswith("data.pkl"))

    def repacked(content: bytes) -> bytes:
        """The checkpoint with another pickle in it, and right checksums."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name in inside.namelist():
                archive.writestr(name, content if name == pickled else inside.read(name))
        return buffer.getvalue()

    files = damaged(zipped.getvalue(), old.getvalue()) | damaged(inside.read(pickled)).map(repacked)
    tensors = damaged(save({"weight": torch.ones(2, 3)}))

    def read(drawn: tuple[str, bytes]) -> None:
        path = tmp_path / drawn[0]
        path.unlink(missing_ok=True)
        path.write_bytes(drawn[1])
        assert isinstance(read_checkpoint(str(path)), dict)

    examples(st.tuples(st.just("a.torch"), files) | st.tuples(st.just("a.safetensors"), tensors), read)


@pytest.fixture(scope="module")
def trunk() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Conv2d(1, 3, 2), torch.nn.BatchNorm2d(3))


def test_a_checkpoint_with_anything_in_it_fills_a_trunk_or_is_a_sentence(
    tmp_path: Path, examples: Examples, trunk: torch.nn.Module
) -> None:
    state = trunk.state_dict()
    tensors = st.sampled_from(
        [
            torch.zeros(3),
            torch.zeros(2, 2, dtype=torch.complex64),
            torch.ones(4, dtype=torch.bool),
            torch.eye(3).to_sparse(),
            torch.zeros(3, device="meta"),
            torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8),
            np.array(["a"]),
            np.array(1.5),
        ]
    )
    values = JSON | tensors | st.dictionaries(st.text(max_size=5), tensors, max_size=2)

    @st.composite
    def changed(draw: st.DrawFn) -> dict[Any, Any]:
        names = draw(st.sets(st.sampled_from(sorted(state)), max_size=2))
        part: dict[Any, Any] = {**state, **{name: draw(values) for name in names}}
        part.update(draw(st.dictionaries(st.text(max_size=4) | st.integers(), values, max_size=2)))
        inner = draw(st.sampled_from([part, {"trunk": part}, {"trunk": part, "heads": draw(values)}, draw(values)]))
        layouts: list[Any] = [inner, {"state_dict": inner}, {"classy_state_dict": {"base_model": {"model": inner}}}]
        chosen = draw(st.sampled_from(layouts))
        return chosen if isinstance(chosen, dict) else {"model": chosen}

    examples(changed(), lambda content: fill(trunk, "tiny", content, "a.torch"))


def test_any_value_in_a_config_is_fine_or_is_named_in_sentences(examples: Examples) -> None:
    from omegaconf import OmegaConf

    from vissl_monoimage.config.compose import compose_config, vissl_defaults
    from vissl_monoimage.config.validate import problems_of

    words = ["config=pretrain/monoimage/rotnet_convnet4", "+config/monoimage=smoke", "config.CHECKPOINT.DIR=run"]
    whole, defaults = OmegaConf.to_container(compose_config(words), resolve=True), vissl_defaults()

    @st.composite
    def changed(draw: st.DrawFn) -> Any:
        config = copy.deepcopy(whole)
        node: Any = config["config"]
        key = draw(st.sampled_from(sorted(node)))
        while isinstance(node[key], dict) and node[key] and draw(st.integers(0, 4)):
            node = node[key]
            key = draw(st.sampled_from(sorted(node)))
        node[key] = draw(JSON.filter(lambda value: not isinstance(value, dict)))
        return config

    def read(config: Any) -> None:
        assert not any("\n" in sentence for sentence in problems_of(config, defaults))

    examples(changed(), read)
