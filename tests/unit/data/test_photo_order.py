"""Photos that do not all fit into memory: the order that decodes each once, and the order where all of them fit."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch.utils.data import DataLoader
from vissl.config import AttrDict

from vissl_monoimage.data.crops.export import ExportJob, write_crops
from vissl_monoimage.data.crops.pyramid import pyramid_bytes
from vissl_monoimage.data.photo_order import group_by_photo, photo_groups
from vissl_monoimage.data.photos import cache as cache_module
from vissl_monoimage.training.sampler import ResumableSampler
from vissl_monoimage.training.seeding import SeededSSLDataset
from vissl_monoimage.utils.random import generator

PHOTOS, SIZE = 60, (96, 80)
SAMPLES = 1200
FITTING = 10  # photos that fit the cache of these tests


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    noise = np.random.default_rng(0).integers(0, 256, (PHOTOS, SIZE[1], SIZE[0], 3), np.uint8)
    for number, pixels in enumerate(noise):
        Image.fromarray(pixels).save(folder / f"{number:02}.png")
    return folder


def data_set(folder: Any, split: str = "TRAIN", limit: int = -1) -> SeededSSLDataset:
    """VISSL's data set of ours, from a config that names photos and nothing else."""
    from vissl.data import DATA_SOURCES_WITH_SUBSET_SUPPORT, DATASET_SOURCE_MAP

    one = {
        "DATA_SOURCES": ["single_image"], "DATASET_NAMES": ["single_image"], "DATA_PATHS": [folder],
        "LABEL_SOURCES": [], "LABEL_PATHS": [], "LABEL_TYPE": "sample_index", "DATA_LIMIT": limit,
        "DATA_LIMIT_SAMPLING": {"IS_BALANCED": False, "SKIP_NUM_SAMPLES": 0, "SEED": 0},
        "BATCHSIZE_PER_REPLICA": 2, "COPY_TO_LOCAL_DISK": False, "MMAP_MODE": True,
        "TRANSFORMS": [{"name": "ToTensor"}],
    }  # fmt: skip
    source = {"SIZE": 8, "NUM_SAMPLES": SAMPLES, "TEST_SAMPLES": SAMPLES, "SCALE": [0.1, 1]}
    config = AttrDict({"SEED_VALUE": 1, "DATA": {"TRAIN": one, "TEST": one}, "MONOIMAGE": {"SOURCE": source}})
    return SeededSSLDataset(config, split, DATASET_SOURCE_MAP, DATA_SOURCES_WITH_SUBSET_SUPPORT)


@pytest.fixture
def crowded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> SeededSSLDataset:
    """A data set of sixty photos, of which ten fit."""
    monkeypatch.setattr(cache_module, "CACHE_BYTES", FITTING * pyramid_bytes(*SIZE))
    cache_module._RECENT.clear()
    return data_set(str(folder))


def sampler(dataset: Any, ranks: int = 1, rank: int = 0, batch: int = 24, seed: int = 7) -> ResumableSampler:
    return ResumableSampler(dataset, batch, seed, num_replicas=ranks, rank=rank)


