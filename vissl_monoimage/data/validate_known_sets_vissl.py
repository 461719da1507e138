"""Whether folders and lists of images hold the data set whose name the configuration gives them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vissl_monoimage.config.checks import Settings, register_check
from vissl_monoimage.config.validate_data import splits
from vissl_monoimage.data.class_labels import folder_classes
from vissl_monoimage.data.class_labels_vissl import FILE, FOLDERS, source_files
from vissl_monoimage.data.image_counts_vissl import count_images
from vissl_monoimage.data.known_sets import known_set, unlike
from vissl_monoimage.data.validate_classes_vissl import read_classes


@register_check
def check_known_sets(config: Settings) -> Iterator[str]:
    """Refuse the name of a published data set for other images, which reports would show as results on it."""
    for split, data in splits(config):
        pairs = zip(data["DATA_SOURCES"], data["DATASET_NAMES"], strict=False)
        for index, (source, name) in enumerate(pairs):
            known = known_set(name)
            if not known or source not in (FOLDERS, FILE):  # torchvision checks the hashes of its own files
                continue
            images = count_images(config, split, index, enough=known.images[split] + 1)
            for problem in unlike(known, split, _count_classes(config, split, index), images):
                where = f"config.DATA.{split}.DATASET_NAMES"
                path, _ = source_files(config, split, index)
                yield f"{where}=[{name}], but '{path}' {problem}: give the data a name of their own, {where}=[mine]"


def _count_classes(config: Settings, split: str, index: int) -> int | None:
    source = config["DATA"][split]["DATA_SOURCES"][index]
    images, _ = source_files(config, split, index)
    if source == FOLDERS:
        return len(folder_classes(images)) if isinstance(images, str) and Path(images).is_dir() else None
    classes = read_classes(config, split, index)
    return len(classes.numbers) if classes else None
