"""Images of class folders and file lists, read by VISSL's data set with the care that photos are read with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from omegaconf import OmegaConf
from peers import icc
from PIL import Image
from torch.utils.data import DataLoader
from vissl.config import AttrDict

from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.data.photos.decode import load_photo
from vissl_monoimage.data.unreadable import count_unreadable
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.training.seeding import SeededSSLDataset

NOISE = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
COLOUR = Image.fromarray(NOISE)
RAMP = np.linspace(0, 1, 1200).reshape(30, 40)


def turned(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    COLOUR.save(path, exif=exif)


def transparent(path: Path) -> None:
    image = COLOUR.convert("RGBA")
    image.putalpha(Image.fromarray(NOISE[..., 0]))
    image.save(path)


ODD = {
    "deep.png": lambda path: Image.fromarray((RAMP * 65535).astype(np.uint16)).save(path),
    "twelve.png": lambda path: Image.fromarray((RAMP * 4095).astype(np.uint16)).save(path),
    "float.tif": lambda path: Image.fromarray(RAMP.astype(np.float32)).save(path),
    "turned.jpg": turned,
    "transparent.png": transparent,
    "p3.png": lambda path: COLOUR.save(path, icc_profile=icc.DISPLAY_P3.profile()),
}
PLAIN = {
    "a.jpg": lambda path: COLOUR.save(path),
    "b.png": lambda path: COLOUR.save(path),
    "c.png": lambda path: COLOUR.convert("L").save(path),
    "d.webp": lambda path: COLOUR.save(path),
    "e.png": lambda path: COLOUR.quantize(16).save(path),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two classes."""
    for kind, files in (("odd", ODD), ("plain", PLAIN)):
        (tmp_path / "classes" / kind).mkdir(parents=True)
        for name, write in files.items():
            write(tmp_path / "classes" / kind / name)
    return tmp_path / "classes"


def data_set(source: str, path: Path, **changes: Any) -> Any:
    """VISSL's data set of these images, as our task makes it, without transforms."""
    from vissl.data import DATA_SOURCES_WITH_SUBSET_SUPPORT, DATASET_SOURCE_MAP

    composed = compose_config(["config=benchmark/monoimage/linear_cifar10"])
    config = AttrDict(OmegaConf.to_container(composed.config, resolve=True))
    config.CHECKPOINT.DIR = str(path.parent)
    config.DATA.TRAIN.update(
        {
            "DATA_SOURCES": [source], "LABEL_SOURCES": [], "DATASET_NAMES": ["mine"], "DATA_PATHS": [str(path)],
            "LABEL_PATHS": [""], "TRANSFORMS": [{"name": "ToTensor"}], **changes,
        }
    )  # fmt: skip
    return SeededSSLDataset(config, "TRAIN", DATASET_SOURCE_MAP, DATA_SOURCES_WITH_SUBSET_SUPPORT)


def file_list(folder: Path) -> Path:
    paths = sorted(str(path) for path in folder.rglob("*.*"))
    np.save(folder.parent / "files.npy", np.array(paths))
    return folder.parent / "files.npy"


@pytest.mark.parametrize("source", ["disk_folder", "disk_filelist"])
def test_every_image_has_the_pixels_of_a_photo(folder: Path, source: str) -> None:
    data = data_set(source, folder if source == "disk_folder" else file_list(folder))
    paths = sorted(folder.rglob("*.*"))
    assert len(data) == len(paths) == 11
    for index, path in enumerate(paths):
        image, valid = data.data_objs[0][index]
        assert valid is True
        assert image.mode == "RGB"
        assert (np.asarray(image) == load_photo(path).pixels).all(), path.name


def test_ordinary_images_have_the_bytes_that_torchvision_gives(folder: Path) -> None:
    """Committed rows depend on them."""
    source = data_set("disk_folder", folder).data_objs[0]
    for index, (path, _) in enumerate(source.image_dataset.samples):
        if "plain" in path:
            assert source[index][0].tobytes() == Image.open(path).convert("RGB").tobytes()


