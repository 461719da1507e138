"""Whether a split has as many images as DATA_LIMIT takes from it; VISSL finds out when it reads the first one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vissl_monoimage.config.checks import Settings, register_check
from vissl_monoimage.config.validate_data import splits
from vissl_monoimage.data.image_counts_vissl import count_classes, count_images


@register_check
def check_limit(config: Settings) -> Iterator[str]:
    """Refuse to take more images than there are, in all or of a class."""
    for split, data in splits(config):
        limit, sampling = data["DATA_LIMIT"], data.get("DATA_LIMIT_SAMPLING") or {}
        if limit < 0 or data["DATA_SOURCES"][0] == "synthetic":  # as many as are asked for
            continue
        where, skipped = f"config.DATA.{split}", sampling.get("SKIP_NUM_SAMPLES", 0)
        after = f", after DATA_LIMIT_SAMPLING.SKIP_NUM_SAMPLES={skipped}," if skipped else ""
        if sampling.get("IS_BALANCED"):
            counts = count_classes(config, split, 0, enough=limit + skipped)
            if not data["LABEL_SOURCES"]:
                yield f"{where}.DATA_LIMIT_SAMPLING.IS_BALANCED=true needs labels: {where}.LABEL_SOURCES is empty"
            elif counts and (problem := _unbalanced(counts, limit, skipped)):
                yield f"{where}.DATA_LIMIT={limit}{after} with IS_BALANCED=true takes {problem}"
            continue
        count = count_images(config, split, 0, enough=limit + skipped)
        if count is not None and count < limit + skipped:
            most = max(0, count - skipped)
            yield f"{where}.DATA_LIMIT={limit}{after} is more than the {count} images: at most {most}, or -1 for all"


def _unbalanced(counts: Sequence[int], limit: int, skipped: int) -> str | None:
    """Return which class has too few images for VISSL's balanced sampling; its first classes give one image more."""
    classes = len(counts)
    if limit < classes:
        return f"less than one image of each of the {classes} classes: give at least {classes}"
    for number, count in enumerate(counts):
        needed = sum(total // classes + (number < total % classes) for total in (limit, skipped))
        if count < needed:
            return f"{needed} images of class {number}, which has {count}"
    return None
