"""The data source as VISSL uses it: same samples everywhere, photos shared and not copied."""

from __future__ import annotations

import hashlib
import importlib
import io
import logging
import pickle
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import vissl.data
from omegaconf import OmegaConf
from peers import icc
from PIL import Image
from torch.utils.data import DataLoader
from vissl.config import AttrDict

from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.data.crops.recipe import RECIPES
from vissl_monoimage.data.photos import cache as cache_module
from vissl_monoimage.data.photos.cache import PyramidCache
from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.data.photos.decode import file_sha256
from vissl_monoimage.data.single_image_vissl import SingleImageSource
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.origin import recipe_and_images


def make(path: Any = "china", split: str = "TRAIN", **source: Any) -> SingleImageSource:
    cfg = {
        "DATA": {"TRAIN": {"DATA_SOURCES": ["single_image"], "DATA_PATHS": ["chelsea"]}},
        "MONOIMAGE": {"SOURCE": {"SIZE": 32, **source}},
    }
    return SingleImageSource(cfg=cfg, data_source="single_image", path=path, split=split, dataset_name="")


def digest(image: Image.Image) -> str:
    return hashlib.sha256(image.tobytes()).hexdigest()


def digests(source: SingleImageSource, indices: range = range(1, 9)) -> list[str]:
    return [digest(source[i][0]) for i in indices]


def vissl_dataset(path: Any, transforms: list[dict[str, Any]], **source: Any) -> Any:
    """VISSL's data set, built from a config that names photos and nothing else."""
    split = {
        "DATA_SOURCES": ["single_image"], "DATASET_NAMES": ["single_image"], "DATA_PATHS": [path],
        "LABEL_SOURCES": [], "LABEL_PATHS": [], "LABEL_TYPE": "sample_index", "DATA_LIMIT": 12,
        "DATA_LIMIT_SAMPLING": {"IS_BALANCED": False, "SKIP_NUM_SAMPLES": 0, "SEED": 0},
        "BATCHSIZE_PER_REPLICA": 2, "COPY_TO_LOCAL_DISK": False, "MMAP_MODE": True, "TRANSFORMS": transforms,
    }  # fmt: skip
    config = AttrDict({"DATA": {"TRAIN": split}, "MONOIMAGE": {"SOURCE": {"SIZE": 48, **source}}})
    return vissl.data.build_dataset(config, "TRAIN")


@pytest.mark.parametrize("method", ["fork", "forkserver"])
def test_workers_give_the_bytes_of_the_main_process(method: str) -> None:
    dataset = vissl_dataset(["china", "coffee"], [{"name": "ToTensor"}])
    loader = DataLoader(dataset, batch_size=3, num_workers=2, multiprocessing_context=method)
    from_workers = torch.cat([batch["data"][0] for batch in loader])
    assert torch.equal(from_workers, torch.stack([dataset[i]["data"][0] for i in range(12)]))
    assert dataset.data_objs[0].crops.photos[0].flat.is_shared() or method == "fork"


def test_pixels_are_shared_with_workers_not_copied() -> None:
    source = make()
    assert source.crops.photos[0].nbytes > 1_000_000
    pickled = io.BytesIO()
    ForkingPickler(pickled, pickle.HIGHEST_PROTOCOL).dump(source)
    assert pickled.tell() < 20_000
    assert source.crops.photos[0].flat.is_shared()
    assert digests(source) == digests(make())


def test_without_room_for_sharing_a_worker_decodes_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    # `retina` is used by no other test here, so that its pyramid is not in shared memory yet.
    source = make("retina")
    monkeypatch.setattr(cache_module, "_SHARED_RESERVE", 1 << 60)
    copy = pickle.loads(ForkingPickler.dumps(source))
    assert not source.crops.photos[0].flat.is_shared()
    assert copy.crops.photos[0].flat.data_ptr() != source.crops.photos[0].flat.data_ptr()
    assert digests(copy) == digests(source)