def decodes_of(dataset: SeededSSLDataset, samples: list[int], monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each photo is decoded for these samples; the cache keeps to its bound all the while."""
    counted: Counter[str] = Counter()
    decode = cache_module.decode

    def count(path: Path, content: bytes) -> Any:
        counted[path.name] += 1
        return decode(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(cache_module, "decode", count)
        for index in samples:
            dataset[index]
            assert sum(pyramid.nbytes for pyramid in cache_module._RECENT.values()) <= cache_module.CACHE_BYTES
    return counted


def test_an_epoch_decodes_each_photo_once_and_a_plain_shuffle_all_the_time(
    crowded: SeededSSLDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    each = sampler(crowded)
    for epoch in (0, 1):
        each.set_epoch(epoch)
        order = list(each)
        assert sorted(order) == list(range(SAMPLES))
        counted = decodes_of(crowded, order, monkeypatch)
        assert len(counted) > PHOTOS - FITTING - 1  # of the first group some are still there from the epoch before
        assert set(counted.values()) == {1}
    plain = torch.randperm(SAMPLES, generator=torch.Generator().manual_seed(0))[:200].tolist()
    assert decodes_of(crowded, plain, monkeypatch).total() > 0.7 * 200


def test_a_subset_of_the_samples_decodes_each_photo_once(
    crowded: SeededSSLDataset, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With DATA_LIMIT, VISSL's index i is not the source's sample i."""
    subset = data_set(str(folder), limit=300)
    order = list(sampler(subset))
    assert sorted(order) == list(range(300))
    assert set(decodes_of(subset, order, monkeypatch).values()) == {1}


@pytest.mark.parametrize("workers", [1, 2])
def test_each_worker_decodes_each_photo_at_most_once(
    crowded: SeededSSLDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    note, decode = tmp_path / "decoded", cache_module.decode

    def write_down(path: Path, content: bytes) -> Any:
        with open(note, "a") as file:
            file.write(f"{os.getpid()} {path.name}\n")
        return decode(path, content)

    monkeypatch.setattr(cache_module, "decode", write_down)
    loader: Any = DataLoader(
        crowded, batch_size=24, sampler=sampler(crowded), num_workers=workers, multiprocessing_context="fork"
    )
    images = {
        int(index): image
        for batch in loader
        for index, image in zip(batch["data_idx"][0], batch["data"][0], strict=True)
    }
    counted = Counter(note.read_text().splitlines())
    assert len({line.split()[0] for line in counted}) == workers
    assert set(counted.values()) == {1}
    assert counted.total() == workers * PHOTOS  # 20 samples of each: every worker meets it
    monkeypatch.setattr(cache_module, "CACHE_BYTES", 1 << 30)
    everything_fits = data_set([str(path) for path in crowded.data_objs[0].crops.photos.paths])
    assert everything_fits.data_objs[0].crops.photos.all_in_memory
    assert all(torch.equal(everything_fits[index]["data"][0], image) for index, image in images.items())


def test_writing_files_decodes_each_photo_once(
    crowded: SeededSSLDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crops = crowded.data_objs[0].crops
    decoded: list[str] = []
    decode = cache_module.decode
    monkeypatch.setattr(cache_module, "decode", lambda path, content: decoded.append(path) or decode(path, content))
    job = ExportJob(crops.photos, crops.recipe, 300, 0, tmp_path / "files")
    assert write_crops(job, 1) == len(list(job.folder.iterdir())) == 300
    assert len(decoded) == len(set(decoded)) == PHOTOS


def test_train_and_test_split_share_one_bound(
    crowded: SeededSSLDataset, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = data_set(str(folder), split="TEST")
    decodes_of(crowded, list(sampler(crowded))[:300], monkeypatch)
    decodes_of(test, list(sampler(test))[:300], monkeypatch)
    assert len(cache_module._RECENT) == FITTING


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 6), st.integers(0, 5), st.integers(0, 8), st.integers(0, 3))
def test_two_processes_and_a_resumed_run_see_the_samples_of_one(
    crowded_once: SeededSSLDataset, half: int, odd: int, start: int, epoch: int
) -> None:
    size = SAMPLES - odd
    crowded_once.data_limit = size if odd else -1
    crowded_once._subset_initialized = False
    alone = sampler(crowded_once, batch=2 * half)
    pair = [sampler(crowded_once, 2, rank, half) for rank in (0, 1)]
    for each in (alone, *pair):
        each.set_epoch(epoch)
    whole = list(alone)
    assert sorted(whole) == list(range(size))
    padded = whole + whole[-1:] * (size % 2)
    for each in (alone, *pair):
        each.set_start_iter(start)
    assert list(alone) == whole[start * 2 * half :]
    parts = [list(each) for each in pair]
    together = [index for both in zip(*parts, strict=True) for index in both]
    assert together == padded[start * 2 * half :]


@pytest.fixture(scope="module")
def crowded_once(folder: Path) -> SeededSSLDataset:
    """As `crowded`, for hypothesis, which wants one for all examples."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache_module, "CACHE_BYTES", FITTING * pyramid_bytes(*SIZE))
        return data_set(str(folder))


def test_the_order_follows_seed_and_epoch_and_mixes_within_a_group(crowded: SeededSSLDataset) -> None:
    orders = []
    for seed, epoch in ((7, 0), (7, 0), (7, 1), (8, 0)):
        each = sampler(crowded, seed=seed)
        each.set_epoch(epoch)
        orders.append(list(each))
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]
    assert orders[0] != orders[3]
    photos = np.array(orders[0]) % PHOTOS
    groups, later = ([set(part) for part in np.split(np.array(order) % PHOTOS, 6)] for order in (orders[0], orders[2]))
    assert [len(group) for group in groups] == [FITTING] * 6
    assert groups[0] not in later
    assert all(len(set(batch)) > FITTING / 2 for batch in np.split(photos, SAMPLES // 20))


class Sizes:
    """Stands in for a PyramidCache: the sizes of its photos and its bound."""

    def __init__(self, sizes: list[int], cache_bytes: int) -> None:
        self.sizes, self.cache_bytes = sizes, cache_bytes

    def __len__(self) -> int:
        return len(self.sizes)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 200), min_size=1, max_size=60), st.integers(1, 300), st.integers(0, 3))
def test_groups_hold_every_photo_once_fit_and_are_few(sizes: list[int], cache: int, seed: int) -> None:
    groups = photo_groups(Sizes(sizes, cache), generator(seed))  # type: ignore[arg-type]
    assert sorted(photo for group in groups for photo in group) == list(range(len(sizes)))
    held = [sum(sizes[photo] for photo in group) for group in groups]
    assert all(total <= cache or len(group) == 1 for total, group in zip(held, groups, strict=True))
    fewest, filled = 0, cache
    for size in (sizes[photo] for group in groups for photo in group):
        fewest, filled = (fewest, filled + size) if filled + size <= cache else (fewest + 1, size)
    assert len(groups) == fewest


def test_groups_are_of_about_the_same_size() -> None:
    lengths = [len(group) for group in photo_groups(Sizes([10] * 17, 160), generator(0))]  # type: ignore[arg-type]
    assert lengths == [9, 8]  # not 16 and 1


def test_repeated_samples_are_reordered_and_kept(crowded: SeededSSLDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a method with a sampler of its own draws them."""
    drawn = np.random.default_rng(0).integers(0, SAMPLES, 900)
    warm = group_by_photo(crowded, drawn, generator("x"))
    groups = photo_groups(crowded.data_objs[0].crops.photos, generator("x"))
    assert warm.tolist() == [index for group in groups for index in drawn.tolist() if index % PHOTOS in group]
    assert set(decodes_of(crowded, warm.tolist(), monkeypatch).values()) == {1}


@pytest.mark.parametrize("ranks", [1, 2, 5])
@pytest.mark.parametrize("photos", ["china", ["china", "coffee"]])
def test_where_all_photos_fit_the_order_is_torchs_own(photos: Any, ranks: int) -> None:
    """Committed results depend on it: the first samples of two epochs as they were before there was another order."""
    dataset = data_set(photos, limit=12)
    for epoch, first in ((0, [3, 4, 0, 5]), (3, [5, 2, 4, 7])):
        draw = torch.Generator().manual_seed(7 + epoch)
        expected = torch.randperm(12, generator=draw).tolist()
        assert expected[:4] == first
        expected += expected[: -12 % ranks]
        for rank in range(ranks):
            each = sampler(dataset, ranks, rank)
            each.set_epoch(epoch)
            assert list(each) == expected[rank::ranks]
    assert group_by_photo(dataset, np.arange(12), generator(0)).tolist() == list(range(12))
