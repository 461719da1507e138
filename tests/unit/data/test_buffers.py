"""Crops that share arrays have the bytes of crops with arrays of their own."""

from __future__ import annotations

import ctypes
import os
import resource
import threading
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

from vissl_monoimage.data.crops.buffers import buffers_for
from vissl_monoimage.data.crops.color_jitter import jitter
from vissl_monoimage.data.crops.params import draw_crop
from vissl_monoimage.data.crops.pyramid import Pyramid
from vissl_monoimage.data.crops.recipe import RECIPES, Recipe
from vissl_monoimage.data.crops.render import render
from vissl_monoimage.data.crops.warp import warp

PYRAMID = Pyramid.build(data.coffee())
RECIPE = replace(RECIPES["paper"], jitter=0.5)


def with_own_arrays(recipe: Recipe, index: int) -> NDArray[np.uint8]:
    crop = draw_crop(recipe, PYRAMID.width, PYRAMID.height, seed=0, split=0, index=index)
    pixels = np.ascontiguousarray(warp(PYRAMID, crop, recipe)[..., :3])
    return jitter(pixels, crop.jitter) if crop.jitter else pixels


def rendered(recipe: Recipe, index: int) -> NDArray[np.uint8]:
    crop = draw_crop(recipe, PYRAMID.width, PYRAMID.height, seed=0, split=0, index=index)
    return np.asarray(render(PYRAMID, crop, recipe))


@pytest.mark.parametrize("fill", ["black", "photo"])
def test_crops_of_changing_sizes_do_not_depend_on_those_before(fill: str) -> None:
    for index in range(60):
        recipe = replace(RECIPE, size=(32, 33, 97)[index // 2 % 3], fill=fill)
        assert (rendered(recipe, index) == with_own_arrays(recipe, index)).all()


def test_a_jitter_leaves_its_input_and_the_arrays_of_the_crop_alone() -> None:
    recipe = replace(RECIPE, jitter=1.0, size=33)
    for index in range(24):
        crop = draw_crop(recipe, PYRAMID.width, PYRAMID.height, seed=0, split=0, index=index)
        assert crop.jitter
        buffers = buffers_for(33)
        pixels = cv2.cvtColor(warp(PYRAMID, crop, recipe, buffers), cv2.COLOR_RGBA2RGB, buffers.rgb)
        before = pixels.copy()
        assert (jitter(pixels, crop.jitter, buffers) == jitter(before, crop.jitter)).all()
        assert (pixels == before).all()


def test_threads_have_arrays_of_their_own() -> None:
    recipe = replace(RECIPE, size=64)
    wanted = [with_own_arrays(recipe, index) for index in range(80)]
    wrong: list[int] = []

    def work(first: int) -> None:
        for index in range(first, 80, 4):
            for _ in range(5):
                if not (rendered(recipe, index) == wanted[index]).all():
                    wrong.append(index)

    threads = [threading.Thread(target=work, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="needs the allocator of glibc")
def test_crops_cause_no_page_faults_where_the_allocator_returns_large_blocks_to_the_kernel() -> None:
    trim_threshold, mmap_threshold = -1, -3
    recipe = replace(RECIPE, jitter=1.0, size=256)
    reader, writer = os.pipe()
    if not (child := os.fork()):
        for threshold in (trim_threshold, mmap_threshold):
            ctypes.CDLL(None).mallopt(threshold, 128 << 10)
        faults = []
        for index in (*range(20), *range(20)):  # the levels of the pyramid are made in the first twenty
            faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
            crop = draw_crop(recipe, PYRAMID.width, PYRAMID.height, seed=0, split=0, index=index)
            render(PYRAMID, crop, recipe)
        os.write(writer, str(faults[-1] - faults[20]).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert int(os.read(reader, 20)) < 100  # more than 5,000 with new arrays for each crop
