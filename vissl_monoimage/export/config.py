"""What a plain trunk is beside its weights: the `config.json` of an exported folder."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vissl_monoimage.config.schema import read_block
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.normalisation import Normalisation

FILE_NAME = "config.json"
WEIGHTS_NAME = "model.safetensors"
LIBRARY = "vissl_monoimage"
_VERSION = 1


@dataclass(frozen=True)
class TrunkConfig:
    """All that a trunk is built from, and what its images are like.

    Attributes:
        trunk: name of the architecture.
        settings: what `config.MODEL` says of a ResNet, `TRUNK.RESNETS` and `INPUT_TYPE`; empty for other trunks.
        layers: names of the features, in the order they are computed.
        input_size: side in px of the images.
        mean: of each channel of images in [0, 1], RGB.
        std: standard deviation likewise.
        normalisation_from: how mean and standard deviation are known, a sentence.
        weights_sha256: of the file of weights; None where it is not known.
        facts: where the weights came from, for people; nothing is read from it.
        library: always "vissl_monoimage", by which a folder is known as ours.
        version: of this file's form.
    """

    trunk: str
    settings: Mapping[str, Any]
    layers: list[str]
    input_size: int
    mean: list[float]
    std: list[float]
    normalisation_from: str
    weights_sha256: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    library: str = LIBRARY
    version: int = _VERSION

    @property
    def normalisation(self) -> Normalisation:
        """Mean and standard deviation together."""
        (r, g, b), (sr, sg, sb) = self.mean, self.std
        return Normalisation((r, g, b), (sr, sg, sb))

    def problems(self) -> list[str]:
        """Return what is out of range."""
        sentences = [] if self.library == LIBRARY else [f"library={self.library!r} must be {LIBRARY!r}"]
        if self.version > _VERSION:
            sentences.append(f"version={self.version} is of a later {LIBRARY}, and this one reads up to {_VERSION}")
        if len(self.mean) != 3 or len(self.std) != 3 or not all(value > 0 for value in self.std):
            sentences.append("mean and std must be three numbers each, std above 0")
        return sentences

    def text(self) -> str:
        """Return the content of the file."""
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"


def is_exported(folder: Path) -> bool:
    """Return whether a folder holds what `monoimage export` writes, or a part of it with our config."""
    try:
        return json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))["library"] == LIBRARY
    except (OSError, ValueError, KeyError, TypeError):
        return False


def read_config(folder: Path) -> TrunkConfig:
    """Return the config of an exported folder; keys that this version does not have are ignored.

    Raises:
        MonoImageError: there is none, or it is damaged or of a later version.
    """
    file = folder / FILE_NAME
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MonoImageError(f"{file} cannot be read: {error}") from error
    if not isinstance(values, dict) or values.get("library") != LIBRARY:
        raise MonoImageError(f"'{folder}' is no folder of `monoimage export`: its {FILE_NAME} is of something else")
    names = {item.name: item for item in dataclasses.fields(TrunkConfig)}
    required = [name for name, item in names.items() if item.default is item.default_factory is dataclasses.MISSING]
    if missing := [name for name in required if name not in values]:
        raise MonoImageError(f"{file} lacks {', '.join(missing)}: export again")
    return read_block(TrunkConfig, {key: value for key, value in values.items() if key in names}, str(file))
