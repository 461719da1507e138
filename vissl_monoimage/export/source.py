"""Where a trunk is loaded from: an exported folder, or the file of a checkpoint."""

from __future__ import annotations

from pathlib import Path

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.export.config import FILE_NAME, WEIGHTS_NAME, TrunkConfig, is_exported, read_config
from vissl_monoimage.models.checkpoint.file import checkpoint_sha256
from vissl_monoimage.models.download import fetch, is_remote

_OF_A_RUN = "checkpoint.torch"


def find_weights(source: str | Path) -> tuple[Path, TrunkConfig | None]:
    """Return the file of weights that `source` names, downloaded if it is remote, and the config of an exported folder.

    Raises:
        MonoImageError: there is no checkpoint or exported folder, or the folder's files do not belong together.
    """
    if is_remote(str(source)):
        return Path(fetch(str(source))), None
    path = Path(source)
    if path.is_dir():
        return _in_folder(path)
    if path.name == WEIGHTS_NAME and is_exported(path.parent):
        return _in_folder(path.parent)
    if not path.is_file():
        raise MonoImageError(f"no checkpoint and no exported folder at '{path}'")
    return path, None


def _in_folder(folder: Path) -> tuple[Path, TrunkConfig]:
    if (folder / _OF_A_RUN).is_file():
        raise MonoImageError(f"'{folder}' is the folder of a run: name its checkpoint, '{folder / _OF_A_RUN}'")
    if not (folder / FILE_NAME).is_file():
        raise MonoImageError(f"'{folder}' is no folder of `monoimage export`: it has no {FILE_NAME}")
    config, weights = read_config(folder), folder / WEIGHTS_NAME
    if not weights.is_file():
        raise MonoImageError(f"'{folder}' has no {WEIGHTS_NAME}: export again")
    if config.weights_sha256 not in (None, checkpoint_sha256(weights)):
        raise MonoImageError(f"'{weights}' is not the file that the {FILE_NAME} beside it is of: export again")
    return weights, config
