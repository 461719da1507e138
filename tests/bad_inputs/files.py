"""Files and words that commands refuse: the command, what is said, and the content of `bad` where it names one."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import torch
from PIL import Image

from vissl_monoimage.models.trunks.registry import build_trunk

Row = tuple[str, str, bytes | Callable[[], bytes] | None]


def torch_file(content: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def picture(size: tuple[int, int] = (64, 64), format: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "red").save(buffer, format)
    return buffer.getvalue()


def convnet4(change: Callable[[torch.Tensor], Any] = lambda weight: weight, end: int | None = None) -> Any:
    """Return what makes a checkpoint of convnet4, in VISSL's format, whose first weight is changed."""

    def made() -> bytes:
        state = dict(build_trunk("convnet4").state_dict())
        name = next(iter(state))
        state[name] = change(state[name])
        return torch_file({"classy_state_dict": {"base_model": {"model": {"trunk": state, "heads": {}}}}})[:end]

    return made


def grid(cell: str = "{}", probe: str = "{config: benchmark/monoimage/linear_photo_patches}", more: str = "") -> bytes:
    text = f"title: t\nprobes:\n  p: {probe}\ncells:\n  c: {cell}\nprofiles:\n  laptop: {{seeds: [0]}}\n{more}"
    return text.encode()


