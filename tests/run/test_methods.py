"""VISSL's self-supervised YAMLs train on crops of one photo on a CPU, all under the same overlay."""

from __future__ import annotations

import runpy
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from omegaconf import OmegaConf
from torch import nn

from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.ledger import io as ledger

METHODS = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "methods.py"), run_name="m"))
CROPS = "config.DATA.TRAIN.TRANSFORMS."
# The cheapest of each method, on small crops and, where the head has most of the weights, with a small head.
QUICK = {
    "pretrain/barlow_twins/barlow_twins_4node_resnet": [
        f"{CROPS}1.size=64",
        "config.MODEL.HEAD.PARAMS=[[mlp,{dims:[2048,64],use_relu:true,use_bn:true,use_bias:false,"
        "skip_last_layer_relu_bn:false}],[mlp,{dims:[64,64],use_bias:false}]]",
        "config.LOSS.barlow_twins_loss.embedding_dim=64",
    ],
    "pretrain/clusterfit/clusterfit_resnet_8gpu_imagenet": [f"{CROPS}0.size=64"],
    "pretrain/deepcluster_v2/deepclusterv2_2crops_resnet": [f"{CROPS}0.size_crops=[64]"],
    "pretrain/dino/dino_16gpus_deits16": [
        f"{CROPS}0.size_crops=[96,32]",
        "config.MODEL.HEAD.PARAMS=[[swav_head,{dims:[384,64,32],use_bn:false,activation_name:GELU,"
        "use_weight_norm_prototypes:true,return_embeddings:false,num_clusters:[64]}]]",
    ],
    "pretrain/jigsaw/jigsaw_8gpu_resnet": [f"{CROPS}2.size=150", f"{CROPS}6.patch_jitter=10"],
    "pretrain/moco/moco_1node_resnet": [f"{CROPS}1.size=64"],
    "pretrain/npid/npid_8gpu_resnet": [f"{CROPS}1.size=64"],
    "pretrain/pirl/pirl_jigsaw_4node_resnet50": [f"{CROPS}0.crop_size_image=64", f"{CROPS}0.crop_size_patches=150"],
    "pretrain/rotnet/rotnet_8gpu_resnet": [f"{CROPS}1.size=64", "config.DATA.TEST.TRANSFORMS.2.size=64"],
    "pretrain/simclr/simclr_8node_resnet": [f"{CROPS}1.size=64"],
    "pretrain/swav/swav_8node_resnet": [f"{CROPS}0.size_crops=[64,32]"],
}
SLOW = [config for config in METHODS.pretraining_configs() if config not in QUICK]


def test_the_quick_yamls_cover_every_method() -> None:
    methods = [METHODS.method_of(config) for config in QUICK]
    assert sorted(methods) == sorted({METHODS.method_of(config) for config in METHODS.pretraining_configs()})


@pytest.mark.parametrize(
    ("config", "small"), [*QUICK.items(), *(pytest.param(config, [], marks=pytest.mark.slow) for config in SLOW)]
)
def test_trains_on_crops_of_one_photo(config: str, small: list[str], tmp_path: Path, monoimage) -> None:
    method = METHODS.method_of(config)
    epochs = 2 if config in SLOW or method == "deepcluster_v2" else 1  # of two steps; clusters anew before the second
    *before, overrides = METHODS.commands(config, epochs)
    for others in before:
        monoimage("run", *others)
    monoimage("run", *overrides, *small)

    (row,) = ledger.read([tmp_path / "run"])
    assert [step for step, _ in row.losses] == list(range(1, 2 * epochs + 1))
    assert None not in [loss for _, loss in row.losses]  # what stands for a loss that is not finite
    assert [image["name"] for image in row.images] == ["china"]
    assert row.recipe["num_samples"] == (8 if method == "clusterfit" else 1281167)
    checkpoint = Path(str(row.checkpoint_out))
    state = torch.load(checkpoint, mmap=True, weights_only=True)["classy_state_dict"]
    trunk = trunk_of_the_yaml(config)
    trained = state["base_model"]["model"]["trunk"]
    assert shapes(trained) == shapes(trunk.state_dict())
    wanted = Counter(weight.shape for weight in trunk.parameters() if weight.requires_grad)
    assert not wanted - with_gradients(state["optimizer"]["optim"]["state"])
    for file in checkpoint.parent.glob("*.torch"):  # gigabytes, and pytest keeps the folder
        file.unlink()


def trunk_of_the_yaml(config: str) -> nn.Module:
    """Return the trunk that VISSL builds from its YAML without an overlay."""
    from vissl.config import AttrDict
    from vissl.models.trunks import MODEL_TRUNKS_REGISTRY

    model = AttrDict(OmegaConf.to_container(compose_config([f"config={config}"]).config.MODEL))
    trunk: nn.Module = MODEL_TRUNKS_REGISTRY[model.TRUNK.NAME](model, model.TRUNK.NAME)
    return trunk


def shapes(state: dict[str, torch.Tensor]) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in state.items()}


def with_gradients(state: dict[int, dict[str, torch.Tensor]]) -> Counter[torch.Size]:
    """Return how many weights of each shape the optimizer has a nonzero moment of."""
    names = ("momentum_buffer", "exp_avg", "mu")  # SGD, Adam, LARS
    kept = [moment for numbers in state.values() for name, moment in numbers.items() if name in names]
    return Counter(moment.shape for moment in kept if moment is not None and moment.any())
