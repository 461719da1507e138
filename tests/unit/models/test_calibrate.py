"""Calibrated batch norms: statistics against whole-batch ones of every layer, weights as they were, images as named."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from vissl_monoimage.cli.main import main
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.initial_weights import note_initial_weights
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.models.checkpoint.file import checkpoint_sha256, save_trunk
from vissl_monoimage.models.checkpoint.load import load_trunk
from vissl_monoimage.models.features import input_size
from vissl_monoimage.models.init.calibrate import calibrate
from vissl_monoimage.models.init.images import Images, Noise, TrainingImages
from vissl_monoimage.models.init.patches import Crops
from vissl_monoimage.models.normalisation import CIFAR10, IMAGENET
from vissl_monoimage.models.trunks.registry import build_trunk


def inputs_of_norms(trunk: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """The input of each batch norm when all images are one batch, as a probe sees it."""
    inputs: dict[str, Tensor] = {}
    for name, module in trunk.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            module.register_forward_pre_hook(lambda _, given, name=name: inputs.update({name: given[0].clone()}))
    with torch.no_grad():
        trunk.eval()(images)
    return inputs


@pytest.mark.parametrize(
    "name", ["convnet4", "alexnet_wide_32px", "alexnet_bigan_64px", "resnet18_32px", "alexnet_rotnet"]
)
def test_every_batch_norm_has_mean_and_variance_of_its_input(name: str) -> None:
    torch.manual_seed(0)
    trunk = build_trunk(name)
    before = {key: value.clone() for key, value in trunk.state_dict().items()}
    images = Crops("china", input_size(trunk), 66, 0, IMAGENET)  # more than one batch, the last one smaller
    calibrate(trunk, images)
    after = trunk.state_dict()
    inputs = inputs_of_norms(trunk, torch.stack([images[number] for number in range(66)]))
    norms = [key.removesuffix(".running_mean") for key in after if key.endswith(".running_mean")]
    assert set(inputs) == set(norms)
    for norm, given in inputs.items():
        variance, mean = torch.var_mean(given.double(), (0, 2, 3), correction=0)
        torch.testing.assert_close(after[f"{norm}.running_mean"].double(), mean, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(after[f"{norm}.running_var"].double(), variance, rtol=1e-3, atol=1e-7)
    changed = {key for key, value in after.items() if not torch.equal(value, before[key])}
    assert changed == {f"{norm}.running_{moment}" for norm in norms for moment in ("mean", "var")}


def test_a_trunk_without_batch_norm_is_refused_in_a_sentence() -> None:
    with pytest.raises(MonoImageError, match="trunk HogAt32 has no batch norm"):
        calibrate(build_trunk("hog_32px"), Noise(32, 4, 0, CIFAR10))


def test_noise_is_uniform_and_white_and_another_for_each_image_and_seed() -> None:
    noise = Noise(32, 50, 0, CIFAR10)
    pixels = noise.pixels().double()
    assert abs(pixels.mean() - 127.5) < 1
    assert abs(pixels.var() - (256**2 - 1) / 12) < 60
    centred = pixels - pixels.mean()
    neighbours = [centred[..., 1:] * centred[..., :-1], centred[:, 1:] * centred[:, :-1], centred[1:] * centred[:-1]]
    assert max(abs(product.mean()) for product in neighbours) < 0.02 * pixels.var()
    assert not torch.equal(Noise(32, 1, 1, CIFAR10).pixels(), noise.pixels()[:1])
    assert torch.equal(Noise(32, 1, 0, CIFAR10).pixels(), noise.pixels()[:1])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(6):
        path = tmp_path / "data" / "train" / f"class{number % 2}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 32), (40 * number, 0, 0)).save(path)
    return tmp_path / "data"


def test_images_of_a_data_set_are_drawn_once_each_and_cropped_to_size(folder: Path) -> None:
    images = TrainingImages("mine", folder, 32, 6, 3, CIFAR10)
    reds = images.pixels()[:, 0]
    assert images.pixels().shape == (6, 3, 32, 32)
    assert sorted(reds[:, 0, 0].tolist()) == [0, 40, 80, 120, 160, 200]
    assert reds[:, 0, 0].tolist() != sorted(reds[:, 0, 0].tolist())  # drawn, or few images would be of one class
    with pytest.raises(MonoImageError, match="--crops=7 must be between 1 and 6"):
        TrainingImages("mine", folder, 32, 7, 3, CIFAR10)
    with pytest.raises(MonoImageError, match=f"mine={folder / 'train'}: no train/<class>/ in that folder"):
        TrainingImages("mine", folder / "train", 32, 1, 3, CIFAR10)


def test_images_are_normalised_as_a_probe_does() -> None:
    images: Images = Noise(32, 2, 0, CIFAR10)
    expected = (np.asarray(images.image(1)) / 255 - CIFAR10.mean) / CIFAR10.std
    np.testing.assert_allclose(images[1].permute(1, 2, 0), expected, atol=1e-5)


def test_a_checkpoint_is_calibrated_again_and_its_row_says_of_what(
    tmp_path: Path, folder: Path, a_row: Callable[..., Row]
) -> None:
    torch.manual_seed(0)
    file, trunk = tmp_path / "checkpoint.torch", build_trunk("alexnet_wide_32px")
    save_trunk(trunk, file)
    trained = a_row(kind="pretrain", method="rotnet", trunk="alexnet_wide_32px")
    ledger.append(
        tmp_path / "ledger.jsonl",
        dataclasses.replace(trained, checkpoint_out_sha256=checkpoint_sha256(file)),
    )
    words = ["init", "calibrate", f"mine={folder}", "--crops", "6", "-o", str(tmp_path / "b")]
    assert main([*words, f"--weights={file}"]) == 0
    (row,) = ledger.read([tmp_path / "b"])
    assert (row.method, row.dataset, row.trunk) == ("rotnet, calibrated", "mine", "alexnet_wide_32px")
    assert (row.weights.sha256, row.data["train"].images, row.images_seen) == (checkpoint_sha256(file), 6, 6)
    after = load_trunk(str(tmp_path / "b" / "checkpoint.torch"), "alexnet_wide_32px").state_dict()
    same = {key for key, value in trunk.state_dict().items() if torch.equal(value, after[key])}
    assert same == {key for key in after if "running" not in key}


def test_the_kept_start_of_a_pretraining_is_known_as_its_random_weights(
    tmp_path: Path, a_row: Callable[..., Row]
) -> None:
    trunk = build_trunk("convnet4")
    started = note_initial_weights(tmp_path, 0, "random", trunk, keep=True)
    trained = a_row(kind="pretrain", method="rotnet", trunk="convnet4")
    ledger.append(tmp_path / "ledger.jsonl", dataclasses.replace(trained, initial_weights=started))
    words = ["init", "calibrate", "noise", "--crops", "2", "-o", str(tmp_path / "b")]
    assert main([*words, f"--weights={tmp_path / 'initial_weights.pt'}"]) == 0
    (row,) = ledger.read([tmp_path / "b"])
    assert (row.method, row.initial_weights) == ("random, calibrated", started)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["calibrate"], "name a photo, noise or NAME=FOLDER of a data set"),
        (["kmeans"], "kmeans makes weights from images: name a photo"),
        (["random", "china"], "random makes weights from a seed alone"),
        (["kmeans", "china", "--weights", "x"], "kmeans starts from no other weights"),
        (["calibrate", "noise", "--weights", "absent"], "--weights: no checkpoint at 'absent'"),
        (["calibrate", "noise", "--crops", "0"], "--crops=0 must be at least 1"),
        (["calibrate", "nois"], "unknown images 'nois': did you mean 'noise'?"),
        (["calibrate", "coin"], "did you mean 'coins'?"),
        (["calibrate", "noise", "--trunk", "scattering_32px", "--crops", "4"], "has no batch norm"),
        (["random", "--trunk", "hog", "--like", "config=pretrain/monoimage/rotnet_convnet4"], "--like has trunk 'conv"),
        (["random", "--like", "config=pretrain/monoimage/rotnet_convnet"], "did you mean"),
    ],
)
def test_words_that_do_not_go_together_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["init", *arguments, "-o", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