def test_a_bounded_cache_gives_equal_pyramids(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [CATALOG[name].path for name in ("china", "coffee", "chelsea")]
    kept = PyramidCache(paths, RECIPES["paper"])
    monkeypatch.setattr(cache_module, "CACHE_BYTES", kept[0].nbytes + kept[1].nbytes)
    bounded = PyramidCache(paths, RECIPES["paper"])
    assert kept.all_in_memory
    assert not bounded.all_in_memory
    assert [kept[number].nbytes for number in range(3)] == kept.sizes
    for number in (0, 1, 2, 0, 1, 2):
        for scale in (0.5, 1.5, 4.0, 1e9):
            level = kept[number].level_number(scale)
            assert (bounded[number].level(level) == kept[number].level(level)).all()
        assert sum(pyramid.nbytes for pyramid in cache_module._RECENT.values()) <= cache_module.CACHE_BYTES


def test_a_photo_changed_in_use_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [tmp_path / "me.png", tmp_path / "you.png"]
    for path in paths:
        Image.new("RGB", (200, 200), "red").save(path)
    monkeypatch.setattr(cache_module, "CACHE_BYTES", 0)
    photos = PyramidCache(paths, RECIPES["paper"])
    Image.new("RGB", (200, 200), "blue").save(paths[0])
    with pytest.raises(MonoImageError, match=r"me\.png changed while it was in use"):
        photos[0]


def test_train_and_test_split_hold_one_pyramid_and_different_crops() -> None:
    train, test = make(), make(split="TEST")
    assert train.crops.photos[0] is test.crops.photos[0]
    assert not set(digests(train)) & set(digests(test))


def test_samples_depend_on_nothing_but_seed_and_index() -> None:
    assert digests(make()) == digests(make(NUM_SAMPLES=100)) == digests(make(TEST_SAMPLES=3))
    assert digests(make())[3] == digests(make(), range(4, 5))[0]
    assert not set(digests(make())) & set(digests(make(SEED=1)))
    assert len(set(digests(make()))) == 8


def test_fixed_set_stays_and_fresh_set_changes_each_epoch() -> None:
    fixed, fresh, test = make(), make(FRESH=True), make(split="TEST", FRESH=True)
    first = digests(fixed), digests(fresh), digests(test)
    assert first[0] == first[1]
    for source in (fixed, fresh, test):
        source.set_train_phase_idx(1)
    assert digests(fixed) == first[0]
    assert not set(digests(fresh)) & set(first[1])
    assert digests(test) == first[2]
    fresh.set_train_phase_idx(0)
    assert digests(fresh) == first[1]


def test_n_photos_come_first_themselves_and_then_take_turns(tmp_path: Path) -> None:
    paths = []
    for level in (40, 120, 200):
        paths.append(str(tmp_path / f"{level}.png"))
        Image.new("RGB", (300, 200), (level, level, level)).save(paths[-1])
    source = make(paths, SHEAR=0, ROTATION=0, JITTER=0)
    levels = [int(np.asarray(source[i][0]).mean()) for i in range(9)]
    assert levels == [40, 120, 200] * 3
    one = make("chelsea")[0][0]
    box = (75.5, 0, 375.5, 300)
    centre = Image.open(CATALOG["chelsea"].path).resize((32, 32), Image.Resampling.BICUBIC, box)
    assert (np.asarray(one) == np.asarray(centre)).all()
    in_test_split = make("chelsea", split="TEST")[0][0]
    assert np.abs(np.asarray(in_test_split, int) - np.asarray(centre, int)).mean() > 5
    with pytest.raises(MonoImageError, match="NUM_SAMPLES=2 must be at least 3"):
        make(paths, NUM_SAMPLES=2)


def test_ends_where_it_should_and_is_called_as_vissl_calls_it() -> None:
    source = make(NUM_SAMPLES=10, TEST_SAMPLES=4)
    assert len(source) == source.num_samples() == 10
    assert len(make(split="TEST", TEST_SAMPLES=4)) == 4
    image, success = source[9]
    assert success is True
    assert (image.mode, image.size) == ("RGB", (32, 32))
    for index in (10, -1):
        with pytest.raises(IndexError):
            source[index]


def test_hashes_are_of_the_files() -> None:
    source = make(["china", "coffee"])
    assert source.crops.photos.sha256 == [file_sha256(path) for path in source.crops.photos.paths]


def test_same_as_train_reads_the_training_photos() -> None:
    assert make("same_as_train", split="TEST").crops.photos.paths == [CATALOG["chelsea"].path]


def test_notes_on_a_photo_are_logged_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[str] = []  # not caplog: VISSL's logging, once set up in this process, takes its handler away
    handler = logging.Handler()
    monkeypatch.setattr(handler, "emit", lambda record: logged.append(record.getMessage()))
    monkeypatch.setattr(logging.getLogger("vissl_monoimage.data.photos.cache"), "handlers", [handler])
    path = tmp_path / "moving.gif"
    frames = [Image.new("L", (300, 300), level) for level in (0, 200)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    sources = make(str(path)), make(str(path), split="TEST")
    assert logged == ["moving.gif has 2 frames: the first is used"]
    assert sources[0].crops.photos.paths == sources[1].crops.photos.paths


@pytest.mark.parametrize("method", ["simclr/simclr_8node_resnet", "swav/swav_8node_resnet"])
def test_the_overlay_turns_any_pretraining_into_its_single_image_variant(method: str) -> None:
    config = compose_config(
        [
            f"config=pretrain/{method}",
            "+config/monoimage=[single_image,cpu]",
            "config.DATA.TRAIN.DATA_PATHS=[coffee]",
            "config.MONOIMAGE.SOURCE.SIZE=64",
        ]
    ).config
    sources = {}
    for split in ("TRAIN", "TEST"):
        data = config.DATA[split]
        assert list(data.DATA_SOURCES) == list(data.DATASET_NAMES) == ["single_image"]
        assert list(data.LABEL_SOURCES) == []
        plain = OmegaConf.to_container(config)
        sources[split] = SingleImageSource(
            cfg=plain, data_source="single_image", path=data.DATA_PATHS[0], split=split, dataset_name=""
        )
    assert len(sources["TRAIN"]) == 1281167
    assert sources["TRAIN"].crops.photos.paths == sources["TEST"].crops.photos.paths == [CATALOG["coffee"].path]
    assert sources["TRAIN"].crops.recipe.size == 64
    assert config.TRAINER.TASK_NAME == "monoimage_task"


def test_label_free_data_paths_work_in_vissls_own_data_set() -> None:
    dataset = vissl_dataset("china", [{"name": "RandomHorizontalFlip", "p": 1.0}, {"name": "ToTensor"}])
    assert len(dataset) == 12
    item = dataset[3]
    assert item["data"][0].shape == (3, 48, 48)
    assert item["data_valid"] == [1]
    assert item["label"] == [3]


def test_a_row_names_a_photo_of_a_package_by_its_place_inside_it_and_ones_own_by_its_place(tmp_path: Path) -> None:
    mine = tmp_path / "me.png"
    Image.new("RGB", (300, 200), "red").save(mine)
    _, images = recipe_and_images([make(photo).crops for photo in ("china", "coffee", str(mine))], {"SIZE": 32})
    assert [(image["name"], image["path"]) for image in images] == [
        ("china", "sklearn/datasets/images/china.jpg"),
        ("coffee", "skimage/data/coffee.png"),
        ("me.png", str(mine)),
    ]
    for image in images[:2]:
        package, _, inside = image["path"].partition("/")
        file = Path(str(importlib.import_module(package).__file__)).parent / inside
        assert hashlib.sha256(file.read_bytes()).hexdigest() == image["sha256"]


def test_a_row_says_what_decoding_changed(tmp_path: Path) -> None:
    path = tmp_path / "p3.png"
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8)
    Image.fromarray(noise).save(path, icc_profile=icc.DISPLAY_P3.profile())
    _, images = recipe_and_images([make(str(path)).crops, make("china").crops], {"SIZE": 32})
    assert images[0]["notes"] == ["p3.png has the colour profile 'Display P3': converted to sRGB"]
    assert "notes" not in images[1]
