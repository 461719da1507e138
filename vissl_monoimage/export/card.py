"""The model card of an exported trunk, in Hugging Face's form: https://huggingface.co/docs/hub/model-cards."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from vissl_monoimage.export.card_sections import accuracy, images, layers, limits, training
from vissl_monoimage.export.config import LIBRARY, TrunkConfig

HUB_NAMES = {
    "cifar10": "uoft-cs/cifar10",
    "cifar100": "uoft-cs/cifar100",
    "imagenet1k": "ILSVRC/imagenet-1k",
    "imagenet1k_folder": "ILSVRC/imagenet-1k",
}
"""Labelled data sets by the names that runs have for them, on the hub."""
_TAGS = ["self-supervised-learning", "single-image", "feature-extraction", "pytorch"]


def model_card(config: TrunkConfig, shapes: Mapping[str, Sequence[int]], was_changed: bool = False) -> str:
    """Return the text of a README.md: metadata in YAML, then what is known of the trunk, and what is not.

    Args:
        config: of the trunk, with its `facts`.
        shapes: (channels, height, width) of a feature by layer.
        was_changed: whether the weights are no longer those that the facts are of.
    """
    parts = [
        f"---\n{yaml.safe_dump(_metadata(config, was_changed), sort_keys=False, allow_unicode=True)}---",
        f"# {title(config)}",
        _summary(config, was_changed),
        layers(config, shapes),
        images(config),
        training(config),
        accuracy(config),
        limits(config),
    ]
    return "\n\n".join(parts) + "\n"


def title(config: TrunkConfig) -> str:
    """Return what the trunk is and what it learned from."""
    run = config.facts.get("run")
    if run is None:
        return f"{config.trunk}, origin unknown"
    if run["kind"] == "probe":
        return f"{config.trunk}, from a probe on {run['dataset']}"
    return f"{config.trunk}, {run['method']} on {_source(run)}"


def _source(run: Mapping[str, Any]) -> str:
    photos = run["photos"]
    if len(photos) == 1:
        return f"one photo ({photos[0]['name']})" if photos[0]["name"] else "one photo"
    if photos:
        return f"{run['n_images'] or len(photos):,} photos"
    return str(run["dataset"])


def _summary(config: TrunkConfig, was_changed: bool) -> str:
    sentence = f"A trunk that returns the features of each of its layers, exported by `{LIBRARY}`."
    changed = " **Its weights were changed after they were loaded: what follows is of those before.**"
    return sentence + (changed if was_changed else "")


def _metadata(config: TrunkConfig, was_changed: bool) -> dict[str, Any]:
    """Return the metadata that the hub reads; the licence of weights is their publisher's to choose."""
    run = config.facts.get("run") or {}
    trained_on = HUB_NAMES.get(str(run.get("dataset")))
    by_protocol = [metric for metric in config.facts.get("metrics", []) if not metric["changes"]]
    metrics = [] if was_changed else by_protocol
    return {
        "license": "unknown",
        "library_name": LIBRARY,
        "pipeline_tag": "image-feature-extraction",
        "tags": [*_TAGS, *_method_tag(run)],
        **({"datasets": [trained_on]} if trained_on else {}),
        **({"metrics": ["accuracy"], "model-index": _model_index(config, metrics)} if metrics else {}),
    }


def _method_tag(run: Mapping[str, Any]) -> list[str]:
    return [run["method"]] if run and re.fullmatch(r"[\w-]+", run["method"]) else []


def _model_index(config: TrunkConfig, metrics: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{"name": title(config), "results": list(_results(metrics))}]


def _results(metrics: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for metric in metrics:
        name = metric["dataset"]
        yield {
            "task": {"type": "image-classification", "name": f"probe of {metric['layer']}"},
            "dataset": {"type": HUB_NAMES.get(name, name), "name": name, "split": "test"},
            "metrics": [
                {
                    "type": "accuracy",
                    "value": metric["top_1"],
                    "name": f"top-1 of {metric['layer']} in percent, protocol {metric['protocol']}",
                }
            ],
        }
