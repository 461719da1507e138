"""BiGAN and MonoGAN through the launcher at smoke size: what a run leaves, what its probes read, and how it fails."""

from __future__ import annotations

import itertools
import json
import math
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import launcher
import numpy as np
import pytest
import torch
import yaml
from omegaconf import OmegaConf
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import vissl_monoimage  # noqa: F401  # mends VISSL before it is imported
from vissl_monoimage.cli.main import main
from vissl_monoimage.config.compose import compose_config, vissl_defaults
from vissl_monoimage.utils.paths import config_folder

SMOKE = "+config/monoimage=smoke"
MONOGAN = ["run", "config=pretrain/monoimage/monogan_cifar", SMOKE]
SMALL_HEAD = (
    "config.MODEL.HEAD.PARAMS=[[bigan,{features:1024,latent:4,"
    "generator:{widths:[8,4]},discriminator:{widths:[4,8],norm:none}}]]"
)
DISCRIMINATOR_RATE = "config.OPTIMIZER.discriminator.param_schedulers.lr"
ENCODER_GENERATOR_RATE = "config.OPTIMIZER.param_schedulers.lr"
LOOKED_AT = {
    "discriminator_loss",
    "discriminator_accuracy",
    "discriminator_gradient_norm",
    "encoder_generator_gradient_norm",
    "reconstruction_error",
    "spread",
}
Pretrained = Callable[[str], Path]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def state(checkpoint: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = torch.load(checkpoint, weights_only=False)["classy_state_dict"]
    return loaded


def tensors(checkpoint: Path) -> dict[str, torch.Tensor]:
    """Return weights and statistics of trunk and head: trunk.*, heads.0.to_latent.*, .generator.*, .discriminator.*."""
    model = state(checkpoint)["base_model"]["model"]
    return {f"{part}.{key}": value for part in ("trunk", "heads") for key, value in model[part].items()}


def meters(folder: Path, split: str) -> list[dict[str, float]]:
    """Return the means over each epoch of `split` from the run's metrics.json."""
    name = f"{split}_bigan_meter"
    found = [line[name] for line in lines(folder / "metrics.json") if name in line]
    return [{key: value["0"] for key, value in values.items()} for values in found]


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Pretrained:
    """`pretrained(name)`: the folder of that config's run at smoke size with TensorBoard on, made once."""
    made: dict[str, Path] = {}

    def folder(name: str) -> Path:
        if name not in made:
            run = tmp_path_factory.mktemp(name) / "run"
            command = ["run", f"config=pretrain/monoimage/{name}", SMOKE, f"config.CHECKPOINT.DIR={run}"]
            command += ["config.HOOKS.TENSORBOARD_SETUP.USE_TENSORBOARD=true"]
            command += ["config.CHECKPOINT.CHECKPOINT_FREQUENCY=2"]  # the last alone: an AlexNet's has 176 MB
            launcher.monoimage(*command, cwd=run.parent)
            made[name] = run
        return made[name]

    return folder


# What a run leaves behind.

CONFIGS = [
    ("monogan_cifar", "convnet4", "monogan"),
    ("bigan_alexnet", "alexnet_bigan_64px", "bigan"),
    pytest.param("bigan_alexnet_112px", "alexnet_bigan_112px", "bigan", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("name", "trunk", "method"), CONFIGS)
def test_a_run_leaves_its_checkpoint_row_curves_and_pictures(
    pretrained: Pretrained, name: str, trunk: str, method: str
) -> None:
    folder = pretrained(name)
    settings = yaml.safe_load((folder / "train_config.yaml").read_text())["LOSS"]["bigan_loss"]
    steps = range(1, 5)  # two epochs of two

    final = state(folder / "model_final_checkpoint_phase1.torch")
    assert all(torch.isfinite(value).all() for value in tensors(folder / "checkpoint.torch").values())
    taken = {player: optimizer["optim"]["state"] for player, optimizer in final["optimizer"].items()}
    assert [int(weights[0]["step"]) for weights in taken.values()] == [4 // settings["discriminator_steps"], 4]

    (row,) = lines(folder / "ledger.jsonl")
    assert (row["kind"], row["name"], row["method"]) == ("pretrain", f"pretrain/monoimage/{name}", method)
    assert (row["trunk"], row["iterations"]) == (trunk, 4)

    players = lines(folder / "players.jsonl")
    assert [line["step"] for line in players] == list(steps)
    for line in players:
        moved = line["step"] % settings["discriminator_steps"] == 0
        punished = settings["penalty"] > 0 and (line["step"] - 1) % settings["penalty_every"] == 0
        assert {*line} > LOOKED_AT
        assert ("encoder_generator_loss" in line, "penalty" in line) == (moved, punished)
        assert all(math.isfinite(value) for value in line.values())
    curve = [line["discriminator_loss"] for line in players]
    assert [loss for _, loss in row["losses"]] == pytest.approx(curve, abs=1e-6)

    for epoch, means in enumerate(meters(folder, "train")):
        two = players[2 * epoch : 2 * epoch + 2]
        seen = {key: [line[key] for line in two if key in line] for key in means}
        assert means == pytest.approx({key: float(np.mean(values)) for key, values in seen.items()}, rel=1e-5)
        assert {"discriminator_loss", "discriminator_accuracy"} <= {*means}
    tests = meters(folder, "test")
    assert len(tests) == 2
    assert all({*means} >= {"discriminator_loss", "encoder_generator_loss"} for means in tests)
    assert all(0 <= means["discriminator_accuracy"] <= 1 and 0 < means["reconstruction_error"] < 1 for means in tests)


def opened(folder: Path) -> dict[str, Image.Image]:
    return {path.name: Image.open(path).convert("RGB") for path in (folder / "pictures").iterdir()}


@pytest.mark.parametrize(("name", "trunk", "method"), CONFIGS)
def test_pictures_are_made_after_every_epoch(pretrained: Pretrained, name: str, trunk: str, method: str) -> None:
    images = opened(pretrained(name))
    assert {*images} == {f"{kind}_{epoch:04d}.png" for kind in ("samples", "reconstructions") for epoch in (1, 2)}
    for epoch in (1, 2):  # 16 columns of 64 px with 2 px around each
        assert images[f"samples_{epoch:04d}.png"].size == (2 + 16 * 66, 2 + 4 * 66)
        assert images[f"reconstructions_{epoch:04d}.png"].size == (2 + 16 * 66, 2 + 66)  # of 8 photos
    assert images["samples_0001.png"].tobytes() != images["samples_0002.png"].tobytes()


def test_reconstructions_show_the_same_photos_after_every_epoch(pretrained: Pretrained) -> None:
    images = opened(pretrained("monogan_cifar"))
    rows = [np.asarray(images[f"reconstructions_{epoch:04d}.png"])[2:66] for epoch in (1, 2)]
    first, second = ([row[:, 2 + 66 * column : 66 + 66 * column] for column in range(16)] for row in rows)
    assert len({photo.tobytes() for photo in first[::2]}) == 8
    assert all(not np.array_equal(one, other) for one, other in zip(first[1::2], second[1::2], strict=True))
    changed = [place for place in range(0, 16, 2) if not np.array_equal(first[place], second[place])]
    assert changed == []


def test_tensorboard_has_the_numbers_of_players_jsonl(pretrained: Pretrained) -> None:
    folder = pretrained("monogan_cifar")
    events = EventAccumulator(str(folder / "tb_logs"))
    events.Reload()
    players = lines(folder / "players.jsonl")
    names = {key for line in players for key in line} - {"step"}
    assert {tag for tag in events.Tags()["scalars"] if tag.startswith("BiGAN/")} == {f"BiGAN/{name}" for name in names}
    for name in names:
        written = {event.step: event.value for event in events.Scalars(f"BiGAN/{name}")}
        assert written == pytest.approx({line["step"]: line[name] for line in players if name in line}, rel=1e-6)


def test_logging_changes_neither_weights_nor_hashes(pretrained: Pretrained, monoimage, tmp_path: Path) -> None:
    """Logs, curves and pictures do not influence the training, and the ledger's config hash leaves them out."""
    monoimage(*MONOGAN, "config.LOG_FREQUENCY=50", "config.MONOIMAGE.PICTURES_EVERY=2", "config.CHECKPOINT.DIR=run")
    assert [line["step"] for line in lines(tmp_path / "run" / "players.jsonl")] == [1]
    watched = tensors(pretrained("monogan_cifar") / "model_final_checkpoint_phase1.torch")
    alone = tensors(tmp_path / "run" / "model_final_checkpoint_phase1.torch")
    assert [key for key in watched if not torch.equal(watched[key], alone[key])] == []


# What its probes read.


def probed(checkpoint: Path) -> dict[str, torch.Tensor]:
    """Return the trunk in a probe's checkpoint and remove the file, since VISSL's heads are large."""
    trunk = state(checkpoint)["base_model"]["model"]["trunk"]
    checkpoint.unlink()
    return {f"trunk.{key.removeprefix('base_model.')}": value for key, value in trunk.items()}


def top_1(folder: Path) -> dict[str, float]:
    """Return {layer: percent} of the probe's last test."""
    tested = [line for line in lines(folder / "metrics.json") if "test_accuracy_list_meter" in line]
    found: dict[str, float] = tested[-1]["test_accuracy_list_meter"]["top_1"]
    return found


def vissls_own_probe() -> list[str]:
    """Return the arguments of the command for VISSL's linear benchmark in the header of bigan_alexnet.yaml."""
    text = (config_folder() / "config/pretrain/monoimage/bigan_alexnet.yaml").read_text()
    header = re.sub(r"\\\n#", "", text)  # one command, one line
    (command,) = re.findall(r"^#\s+monoimage (run config=benchmark/linear_image\S+ .*)$", header, re.MULTILINE)
    return shlex.split(command)


def test_vissls_probe_needs_the_same_flag_for_our_checkpoints_as_for_its_own() -> None:
    """VISSL's default finds its own checkpoints, but its YAML for AlexNets overrides it."""
    key = "config.MODEL.WEIGHTS_INIT.STATE_DICT_KEY_NAME"
    _, config, *ours = vissls_own_probe()
    assert OmegaConf.select(compose_config([config]), key) == "model_state_dict"
    assert vissl_defaults()["config"]["MODEL"]["WEIGHTS_INIT"]["STATE_DICT_KEY_NAME"] == "classy_state_dict"
    composed = compose_config([config, *ours])
    assert OmegaConf.select(composed, key) == "classy_state_dict"
    assert composed.config.MODEL.TRUNK.NAME == "alexnet_bigan"


def test_our_probe_reads_a_monogans_encoder(pretrained: Pretrained, monoimage, tmp_path: Path) -> None:
    checkpoint = pretrained("monogan_cifar") / "model_final_checkpoint_phase1.torch"
    monoimage(
        "run",
        "config=benchmark/monoimage/linear_photo_patches",
        "config.MODEL.TRUNK.NAME=convnet4",
        f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE={checkpoint}",
        "config.MONOIMAGE.PATCHES.TRAIN_SAMPLES=128",
        "config.MONOIMAGE.PATCHES.TEST_SAMPLES=48",
        "config.OPTIMIZER.num_epochs=2",
        "config.OPTIMIZER.param_schedulers.lr.milestones=[1]",
        "config.CHECKPOINT.DIR=probe",
    )
    scores = top_1(tmp_path / "probe")
    assert list(scores) == ["conv1", "conv2", "conv3", "conv4"]
    assert all(round(score * 48 / 100, 3) in range(49) for score in scores.values())
    encoder = {key: value for key, value in tensors(checkpoint).items() if key.startswith("trunk.")}
    found = probed(tmp_path / "probe" / "model_final_checkpoint_phase1.torch")
    assert found.keys() == encoder.keys()
    assert all(torch.equal(found[key], value) for key, value in encoder.items())


@pytest.mark.slow
def test_vissls_probe_reads_a_bigans_encoder(pretrained: Pretrained, monoimage, tmp_path: Path) -> None:
    """Use the command in the YAML's header, which says no more than a checkpoint of VISSL's would need.

    VISSL's pooling and heads are made for AlexNets of 96-256-384-384-256 channels, as the encoder is at 224 px.
    """
    checkpoint = pretrained("bigan_alexnet") / "model_final_checkpoint_phase1.torch"
    draw = np.random.default_rng(0)
    for label in ("coarse", "fine"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number in range(4):
            noise = draw.integers(0, 256, (24, 26, 3) if label == "coarse" else (240, 260, 3), dtype=np.uint8)
            Image.fromarray(noise).resize((260, 240)).save(tmp_path / "photos" / label / f"{number}.png")
    monoimage(
        *vissls_own_probe(),
        SMOKE,
        f"config.MODEL.WEIGHTS_INIT.PARAMS_FILE={checkpoint}",
        "config.DATA.TRAIN.DATA_PATHS=[photos]",
        "config.DATA.TEST.DATA_PATHS=[photos]",
        "config.DATA.TRAIN.DATASET_NAMES=[photos]",
        "config.DATA.TEST.DATASET_NAMES=[photos]",
        "config.OPTIMIZER.num_epochs=1",
        "config.CHECKPOINT.DIR=probe",
    )
    scores = top_1(tmp_path / "probe")
    assert list(scores) == [f"conv{layer}" for layer in range(1, 6)]
    assert all(round(score * 8 / 100, 3) in range(9) for score in scores.values())
    encoder = {key: value for key, value in tensors(checkpoint).items() if key.startswith("trunk.")}
    found = probed(tmp_path / "probe" / "model_final_checkpoint_phase0.torch")
    assert found.keys() == encoder.keys()
    different = {key for key, value in encoder.items() if not torch.equal(found[key], value)}
    assert all(key.endswith(".num_batches_tracked") for key in different)  # which VISSL does not load, nor read


# The schedule of the game.


def test_encoder_and_generator_train_every_third_step_and_every_second_step_has_the_penalty(
    monoimage, tmp_path: Path
) -> None:
    monoimage(
        *MONOGAN,
        SMALL_HEAD,
        "config.LOSS.bigan_loss.objective=wasserstein",
        "config.LOSS.bigan_loss.penalty=10",
        "config.LOSS.bigan_loss.discriminator_steps=3",
        "config.LOSS.bigan_loss.penalty_every=2",
        "config.DATA.TRAIN.DATA_LIMIT=24",
        "config.OPTIMIZER.num_epochs=1",
        "config.CHECKPOINT.CHECKPOINT_ITER_FREQUENCY=1",
        "config.CHECKPOINT.DIR=run",
    )
    after = [tensors(tmp_path / "run" / f"model_iteration{step}.torch") for step in range(1, 7)]
    weights = [key for key in after[0] if key.endswith((".weight", ".bias"))]
    for step, (before, now) in enumerate(itertools.pairwise(after), start=2):
        moved = {key for key in weights if not torch.equal(before[key], now[key])}
        judging = {key for key in weights if ".discriminator." in key}
        # The score's bias adds the same to real and generated pairs: a Wasserstein critic never moves it.
        assert moved & judging == judging - {"heads.0.discriminator.score.bias"}, step
        assert moved - judging == ({*weights} - judging if step % 3 == 0 else set()), step
    optimizers = state(tmp_path / "run" / "model_iteration6.torch")["optimizer"]
    counts = {name: {int(one["step"]) for one in each["optim"]["state"].values()} for name, each in optimizers.items()}
    assert counts == {"encoder_generator": {2}, "discriminator": {6}}
    players = lines(tmp_path / "run" / "players.jsonl")
    assert [line["step"] for line in players if "encoder_generator_loss" in line] == [3, 6]
    assert [line["step"] for line in players if "penalty" in line] == [1, 3, 5]


# How it fails.


def assert_stopped(done: subprocess.CompletedProcess[str], folder: Path, *said: str) -> None:
    """Check for one sentence without a traceback, no results, and no checkpoint that would spoil a resumed run."""
    assert "Traceback" not in done.stderr + done.stdout
    (sentence,) = [line for line in done.stderr.splitlines() if line.startswith("monoimage: ")]
    assert sentence == done.stderr.splitlines()[-1]
    for part in said:
        assert part in sentence
    assert (folder / "ledger.jsonl").read_text() == ""
    for checkpoint in folder.glob("model_*.torch"):
        assert all(torch.isfinite(value).all() for value in tensors(checkpoint).values()), checkpoint


@pytest.mark.parametrize("processes", [1, 2])
def test_a_diverging_discriminator_stops_the_run_with_one_sentence(monoimage, tmp_path: Path, processes: int) -> None:
    done = monoimage(
        *MONOGAN,
        SMALL_HEAD,
        f"++{DISCRIMINATOR_RATE}.value=1e30",
        "config.LOSS.bigan_loss.discriminator_steps=2",  # so that it meets its own weights first
        "config.DATA.TRAIN.DATA_LIMIT=16",
        f"config.DISTRIBUTED.NUM_PROC_PER_NODE={processes}",
        "config.CHECKPOINT.DIR=run",
        status=2,
    )
    assert_stopped(done, tmp_path / "run", "step 2: the discriminator loss is nan", DISCRIMINATOR_RATE)


def test_the_sentence_names_the_discriminators_rate_if_its_weights_make_the_others_diverge(
    monoimage, tmp_path: Path
) -> None:
    done = monoimage(*MONOGAN, SMALL_HEAD, f"++{DISCRIMINATOR_RATE}.value=1e30", "config.CHECKPOINT.DIR=run", status=2)
    assert_stopped(done, tmp_path / "run", "step 1: the encoder_generator loss is nan", DISCRIMINATOR_RATE)


def test_a_diverging_encoder_stops_the_run_with_one_sentence(monoimage, tmp_path: Path) -> None:
    done = monoimage(
        *MONOGAN,
        SMALL_HEAD,
        f"{ENCODER_GENERATOR_RATE}.value=1e30",
        f"++{DISCRIMINATOR_RATE}.value=0.001",
        "config.CHECKPOINT.DIR=run",
        status=2,
    )
    assert_stopped(done, tmp_path / "run", "step 2: ", ENCODER_GENERATOR_RATE)


@pytest.mark.slow
def test_a_collapsed_generator_is_reported_once_and_training_continues(monoimage, tmp_path: Path) -> None:
    done = monoimage(
        *MONOGAN,
        SMALL_HEAD.replace("[8,4]", "[8,4],norm:none"),  # without a norm its first images are one to a millionth
        "config.LOSS.bigan_loss.discriminator_steps=1000",  # and it never moves
        "config.LOSS.bigan_loss.penalty_every=1000",
        f"++{DISCRIMINATOR_RATE}.value=0.0001",
        "config.LOG_FREQUENCY=126",  # looks at 1, 126, ..., 504 and, with the warning given, 630
        "config.DATA.TRAIN.DATA_LIMIT=1260",
        "config.DATA.TRAIN.BATCHSIZE_PER_REPLICA=2",
        "config.OPTIMIZER.num_epochs=1",
        "config.TEST_MODEL=false",
        "config.CHECKPOINT.DIR=run",
    )
    sentences = [line for line in done.stderr.splitlines() if "collapsed" in line]
    assert len(sentences) == 1
    assert sentences[0].startswith(
        "step 504: the generator has drawn one image (with less than 2% of the photo's variance)"
    )
    assert "config.OPTIMIZER.discriminator" in sentences[0]
    assert lines(tmp_path / "run" / "players.jsonl")[-1]["step"] == 630
    assert (tmp_path / "run" / "model_final_checkpoint_phase0.torch").exists()


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["config.MODEL.HEAD.PARAMS=[[mlp,{dims:[1024,4]}]]"], "bigan_task needs one head"),
        (["config.LOSS.bigan_loss.objective=wassertein"], "did you mean 'wasserstein'?"),
        (["config.LOSS.bigan_loss={objective:wasserstein,penalty:0}"], "unbounded without a gradient penalty"),
        (["+config.OPTIMIZER.discriminator.num_epoch=3"], "did you mean 'config.OPTIMIZER.discriminator.num_epochs'?"),
        (["config.MODEL.AMP_PARAMS.USE_AMP=true"], "config.MONOIMAGE.BF16=true is its mixed precision"),
        # The pixels' layer does not see z, and there is no other: it would be a GAN, and the encoder never trained.
        ([SMALL_HEAD.replace("[8,4]", "[8]").replace("[4,8]", "[8]")], "widths"),
    ],
)
def test_mistakes_stop_the_command_with_a_sentence(tmp_path, monkeypatch, capsys, overrides, expected) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*MONOGAN, *overrides, "config.CHECKPOINT.DIR=run"]) == 2
    said = capsys.readouterr().err
    assert expected in said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []
