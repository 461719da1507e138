"""A probe: its config follows from the trunk, crops are averaged, the trunk is filled entirely or refused."""

from __future__ import annotations

import vissl_monoimage  # noqa: F401  # mends VISSL before it is imported

# isort: split
import copy

import pytest
import torch
from omegaconf import OmegaConf
from vissl.config import AttrDict
from vissl.models import build_model

from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.probe.configure import configure_probe
from vissl_monoimage.probe.deviations import deviations
from vissl_monoimage.probe.protocols import PROTOCOLS

OURS = "config=benchmark/monoimage/linear_{}".format
VISSLS = "config=benchmark/linear_image_classification/imagenet1k/eval_alexnet_8gpu_transfer_in1k_linear"
CIFAR = OURS("cifar10")


def composed(*overrides: str) -> AttrDict:
    config = AttrDict(OmegaConf.to_container(compose_config(list(overrides)).config))
    config.MODEL._MODEL_INIT_SEED = config.SEED_VALUE  # VISSL's launcher does this
    return config


def configured(*overrides: str) -> AttrDict:
    config = composed(*overrides)
    configure_probe(config)
    return config


@pytest.mark.parametrize(
    "name", ["imagenet1k", "places205", "cifar10", "cifar100", "tiny_imagenet", "folder", "photo_patches"]
)
def test_each_yaml_follows_its_protocol(name):
    assert deviations(composed(OURS(name))) == []


def test_a_head_for_ones_own_folder_has_as_many_classes_as_the_training_images(tmp_path):
    for split, classes in (("train", "abcd"), ("val", "ab")):
        for name in classes:
            (tmp_path / split / name).mkdir(parents=True)
    paths = [
        f"config.DATA.{split}.DATA_PATHS=[{tmp_path}/{name}]" for split, name in (("TRAIN", "train"), ("TEST", "val"))
    ]
    heads = configured(OURS("folder"), *paths).MODEL.HEAD.PARAMS
    assert [settings["num_classes"] for _, settings in heads] == [4] * 4
    wide = configured(OURS("folder"), *paths, "config.MODEL.TRUNK.NAME=alexnet_wide_64px")
    assert [item.get("size") for item in wide.DATA.TEST.TRANSFORMS] == [64, 64, None, None]
    with pytest.raises(MonoImageError, match="num_classes: counted needs training images in folders of classes"):
        configured(OURS("folder"), "config.DATA.TRAIN.DATA_PATHS=[nowhere]")


def test_the_vissl_protocol_is_that_of_vissls_yaml():
    config = composed(VISSLS)
    config.MONOIMAGE = AttrDict({"PROTOCOL": "vissl"})
    assert deviations(config) == []


def test_a_shortened_run_lists_its_deviations():
    config = configured(CIFAR, "config.OPTIMIZER.num_epochs=1", "config.DATA.TRAIN.DATA_LIMIT=100")
    epochs = PROTOCOLS["cifar-v1"].settings["OPTIMIZER.num_epochs"]
    changes = config.MONOIMAGE.PROTOCOL_CHANGES
    assert changes == [f"OPTIMIZER.num_epochs=1 ({epochs})", "DATA.TRAIN.DATA_LIMIT=100 (-1)"]


def test_another_pooling_or_head_is_a_deviation():
    ops = "config.MODEL.FEATURE_EVAL_SETTINGS.LINEAR_EVAL_FEAT_POOL_OPS_MAP"
    same = configured(CIFAR, f"{ops}=[[conv2,[AdaptiveMaxPool2d,[8]]]]")  # 64 channels: 9 x 9 would be above 4,608
    assert same.MONOIMAGE.PROTOCOL_CHANGES == []
    config = configured(CIFAR, f"{ops}=[[conv2,[AdaptiveMaxPool2d,[8]]],[conv3,[AdaptiveAvgPool2d,[1]]]]")
    (change,) = config.MONOIMAGE.PROTOCOL_CHANGES
    assert change.startswith("pooling of conv3=['AdaptiveAvgPool2d', [1]] (['AdaptiveMaxPool2d',")
    configure_probe(config)
    assert [change] == config.MONOIMAGE.PROTOCOL_CHANGES
    heads = configured(CIFAR, "config.MODEL.HEAD.PARAMS=[[eval_mlp,{in_channels:9,dims:[9,10]}]]")
    assert heads.MONOIMAGE.PROTOCOL_CHANGES == ["head=eval_mlp (linear_probe)"]


