"""From a benchmark to its runs: every pretraining once, whoever asks for it, and the probes of its checkpoint."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vissl_monoimage.config.quoting import quoted
from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.data.photos.decode import file_sha256
from vissl_monoimage.data.photos.find import find_one_photo
from vissl_monoimage.data.photos.synthetic import SYNTHETIC
from vissl_monoimage.errors import MonoImageError, unknown
from vissl_monoimage.models.init import CROPS, TRUNKS
from vissl_monoimage.models.zoo import PREFIX as ZOO
from vissl_monoimage.models.zoo import zoo_model
from vissl_monoimage.reproduce.cell import DATA_SETS, Cell
from vissl_monoimage.reproduce.datasets import SPLITS, Inputs, from_folder, split_of
from vissl_monoimage.reproduce.grid import Grid, Probe, Profile
from vissl_monoimage.reproduce.photos import PhotoList, SyntheticPhoto
from vissl_monoimage.utils.precision import FLOAT32_COST, cpu_has_bfloat16

ON_GPU = "+config/monoimage=gpu"


@dataclass(frozen=True)
class Run:
    """One VISSL run, or one of `monoimage init`: `verb` and `overrides` are the words after `monoimage`.

    `folder` is named for what it is and the hash of all that made it; `photos`: written before it. photo_sha256: of the
    file of its one photo, where that was there when it was planned. place: words that say where it runs, which make
    it no other run.
    """

    title: str
    folder: Path
    overrides: tuple[str, ...]
    minutes: float
    megabytes: float
    photos: PhotoList | SyntheticPhoto | None = None
    photo_sha256: str = ""
    verb: tuple[str, ...] = ("run",)
    place: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chain:
    """A pretraining, or none, and the probes of its checkpoint, in order: what one core or one job does."""

    pretrain: Run | None
    probes: tuple[Run, ...]

    @property
    def runs(self) -> tuple[Run, ...]:
        return (*([self.pretrain] if self.pretrain else []), *self.probes)

    def with_probes(self, others: tuple[Run, ...]) -> Chain:
        """It, and those of `others` that it has not yet."""
        known = {run.folder for run in self.probes}
        return Chain(self.pretrain, (*self.probes, *(run for run in others if run.folder not in known)))


def plan(grid: Grid, profile: str, inputs: Inputs, seeds: Iterable[int] = ()) -> list[Chain]:
    """All chains of a benchmark, for the seeds of its profile or others; the first seed of all cells first.

    Raises:
        MonoImageError: an unknown profile, or a data set whose folder is not known or is not one.
    """
    if profile not in grid.profiles:
        raise MonoImageError(f"benchmark {grid.name}: {unknown('profile', profile, grid.profiles)}")
    chosen = grid.profiles[profile]
    found: dict[tuple[Path, ...], Chain] = {}
    for seed in list(seeds) or chosen.seeds:
        for name in grid.cells:
            chain = _chain(grid, name, seed, chosen, inputs)
            origin = [chain.pretrain] if chain.pretrain else chain.probes
            key = tuple(run.folder for run in origin)
            found[key] = found[key].with_probes(chain.probes) if key in found else chain
    return list(found.values())


def _chain(grid: Grid, name: str, seed: int, profile: Profile, inputs: Inputs) -> Chain:
    cell = grid.cells[name]
    title, pretrain = f"{name}, seed {seed}", None
    if cell.source:
        pretrain = (_initialisation if cell.init else _pretraining)(cell, title, seed, profile, inputs)
    origin = pretrain.folder.name if pretrain else f"{cell.zoo or cell.trunk or 'random'}_{seed}"
    probes = (
        _probe(grid.probes[key], cell, f"{title}, probed on {key}", f"{key}_of_{origin}", seed, profile, inputs)
        for key in cell.asks(grid.probes)
    )
    return Chain(pretrain, tuple(probes))


def _pretraining(cell: Cell, title: str, seed: int, profile: Profile, inputs: Inputs) -> Run:
    in_bfloat16 = profile.bfloat16 and (inputs.gpu or cpu_has_bfloat16())
    overrides = [f"config={cell.pretrain}", *["config.MONOIMAGE.BF16=true"] * in_bfloat16, *profile.overrides]
    photos, sha256 = _made(cell, seed, inputs), ""
    if photos:
        content = source = photos.file.stem
        overrides += _from_photos(photos.file, seed)
    elif cell.source in DATA_SETS:
        for split in SPLITS:
            overrides += from_folder(split, cell.source, inputs, cell.labels)
        content = source = cell.source
    else:
        photo, source, sha256 = _photo(cell, inputs)
        overrides += _from_photos(photo, seed)
        content = photo if photo in CATALOG else sha256
    overrides += [*cell.overrides, f"config.SEED_VALUE={seed}"]
    where = _folder(f"{Path(cell.pretrain).name}_{source}_{seed}", overrides, content)
    minutes = cell.minutes * (FLOAT32_COST if profile.bfloat16 and not in_bfloat16 else 1)
    place = _place(inputs)
    return Run(title, inputs.out / where, tuple(overrides), minutes, cell.megabytes, photos, sha256, place=place)


def _initialisation(cell: Cell, title: str, seed: int, profile: Profile, inputs: Inputs) -> Run:
    photos = _made(cell, seed, inputs)
    photo, source, sha256 = (photos.file, cell.source, "") if photos else _photo(cell, inputs)
    overrides = (f"--trunk={_trunk(cell)}", f"--seed={seed}", f"--crops={CROPS}", *cell.overrides)
    where = _folder(f"{cell.init}_{source}_{seed}", list(overrides), sha256 or source)
    verb = ("init", cell.init, str(photo))
    return Run(title, inputs.out / where, overrides, cell.minutes, cell.megabytes, photos, sha256, verb)


def _photo(cell: Cell, inputs: Inputs) -> tuple[str, str, str]:
    """The cell's one photo as it is named, its stem for names of folders, the hash of its file."""
    photo = inputs.photo if cell.source == "photo" else cell.source
    return photo, re.sub(r"\W+", "-", Path(photo).stem), file_sha256(find_one_photo(photo))


