"""`monoimage reproduce`: a benchmark from its YAML to its table, in one command."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vissl_monoimage.cli.argument_types import at_least_one, seed

if TYPE_CHECKING:
    from vissl_monoimage.reproduce.datasets import Inputs
    from vissl_monoimage.reproduce.grid import Grid

CORES_BESIDE_A_GPU = 4
"""Cores that a run on a GPU keeps busy: the overlay `gpu` has as many loader workers."""
EXAMPLE = """\
examples:
  monoimage reproduce table3-cifar --data cifar10=data --data cifar100=data --dry-run
  monoimage reproduce table1-ablation --photo me.jpg --data cifar10=data
  monoimage reproduce table2-imagenet --profile paper --data imagenet1k=/data/imagenet --photo market=me.jpg \\
    --cells rotnet-market rotnet-imagenet --submit slurm slurm_partition=gpu gpus_per_node=1
"""


def add_parser(subparsers: Any) -> None:
    """Add `reproduce` to the command line."""
    parser = subparsers.add_parser(
        "reproduce",
        help="a benchmark: all its runs, then its table and page",
        description="Plans a benchmark (monoimage ls benchmarks), runs what is not finished and reports. "
        "Stopped or killed, the same command goes on.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", metavar="NAME", help="a benchmark, or the path of a YAML of its form")
    parser.add_argument("--profile", default="laptop", help="the size of it all: laptop (default) or paper")
    parser.add_argument(
        "--photo",
        action="append",
        default=[],
        metavar="[NAME=]PHOTO",
        help="a photo, or the name of one (default: china); with NAME= that of a benchmark with several",
    )
    parser.add_argument(
        "--data",
        action="append",
        default=[],
        metavar="NAME=FOLDER",
        help="where a data set is; with a name of your own, one more probe: FOLDER/{train,val}/<class>/<image>",
    )
    parser.add_argument("--out", default="reproduced", metavar="FOLDER", help="where runs go (default: reproduced)")
    parser.add_argument("--results", metavar="FOLDER", help="folder of NAME.jsonl and tables (default: OUT/results)")
    parser.add_argument(
        "--allow-dirty", action="store_true", help="add rows to --results from a working tree with uncommitted changes"
    )
    parser.add_argument("--cells", action="extend", nargs="+", default=[], metavar="CELL", help="only these")
    parser.add_argument("--probes", action="extend", nargs="+", default=[], metavar="PROBE", help="only these")
    parser.add_argument(
        "--seeds", action="extend", nargs="+", type=seed, default=[], metavar="SEED", help="not the profile's"
    )
    parser.add_argument(
        "--jobs", type=at_least_one, metavar="N", help="runs at a time (default: one a core; with --gpu one for four)"
    )
    parser.add_argument("--submit", nargs="+", metavar="CLUSTER", help="slurm or local, and KEY=VALUE for submitit")
    parser.add_argument("--gpu", action="store_true", help="laptop's runs on a GPU, each with +config/monoimage=gpu")
    parser.add_argument("--dry-run", action="store_true", help="print what would be run, how long and how large")
    parser.set_defaults(command=reproduce_command)


def reproduce_command(arguments: argparse.Namespace) -> int:
    """Plan, run, report.

    Raises:
        MonoImageError: an unknown name, a missing data set, or runs that failed; all others are finished then.
    """
    from vissl_monoimage.cli.reproduce_photos import read_photos
    from vissl_monoimage.errors import MonoImageError
    from vissl_monoimage.reproduce.check_runs import check_runs
    from vissl_monoimage.reproduce.data_claim import check_data, claim_data
    from vissl_monoimage.reproduce.existing_rows import missing_chains
    from vissl_monoimage.reproduce.other_outputs import link_trainings, remember_output, trainings_elsewhere
    from vissl_monoimage.reproduce.overview import print_plan
    from vissl_monoimage.reproduce.own_folders import add_own_probes, check_own_folders
    from vissl_monoimage.reproduce.plan import plan
    from vissl_monoimage.reproduce.read_grid import read_grid
    from vissl_monoimage.reproduce.results import report
    from vissl_monoimage.reproduce.runner import cores, run_all
    from vissl_monoimage.reproduce.submit import submitter
    from vissl_monoimage.utils.precision import FLOAT32_COST, cpu_has_bfloat16

    data = _data(arguments.data)
    whole_grid = add_own_probes(read_grid(arguments.name), data)
    grid = whole_grid.only(arguments.cells, arguments.probes)
    inputs = _inputs(arguments, data, read_photos(arguments.photo, whole_grid), grid)
    chains = plan(grid, arguments.profile, inputs, arguments.seeds)
    results = Path(arguments.results) if arguments.results else inputs.out / "results"
    _check_folders(inputs.out, results)
    check_data(inputs, grid.data_sets)
    check_own_folders(grid, inputs)
    left = missing_chains(chains, results)
    check_runs(left, inputs.out)
    contents = claim_data(inputs, grid.data_sets, write=not arguments.dry_run)
    if elsewhere := trainings_elsewhere(left, inputs.out, contents):
        if arguments.dry_run:
            print(f"finished in other folders, and would be linked from there: {len(elsewhere)}")
        else:
            link_trainings(elsewhere, inputs.out)
    jobs = arguments.jobs or max(1, cores() // (CORES_BESIDE_A_GPU if arguments.gpu else 1))
    submit = submitter(*arguments.submit) if arguments.submit else None
    print(f"{grid.name}: {grid.title}")
    to_do = print_plan(chains, left, jobs)
    trains = any(chain.pretrain in to_do for chain in left)
    if trains and grid.profiles[arguments.profile].bfloat16 and not (arguments.gpu or cpu_has_bfloat16()):
        print(f"this CPU has no bfloat16: trainings in float32, their minutes times {FLOAT32_COST:.0f}")
    if arguments.gpu:
        print("a GPU needs less: these are minutes of a core")
    if arguments.dry_run:
        return 0
    allow_dirty = arguments.allow_dirty or not arguments.results
    _check_runs(arguments, bool(to_do), allow_dirty)
    remember_output(inputs.out)
    problems = submit(left, inputs.out) if submit else run_all(left, jobs)
    report(grid, chains, inputs, results, allow_dirty)
    if problems:
        raise MonoImageError("\n".join([f"{len(problems)} of {len(left)} failed:", *problems]))
    return 0


def _check_folders(*folders: Path) -> None:
    """Refuse folders that cannot be written, before anything is trained for them."""
    from vissl_monoimage.errors import MonoImageError
    from vissl_monoimage.utils.paths import unwritable

    if problems := [problem for folder in folders if (problem := unwritable(folder))]:
        raise MonoImageError("\n".join(problems))


def _check_runs(arguments: argparse.Namespace, runs: bool, allow_dirty: bool) -> None:
    """Refuse runs on a GPU that does not exist, and runs whose rows would be refused afterwards."""
    import torch

    from vissl_monoimage.errors import MonoImageError
    from vissl_monoimage.ledger.machine import DIRTY, git_sha

    if arguments.gpu and not arguments.submit and not torch.cuda.device_count():
        raise MonoImageError(
            "--gpu: torch finds no GPU on this machine; leave it out, or --submit slurm gpus_per_node=1"
        )
    if runs and not allow_dirty and (git_sha() or "").endswith(DIRTY):
        raise MonoImageError(
            f"--results {arguments.results}: the working tree has uncommitted changes, so that no commit would repeat "
            "these rows; commit first, or say --allow-dirty"
        )


def _data(given: list[str]) -> dict[str, Path]:
    """Return the folder of each data set of `--data NAME=FOLDER`."""
    from vissl_monoimage.errors import MonoImageError
    from vissl_monoimage.reproduce.cell import name_problem

    data: dict[str, Path] = {}
    for item in given:
        name, equals, folder = item.partition("=")
        if not equals or not folder:
            raise MonoImageError(f"--data {item} must be NAME=FOLDER, such as cifar10=data")
        if problem := name_problem(name):
            raise MonoImageError(f"--data {item}: {problem}")
        if name in data:
            raise MonoImageError(f"--data {item}: the folder of {name} is given twice")
        data[name] = Path(folder).expanduser().resolve()
    return data


def _inputs(arguments: argparse.Namespace, data: dict[str, Path], photos: dict[str, str], grid: Grid) -> Inputs:
    from vissl_monoimage.errors import MonoImageError
    from vissl_monoimage.reproduce.datasets import Inputs

    for option, needed, given in (("data", grid.data_sets, data), ("photo", grid.photos, photos)):
        place = "FOLDER" if option == "data" else "FILE"
        if missing := [f"--{option} {name}={place}" for name in needed if name not in given]:
            raise MonoImageError(f"{arguments.name} needs {', '.join(missing)}")
    if arguments.gpu and arguments.profile != "laptop":
        raise MonoImageError(f"--gpu is for --profile laptop: runs of {arguments.profile} are where their YAMLs say")
    named = {name: photo for name, photo in photos.items() if name}
    return Inputs(photos[""], data, Path(arguments.out).resolve(), arguments.gpu, named)
