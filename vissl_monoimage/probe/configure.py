"""Completing the config of a probe: heads, pooling, meters and image size follow from the trunk."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from vissl.config import AttrDict
from vissl.models.trunks.feature_extractor import POOL_OPS

from vissl_monoimage.data.image_counts_vissl import count_classes
from vissl_monoimage.errors import MonoImageError, unknown
from vissl_monoimage.models import features as trunks
from vissl_monoimage.probe.deviations import record_deviations, record_pooling
from vissl_monoimage.probe.protocol import Protocol
from vissl_monoimage.probe.protocols import get_protocol

COUNTED = "counted"
"""The `num_classes` of a head that has one output for each class of the training images."""
_POOLING = "config.MODEL.FEATURE_EVAL_SETTINGS.LINEAR_EVAL_FEAT_POOL_OPS_MAP"


def configure_probe(config: AttrDict, head: str | None = None) -> None:
    """Complete the config of a probe in place, so that VISSL needs nothing else; repeating it changes nothing.

    - `size: trunk` in a TRANSFORMS list becomes the trunk's input size in px;
    - an empty LINEAR_EVAL_FEAT_POOL_OPS_MAP becomes the protocol's pooling of every layer that it probes
      (all convolutions, or res2 to res5 of a ResNet);
    - the one head in HEAD.PARAMS becomes one head per layer, each with the shape of the layer's pooled feature;
    - `num_classes: counted` in a head becomes the number of classes of the training images;
    - METERS.accuracy_list_meter gets one meter per layer, with the layer's name;
    - MONOIMAGE.PROTOCOL_CHANGES lists where the run deviates from the protocol that it names.

    Args:
        config: what lies below VISSL's `config`.
        head: the kind of head to use in place of the kinds that HEAD.PARAMS names.

    Raises:
        MonoImageError: an unknown protocol, trunk, layer or pooling operation.
    """
    protocol = get_protocol(config.MONOIMAGE.PROTOCOL)
    record_deviations(config)
    trunk = trunks.build_on_meta(config.MODEL)
    _set_image_sizes(config, trunks.input_size(trunk))
    settings = config.MODEL.FEATURE_EVAL_SETTINGS
    layers = [item[0] for item in settings.LINEAR_EVAL_FEAT_POOL_OPS_MAP] or trunks.probed_layers(trunk)
    names = trunks.feature_names(trunk)
    for layer in layers:
        if layer not in names:
            raise MonoImageError(f"LINEAR_EVAL_FEAT_POOL_OPS_MAP: {unknown('layer', layer, names)}")
    shapes = trunks.feature_shapes(trunk, layers, _image_size(config))
    if not settings.LINEAR_EVAL_FEAT_POOL_OPS_MAP:
        settings.LINEAR_EVAL_FEAT_POOL_OPS_MAP = _pooling_ops(protocol, shapes)
    record_pooling(config, shapes)
    pooled = [_pooled_shape(shapes[name], op) for name, op in settings.LINEAR_EVAL_FEAT_POOL_OPS_MAP]
    config.MODEL.HEAD.PARAMS = _heads(_with_classes(config), pooled, head)
    config.METERS.accuracy_list_meter.num_meters = len(layers)
    config.METERS.accuracy_list_meter.meter_names = layers


def _set_image_sizes(config: AttrDict, size: int) -> None:
    for split in ("TRAIN", "TEST"):
        for transform in config.DATA[split].TRANSFORMS:
            if transform.get("size") == "trunk":
                transform["size"] = size


def _image_size(config: AttrDict) -> int:
    """Return the side in px of the training images: the size that the last transform with a size gives."""
    sizes = [transform["size"] for transform in config.DATA.TRAIN.TRANSFORMS if "size" in transform]
    if not sizes or not isinstance(sizes[-1], int):
        raise MonoImageError(
            "config.DATA.TRAIN.TRANSFORMS must give images of one size: add '- name: Resize, size: trunk'"
        )
    return int(sizes[-1])


def _pooling_ops(protocol: Protocol, shapes: dict[str, trunks.Shape]) -> list[Any]:
    if protocol.pooling is None:
        raise MonoImageError(f"protocol '{protocol.name}' defines no pooling: list the operations in {_POOLING}")
    return [[layer, protocol.pooling.op(layer, shape)] for layer, shape in shapes.items()]


def _pooled_shape(shape: trunks.Shape, op: list[Any]) -> list[int]:
    name, arguments = op
    if name not in POOL_OPS:
        raise MonoImageError(f"LINEAR_EVAL_FEAT_POOL_OPS_MAP: {unknown('pooling', name, POOL_OPS)}")
    pool: nn.Module = POOL_OPS[name](*arguments)
    return list(pool(torch.empty(1, *shape, device="meta")).shape[1:])


def _with_classes(config: AttrDict) -> list[Any]:
    """Return HEAD.PARAMS with the number of training classes in place of `COUNTED`."""
    params: list[Any] = config.MODEL.HEAD.PARAMS
    if all(settings.get("num_classes") != COUNTED for _, settings in params):
        return params
    counts = count_classes(config, "TRAIN", 0, enough=1)
    if counts is None:
        raise MonoImageError(
            f"config.MODEL.HEAD.PARAMS: num_classes: {COUNTED} needs training images in folders of classes, "
            f"config.DATA.TRAIN.DATA_PATHS=[FOLDER] with FOLDER/<class>/<image>"
        )
    return [
        [name, {**settings, "num_classes": len(counts)} if settings.get("num_classes") == COUNTED else settings]
        for name, settings in params
    ]


def _heads(params: list[Any], shapes: list[list[int]], kind: str | None) -> list[Any]:
    """Return one `[name, {shape, ...}]` per layer: the YAML's single head repeated, or its head for each layer."""
    if kind:
        params = [[kind, {"num_classes": settings.get("num_classes")}] for _, settings in params]
    if len(params) == 1:
        params = params * len(shapes)
    if len(params) != len(shapes):
        raise MonoImageError(
            f"config.MODEL.HEAD.PARAMS has {len(params)} heads for {len(shapes)} layers: give one head, which is "
            "repeated, or one per layer"
        )
    return [[name, {**settings, "shape": shape}] for (name, settings), shape in zip(params, shapes, strict=True)]
