"""The retrained upper layers against the network they are the upper part of."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from vissl.config import AttrDict
from vissl.models.heads import get_model_head
from vissl.models.trunks import get_model_trunk

from vissl_monoimage.errors import MonoImageError

CONFIG = AttrDict({"HEAD": {"BATCHNORM_EPS": 1e-5, "BATCHNORM_MOMENTUM": 0.1}})


def head(shape: list[int], widths: list[int], project: int = 0) -> nn.Module:
    made: nn.Module = get_model_head("retrained_convolutions")(
        CONFIG, shape=shape, widths=widths, hidden=[512], num_classes=10, project=project
    )
    return made


@pytest.mark.parametrize(("layer", "shape", "widths"), [("pool1", [64, 16, 16], [64, 128, 256]),
                                                       ("pool2", [64, 8, 8], [128, 256])])  # fmt: skip
def test_with_a_networks_own_weights_it_is_the_rest_of_that_network(
    layer: str, shape: list[int], widths: list[int]
) -> None:
    trunk = get_model_trunk("convnet4")(AttrDict({}), "convnet4")
    classifier = get_model_head("alexnet_fc")(CONFIG, dims=[1024, 512, 10])
    rest = head(shape, widths)
    blocks = list(trunk._feature_blocks)[2 * int(layer[-1]) :]
    theirs = [*nn.Sequential(*blocks).state_dict().values(), *classifier.state_dict().values()]
    rest.load_state_dict(dict(zip(rest.state_dict(), theirs, strict=True)))
    images = torch.randn(5, 3, 32, 32)
    (frozen,) = trunk(images, [layer])
    torch.testing.assert_close(rest(frozen), classifier(trunk(images)[-1]))


def test_a_map_too_small_for_its_convolutions_is_refused() -> None:
    with pytest.raises(MonoImageError, match="4 x 4 is too small for it: the least is 8"):
        head([256, 4, 4], [1, 1, 1])


def test_a_projection_is_a_linear_map_of_the_channels_before_the_same_network() -> None:
    """Projection and convolution together are one convolution, of the product of their weights."""
    projected, plain = head([243, 8, 8], [128, 256], project=64), head([243, 8, 8], [128, 256])
    first, *rest = projected.state_dict()
    assert projected.state_dict()[first].shape == (64, 243, 1, 1)
    assert [key.replace(".1.", ".0.") for key in rest[:1]] == ["convolutions.0.0.weight"]
    same = head([64, 8, 8], [128, 256])
    assert sum(map(torch.numel, projected.parameters())) == sum(map(torch.numel, same.parameters())) + 64 * 243
    weights = [projected.state_dict()[name] for name in rest]
    weights[0] = torch.einsum("opij,pc->ocij", weights[0], projected.state_dict()[first][:, :, 0, 0])
    plain.load_state_dict(dict(zip(plain.state_dict(), weights, strict=True)))
    feature = torch.randn(5, 243, 8, 8)
    torch.testing.assert_close(projected.eval()(feature), plain.eval()(feature), rtol=1e-4, atol=1e-4)