@pytest.mark.parametrize(("trunk", "size", "layers"), [("convnet4", 32, 4), ("alexnet_wide_64px", 64, 5)])
def test_one_yaml_serves_every_trunk(trunk, size, layers):
    """Heads fit real features, there is one meter per layer, images have the trunk's size."""
    config = configured(CIFAR, f"config.MODEL.TRUNK.NAME={trunk}")
    names = [f"conv{number}" for number in range(1, layers + 1)]
    assert config.METERS.accuracy_list_meter.meter_names == names
    assert config.METERS.accuracy_list_meter.num_meters == len(config.MODEL.HEAD.PARAMS) == layers
    assert config.DATA.TEST.TRANSFORMS[0] == {"name": "Resize", "size": size}
    model = build_model(config.MODEL, config.OPTIMIZER)
    assert [logits.shape for logits in model(torch.rand(2, 3, size, size))] == [(2, 10)] * layers


def test_configuring_twice_changes_nothing():
    config = configured(OURS("imagenet1k"))
    again = copy.deepcopy(config)
    configure_probe(again)
    assert again == config
    assert config.MONOIMAGE.PROTOCOL_CHANGES == []


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("config.MONOIMAGE.PROTOCOL=cifar_v1", "unknown protocol 'cifar_v1': did you mean 'cifar-v1'"),
        ("config.MODEL.TRUNK.NAME=convnet", "unknown trunk 'convnet': did you mean 'convnet4'"),
        ("+map=[[conv9,[MaxPool2d,[2,2,0]]]]", "unknown layer 'conv9': did you mean 'conv"),
        ("+map=[[conv1,[MaxPool,[2,2,0]]]]", "unknown pooling 'MaxPool': did you mean 'MaxPool2d'"),
        ("+heads=[[linear_probe,{num_classes:2}],[linear_probe,{num_classes:2}]]", "2 heads for 4 layers"),
        ("config.DATA.TRAIN.TRANSFORMS=[{name:ToTensor}]", "must give images of one size"),
    ],
)  # fmt: skip
def test_mistakes_are_named(override, message):
    short = {
        "+map": "config.MODEL.FEATURE_EVAL_SETTINGS.LINEAR_EVAL_FEAT_POOL_OPS_MAP",
        "+heads": "config.MODEL.HEAD.PARAMS",
    }
    key, _, value = override.partition("=")
    with pytest.raises(MonoImageError, match=message):
        configured(CIFAR, f"{short.get(key, key)}={value}")


def test_heads_that_were_not_configured_are_refused():
    config = configured(CIFAR)
    config.MODEL.HEAD.PARAMS = config.MODEL.HEAD.PARAMS[:3]
    with pytest.raises(MonoImageError, match=r"3 heads for 4 layers: run it with .*probe_task"):
        build_model(config.MODEL, config.OPTIMIZER)


def test_logits_are_averaged_over_crops():
    """Of a batch with five dimensions the logits are the mean of those of single crops."""
    config = configured(CIFAR)
    model = build_model(config.MODEL, config.OPTIMIZER).eval()
    crops = torch.rand(3, 10, 3, 32, 32)
    with torch.no_grad():
        alone = [model(crops[:, index]) for index in range(10)]
        together = model(crops)
    for layer, logits in enumerate(together):
        expected = sum(one[layer].double() for one in alone) / 10
        torch.testing.assert_close(logits.double(), expected, atol=1e-5, rtol=1e-5)


def test_only_the_heads_get_gradients():
    config = configured(CIFAR)
    model = build_model(config.MODEL, config.OPTIMIZER).train()
    before = copy.deepcopy(model.trunk.state_dict())
    sum(logits.sum() for logits in model(torch.rand(4, 3, 32, 32))).backward()
    assert all(head.linear.weight.grad is not None for head in model.heads)
    assert all(parameter.grad is None for parameter in model.trunk.parameters())
    after = model.trunk.state_dict()
    assert all(torch.equal(after[key], value) for key, value in before.items())