def _from_photos(entry: str | Path, seed: int) -> Iterator[str]:
    yield f"config.DATA.TRAIN.DATA_PATHS=[{quoted(entry)}]"
    yield f"config.MONOIMAGE.SOURCE.SEED={seed}"


def _made(cell: Cell, seed: int, inputs: Inputs) -> PhotoList | SyntheticPhoto | None:
    """What is written before the run: some images of a data set, others for another seed, or a synthetic photo."""
    if cell.source in SYNTHETIC:
        return SyntheticPhoto(inputs.out / "photos" / f"{cell.source}.png")
    if not cell.images:
        return None
    kind, where = split_of("TRAIN", cell.source, inputs)
    # torchvision's order of the images is another than that of files: the same numbers are other images.
    unpacked = DATA_SETS[cell.source] if kind == "torchvision_dataset" else ""
    file = inputs.out / f"photos_{seed}" / f"{unpacked or cell.source}_{cell.images}.txt"  # of all seeds one name
    return PhotoList(file, where, cell.images, seed, unpacked)


def _probe(probe: Probe, cell: Cell, title: str, stem: str, seed: int, profile: Profile, inputs: Inputs) -> Run:
    overrides = [f"config={probe.config}", *profile.probe_overrides, *probe.overrides, *cell.probe_overrides]
    if cell.zoo:
        overrides.append(f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE={ZOO}{cell.zoo}")
    if trunk := _trunk(cell):
        overrides.append(f"config.MODEL.TRUNK.NAME={trunk}")
    if probe.data:
        for split in SPLITS:
            overrides += from_folder(split, probe.data, inputs, labels=True)
    overrides.append(f"config.SEED_VALUE={seed}")
    where = _folder(stem, overrides, probe.data)
    return Run(title, inputs.out / where, tuple(overrides), probe.minutes, probe.megabytes, place=_place(inputs))


def _place(inputs: Inputs) -> tuple[str, ...]:
    return (ON_GPU,) if inputs.gpu else ()


def _trunk(cell: Cell) -> str:
    """The one to probe; "" where the probe's own is."""
    if cell.zoo:
        return zoo_model(cell.zoo).trunk
    return cell.trunk or (TRUNKS[cell.init][0] if cell.init else "")


def _folder(stem: str, overrides: list[str], content: str) -> str:
    """A readable name, told apart by all that was overridden; paths do not count, what is in them does."""
    kept = [item for item in overrides if ".DATA_PATHS=" not in item]
    return f"{stem}_{hashlib.sha256(json.dumps([*kept, content]).encode()).hexdigest()[:8]}"
