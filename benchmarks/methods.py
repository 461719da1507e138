"""Find out which of VISSL's pretraining YAMLs train on crops of one photo on a CPU, for docs/any_method.md.

    python benchmarks/methods.py [YAML ...] [--again]

Each YAML is run with `+config/monoimage=[single_image,smoke]` and otherwise unchanged, for two steps, in a temporary
folder. Its row is added to benchmarks/results/methods.csv at once, and the table in docs/any_method.md is made from the
rows. A YAML that has a row is only run again with --again. All of them take a quarter of an hour on one core.
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, cast

import yaml

from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.errors import unknown
from vissl_monoimage.ledger import io as ledger

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "methods.csv"
PAGE = ROOT / "docs" / "any_method.md"
OVERLAY = "+config/monoimage=[single_image,smoke]"
LABELS = "clusters/clusters.npy"  # written by the DeepCluster run
YES = "yes"
# Keys that a complete YAML sets; VISSL's fragments, which are laid over a complete one, set fewer.
_REQUIRED = ("DATA.TRAIN.DATA_SOURCES", "MODEL.TRUNK.NAME", "LOSS.name", "OPTIMIZER.name")
_BEGIN = "<!-- Made by `python benchmarks/methods.py` from benchmarks/results/methods.csv: do not edit. -->\n"
_END = "<!-- End of the generated part. -->\n"
_HEAD = """\
| method | YAML, below `pretrain/` | trunk | weights of the trunk, million | trains | loss | core seconds |
| --- | --- | --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True)
class Result:
    """A row of the table; `trains` is YES, or a sentence on why the YAML does not train."""

    config: str
    method: str
    trunk: str
    weights_million: str
    trains: str
    first_loss: str
    cpu_seconds: str


def pretraining_configs() -> list[str]:
    """Return the names, as after `config=`, of all self-supervised pretraining YAMLs of the installed VISSL."""
    import configs

    root = Path(configs.__file__).parent / "config"
    paths = [path for path in sorted((root / "pretrain").rglob("*.yaml")) if "supervised" not in path.parts]
    full = [path for path in paths if all(_sets(yaml.safe_load(path.read_text()), key) for key in _REQUIRED)]
    return [str(path.relative_to(root).with_suffix("")) for path in full]


def _sets(content: Any, key: str) -> bool:
    for part in ("config", *key.split(".")):
        content = content.get(part) if isinstance(content, Mapping) else None
    return content is not None


def method_of(config: str) -> str:
    """Return the method, after which VISSL names the folder of the YAML."""
    return config.split("/")[-2]


def commands(config: str, epochs: int = 1) -> list[list[str]]:
    """Return the overrides of the runs that train the YAML, in order, in one folder; the last is its own."""
    training = [f"config={config}", OVERLAY, f"config.OPTIMIZER.num_epochs={epochs}", "config.CHECKPOINT.DIR=run"]
    if method_of(config) != "clusterfit":
        return [training]
    few = "config.MONOIMAGE.SOURCE.NUM_SAMPLES=8"  # a label for every sample, of which smoke reads 8
    clustering = ["config=pretrain/monoimage/deepcluster_convnet4", "+config/monoimage=smoke", few]
    clustering.append(f"config.CHECKPOINT.DIR={Path(LABELS).parent}")
    labels = ["config.DATA.TRAIN.LABEL_SOURCES=[disk_filelist]", f"config.DATA.TRAIN.LABEL_PATHS=[{LABELS}]"]
    return [clustering, [*training, few, *labels]]


def trunk_of(config: str) -> str:
    """Return the name of the YAML's trunk with its depth and widths."""
    trunk = compose_config([f"config={config}"]).config.MODEL.TRUNK
    if trunk.NAME == "resnet":
        return f"resnet {trunk.RESNETS.DEPTH}"
    sizes = trunk.XCIT if trunk.NAME == "xcit" else trunk.VISION_TRANSFORMERS
    return f"{trunk.NAME} {sizes.NUM_LAYERS} x {sizes.HIDDEN_DIM}, patch {sizes.PATCH_SIZE}"


def run(config: str) -> Result:
    """Train the YAML with the overlay on one core and return its row."""
    with tempfile.TemporaryDirectory() as folder:
        before = _cpu_seconds()
        for overrides in commands(config):
            done = subprocess.run(
                [sys.executable, "-m", "vissl_monoimage", "run", *overrides],
                cwd=folder,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
                capture_output=True,
                text=True,
            )
            if done.returncode:
                break
        seconds = f"{_cpu_seconds() - before:.0f}"
        subject = config, method_of(config), trunk_of(config)
        if done.returncode:
            return Result(*subject, "", done.stderr.strip().splitlines()[-1], "", seconds)
        (row,) = ledger.read([Path(folder, "run")])
        losses = [loss for _, loss in row.losses]
        if len(losses) != 2 or None in losses:
            return Result(*subject, "", f"losses {losses}", "", seconds)
        return Result(*subject, _millions(cast(str, row.checkpoint_out)), YES, f"{losses[0]:.4g}", seconds)


def _millions(checkpoint: str) -> str:
    """Return the number of the trunk's weights in a checkpoint in millions, without the statistics of batch norms."""
    from vissl_monoimage.models.checkpoint.file import read_checkpoint
    from vissl_monoimage.models.checkpoint.tensors import tensors_in, without_heads

    weights = without_heads(tensors_in(read_checkpoint(checkpoint), checkpoint))
    count = sum(weight.numel() for name, weight in weights.items() if ".running_" not in name)
    return f"{count / 1e6:.1f}"


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def read_results(path: Path = RESULTS) -> dict[str, Result]:
    """Return the rows in the CSV by YAML; none if there is no CSV yet."""
    if not path.exists():
        return {}
    with open(path, newline="") as file:
        return {row["config"]: Result(**row) for row in csv.DictReader(file)}


def write_results(results: Iterable[Result], path: Path = RESULTS) -> None:
    """Write the rows to the CSV, sorted by YAML."""
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Result)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(result) for result in sorted(results, key=lambda result: result.config))


def with_table(page: str, results: Iterable[Result]) -> str:
    """Return the text of docs/any_method.md with its generated part made from `results`.

    Raises:
        ValueError: the page lacks a marker of the generated part.
    """
    before, rest = page[: page.index(_BEGIN)], page[page.index(_END) :]
    lines = []
    for row in results:
        config = row.config.removeprefix("pretrain/")
        cells = [row.method, f"`{config}`", row.trunk, row.weights_million, row.trains, row.first_loss, row.cpu_seconds]
        lines.append(f"| {' | '.join(cells)} |\n")
    return f"{before}{_BEGIN}{_HEAD}{''.join(lines)}{rest}"


def main() -> None:
    """Run the YAMLs named on the command line and update the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("configs", nargs="*", metavar="YAML", help="only these (default: all)")
    parser.add_argument("--again", action="store_true", help="also run those that have a row")
    options = parser.parse_args()
    available = pretraining_configs()
    for config in options.configs:
        if config not in available:
            parser.error(unknown("YAML", config, available))
    results = read_results()
    for config in options.configs or available:
        if config in results and not options.again:
            continue
        results[config] = run(config)
        print(results[config], flush=True)
        write_results(results.values())
    write_results(results.values())
    PAGE.write_text(with_table(PAGE.read_text(), read_results().values()))


if __name__ == "__main__":
    main()
