"""What the folder of a run says of the trunk in a checkpoint: `train_config.yaml` and the ledger."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.ledger.run_claim import FILE_NAME as CLAIM
from vissl_monoimage.models.checkpoint.file import checkpoint_sha256
from vissl_monoimage.models.features import build_on_meta
from vissl_monoimage.models.init.initial import usual_normalisation
from vissl_monoimage.models.normalisation import Normalisation

CONFIG = "train_config.yaml"
_OF_RUN = "the configuration of the run"
_OF_INIT = "the `monoimage init` that made the weights"
_NONE = Normalisation((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


@dataclass(frozen=True)
class RunFacts:
    """What is known of the run that a checkpoint is of.

    Attributes:
        row: of the ledger; None without one.
        is_result: whether the row names this very file as the run's result; else it is its start, or a step between.
        model: `config.MODEL`; empty where the folder has no configuration.
        normalisation: that the run's images had; None where it is not known.
        normalisation_from: what says so; "" where it is not known.
        size: side in px of the run's images; None where it is not known.
    """

    row: Row | None = None
    is_result: bool = False
    model: Mapping[str, Any] | None = None
    normalisation: Normalisation | None = None
    normalisation_from: str = ""
    size: int | None = None

    @property
    def trunk(self) -> str | None:
        """The name of the trunk."""
        if self.model:
            return str(self.model["TRUNK"]["NAME"])
        return self.row.trunk if self.row else None


def read_run(checkpoint: Path, ledgers: Iterable[str | Path] = ()) -> RunFacts:
    """Return what is known of the run of a checkpoint, from its folder and from other ledgers.

    Args:
        checkpoint: the file.
        ledgers: ledgers, and folders of them, that may have the row of the run as well.

    Raises:
        MonoImageError: the folder's configuration is damaged, or one of `ledgers` cannot be read.
    """
    folder, sha256 = checkpoint.parent, checkpoint_sha256(checkpoint)
    own = ledger.read([folder / ledger.FILE_NAME], ledger.print_note) if (folder / ledger.FILE_NAME).is_file() else []
    rows = [*own, *ledger.read(ledgers, ledger.print_note)]
    results = [row for row in rows if row.checkpoint_out_sha256 == sha256]
    row = next(reversed(results or own), None)
    config = _read_config(folder)
    if config is None:
        return RunFacts(row, bool(results), None, *_normalisation_of_init(folder, row))
    transforms = config["DATA"]["TRAIN"].get("TRANSFORMS") or []
    sizes = [item["size"] for item in transforms if type(item.get("size")) is int]
    colours = [item for item in transforms if item.get("name") == "Normalize"]
    normalisation = _normalisation(colours[-1]["mean"], colours[-1]["std"]) if colours else _NONE
    return RunFacts(row, bool(results), config["MODEL"], normalisation, _OF_RUN, sizes[-1] if sizes else None)


def _read_config(folder: Path) -> dict[str, Any] | None:
    """Return the configuration of a run of VISSL's trainer, None where the folder has none."""
    file = folder / CONFIG
    if not file.is_file():
        return None
    try:
        config = yaml.safe_load(file.read_text(encoding="utf-8"))
        config["MODEL"]["TRUNK"]["NAME"], config["DATA"]["TRAIN"]["TRANSFORMS"]
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError) as error:
        raise MonoImageError(
            f"{file} is no configuration of a run ({error}): repair it, or remove it and name the trunk"
        ) from error
    return dict(config)


def _normalisation_of_init(folder: Path, row: Row | None) -> tuple[Normalisation | None, str]:
    """Return the normalisation of the images of a `monoimage init`, if it is known, and what says so.

    That of the pretraining which `--like` names is in the folder; without one it is the usual one of the trunk.
    """
    if row is None or not row.name.startswith("init "):
        return None, ""
    try:
        settings = json.loads((folder / CLAIM).read_text(encoding="utf-8"))["settings"]
    except (OSError, ValueError, KeyError):
        return None, ""
    if "init.like.NORMALISATION" not in settings:
        return usual_normalisation(build_on_meta({"TRUNK": {"NAME": row.trunk}})), _OF_INIT
    numbers = [float(number) for number in re.findall(r"[\d.]+(?:e-?\d+)?", settings["init.like.NORMALISATION"])]
    return _normalisation(numbers[:3], numbers[3:]) if numbers else _NONE, _OF_INIT


def _normalisation(mean: Sequence[float], std: Sequence[float]) -> Normalisation:
    (r, g, b), (r_std, g_std, b_std) = mean, std
    return Normalisation((r, g, b), (r_std, g_std, b_std))
