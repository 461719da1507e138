"""Planning: each run once, in a folder named for what it depends on, with the overrides of its cell."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.reproduce.datasets import Inputs
from vissl_monoimage.reproduce.grid import Grid
from vissl_monoimage.reproduce.plan import plan
from vissl_monoimage.reproduce.read_grid import read_grid
from vissl_monoimage.reproduce.submit import limit_minutes, submitter
from vissl_monoimage.utils.precision import cpu_has_bfloat16


def test_a_pretraining_that_two_cells_share_is_planned_once(write: Callable[..., str], inputs: Inputs) -> None:
    chains = plan(read_grid(write()), "laptop", inputs)
    assert len(chains) == 2 * 4  # mono and again are one
    pretrained = [chain.pretrain.folder for chain in chains if chain.pretrain]
    assert len(set(pretrained)) == len(pretrained) == 2 * 3
    probes = [run.folder for chain in chains for run in chain.probes]
    assert len(set(probes)) == len(probes) == 2 * 4 * 2
    assert sum(run.minutes for chain in chains for run in chain.runs) == 2 * (3 * 5 + 4 * (2 + 1))


def test_cells_that_differ_only_in_their_probes_share_one_training(write: Callable[..., str], inputs: Inputs) -> None:
    mono = {"pretrain": "pretrain/a", "source": "photo", "minutes": 5, "overrides": ["config.K=1"]}
    pooled = {**mono, "probe_overrides": ["config.POOL=1"]}
    (chain,) = plan(read_grid(write(cells={"mono": mono, "pooled": pooled})), "paper", inputs)
    assert [run.minutes for run in chain.runs] == [5, 2, 1, 2, 1]
    assert sum("config.POOL=1" in run.overrides for run in chain.probes) == 2


def test_a_trial_has_the_first_seeds_of_the_profile_and_all_that_are_asked_for(
    write: Callable[..., str], inputs: Inputs
) -> None:
    grid = read_grid(write(cells={"all": {}, "trial": {"trunk": "resnet", "seeds": 1}}))
    titles = [chain.probes[0].title.partition(",")[0] for chain in plan(grid, "laptop", inputs)]
    assert titles == ["all", "trial", "all"]
    assert len(plan(grid, "laptop", inputs, [5, 6, 7])) == 6


def test_a_cell_takes_the_photo_that_it_names(write: Callable[..., str], inputs: Inputs, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), "blue").save(tmp_path / "market.png")
    mono = {"pretrain": "pretrain/a", "minutes": 5}
    grid = read_grid(write(cells={"plain": {**mono, "source": "photo"}, "named": {**mono, "source": "photo:market"}}))
    assert grid.photos == ["market"]
    with pytest.raises(MonoImageError, match="needs the photo market: say where it is with --photo market=FILE"):
        plan(grid, "paper", inputs)
    named = dataclasses.replace(inputs, photos={"market": str(tmp_path / "market.png")})
    paths = [word for chain in plan(grid, "paper", named) for word in chain.runs[0].overrides if "DATA_PATHS" in word]
    assert [Path(path.strip("]")).name for path in paths] == ["market.png", "me.png"]  # of named, of plain


def test_init_gets_the_number_of_images_once(write: Callable[..., str], inputs: Inputs) -> None:
    kmeans = {"init": "kmeans", "source": "china"}
    grid = read_grid(write(cells={"usual": kmeans, "few": {**kmeans, "overrides": ["--crops=160"]}}))
    few, usual = (chain.runs[0] for chain in plan(grid, "paper", inputs))
    assert [word for word in usual.overrides if "--crops" in word] == ["--crops=2048"]
    assert [word for word in few.overrides if "--crops" in word] == ["--crops=160"]
    assert usual.folder.name == "kmeans_china_0_8a89f8ba"  # as ever, so that finished runs are found


def test_a_job_is_given_the_time_that_the_plan_says(write: Callable[..., str], inputs: Inputs) -> None:
    """Whole days, a quarter more than 120 hours; a day at least."""
    short, long = ({"pretrain": f"pretrain/{minutes}", "source": "photo", "minutes": minutes} for minutes in (5, 7197))
    limits = [limit_minutes(chain) for chain in plan(read_grid(write(cells={"a": short, "b": long})), "paper", inputs)]
    assert limits == [24 * 60, 7 * 24 * 60]


def test_the_name_of_a_folder_follows_the_photo_and_not_its_place(
    write: Callable[..., str], inputs: Inputs, tmp_path: Path
) -> None:
    grid = read_grid(write())

    def folder(photo: Path) -> str:
        (chain,) = plan(grid.only(["mono"], []), "laptop", dataclasses.replace(inputs, photo=str(photo)), [0])
        assert chain.pretrain
        return chain.pretrain.folder.name

    moved, other = tmp_path / "moved" / "me.png", tmp_path / "other" / "me.png"
    moved.parent.mkdir()
    other.parent.mkdir()
    moved.write_bytes(Path(inputs.photo).read_bytes())
    Image.new("RGB", (64, 64), "blue").save(other)
    assert folder(Path(inputs.photo)) == folder(moved) != folder(other)


def test_a_part_of_a_benchmark_needs_only_its_own_data(write: Callable[..., str], inputs: Inputs) -> None:
    part = read_grid(write()).only(["mono", "random"], ["patches"])
    assert part.data_sets == []
    chains = plan(part, "laptop", dataclasses.replace(inputs, data={}), [7])
    assert [[run.title for run in chain.runs] for chain in chains] == [
        ["mono, seed 7", "mono, seed 7, probed on patches"],
        ["random, seed 7, probed on patches"],
    ]


def test_a_cell_may_be_for_some_of_the_probes(write: Callable[..., str], inputs: Inputs) -> None:
    cells = {"ten": {"trunk": "a", "probes": ["cifar10"]}, "all": {"trunk": "b"}}
    grid = read_grid(write(cells=cells))

    def titles(part: Grid) -> list[str]:
        return [run.title.partition(", probed on ")[2] for chain in plan(part, "paper", inputs) for run in chain.runs]

    assert sorted(titles(grid)) == ["cifar10", "cifar10", "patches"]
    assert titles(grid.only([], ["patches"])) == ["patches"]  # of `all`; nothing is trained for no probe
    assert grid.only(["ten"], []).data_sets == ["cifar10"]
    with pytest.raises(MonoImageError, match="ten: not probed on patches"):
        grid.only(["ten"], ["patches"])


def test_a_profile_adds_its_overrides(write: Callable[..., str], inputs: Inputs) -> None:
    (chain,) = plan(read_grid(write()).only(["mono"], []), "paper", inputs)
    assert chain.pretrain
    assert "config.LOG_FREQUENCY=3" in chain.pretrain.overrides
    assert "config.LOG_FREQUENCY=3" not in chain.probes[0].overrides


def test_unknown_names_are_refused(write: Callable[..., str], inputs: Inputs) -> None:
    with pytest.raises(MonoImageError, match="did you mean 'table3-cifar'"):
        read_grid("table3_cifar")
    with pytest.raises(MonoImageError, match="did you mean 'paper'"):
        plan(read_grid(write()), "papr", inputs)
    with pytest.raises(MonoImageError, match="did you mean 'mono'"):
        plan(read_grid(write()).only(["mona"], []), "laptop", inputs)
    with pytest.raises(MonoImageError, match="did you mean 'patches'"):
        read_grid(write()).only([], ["patch"])
    with pytest.raises(MonoImageError, match="did you mean 'slurm'"):
        submitter("slrum")
    with pytest.raises(MonoImageError, match="KEY=VALUE"):
        submitter("slurm", "gpu")


def test_a_missing_data_set_is_named(write: Callable[..., str], inputs: Inputs, tmp_path: Path) -> None:
    empty = dataclasses.replace(inputs, data={"cifar10": tmp_path / "nowhere"})
    with pytest.raises(MonoImageError, match=r"no cifar-10-batches-py/ or train/<class>/ in that folder"):
        plan(read_grid(write()), "laptop", empty)


def test_torchvisions_files_are_read_as_they_are(write: Callable[..., str], inputs: Inputs, tmp_path: Path) -> None:
    (tmp_path / "tv" / "cifar-10-batches-py").mkdir(parents=True)
    unpacked = dataclasses.replace(inputs, data={"cifar10": tmp_path / "tv"})
    (chain,) = plan(read_grid(write()).only(["full"], []), "laptop", unpacked, [0])
    assert chain.pretrain
    assert "config.DATA.TRAIN.DATA_SOURCES=[torchvision_dataset]" in chain.pretrain.overrides
    assert "config.DATA.TRAIN.LABEL_SOURCES=[]" in chain.pretrain.overrides
    assert "config.DATA.TEST.LABEL_SOURCES=[torchvision_dataset]" in chain.probes[0].overrides


def test_images_drawn_from_torchvisions_files_are_another_experiment(
    write: Callable[..., str], inputs: Inputs, tmp_path: Path
) -> None:
    few = {"pretrain": "pretrain/a", "source": "cifar10", "images": 4, "minutes": 5}
    grid = read_grid(write(cells={"few": few}))
    (tmp_path / "tv" / "cifar-10-batches-py").mkdir(parents=True)
    unpacked = dataclasses.replace(inputs, data={"cifar10": tmp_path / "tv"})
    (one,), (other,) = plan(grid, "paper", inputs), plan(grid, "paper", unpacked)
    assert one.runs[0].folder != other.runs[0].folder


def test_runs_on_drawn_images_name_the_data_set(write: Callable[..., str], inputs: Inputs) -> None:
    few = {"pretrain": "pretrain/a", "source": "cifar10", "images": 4, "minutes": 5}
    (chain,) = plan(read_grid(write(cells={"few": few})), "paper", inputs)
    assert chain.pretrain
    assert chain.pretrain.extra[0] == "+config.MONOIMAGE.DRAWN_FROM=cifar10"
    assert not any("DRAWN_FROM" in word for word in chain.pretrain.overrides)


def test_what_the_cpu_has_is_what_linux_says_of_it() -> None:
    said = Path("/proc/cpuinfo").read_text().partition("flags")[2].partition("\n")[0].split()
    if platform.machine() == "x86_64":
        assert cpu_has_bfloat16() == bool({"avx512_bf16", "amx_bf16"} & set(said))
