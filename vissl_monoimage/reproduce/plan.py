"""From a benchmark to its runs: each pretraining once, however many cells need it, and the probes of its checkpoint."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

from vissl_monoimage.config.quoting import quoted
from vissl_monoimage.data.labelled_folder import SPLITS
from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.data.photos.decode import file_sha256
from vissl_monoimage.data.photos.find import find_one_photo
from vissl_monoimage.data.photos.synthetic import SYNTHETIC
from vissl_monoimage.errors import MonoImageError, unknown
from vissl_monoimage.models.init import CROPS, NOISE, TRUNKS
from vissl_monoimage.models.zoo import PREFIX as ZOO
from vissl_monoimage.models.zoo import zoo_model
from vissl_monoimage.reproduce.cell import DATA_SETS, UNNAMED_PHOTO, Cell
from vissl_monoimage.reproduce.datasets import Inputs, find_split, folder_overrides
from vissl_monoimage.reproduce.grid import Grid, Probe, Profile
from vissl_monoimage.reproduce.photos import PhotoList, SyntheticPhoto
from vissl_monoimage.reproduce.run import Chain, Run
from vissl_monoimage.utils.precision import FLOAT32_COST, cpu_has_bfloat16

ON_GPU = "+config/monoimage=gpu"
DRAWN_FROM = "+config.MONOIMAGE.DRAWN_FROM="
TRANSFER_DATA = "+config.MONOIMAGE.TRANSFER_DATA="


def plan(grid: Grid, profile: str, inputs: Inputs, seeds: Iterable[int] = ()) -> list[Chain]:
    """Return all chains of a benchmark: those of the first seed first, in the order of the cells.

    Args:
        grid: the benchmark.
        profile: the name of one of its profiles.
        inputs: what this machine has.
        seeds: used instead of the profile's, if there are any.

    Raises:
        MonoImageError: an unknown profile, or a data set whose folder is unknown or has no images.
    """
    if profile not in grid.profiles:
        raise MonoImageError(f"benchmark {grid.name}: {unknown('profile', profile, grid.profiles)}")
    chosen = grid.profiles[profile]
    chains: dict[tuple[Path, ...], Chain] = {}
    given = list(seeds)
    for place, seed in enumerate(given or chosen.seeds):
        for name, cell in grid.cells.items():
            if cell.seeds and place >= cell.seeds and not given:
                continue
            chain = _chain(grid, name, seed, chosen, inputs)
            origin = [chain.pretrain] if chain.pretrain else chain.probes
            key = tuple(run.folder for run in origin)
            chains[key] = chains[key].with_probes(chain.probes) if key in chains else chain
    return list(chains.values())


def _chain(grid: Grid, name: str, seed: int, profile: Profile, inputs: Inputs) -> Chain:
    cell = grid.cells[name]
    title, pretrain = f"{name}, seed {seed}", None
    if cell.source or cell.init:
        pretrain = (_init_run if cell.init else _pretrain_run)(cell, title, seed, profile, inputs)
        if not cell.init:
            pretrain = dataclasses.replace(pretrain, extra=(*pretrain.extra, *_transfer_data(grid, cell, inputs)))
    origin = pretrain.folder.name if pretrain else f"{cell.zoo or cell.trunk or 'random'}_{seed}"
    probes = (
        _probe_run(grid.probes[key], cell, f"{title}, probed on {key}", f"{key}_of_{origin}", seed, profile, inputs)
        for key in cell.select_probes(grid.probes)
    )
    return Chain(pretrain, tuple(probes))


def _pretrain_run(cell: Cell, title: str, seed: int, profile: Profile, inputs: Inputs) -> Run:
    in_bfloat16 = profile.bfloat16 and (inputs.gpu or cpu_has_bfloat16())
    overrides = [f"config={cell.pretrain}", *["config.MONOIMAGE.BF16=true"] * in_bfloat16, *profile.overrides]
    photos, sha256, extra = _prepared_photos(cell, seed, inputs), "", _device(inputs)
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
        photo, source, sha256 = _photo(cell, inputs)
        overrides += _photo_overrides(photo, seed)
        content = photo if photo in CATALOG else sha256
    overrides += [*cell.overrides, f"config.SEED_VALUE={seed}"]
    folder = inputs.out / _folder_name(f"{Path(cell.pretrain).name}_{source}_{seed}", overrides, content)
    minutes = cell.minutes * (FLOAT32_COST if profile.bfloat16 and not in_bfloat16 else 1)
    return Run(title, folder, tuple(overrides), minutes, cell.megabytes, photos, sha256, extra=extra)


def _init_run(cell: Cell, title: str, seed: int, profile: Profile, inputs: Inputs) -> Run:
    photos = _prepared_photos(cell, seed, inputs)
    images, source, sha256 = _init_images(cell, photos, inputs)
    trunk = [f"--trunk={_probed_trunk(cell)}"] * (not cell.of)
    crops = cell.overrides or [f"--crops={CROPS}"] * bool(images)  # init takes no other override of a cell
    overrides = [*trunk, f"--seed={seed}", *crops]
    if cell.of:
        config, *words = shlex.split(cell.of)
        overrides.append(f"--like={shlex.join([config, *profile.overrides, *words])}")
    folder = inputs.out / _folder_name(
        "_".join(filter(None, (cell.init, source, f"{seed}"))), overrides, sha256 or source
    )
    verb = ("init", cell.init, *([images] if images else []))
    return Run(title, folder, tuple(overrides), cell.minutes, cell.megabytes, photos, sha256, verb)


def _init_images(cell: Cell, photos: PhotoList | SyntheticPhoto | None, inputs: Inputs) -> tuple[str, str, str]:
    """Return the images as `monoimage init` takes them, their name in that of the folder, and the hash of a photo."""
    if photos:
        return str(photos.file), cell.source, ""
    if cell.source in DATA_SETS:
        find_split("TRAIN", cell.source, inputs)
        return f"{cell.source}={inputs.data[cell.source]}", cell.source, ""
    return (cell.source, cell.source, "") if cell.source in ("", NOISE) else _photo(cell, inputs)


def _probe_run(probe: Probe, cell: Cell, title: str, stem: str, seed: int, profile: Profile, inputs: Inputs) -> Run:
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


def _photo(cell: Cell, inputs: Inputs) -> tuple[str, str, str]:
    """Return the cell's only photo as it was named, its stem for names of folders, and the hash of its file.

    Raises:
        MonoImageError: the photo has a name, and none of that name is given.
    """
    name = cell.photo_name
    if name and name not in inputs.photos:
        raise MonoImageError(f"this benchmark needs the photo {name}: say where it is with --photo {name}=FILE")
    photo = inputs.photos[name] if name else inputs.photo if cell.source == UNNAMED_PHOTO else cell.source
    return photo, re.sub(r"\W+", "-", Path(photo).stem), file_sha256(find_one_photo(photo))


def _photo_overrides(entry: str | Path, seed: int) -> Iterator[str]:
    yield f"config.DATA.TRAIN.DATA_PATHS=[{quoted(entry)}]"
    yield f"config.MONOIMAGE.SOURCE.SEED={seed}"


def _prepared_photos(cell: Cell, seed: int, inputs: Inputs) -> PhotoList | SyntheticPhoto | None:
    """Return what is written before the run: images drawn from a data set with the seed, or a synthetic photo."""
    if cell.source in SYNTHETIC:
        return SyntheticPhoto(inputs.out / "photos" / f"{cell.source}.png")
    if not cell.images:
        return None
    kind, folder = find_split("TRAIN", cell.source, inputs)
    # torchvision orders the images in another way than files are: the same numbers are other images.
    unpacked = DATA_SETS[cell.source] if kind == "torchvision_dataset" else ""
    file = inputs.out / f"photos_{seed}" / f"{unpacked or cell.source}_{cell.images}.txt"  # one name for all seeds
    return PhotoList(file, folder, cell.images, seed, unpacked)


def _transfer_data(grid: Grid, cell: Cell, inputs: Inputs) -> Iterator[str]:
    """Yield the override that names the data set of the cell's first probe, to measure the pretext task on."""
    data = next((grid.probes[name].data for name in cell.select_probes(grid.probes) if grid.probes[name].data), "")
    if data in inputs.data:
        yield f"{TRANSFER_DATA}{quoted(f'{data}={inputs.data[data]}')}"


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
