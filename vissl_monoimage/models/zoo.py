"""VISSL's model zoo, from `benchmarks/reference/vissl_zoo.csv`, as far as its methods are ours or the paper's."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

from vissl_monoimage.config.checks import Settings, register_check
from vissl_monoimage.config.typed_csv import figure_problems, read_csv
from vissl_monoimage.errors import MonoImageError, unknown
from vissl_monoimage.utils.paths import benchmarks

PREFIX = "zoo:"
"""Written before the name of a model of the zoo where weights are named."""


@dataclass(frozen=True)
class ZooModel:
    """A model of the zoo.

    Attributes:
        name: by which our probes read an AlexNet, as `zoo:NAME`; "" for other models.
        trunk: VISSL's trunk for that AlexNet; "" for other models.
        top_1: accuracy on ImageNet in percent; None where it is not known.
        url: of the weights.
        mark: where the accuracy comes from, one of `config.typed_csv.MARKS`.
        verified: whether it was checked against its source.
    """

    name: str
    trunk: str
    method: str
    model: str
    pretrained_on: str
    top_1: float | None
    url: str
    mark: str
    verified: bool

    def problems(self) -> list[str]:
        """Return what is out of range."""
        return figure_problems(self.top_1, self.mark, self.verified)


def zoo() -> list[ZooModel]:
    """Return all models of the zoo that we list."""
    return read_csv(benchmarks("reference") / "vissl_zoo.csv", ZooModel)


@functools.cache
def named_models() -> dict[str, ZooModel]:
    """Return the models that our probes read by name."""
    return {model.name: model for model in zoo() if model.name}


def zoo_model(name: str) -> ZooModel:
    """Return one of `named_models`.

    Raises:
        MonoImageError: an unknown name.
    """
    if name not in named_models():
        raise MonoImageError(unknown("model of the zoo", name, named_models()))
    return named_models()[name]


@register_check
def check_zoo_model(config: Settings) -> Iterator[str]:
    """Refuse weights `zoo:NAME` of an unknown model, or of another trunk than the run's."""
    weights = str(config["MODEL"]["WEIGHTS_INIT"]["PARAMS_FILE"])
    if not weights.startswith(PREFIX):
        return
    try:
        model = zoo_model(weights.removeprefix(PREFIX))
    except MonoImageError as error:
        yield f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE: {error}"
        return
    trunk = config["MODEL"]["TRUNK"]["NAME"]
    if trunk != model.trunk:
        yield f"{weights} is of trunk '{model.trunk}', not of '{trunk}': set config.MODEL.TRUNK.NAME={model.trunk}"