EXPORT = "export bad.torch -o out --trunk convnet4"
STYLE = "style china coffee -o out.png --size 32 --steps 1 --checkpoint bad.torch"
CHECKPOINTS: list[Row] = [
    (EXPORT, "bad.torch", b""),
    (EXPORT, "bad.torch", b"no checkpoint"),
    (EXPORT, "bad.torch", torch_file({})),
    (EXPORT, "holds a list", torch_file([torch.zeros(2)])),
    (EXPORT, "holds a Tensor", torch_file(torch.zeros(2))),
    (EXPORT, "holds no trunk", torch_file({3: torch.zeros(2)})),
    (EXPORT, "holds no trunk", torch_file({"state_dict": {3: torch.zeros(2)}})),
    (EXPORT, "holds no trunk", torch_file({"state_dict": None})),
    (EXPORT, "holds no trunk", torch_file({"classy_state_dict": {"base_model": {"model": {"trunk": [1]}}}})),
    (EXPORT, "another architecture", torch_file({"a": torch.zeros(2)})),
    (EXPORT, "could run code", torch_file({"a": Image.Image})),
    (EXPORT, "sparse_coo", convnet4(lambda weight: weight.to_sparse())),
    (EXPORT, "without values", convnet4(lambda weight: weight.to("meta"))),
    (EXPORT, "of bool", convnet4(lambda weight: weight > 0)),
    (EXPORT, "of complex64", convnet4(lambda weight: weight.to(torch.complex64))),
    (EXPORT, "of int64", convnet4(lambda weight: weight.long())),
    (EXPORT, "instead of", convnet4(lambda weight: weight[0])),
    (EXPORT, "lacks 1 of the", convnet4(lambda weight: None)),
    (EXPORT, "bad.torch", convnet4(end=-2000)),
    (STYLE, "of complex64", convnet4(lambda weight: weight.to(torch.complex64))),
    ("export nowhere.torch -o out", "nowhere.torch", None),
    ("export bad.torch -o out --trunk convnet5", "convnet4", convnet4()),
    ("features bad.torch nowhere -o f.npz --trunk convnet4", "nowhere", convnet4()),
]
CARD = "card bad.png"
PHOTOS: list[Row] = [
    (CARD, "bad.png", b""),
    (CARD, "bad.png", b"no image"),
    (CARD, "bad.png", picture()[:60]),
    (CARD, "bad.png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n"),
    ("preview bad.png -o out.png", "too small", picture((1, 1))),
    ("preview nowhere.png -o out.png", "nowhere.png", None),
    ("preview chine -o out.png", "china", None),
    ("preview china -o out.png --recipe relesed", "released", None),
    ("preview china -o out.png --size 0", "SIZE=0", None),
    ("preview china -o out.png --rows 0", "rows", None),
    ("preview china -o out.png --seed -1", "SEED=-1", None),
    ("dataset write china out --samples 0", "samples", None),
    ("dataset write china out --samples 8 --size -1", "SIZE=-1", None),
    ("dataset write bad.png out --samples 8", "bad.png", b"no image"),
    ("dataset write bad.txt out --samples 8", "nowhere.png", b"nowhere.png\n"),
    ("style china nowhere.png -o out.png", "nowhere.png", None),
    ("style china coffee -o out.gif --size 32 --steps 1", "a picture is saved as .png", None),
    ("init kmeans bad.png -o out", "bad.png", b"no image"),
    ("init kmens china -o out", "kmeans", None),
    ("init kmeans china -o out --trunk convnet5", "convnet4", None),
    ("init kmeans china -o out --crops 0", "must be at least 1", None),
    ("init random --like config=nope -o out", "unknown config 'nope'", None),
    ("init calibrate china --weights nowhere -o out", "no checkpoint at 'nowhere'", None),
    ("report nowhere -o out", "nowhere", None),
    ("export bad.txt -o out", "bad.txt", b"{}"),
]
PLAN, REPRODUCE = "reproduce bad.yaml --dry-run", "reproduce demo --dry-run"
GRIDS: list[Row] = [
    (PLAN, "must be a mapping", b""),
    (PLAN, "must be a mapping", b"- 1\n"),
    (PLAN, "cannot be read", b"title: [\n"),
    (PLAN, "cannot be read", b"title: \xff\n"),
    (PLAN, "nested too deeply", b"title: " + b"[" * 3000),
    (PLAN, "is there twice", grid(more="title: again\n")),
    (PLAN, "is there twice", grid("{minutes: 1, minutes: 2}")),
    (PLAN, "did you mean 'cells'", grid(more="cels: {}\n")),
    (PLAN, "minutes=inf", grid("{minutes: .inf}")),
    (PLAN, "minutes=nan", grid("{minutes: .nan}")),
    (PLAN, "minutes=-1", grid("{minutes: -1}")),
    (PLAN, "must have letters", grid().replace(b"  c:", b'  "c\\0":')),
    (PLAN, "must have letters", grid().replace(b"  c:", b"  ../../x:")),
    (PLAN, "must have letters", grid().replace(b"  p:", b"  ../../x:")),
    (PLAN, "must be a name", grid().replace(b"  c:", b"  3:")),
    (PLAN, "must be a mapping", grid("3")),
    (PLAN, "seeds=[]", grid().replace(b"[0]", b"[]")),
    (PLAN, "seeds=[-1]", grid().replace(b"[0]", b"[-1]")),
    (PLAN, "must be a list of whole numbers", grid().replace(b"[0]", b"[a]")),
    (PLAN, "unknown profile 'laptop'", grid().replace(b"laptop", b"paper")),
    (PLAN, "source", grid("{pretrain: pretrain/monoimage/rotnet_convnet4, trunk: convnet4}")),
    (PLAN, "unknown config", grid("{pretrain: pretrain/monoimage/rotnet_convnet5, source: china}")),
    (PLAN, "unknown config", grid(probe="{config: benchmark/monoimage/linear_photo_patchs}")),
    (PLAN, "unknown trunk", grid("{trunk: convnet5}")),
    (PLAN, "cannot be read", None),
    ("reproduce dem --dry-run", "did you mean 'demo'", None),
    (f"{REPRODUCE} --profile papper", "unknown profile 'papper'", None),
    (f"{REPRODUCE} --cells rotnt", "unknown cell 'rotnt'", None),
    (f"{REPRODUCE} --probes patchs", "unknown probe 'patchs'", None),
    (f"{REPRODUCE} --photo nowhere.png", "nowhere.png", None),
    (f"{REPRODUCE} --data cifar10", "must be NAME=FOLDER", None),
    (f"{REPRODUCE} --seeds -1", "must be a whole number", None),
    (f"{REPRODUCE} --jobs 0", "--jobs", None),
]
ROWS = [*CHECKPOINTS, *PHOTOS, *GRIDS]
