"""Filters from a photo's patches: statistics on other crops, centroids and codes against oracles, the same twice."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from sklearn.decomposition import sparse_encode

from vissl_monoimage.cli.main import main
from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.init_request import Request
from vissl_monoimage.ledger.run_claim import Claim, claim_folder
from vissl_monoimage.models.checkpoint.load import load_trunk
from vissl_monoimage.models.init import kmeans
from vissl_monoimage.models.init.images import TrainingImages
from vissl_monoimage.models.init.patches import Crops, draw_patches
from vissl_monoimage.models.init.sparse_coding import zca
from vissl_monoimage.models.normalisation import CIFAR10, Normalisation
from vissl_monoimage.models.trunks.registry import build_trunk
from vissl_monoimage.models.trunks.sparse_coding import SparseCode

PLAIN = Normalisation((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))


def test_every_layer_has_mean_0_and_variance_1_on_crops_it_has_not_seen() -> None:
    trunk = build_trunk("convnet4")
    kmeans.initialise(trunk, Crops("china", 32, 256, 0, PLAIN), 0)
    outputs = []
    for block in trunk._feature_blocks[::2]:
        block[1].register_forward_hook(lambda *call: outputs.append(call[-1].clone()))
    trunk(torch.stack(list(Crops("china", 32, 256, 1, PLAIN))))
    for normalised in outputs:
        means, variances = normalised.mean((0, 2, 3)), normalised.var((0, 2, 3))
        assert means.abs().max() < 0.5
        assert means.abs().mean() < 0.15
        assert abs(variances.mean() - 1) < 0.25


def test_a_data_sets_own_images_are_clustered_too(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    for number in range(64):
        file = tmp_path / "mine" / "train" / f"class{number % 2}" / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw.integers(0, 256, (40, 36, 3), dtype=np.uint8)).save(file)
    words = ["init", "kmeans", f"cifar10={tmp_path}/mine", "-o", str(tmp_path / "out"), "--seed", "3"]
    assert main([*words, "--crops", "65"]) == 2
    assert main([*words, "--crops", "64"]) == 0
    (row,) = ledger.read([tmp_path / "out" / ledger.FILE_NAME])
    assert (row.method, row.dataset, row.n_images, row.images) == ("kmeans", "cifar10", 64, [])
    trunk = load_trunk(str(tmp_path / "out" / "checkpoint.torch"), "convnet4")
    images = TrainingImages("cifar10", tmp_path / "mine", 32, 64, 3, CIFAR10)
    responses = trunk._feature_blocks[0][0](torch.stack(list(images)))
    assert responses.mean((0, 2, 3)).abs().max() < 1e-3
    assert (responses.var((0, 2, 3)) - 1).abs().max() < 1e-2


def test_a_filter_answers_most_to_its_own_kind_of_patch() -> None:
    """Four patterns apart, with a little noise: each must be answered by a filter of its own."""
    draw = np.random.default_rng(0)
    kinds = np.repeat(np.arange(4), 100)
    patterns = np.linalg.qr(draw.normal(size=(12, 4)))[0].T
    patches = (patterns[kinds] * 3 + 0.05 * draw.normal(size=(400, 12))).astype(np.float32)
    filters = kmeans.filters_from(patches, 4, seed=0)
    answers = ((patches - patches.mean(0)) @ filters.T).argmax(1)
    assert sorted({tuple(np.unique(answers[kinds == kind])) for kind in range(4)}) == [(0,), (1,), (2,), (3,)]


def test_patches_are_what_a_convolution_sees() -> None:
    maps, weight = torch.randn(2, 3, 9, 9), torch.randn(5, 3, 3, 3)
    patches = draw_patches(maps, (3, 3), (2, 2), (1, 1), torch.Generator().manual_seed(0))
    responses = F.conv2d(maps, weight, stride=2, padding=1).flatten(2).transpose(1, 2)
    for image, found in zip(responses, (patches @ weight.flatten(1).T).view(2, -1, 5), strict=True):
        assert torch.cdist(found, image).min(1).values.max() < 1e-4


def test_the_code_is_scikit_learns_of_both_signs() -> None:
    torch.manual_seed(0)
    code = SparseCode()
    code.whitening.copy_(torch.randn_like(code.whitening) / 5)
    code.mean.normal_()
    image = 3 * torch.randn(1, 3, 7, 7)
    found = code(F.pad(image, (1, 1, 1, 1)))[0, :, 2, 2]  # the patch at places 1..7 of the padded image
    patch = (code.whitening @ (image - code.mean).flatten())[None].numpy()
    dictionary = code.dictionary.flatten(1).numpy()
    expected = sparse_encode(patch, dictionary, algorithm="threshold", alpha=code.THRESHOLD)[0]
    assert 10 < np.count_nonzero(expected) < code.ATOMS
    np.testing.assert_allclose(found[: code.ATOMS] - found[code.ATOMS :], expected, atol=1e-4)
    assert (found >= 0).all()


def test_whitened_patches_have_a_covariance_of_v_over_v_plus_a_tenth() -> None:
    draw = np.random.default_rng(0)
    patches = (draw.normal(size=(500, 6)) @ draw.normal(size=(6, 6))).astype(np.float32)
    found = np.linalg.eigvalsh(np.cov((patches @ zca(patches)).T))
    variances = np.linalg.eigvalsh(np.cov(patches.T))
    np.testing.assert_allclose(found, variances / (variances + 0.1), rtol=1e-3)


def test_the_same_command_makes_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    files = []
    for name, seed in (("a", "0"), ("b", "0"), ("c", "1")):
        assert main(["init", "kmeans", "china", "-o", str(tmp_path / name), "--crops", "64", "--seed", seed]) == 0
        files.append((tmp_path / name / "checkpoint.torch").read_bytes())
    assert files[0] == files[1] != files[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["kmean", "china"], "unknown method 'kmean': did you mean 'kmeans'?"),
        (["kmeans", "china", "--trunk", "convnet"], "did you mean 'convnet4'?"),
        (["sparse_coding", "china", "--trunk", "convnet4"], "valid: sparse_coding"),
        (["kmeans", "china", "--crops", "8"], "--crops=8 is too few to learn 256 filters from: give at least 32"),
    ],
)
def test_mistakes_are_reported_in_a_sentence(tmp_path: Path, capsys, arguments: list[str], message: str) -> None:
    assert main(["init", *arguments, "-o", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_result_is_kept_and_a_checkpoint_that_a_kill_left_without_its_row_is_made_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["init", "kmeans", "china", "-o", str(tmp_path / "out"), "--crops", "64"]
    assert main(command) == 0
    (tmp_path / "out" / "ledger.jsonl").unlink()
    half = tmp_path / "out" / ".4999999-1-a.part"  # of a process with a number that Linux does not give
    half.touch()
    assert main(command) == 0
    assert (tmp_path / "out" / "ledger.jsonl").is_file()
    assert not half.exists()
    rows = (tmp_path / "out" / "ledger.jsonl").read_bytes()
    assert main(command) == 0
    assert "holds this trunk already: nothing to do" in capsys.readouterr().err
    assert main([*command, "--seed", "1"]) == 2
    assert "init.seed: was 0, now 1" in capsys.readouterr().err
    assert (tmp_path / "out" / "ledger.jsonl").read_bytes() == rows


@pytest.mark.parametrize("method", ["kmeans", "sparse_coding"])
def test_a_photo_without_contrast_is_refused_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], method: str
) -> None:
    Image.new("RGB", (200, 200)).save(tmp_path / "black.png")
    command = ["init", method, str(tmp_path / "black.png"), "-o", str(tmp_path / "out"), "--crops", "64"]
    assert main(command) == 2
    assert "no contrast" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_crops_are_normalised_as_the_cifar_configurations_say() -> None:
    for name in ("benchmark/monoimage/linear_cifar10", "pretrain/monoimage/rotnet_convnet4"):
        transforms = compose_config([f"config={name}"]).config.DATA.TEST.TRANSFORMS
        (normalise,) = [transform for transform in transforms if transform["name"] == "Normalize"]
        assert (tuple(normalise["mean"]), tuple(normalise["std"])) == (CIFAR10.mean, CIFAR10.std)


@pytest.mark.parametrize(
    ("trunk", "changed"), [("convnet4", False), ("alexnet_wide_32px", False), ("alexnet_wide_64px", True)]
)
def test_filters_learned_under_cifar_10s_normalisation_are_not_taken_for_those_under_imagenets(
    tmp_path: Path, trunk: str, changed: bool
) -> None:
    """All k-means trunks had CIFAR-10's at first, and their claims did not state it."""
    now = Request("kmeans", "china", trunk, 0, 64, "", "").claim()
    settings = {"init.method": "kmeans", "init.trunk": trunk, "init.seed": 0, "init.crops": 64}
    claim_folder(tmp_path, Claim(settings, now.contents), remedy="")
    (tmp_path / "checkpoint.torch").touch()
    refused = pytest.raises(MonoImageError, match="NORMALISATION: was absent") if changed else nullcontext()
    with refused:
        claim_folder(tmp_path, now, remedy="choose another")
