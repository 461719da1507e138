"""Style transfer: Gram matrices and losses against NumPy, a picture nearer to the style, and mistakes reported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vissl_monoimage import style_transfer as style
from vissl_monoimage.cli.main import main
from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.data.photos.decode import load_photo
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.trunks.registry import build_trunk
from vissl_monoimage.utils.random import seed_everything

SMALL = ["--size", "40", "--steps", "3"]


def photo(name: str, side: int = 40) -> torch.Tensor:
    return style.to_tensor(load_photo(CATALOG[name].path).pixels, side)


def features(name: str = "convnet4", seed: int = 0) -> style.Features:
    """As the command has them; quicker, as no configuration is composed."""
    seed_everything("style", seed)
    trunk = build_trunk(name)
    return style.Features(trunk, style.convolutions(trunk, name), [0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616])


def test_gram_is_the_mean_product_of_two_channels_over_places() -> None:
    feature = np.random.default_rng(0).normal(size=(4, 3, 5)).astype(np.float32)
    expected = np.empty((4, 4))
    for a in range(4):
        for b in range(4):
            expected[a, b] = np.mean(feature[a] * feature[b])
    np.testing.assert_allclose(style.gram(torch.from_numpy(feature)), expected, rtol=1e-5)


def test_every_layer_of_the_style_loss_is_1_at_the_content_and_0_at_the_style() -> None:
    coffee, china = photo("coffee"), photo("china")
    for layers in (["conv1"], ["conv4"], ["conv1", "conv2", "conv3", "conv4"]):
        seen = features()
        seen.layers = layers
        objective = style.Objective(seen, coffee, china)
        at_content, at_style = objective(coffee), objective(china)
        assert float(at_content[0]) == pytest.approx(1, abs=1e-3)
        assert float(at_content[1]) == 0
        assert float(at_style[0]) == pytest.approx(0, abs=1e-6)


def test_losses_are_those_of_numpy() -> None:
    seen = features()
    content, wanted, other = (photo(name) for name in ("coffee", "brick", "rocket"))
    found = [[layer.double().numpy() for layer in seen(image)] for image in (content, wanted, other)]

    def distance(layer: int, a: int, b: int) -> float:
        first, second = (np.einsum("chw,dhw->cd", one, one) / one[0].size for one in (found[a][layer], found[b][layer]))
        return float(np.sum((first - second) ** 2))

    losses = style.Objective(seen, content, wanted)(other)
    expected = np.mean([distance(layer, 2, 1) / distance(layer, 0, 1) for layer in range(4)])
    assert float(losses[0]) == pytest.approx(expected, rel=1e-3)
    conv3_of_image, conv3 = found[2][2], found[0][2]
    spread = np.mean((conv3 - conv3.mean((1, 2), keepdims=True)) ** 2)
    assert float(losses[1]) == pytest.approx(np.mean((conv3_of_image - conv3) ** 2) / spread, rel=1e-3)


@pytest.mark.parametrize("name", ["convnet4", "alexnet_wide_32px", "resnet18_32px"])
def test_all_convolutions_are_asked_at_sizes_the_trunk_was_not_made_for(name: str) -> None:
    seen = features(name)
    assert (
        seen.layers
        == {
            "convnet4": ["conv1", "conv2", "conv3", "conv4"],
            "alexnet_wide_32px": ["conv1", "conv2", "conv3", "conv4", "conv5"],
            "resnet18_32px": ["conv1", "res2", "res3", "res4", "res5"],
        }[name]
    )
    square = torch.rand(1, 3, 32, 32)
    same = features(name)
    same.trunk.any_size = False
    for found, expected in zip(seen(square), same(square), strict=True):
        assert torch.equal(found, expected)
    with pytest.raises(MonoImageError, match="takes images of 3 x 32 x 32, not 3 x 48 x 80"):
        same(torch.rand(1, 3, 48, 80))
    height, width = seen(torch.rand(1, 3, 48, 80))[0].shape[1:]
    assert width / height == pytest.approx(80 / 48)


def test_the_picture_has_the_style_and_keeps_the_content_and_the_aspect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.png"
    assert main(["style", "china", "brick", "-o", str(path), "--size", "64", "--steps", "25"]) == 0
    painted = Image.open(path)
    assert (painted.size, painted.mode) == ((64, 43), "RGB")  # china is 640 x 427
    content, wanted = photo("china", 64), photo("brick", 64)
    objective = style.Objective(features(), content, wanted)
    style_loss, content_loss = (float(loss) for loss in objective(style.to_tensor(np.array(painted), 64)))
    assert style_loss < 0.2
    monkeypatch.setattr(style, "CONTENT_WEIGHT", 0.0)
    careless = style.transfer(objective, content, 25)
    assert 0 < content_loss < 0.9 * float(objective(careless)[1])


def test_the_same_seed_paints_the_same_picture_and_another_seed_or_trained_weights_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = tmp_path / "weights.torch"
    torch.save(features(seed=5).trunk.state_dict(), checkpoint)
    pictures = []
    for number, options in enumerate((["--seed", "5"], ["--seed", "5"], [], ["--checkpoint", str(checkpoint)])):
        path = tmp_path / f"{number}.png"
        assert main(["style", "coffee", "china", "-o", str(path), *SMALL, *options]) == 0
        output = capsys.readouterr().out
        assert ("random weights, seed" in output) == ("--checkpoint" not in options)
        pictures.append(path.read_bytes())
    assert pictures[0] == pictures[1] == pictures[3] != pictures[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["chinaa", "coffee"], "unknown photo 'chinaa': did you mean 'china'?"),
        (["china", "cofee"], "unknown photo 'cofee': did you mean 'coffee'?"),
        (["china", "coffee", "--trunk", "convnet"], "--trunk: unknown trunk 'convnet': did you mean 'convnet4'?"),
        (["china", "coffee", "--trunk", "hog_32px"], "trunk 'hog_32px' has no convolutions"),
        (["china", "coffee", "--trunk", "xcit"], "trunk 'xcit' has no convolutions"),
        (["china", "coffee", "--size", "31"], "--size=31 must be between 32 and 2048"),
        (["china", "coffee", "--steps", "0"], "--steps=0 must be between 1 and 10000"),
        (["china", "coffee", "--trunk", "alexnet_wide"], "china at 40x27 px is too small for all convolutions"),
        (["china", "coffee", "--checkpoint", "none.torch"], "monoimage: --checkpoint: no checkpoint at 'none.torch'\n"),
        (["china", "coffee", "--checkpoint", "other.torch"], "other.torch is of another architecture than trunk"),
    ],
)
def test_mistakes_are_one_sentence_and_write_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    if "other.torch" in arguments:
        torch.save(features("alexnet_wide_32px").trunk.state_dict(), "other.torch")
    before = set(tmp_path.iterdir())
    assert main(["style", *SMALL, "-o", "out.png", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("output", "message"),
    [("out.gif", "out.gif: a picture is saved as .png, .jpg, .jpeg"), ("none/out.png", "cannot write none/out.png")],
)
def test_an_output_that_cannot_be_written_is_refused_before_the_work(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], output: str, message: str
) -> None:
    monkeypatch.setattr(style, "transfer", lambda *_: pytest.fail("worked first"))
    assert main(["style", "china", "coffee", "-o", output, *SMALL]) == 2
    assert message in capsys.readouterr().err


def test_a_photo_in_its_own_style_is_left_as_it_is() -> None:
    coffee = photo("coffee")
    objective = style.Objective(features(), coffee, coffee)
    assert torch.allclose(style.transfer(objective, coffee, 3), coffee, atol=2 / 256)
