"""Whether the sources of a split, which VISSL reads side by side, have the same number of images."""

from __future__ import annotations

from collections.abc import Iterator

from vissl_monoimage.config.checks import Settings, register_check
from vissl_monoimage.config.validate_data import splits
from vissl_monoimage.data.image_counts_vissl import count_images


@register_check
def check_lengths(config: Settings) -> Iterator[str]:
    """Refuse sources of different lengths, of each of which VISSL takes as many images as the first one has."""
    for split, data in splits(config):
        sources = data["DATA_SOURCES"]
        counts = [count_images(config, split, index) for index in range(len(sources))] if len(sources) > 1 else []
        if None not in counts and len(set(counts)) > 1:
            listed = ", ".join(f"{source} {count}" for source, count in zip(sources, counts, strict=True))
            yield f"config.DATA.{split}.DATA_SOURCES are read side by side, but differ in their images: {listed}"
