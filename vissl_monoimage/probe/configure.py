"""Writing a probe's heads, pooling, meters and image size from the trunk it is run on."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from vissl.config import AttrDict
from vissl.models.trunks.feature_extractor import POOL_OPS

from vissl_monoimage.errors import MonoImageError, unknown
from vissl_monoimage.models import features as trunks
from vissl_monoimage.probe.deviations import note_departures, note_pooling
from vissl_monoimage.probe.protocols import protocol


def prepare(config: AttrDict, head: str | None = None) -> None:
    """Complete a probe's config in place, so that all that follows is plain VISSL; again changes nothing.

    - `size: trunk` in a TRANSFORMS list becomes the trunk's input size in px;
    - an empty LINEAR_EVAL_FEAT_POOL_OPS_MAP becomes the pooling that the protocol gives to every layer it probes
      (each convolution, or of a ResNet res2 to res5);
    - the one head in HEAD.PARAMS becomes a head a layer, each with the shape of its pooled feature, and all of the
      kind `head` where that is given;
    - METERS.accuracy_list_meter gets a meter a layer, with the layer's name;
    - MONOIMAGE.PROTOCOL_CHANGES lists where the run departs from the protocol it names.

    Raises:
        MonoImageError: an unknown protocol, trunk, layer or pooling operation.
    """
    wanted = protocol(config.MONOIMAGE.PROTOCOL)
    note_departures(config)
    trunk = trunks.build_on_meta(config.MODEL)
    for split in ("TRAIN", "TEST"):
        for transform in config.DATA[split].TRANSFORMS:
            if transform.get("size") == "trunk":
                transform["size"] = trunks.input_size(trunk)
    settings = config.MODEL.FEATURE_EVAL_SETTINGS
    layers = [item[0] for item in settings.LINEAR_EVAL_FEAT_POOL_OPS_MAP] or trunks.probed_layers(trunk)
    known = trunks.feature_names(trunk)
    for layer in layers:
        if layer not in known:
            raise MonoImageError(f"LINEAR_EVAL_FEAT_POOL_OPS_MAP: {unknown('layer', layer, known)}")
    shapes = trunks.feature_shapes(trunk, layers, _image_size(config))
    if not settings.LINEAR_EVAL_FEAT_POOL_OPS_MAP:
        if wanted.pooling is None:
            raise MonoImageError(
                f"protocol '{wanted.name}' has no pooling of its own: spell "
                "config.MODEL.FEATURE_EVAL_SETTINGS.LINEAR_EVAL_FEAT_POOL_OPS_MAP"
            )
        settings.LINEAR_EVAL_FEAT_POOL_OPS_MAP = [[name, wanted.pooling.op(name, shapes[name])] for name in layers]
    note_pooling(config, shapes)
    pooled = [_pooled(shapes[name], op) for name, op in settings.LINEAR_EVAL_FEAT_POOL_OPS_MAP]
    heads = config.MODEL.HEAD.PARAMS
    if head:
        heads = [[head, {"num_classes": kwargs.get("num_classes")}] for _, kwargs in heads]
    config.MODEL.HEAD.PARAMS = _heads(heads, pooled)
    config.METERS.accuracy_list_meter.num_meters = len(layers)
    config.METERS.accuracy_list_meter.meter_names = layers


def _image_size(config: AttrDict) -> int:
    """Side in px of the images the training transforms give: what the last of them that has a size says."""
    sizes = [transform["size"] for transform in config.DATA.TRAIN.TRANSFORMS if "size" in transform]
    if not sizes or not isinstance(sizes[-1], int):
        raise MonoImageError(
            "config.DATA.TRAIN.TRANSFORMS must give images of one size: add '- name: Resize, size: trunk'"
        )
    return int(sizes[-1])


def _pooled(shape: trunks.Shape, op: list[Any]) -> list[int]:
    name, arguments = op
    if name not in POOL_OPS:
        raise MonoImageError(f"LINEAR_EVAL_FEAT_POOL_OPS_MAP: {unknown('pooling', name, POOL_OPS)}")
    pool: nn.Module = POOL_OPS[name](*arguments)
    return list(pool(torch.empty(1, *shape, device="meta")).shape[1:])


def _heads(params: list[Any], pooled: list[list[int]]) -> list[Any]:
    """One `[name, {shape, ...}]` a layer: the single head of the YAML repeated, or those it has."""
    if len(params) == 1:
        params = params * len(pooled)
    if len(params) != len(pooled):
        raise MonoImageError(
            f"config.MODEL.HEAD.PARAMS has {len(params)} heads for {len(pooled)} layers: give one, which is "
            "repeated, or one a layer"
        )
    return [[name, {**kwargs, "shape": shape}] for (name, kwargs), shape in zip(params, pooled, strict=True)]
