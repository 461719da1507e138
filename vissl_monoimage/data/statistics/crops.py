"""Measures of a photo's crops, as the released recipe draws them: how unlike they are, how easily turned upright.

Without the recipe's colour jitter, and with the photo's own surroundings for what rotation uncovers: both would make a
flat image's crops differ, and the numbers are to be the photo's, not the augmentation's.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from vissl_monoimage.data.crops.params import draw
from vissl_monoimage.data.crops.pyramid import Pyramid
from vissl_monoimage.data.crops.recipe import Recipe
from vissl_monoimage.data.crops.render import render
from vissl_monoimage.data.crops.sample import TEST, TRAIN
from vissl_monoimage.data.photos.synthetic import Pixels
from vissl_monoimage.data.statistics.pixels import grey

RECIPE = Recipe(size=32, jitter=0.0, fill="photo")
COMPARED = 512
"""Crops compared for distinctness; another number of crops gives another scale."""
LEARNED, HELD_OUT = 400, 200
"""Crops, each in four rotations, that the rotation classifier is trained and tested on."""
_CELL, _DIRECTIONS = 8, 8


def crops_of(photo: Pixels, count: int, seed: int, split: int = TRAIN) -> Pixels:
    """`count` crops of RECIPE, uint8 (count, 32, 32, 3)."""
    pyramid = Pyramid.build(photo)
    drawn = (
        draw(RECIPE, pyramid.width, pyramid.height, seed=seed, split=split, index=number) for number in range(count)
    )
    return np.stack([np.asarray(render(pyramid, crop, RECIPE)) for crop in drawn])


def crop_distances(crops: Pixels) -> NDArray[np.float64]:
    """Euclidean distances between crops (N, 32, 32, 3) -> (N, N), 0..1.41, in their histograms of gradients.

    Not between pixels: there a small shift of a stripe is as far as it can be, and stripes would seem more varied than
    photos. Contrast and colour do not count.
    """
    features = np.stack([_gradients(grey(crop)) for crop in crops])
    return np.asarray(cdist(features, features))


def crop_distinctness(photo: Pixels, seed: int = 0) -> float:
    """Mean distance of a crop from the one most like it (`crop_distances`) among COMPARED, 0..1.41; flat: 0."""
    distances = crop_distances(crops_of(photo, COMPARED, seed))
    np.fill_diagonal(distances, np.inf)
    return float(distances.min(axis=1).mean())


def rotation_accuracy(photo: Pixels, seed: int = 0) -> float:
    """Percent of held-out crops whose rotation by 0, 90, 180 or 270 degrees a linear classifier tells; chance is 25.

    Logistic regression (C = 0.01) on standardised histograms of signed gradients (HOG) and the crop at 8x8 px. Held-out
    crops are drawn apart from those learned from, as a run's test split is, but from the same photo.
    """
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=500))
    classifier.fit(*_rotated(crops_of(photo, LEARNED, seed, TRAIN)))
    return 100 * float(classifier.score(*_rotated(crops_of(photo, HELD_OUT, seed, TEST))))


def _rotated(crops: Pixels) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Features (4 N, F) and quarter turns (4 N,) of all four rotations of N crops."""
    turned = [np.ascontiguousarray(np.rot90(crop, turns)) for turns in range(4) for crop in crops]
    return np.stack([_features(crop) for crop in turned]), np.arange(4).repeat(len(crops))


def _features(crop: Pixels) -> NDArray[np.float32]:
    """Histograms of gradients, then the crop at 8x8 px in 0..1."""
    colours = cv2.resize(crop, (8, 8), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    return np.concatenate([_gradients(grey(crop)), colours / 255])


def _gradients(luma: Pixels) -> NDArray[np.float32]:
    """Histograms of signed gradient directions, weighted by length, in cells of 8x8 px; together of norm 1 at most.

    OpenCV 5 has no HOGDescriptor any more, and scikit-image is but an extra.
    """
    along_x = cv2.Sobel(luma, cv2.CV_32F, 1, 0)
    along_y = cv2.Sobel(luma, cv2.CV_32F, 0, 1)
    direction = np.round(np.arctan2(along_y, along_x) * _DIRECTIONS / (2 * np.pi)).astype(int) % _DIRECTIONS
    rows, columns = np.indices(luma.shape) // _CELL
    cells = luma.shape[1] // _CELL
    code = ((rows * cells + columns) * _DIRECTIONS + direction).ravel()
    counts = np.bincount(code, np.hypot(along_x, along_y).ravel(), minlength=cells * cells * _DIRECTIONS)
    return (counts / max(float(np.linalg.norm(counts)), 1.0)).astype(np.float32)
