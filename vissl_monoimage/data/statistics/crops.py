"""Measures of the crops of a photo: how much they differ, and how well their rotation can be predicted.

The crops are those of the released recipe, without its colour jitter and with the photo's own surroundings in the
corners that rotation uncovers. Jitter and black corners would make the crops of a flat image differ, and the numbers
are meant to describe the photo, not the augmentation.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from vissl_monoimage.data.crops.params import draw_crop
from vissl_monoimage.data.crops.pyramid import Pyramid
from vissl_monoimage.data.crops.recipe import Recipe
from vissl_monoimage.data.crops.render import render
from vissl_monoimage.data.crops.sample import TEST, TRAIN
from vissl_monoimage.data.photos.decode import Pixels
from vissl_monoimage.data.statistics.pixels import grey

RECIPE = Recipe(size=32, jitter=0.0, fill="photo")
COMPARED = 512
"""Number of crops compared for distinctness; another number gives another scale."""
LEARNED, HELD_OUT = 400, 200
"""Numbers of crops, each in four rotations, that the rotation classifier is trained and tested on."""
_CELL, _DIRECTIONS = 8, 8


def crops_of(photo: Pixels, count: int, seed: int, split: int = TRAIN) -> Pixels:
    """Return `count` crops of RECIPE, uint8 (count, 32, 32, 3)."""
    pyramid = Pyramid.build(photo)
    size = pyramid.width, pyramid.height
    parameters = (draw_crop(RECIPE, *size, seed=seed, split=split, index=index) for index in range(count))
    return np.stack([np.asarray(render(pyramid, crop, RECIPE)) for crop in parameters])


def crop_distances(crops: Pixels) -> NDArray[np.float64]:
    """Return the Euclidean distances between the gradient histograms of crops: (N, 32, 32, 3) -> (N, N), 0..1.41.

    Distances between pixels would make stripes seem more varied than photos: a small shift of a stripe is as far as
    pixels can be apart. Contrast and colour do not count.
    """
    features = np.stack([_gradients(grey(crop)) for crop in crops])
    return np.asarray(cdist(features, features))


def crop_distinctness(photo: Pixels, seed: int = 0) -> float:
    """Return the mean distance (`crop_distances`) of a crop from its nearest among COMPARED: 0..1.41, 0 if flat."""
    distances = crop_distances(crops_of(photo, COMPARED, seed))
    np.fill_diagonal(distances, np.inf)
    return float(distances.min(axis=1).mean())


def rotation_accuracy(photo: Pixels, seed: int = 0) -> float:
    """Return the accuracy in percent of a linear classifier of rotations by 0, 90, 180 and 270 degrees; chance is 25.

    It is a logistic regression (C = 0.01) on standardised histograms of signed gradients (HOG) and the crop at 8x8 px.
    The test crops are drawn independently of the training crops, as a run's test split is, but from the same photo.
    """
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=500))
    classifier.fit(*_rotated(crops_of(photo, LEARNED, seed, TRAIN)))
    return 100 * float(classifier.score(*_rotated(crops_of(photo, HELD_OUT, seed, TEST))))


def _rotated(crops: Pixels) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return features (4 N, F) and quarter turns (4 N,) of all four rotations of N crops."""
    turned = [np.ascontiguousarray(np.rot90(crop, turns)) for turns in range(4) for crop in crops]
    return np.stack([_features(crop) for crop in turned]), np.arange(4).repeat(len(crops))


def _features(crop: Pixels) -> NDArray[np.float32]:
    """Return the gradient histograms, then the crop at 8x8 px in 0..1."""
    colours = cv2.resize(crop, (8, 8), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    return np.concatenate([_gradients(grey(crop)), colours / 255])


def _gradients(luma: Pixels) -> NDArray[np.float32]:
    """Return histograms of signed gradient directions in cells of 8x8 px, weighted by length; their norm is at most 1.

    OpenCV 5 has no HOGDescriptor any more, and scikit-image is an optional dependency.
    """
    along_x = cv2.Sobel(luma, cv2.CV_32F, 1, 0)
    along_y = cv2.Sobel(luma, cv2.CV_32F, 0, 1)
    direction = np.round(np.arctan2(along_y, along_x) * _DIRECTIONS / (2 * np.pi)).astype(int) % _DIRECTIONS
    rows, columns = np.indices(luma.shape) // _CELL
    cells = luma.shape[1] // _CELL
    code = ((rows * cells + columns) * _DIRECTIONS + direction).ravel()
    counts = np.bincount(code, np.hypot(along_x, along_y).ravel(), minlength=cells * cells * _DIRECTIONS)
    return (counts / max(float(np.linalg.norm(counts)), 1.0)).astype(np.float32)
