"""Names of published data sets, and what cannot be the set of that name."""

from __future__ import annotations

import pytest

from vissl_monoimage.data.known_sets import KNOWN_SETS, known_set, unlike


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("CIFAR10", "cifar10"),
        ("cifar-100", "cifar100"),
        ("imagenet1k_folder", "imagenet1k"),
        ("imagenet1k_filelist", "imagenet1k"),
        ("places205_folder", "places205"),
        ("tiny-imagenet-200", "tinyimagenet"),
        ("Tiny_ImageNet", "tinyimagenet"),
    ],
)
def test_a_published_set_is_known_however_it_is_written(name: str, known: str) -> None:
    assert known_set(name) is KNOWN_SETS[known]


@pytest.mark.parametrize("name", ["mine", "cifar", "cifar10_of_mine", "imagenet", "", "cifar200"])
def test_other_names_are_the_users_own(name: str) -> None:
    assert known_set(name) is None


@pytest.mark.parametrize(
    ("split", "classes", "images", "problems"),
    [
        ("TRAIN", 10, 50_000, []),
        ("TRAIN", 10, 500, []),  # a part
        ("TRAIN", None, None, []),
        ("TRAIN", 9, 500, ["has 9 classes, and CIFAR-10 has 10"]),
        ("TRAIN", 11, 500, ["has 11 classes, and CIFAR-10 has 10"]),
        ("TRAIN", 10, 50_001, ["has more than the 50,000 images of CIFAR-10"]),
        ("TEST", 9, 500, []),  # a part may lack a class
        ("TEST", 11, 10_001, ["has 11 classes, and CIFAR-10 has 10", "has more than the 10,000 images of CIFAR-10"]),
    ],
)
def test_a_part_is_like_the_set_and_more_is_not(split: str, classes: int, images: int, problems: list[str]) -> None:
    assert list(unlike(KNOWN_SETS["cifar10"], split, classes, images)) == problems
