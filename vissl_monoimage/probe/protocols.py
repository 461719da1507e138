"""The table of probe protocols: accuracies are comparable only under the same protocol.

The YAMLs under `configs/config/benchmark/monoimage/` spell out the settings of these protocols; `deviations` lists
where a run's config differs from the protocol that it names. A protocol never changes: new settings get a new version.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from vissl_monoimage.errors import MonoImageError, unknown
from vissl_monoimage.probe.pooling import BudgetPooling, FixedPooling
from vissl_monoimage.probe.protocol import Protocol

_ALL_IMAGES = {"DATA.TRAIN.DATA_LIMIT": -1, "DATA.TEST.DATA_LIMIT": -1}


def _sgd(epochs: int, values: list[float], milestones: list[int], weight_decay: float) -> dict[str, Any]:
    lr = "OPTIMIZER.param_schedulers.lr"
    return {
        "OPTIMIZER.name": "sgd",
        "OPTIMIZER.momentum": 0.9,
        "OPTIMIZER.nesterov": False,
        "OPTIMIZER.weight_decay": weight_decay,
        "OPTIMIZER.num_epochs": epochs,
        f"{lr}.name": "multistep",
        f"{lr}.values": values,
        f"{lr}.milestones": milestones,
        **_ALL_IMAGES,
    }


_PAPER = Protocol(
    name="paper-v1",
    source="Asano et al., ICLR 2020: the authors' released probe code (yukimasano/linear-probes)",
    pooling=FixedPooling(
        {
            "conv1": ["MaxPool2d", [6, 6, 3]],
            "conv2": ["MaxPool2d", [4, 4, 0]],
            "conv3": ["MaxPool2d", [3, 3, 1]],
            "conv4": ["MaxPool2d", [3, 3, 1]],
            "conv5": ["MaxPool2d", [2, 2, 0]],
        },
        # The authors probe AlexNet only. Their limit of 9,600 features gives the stages of a ResNet the sizes that
        # VISSL's ResNet-50 probes have (9216, 8192, 9216, 8192).
        others=BudgetPooling("Max", 9600),
    ),
    batch=192,
    train=("RandomResizedCrop 224", "RandomHorizontalFlip", "ToTensor"),
    test=("Resize 256", "TenCropToTensor 224"),
    head="linear_probe",
    settings=_sgd(36, [1e-2, 1e-3, 1e-4, 1e-5], [10, 20, 30], 1e-5),
)
_VISSL = Protocol(
    name="vissl",
    source="VISSL 0.1.6, eval_alexnet_8gpu_transfer_in1k_linear, whose learning rate follows the batch size",
    pooling=None,
    batch=256,
    train=("Resize 256", "RandomCrop 224", "RandomHorizontalFlip", "ToTensor"),
    test=("Resize 256", "CenterCrop 224", "ToTensor"),
    settings=_sgd(28, [1e-2, 1e-3, 1e-4, 1e-5], [8, 16, 24], 5e-4),
)
_CIFAR = Protocol(
    name="cifar-v1",
    source="ours: chosen on a validation split by benchmarks/choose_cifar_protocol.py",
    pooling=BudgetPooling("Max", 4608),
    batch=256,
    head="linear_probe",
    settings=_sgd(6, [1e-2, 1e-3, 1e-4], [3, 5], 1e-2),
)
_TINY = Protocol(
    name="tiny-v1",
    source="ours: rate, decay and epochs chosen on held-out training images by benchmarks/choose_tiny_protocol.py",
    pooling=BudgetPooling("Max", 4608, averaged=("scattering",)),
    batch=256,
    head="linear_probe",
    settings=_sgd(6, [1e-2, 1e-3, 1e-4], [3, 5], 1e-2),
)
_FOLDER = Protocol(
    name="folder-v1",
    source="ours: cifar-v1 for labelled images of any size and number, in smaller steps and more epochs, not tuned",
    pooling=BudgetPooling("Max", 4608),
    batch=64,
    train=("Resize trunk", "CenterCrop trunk", "ToTensor"),
    test=("Resize trunk", "CenterCrop trunk", "ToTensor"),
    head="linear_probe",
    settings=_sgd(20, [1e-2, 1e-3, 1e-4], [10, 16], 1e-2),
)
_CIFAR_AVERAGE = dataclasses.replace(
    _CIFAR,
    name="cifar-avg-v1",
    source="ours: cifar-v1 with average in place of max pooling, for features that are averages, as scattering's",
    pooling=BudgetPooling("Avg", 4608),
)
_PATCHES = Protocol(
    name="patches-v1",
    source="ours: the photo that a patch comes from, the small probe of the demo",
    pooling=BudgetPooling("Max", 2304),
    batch=64,
    head="linear_probe",
    settings=_sgd(10, [1e-2, 1e-3], [8], 1e-4),
)
_FREEZE = Protocol(
    name="freeze-v1",
    source="ours, after Asano et al., ICLR 2020, Table 4: conv1 and conv2 frozen, the rest trained on labels",
    pooling=None,
    batch=128,
    settings={
        **_sgd(10, [5e-2, 5e-3, 5e-4], [6, 9], 5e-4),
        "MODEL.HEAD.PARAMS": [["retrained_convolutions", {"widths": [128, 256], "hidden": [512], "num_classes": 10}]],
    },
    title="Layers trained on labels over frozen ones",
)
_FINETUNE = Protocol(
    name="finetune-v1",
    source="ours: all layers trained on labels, starting from the weights of a checkpoint",
    pooling=None,
    batch=128,
    train=("RandomCrop 32", "RandomHorizontalFlip", "ToTensor"),
    test=("ToTensor",),
    settings={
        **_sgd(6, [5e-2, 5e-3, 5e-4], [4, 5], 5e-4),
        "MODEL.FEATURE_EVAL_SETTINGS.FREEZE_TRUNK_ONLY": False,
        "MODEL.HEAD.PARAMS": [["alexnet_fc", {"dims": [1024, 512, 10]}]],
    },
    title="Whole networks trained on labels",
    frozen=False,
)
_KNN = Protocol(
    name="knn-v1",
    source="Wu et al., CVPR 2018: weighted nearest neighbours, with VISSL's neighbour count and temperature",
    pooling=BudgetPooling("Max", 4608),
    batch=None,
    settings={
        "NEAREST_NEIGHBOR.TOPK": 200,
        "NEAREST_NEIGHBOR.SIGMA": 0.1,
        "NEAREST_NEIGHBOR.L2_NORM_FEATS": True,
        **_ALL_IMAGES,
    },
    title="Nearest neighbours",
)
_LOW_SHOT = Protocol(
    name="lowshot-v1",
    source="ours: VISSL's low-shot SVM (Goyal et al., ICCV 2019) with one cost, top-1 and the mean over five draws",
    pooling=BudgetPooling("Max", 4608),
    batch=None,
    settings={
        "SVM.low_shot.sample_inds": [1, 2, 3, 4, 5],
        "SVM.costs.costs_list": [1.0],
        "SVM.normalize": True,
        "SVM.loss": "squared_hinge",
        "SVM.penalty": "l2",
        "SVM.dual": True,
        "SVM.max_iter": 2000,
        **_ALL_IMAGES,
    },
    title="Low-shot SVMs",
)
_ALL = (_PAPER, _VISSL, _CIFAR, _CIFAR_AVERAGE, _TINY, _FOLDER, _PATCHES, _FREEZE, _FINETUNE, _KNN, _LOW_SHOT)
PROTOCOLS = {protocol.name: protocol for protocol in _ALL}


def get_protocol(name: str) -> Protocol:
    """Return the protocol called `name`.

    Raises:
        MonoImageError: there is no such protocol.
    """
    if name not in PROTOCOLS:
        raise MonoImageError(f"config.MONOIMAGE.PROTOCOL: {unknown('protocol', name, PROTOCOLS)}")
    return PROTOCOLS[name]


def title_of(name: str) -> str:
    """Return the title of protocol `name`, which may carry a suffix: `lowshot-v1, k=4` has the title of lowshot-v1.

    What a name that is not in the table stands for is not known: its title is "Probes".
    """
    return PROTOCOLS[base_name(name)].title if is_known(name) else "Probes"


def is_known(name: str) -> bool:
    """Return whether `name`, which may carry a suffix, is a protocol of this version."""
    return base_name(name) in PROTOCOLS


def base_name(name: str) -> str:
    """Return the name of a protocol without its suffix: `lowshot-v1` of `lowshot-v1, k=4`."""
    return name.partition(",")[0]
