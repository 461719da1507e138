"""The runs of a benchmark's cell: its pretraining or `monoimage init`, and its probes."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterator
from pathlib import Path

from vissl_monoimage.config.quoting import quoted
from vissl_monoimage.data.labelled_folder import SPLITS
from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.models.init import CROPS, TRUNKS
from vissl_monoimage.models.zoo import PREFIX as ZOO
from vissl_monoimage.models.zoo import zoo_model
from vissl_monoimage.reproduce.cell import DATA_SETS, Cell
from vissl_monoimage.reproduce.cell_images import init_images, photo_of, prepared_photos
from vissl_monoimage.reproduce.datasets import Inputs, find_split, folder_overrides
from vissl_monoimage.reproduce.grid import Probe, Profile
from vissl_monoimage.reproduce.photos import PhotoList
from vissl_monoimage.reproduce.run import Run
from vissl_monoimage.utils.precision import FLOAT32_COST, cpu_has_bfloat16

ON_GPU = "+config/monoimage=gpu"
DRAWN_FROM = "+config.MONOIMAGE.DRAWN_FROM="


def pretrain_run(cell: Cell, title: str, seed: int, profile: Profile, inputs: Inputs) -> Run:
    """Return the pretraining of a cell with one seed; both its arithmetic and its device may depend on the machine."""
    in_bfloat16 = profile.bfloat16 and (inputs.gpu or cpu_has_bfloat16())
    overrides = [f"config={cell.pretrain}", *["config.MONOIMAGE.BF16=true"] * in_bfloat16, *profile.overrides]
    photos, sha256, extra = prepared_photos(cell, seed, inputs), "", _device(inputs)
    if photos:
        content = source = photos.file.stem
        overrides += _photo_overrides(photos.file, seed)
        if isinstance(photos, PhotoList):
            extra = (*extra, f"{DRAWN_FROM}{cell.source}")
    elif cell.source in DATA_SETS:
        for split in SPLITS:
            overrides += folder_overrides(split, cell.source, inputs, cell.labels)
        content = source = cell.source
    else:
        photo, source, sha256 = photo_of(cell, inputs)
        overrides += _photo_overrides(photo, seed)
        content = photo if photo in CATALOG else sha256
    overrides += [*cell.overrides, f"config.SEED_VALUE={seed}"]
    folder = inputs.out / _folder_name(f"{Path(cell.pretrain).name}_{source}_{seed}", overrides, content)
    minutes = cell.minutes * (FLOAT32_COST if profile.bfloat16 and not in_bfloat16 else 1)
    return Run(title, folder, tuple(overrides), minutes, cell.megabytes, photos, sha256, extra=extra)


def init_run(cell: Cell, title: str, seed: int, profile: Profile, inputs: Inputs) -> Run:
    """Return the `monoimage init` of a cell with one seed."""
    photos = prepared_photos(cell, seed, inputs)
    images, source, sha256 = init_images(cell, photos, inputs)
    trunk = [f"--trunk={_probed_trunk(cell)}"] * (not cell.of)
    crops = (cell.overrides or profile.init_overrides or [f"--crops={CROPS}"]) if images else []
    overrides = [*trunk, f"--seed={seed}", *crops]
    if cell.of:
        config, *words = shlex.split(cell.of)
        overrides.append(f"--like={shlex.join([config, *profile.overrides, *words])}")
    folder = inputs.out / _folder_name(
        "_".join(filter(None, (cell.init, source, f"{seed}"))), overrides, sha256 or source
    )
    verb = ("init", cell.init, *([images] if images else []))
    return Run(title, folder, tuple(overrides), cell.minutes, cell.megabytes, photos, sha256, verb)


def probe_run(probe: Probe, cell: Cell, title: str, stem: str, seed: int, profile: Profile, inputs: Inputs) -> Run:
    """Return a probe of a cell with one seed, in a folder whose name begins with `stem`; its weights come later."""
    overrides = [f"config={probe.config}", *profile.probe_overrides, *probe.overrides, *cell.probe_overrides]
    if cell.zoo:
        overrides.append(f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE={ZOO}{cell.zoo}")
    if trunk := _probed_trunk(cell):
        overrides.append(f"config.MODEL.TRUNK.NAME={trunk}")
    if probe.data:
        for split in SPLITS:
            overrides += folder_overrides(split, probe.data, inputs, labels=True)
    overrides.append(f"config.SEED_VALUE={seed}")
    folder = inputs.out / _folder_name(stem, overrides, probe.data)
    splits = [find_split(split, probe.data, inputs) for split in SPLITS] if probe.data else []
    return Run(
        title,
        folder,
        tuple(overrides),
        probe.minutes,
        probe.megabytes,
        extra=_device(inputs),
        image_folders=tuple(where for source, where in splits if source == "disk_folder"),
    )


def _photo_overrides(entry: str | Path, seed: int) -> Iterator[str]:
    yield f"config.DATA.TRAIN.DATA_PATHS=[{quoted(entry)}]"
    yield f"config.MONOIMAGE.SOURCE.SEED={seed}"


def _device(inputs: Inputs) -> tuple[str, ...]:
    return (ON_GPU,) if inputs.gpu else ()


def _probed_trunk(cell: Cell) -> str:
    """Return the trunk to probe, "" for that of the probe's configuration."""
    if cell.zoo:
        return zoo_model(cell.zoo).trunk
    return cell.trunk or (TRUNKS[cell.init][0] if cell.init in TRUNKS else "")


def _folder_name(stem: str, overrides: list[str], content: str) -> str:
    """Return a readable name with a hash of all overrides; paths do not count, their content does."""
    kept = [item for item in overrides if ".DATA_PATHS=" not in item]
    return f"{stem}_{hashlib.sha256(json.dumps([*kept, content]).encode()).hexdigest()[:8]}"
