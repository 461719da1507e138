"""The checks of nearest-neighbour and few-shot evaluations: each mistake is refused in one sentence."""

from __future__ import annotations

import vissl_monoimage  # noqa: F401  # mends VISSL before it is imported

# isort: split
import copy
from typing import Any

import pytest
from classy_vision.tasks import TASK_REGISTRY
from omegaconf import OmegaConf
from vissl.config import AttrDict

from vissl_monoimage.config.checks import registered_checks, run_checks
from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.models.trunks.convnet4 import ConvNet4
from vissl_monoimage.probe.configure import configure_probe
from vissl_monoimage.probe.deviations import deviations


def composed(name: str, *overlay: str) -> Any:
    overrides = [f"config=benchmark/monoimage/{name}", *(f"+config/monoimage={one}" for one in overlay)]
    return OmegaConf.to_container(compose_config(overrides).config, resolve=True)


@pytest.fixture(scope="module")
def knn() -> Any:
    return composed("linear_photo_patches", "knn")


@pytest.fixture(scope="module")
def low_shot() -> Any:
    return composed("linear_photo_patches", "low_shot")


def test_overlays_and_yamls_follow_their_protocols(knn: Any, low_shot: Any) -> None:
    yamls = [composed("knn_cifar10"), composed("lowshot_cifar10")]
    for config, protocol in zip([knn, low_shot, *yamls], ["knn-v1", "lowshot-v1"] * 2, strict=True):
        assert config["MONOIMAGE"]["PROTOCOL"] == protocol
        assert deviations(AttrDict(config)) == []
    assert [config["DATA"]["TRAIN"]["DATASET_NAMES"] for config in yamls] == [["CIFAR10"]] * 2
    assert [config["TRAINER"]["TASK_NAME"] for config in yamls] == ["knn_task", "low_shot_task"]


def complaints(config: Any, changes: dict[str, Any]) -> list[str]:
    """Return what the task finds wrong with `config` after `changes`, given as {dotted key: value}."""
    config = copy.deepcopy(config)
    for path, value in changes.items():
        *parents, last = path.split(".")
        node = config
        for parent in parents:
            node = node[parent]
        node[last] = value
    return run_checks([TASK_REGISTRY[config["TRAINER"]["TASK_NAME"]].check], config)


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        ("MONOIMAGE.PATCHES.TRAIN_SAMPLES", 199, "TOPK=200 neighbours are more than the 199 training images"),
        ("DATA.TRAIN.DATA_LIMIT", 100, "TOPK=200 neighbours are more than the 100 training images"),
        ("NEAREST_NEIGHBOR.TOPK", 0, "TOPK=0 must be a whole number of at least 1"),
        ("NEAREST_NEIGHBOR.TOPK", "all", "TOPK=all must be a whole number of at least 1"),
        ("NEAREST_NEIGHBOR.SIGMA", 0, "SIGMA=0 must be a number of at least 0.02"),
        ("NEAREST_NEIGHBOR.L2_NORM_FEATS", False, "L2_NORM_FEATS=False must be true: cosine similarities are compared"),
        ("MONOIMAGE.CACHE_FEATURES", False, "knn_task works on cached features: config.MONOIMAGE.CACHE_FEATURES=true"),
        ("TEST_MODEL", False, "knn_task fits to the training images and tests"),
        ("DATA.TRAIN.TRANSFORMS", [{"name": "RandomCrop", "size": 64}], "TRANSFORMS has RandomCrop"),
    ],
)
def test_a_nearest_neighbour_mistake_is_refused(knn: Any, path: str, value: Any, complaint: str) -> None:
    (problem,) = complaints(knn, {path: value})
    assert complaint in problem


@pytest.mark.parametrize("path", ["MONOIMAGE.PATCHES.TRAIN_SAMPLES", "DATA.TRAIN.DATA_LIMIT"])
def test_as_many_images_as_neighbours_suffice(knn: Any, path: str) -> None:
    assert complaints(knn, {path: 200}) == []


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        ("MONOIMAGE.PATCHES.TRAIN_SAMPLES", 190, "16 training images of each class, and class 10 has 15"),
        ("DATA.TRAIN.DATA_LIMIT", 100, "16 training images of each class, and class"),
        ("SVM.low_shot.k_values", [], "k_values=[] must list distinct whole numbers of at least 1"),
        ("SVM.low_shot.k_values", [0, 1], "k_values=[0, 1] must list distinct whole numbers of at least 1"),
        ("SVM.low_shot.sample_inds", [1, 1], "sample_inds=[1, 1] must list distinct whole numbers of at least 0"),
        ("SVM.costs.costs_list", [0.1, 1.0], "costs_list=[0.1, 1.0] must be one positive number"),
        ("SVM.costs.costs_list", 1.0, "costs_list=1.0 must be one positive number"),
        ("SVM.penalty", "l1", "has no SVM with penalty=l1, loss=squared_hinge, dual=True: use l2,"),
        ("SVM.costs.base", 2.0, "costs.base=2.0 must be -1"),
        ("SVM.normalize", False, "normalize=False must be true"),
        ("MODEL.HEAD.PARAMS", [["linear_probe", {"num_classes": 10}]], "num_classes: 10, but there are labels up to"),
        ("MODEL.HEAD.PARAMS", [["linear_probe", {"num_classes": 13}]], "each class, and class 12 has 0"),
        ("MONOIMAGE.CACHE_FEATURES", False, "low_shot_task works on cached features"),
    ],
)  # fmt: skip
def test_a_few_shot_mistake_is_refused(low_shot: Any, path: str, value: Any, complaint: str) -> None:
    (problem,) = complaints(low_shot, {path: value})
    assert complaint in problem


def test_as_many_images_per_class_as_shots_suffice(low_shot: Any) -> None:
    assert complaints(low_shot, {"MONOIMAGE.PATCHES.TRAIN_SAMPLES": 12 * 16}) == []


def test_the_task_replaces_the_heads_of_another_probe(knn: Any) -> None:
    others = [["retrained_convolutions", {"widths": [128, 256], "hidden": [512], "num_classes": 12}]]
    config = AttrDict(copy.deepcopy(knn))
    config.MODEL.HEAD.PARAMS = others
    configure_probe(config, "knn")
    assert {name for name, _ in config.MODEL.HEAD.PARAMS} == {"knn"}
    assert all(set(kwargs) == {"shape", "num_classes"} for _, kwargs in config.MODEL.HEAD.PARAMS)


def test_the_trunk_of_a_probe_is_built_once_for_check_and_task(knn: Any) -> None:
    """The filters of a scattering at 224 px take 15 s; the config is read by several checks and by the task."""
    from vissl.models.trunks import register_model_trunk

    class Counted(ConvNet4):
        built = 0

        def __init__(self, model_config: AttrDict, model_name: str) -> None:
            super().__init__()
            Counted.built += 1

    register_model_trunk("counted")(Counted)
    config = copy.deepcopy(knn)
    config["MODEL"]["TRUNK"]["NAME"] = "counted"
    config["MONOIMAGE"]["PATCHES"]["SIZE"] = 32
    assert run_checks(registered_checks(), config) == []
    TASK_REGISTRY["knn_task"](AttrDict(config))
    assert Counted.built == 1