def test_loader_workers_read_them_too(folder: Path) -> None:
    data = data_set("disk_filelist", file_list(folder))
    loader: Any = DataLoader(data, batch_size=None, num_workers=1, multiprocessing_context="fork")
    expected = [load_photo(path).pixels for path in sorted(folder.rglob("*.*"))]
    for item, pixels in zip(loader, expected, strict=True):
        assert (item["data"][0].permute(1, 2, 0).mul(255).round().numpy() == pixels).all()


def test_a_prefix_of_the_paths_is_replaced(folder: Path, tmp_path: Path) -> None:
    names = sorted(f"elsewhere/{path.parent.name}/{path.name}" for path in folder.rglob("*.*"))
    np.save(tmp_path / "files.npy", np.array(names))
    prefixes = {"REMOVE_IMG_PATH_PREFIX": "elsewhere", "NEW_IMG_PATH_PREFIX": str(folder)}
    image, _ = data_set("disk_filelist", tmp_path / "files.npy", **prefixes).data_objs[0][10]
    assert (np.asarray(image) == load_photo(folder / "plain" / "e.png").pixels).all()


@pytest.mark.parametrize("source", ["disk_folder", "disk_filelist"])
def test_an_image_that_cannot_be_read_stops_the_run_with_its_name(folder: Path, source: str) -> None:
    """VISSL logs it and shows the network a grey image."""
    data = data_set(source, folder if source == "disk_folder" else file_list(folder))
    path = folder / "plain" / "b.png"
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(MonoImageError, match=r"plain/b\.png is truncated or damaged"):
        data[7]
    path.unlink()
    with pytest.raises(MonoImageError, match=r"there is no file .*plain/b\.png"):
        data[7]


def test_vissls_queue_replaces_bad_images_where_the_user_asks_for_it(folder: Path) -> None:
    data = data_set("disk_folder", folder, ENABLE_QUEUE_DATASET=True, BATCHSIZE_PER_REPLICA=2)
    source = data.data_objs[0]
    seen = [np.asarray(source[index][0]) for index in range(4)]
    assert (seen[0] == load_photo(folder / "odd" / "deep.png").pixels).all()
    (folder / "plain" / "b.png").write_bytes(b"")
    image, valid = source[7]
    assert valid is True
    assert count_unreadable(data.cfg.CHECKPOINT.DIR) == {"train": 1}
    assert any((np.asarray(image) == pixels).all() for pixels in seen if pixels.shape == (30, 40, 3))


@pytest.mark.parametrize(
    ("source", "workers"),
    # Torch waits 5 s for a worker that has failed.
    [("disk_folder", 0), ("disk_filelist", 0), pytest.param("disk_folder", 1, marks=pytest.mark.slow)],
)
def test_images_of_two_sizes_in_a_batch_are_named(folder: Path, source: str, workers: int) -> None:
    data = data_set(source, folder if source == "disk_folder" else file_list(folder))
    loader: Any = DataLoader(
        data, batch_size=4, num_workers=workers, multiprocessing_context="fork" if workers else None
    )
    with pytest.raises(MonoImageError) as caught:
        list(loader)
    sentence = str(caught.value)
    assert f"{folder}/odd/turned.jpg is 30x40 px after config.DATA.TRAIN.TRANSFORMS, and " in sentence
    assert f"{folder}/odd/twelve.png is 40x30 px: images of a batch need one size" in sentence


def test_a_collator_of_the_users_may_take_images_of_any_size(folder: Path) -> None:
    from vissl.data.collators import COLLATOR_REGISTRY, register_collator

    @register_collator("sizes_collator")
    def sizes_collator(batch: list[dict[str, Any]]) -> list[Any]:
        return [sample["data"][0].shape for sample in batch]

    try:
        data = data_set("disk_folder", folder, COLLATE_FUNCTION="sizes_collator")
        assert len({shape for batch in DataLoader(data, 4, collate_fn=sizes_collator) for shape in batch}) == 2
    finally:
        del COLLATOR_REGISTRY["sizes_collator"]
