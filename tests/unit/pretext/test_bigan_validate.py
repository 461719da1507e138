"""BiGAN's configs before a run: silent on the shipped ones, one sentence for each mistake."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.launch import prepare
from vissl_monoimage.pretext.bigan.diagnostics import _REMEDY
from vissl_monoimage.pretext.bigan.optimizers import RATES

Problems = Callable[..., list[str]]
BIGAN = "config=pretrain/monoimage/bigan_alexnet"
HEAD = "[bigan,{features:2304,latent:200,generator:{widths:[8,8,8,8]},discriminator:{widths:[8,8,8,8]}}]"


@pytest.mark.parametrize("name", ["bigan_alexnet", "bigan_alexnet_112px", "monogan_cifar"])
def test_nothing_is_wrong_with_the_shipped_configs(problems: Problems, name: str) -> None:
    assert problems(f"config=pretrain/monoimage/{name}") == []


def test_keys_that_are_right_are_not_called_wrong(problems: Problems) -> None:
    found = problems(
        BIGAN,
        "+config/monoimage=cpu",
        f"config.MODEL.HEAD.PARAMS=[{HEAD}]",
        "config.LOSS.bigan_loss.objective=wasserstein",
        "config.LOSS.bigan_loss.penalty=10",
        "config.LOSS.bigan_loss.penalty_every=4",
        "+config.OPTIMIZER.discriminator.weight_decay=0.1",
        "+config.OPTIMIZER.discriminator.name=sgd",
        "+config.OPTIMIZER.discriminator.param_schedulers.lr.value=0.1",
        "config.MONOIMAGE.BF16=true",
        "config.MONOIMAGE.PICTURES_EVERY=0",
    )
    assert found == []


LOSS, OPTIMIZER = "config.LOSS.bigan_loss", "config.OPTIMIZER.discriminator"
MISTAKES = {
    "config.LOSS.name=barlow_twins_loss": "bigan_task needs config.LOSS.name=bigan_loss, not barlow_twins_loss",
    f"config.MODEL.HEAD.PARAMS=[{HEAD},{HEAD}]": "bigan_task needs one head, config.MODEL.HEAD.PARAMS=[[bigan,{...}]]",
    f"+{LOSS}.penalti=10": f"{LOSS}: unknown key 'penalti': did you mean 'penalty'?",
    f"{LOSS}.penalti=10": f"unknown key '{LOSS}.penalti': did you mean '{LOSS}.penalty'?",
    f"{LOSS}.objective=wasserstein": f"{LOSS}.penalty=0: the wasserstein objective is unbounded",
    f"+{OPTIMIZER}.weight_deca=0.1": f"unknown key '{OPTIMIZER}.weight_deca': did you mean '{OPTIMIZER}.weight_decay'?",
    f"+{OPTIMIZER}.name=adma": f"unknown optimizer ({OPTIMIZER}.name) 'adma': did you mean 'adam'?",
    "config.MODEL.AMP_PARAMS.USE_AMP=true": (
        "bigan_task has no gradient scaler for two players: set config.MODEL.AMP_PARAMS.USE_AMP=false; "
        "config.MONOIMAGE.BF16=true is its mixed precision"
    ),
    "config.MONOIMAGE.PICTURES_EVRY=2": "did you mean 'config.MONOIMAGE.PICTURES_EVERY'?",
}


@pytest.mark.parametrize("name", ["bigan_alexnet", "bigan_alexnet_112px", "monogan_cifar"])
def test_the_discriminators_rates_can_be_set_without_a_plus(problems: Problems, name: str) -> None:
    config = f"config=pretrain/monoimage/{name}"
    rates = f"{OPTIMIZER}.param_schedulers.lr.schedulers"
    assert problems(config, f"{rates}=[{{name:constant,value:0.1}},{{name:constant,value:0.2}}]") == []
    assert problems(config, f"{rates}.0.value=0.1") == []


@pytest.mark.parametrize("name", ["bigan_alexnet", "bigan_alexnet_112px", "monogan_cifar"])
def test_the_rates_that_our_hints_name_are_there(name: str) -> None:
    composed = compose_config([f"config=pretrain/monoimage/{name}"])
    assert set(RATES) == {"encoder_generator", "discriminator"}
    for key in RATES.values():
        assert "schedulers" in OmegaConf.select(composed, key)
        assert key in _REMEDY


@pytest.mark.parametrize(
    ("name", "key", "there"),
    [
        ("bigan_alexnet", "weight_decay", "'config.OPTIMIZER.discriminator' has param_schedulers"),
        ("bigan_alexnet", "param_schedulers.lr_head.value", "'config.OPTIMIZER.discriminator.param_schedulers' has lr"),
        ("rotnet_demo", "weight_decay", "'config.OPTIMIZER' has "),
    ],
)
def test_a_key_that_the_discriminators_block_lacks_is_said_to_need_a_plus(
    problems: Problems, name: str, key: str, there: str
) -> None:
    (problem,) = problems(f"config=pretrain/monoimage/{name}", f"{OPTIMIZER}.{key}=0.1")
    assert there in problem
    assert problem.endswith(f"a key that is new on purpose takes a '+' before it: +{OPTIMIZER}.{key}=...")
    assert problems(BIGAN, f"+{OPTIMIZER}.{key}=0.1") == []


@pytest.mark.parametrize(("override", "expected"), MISTAKES.items())
def test_one_sentence_says_what_is_wrong(problems: Problems, override: str, expected: str) -> None:
    found = problems(BIGAN, override)
    assert len(found) == 1, found
    assert expected in found[0]
    assert "\n" not in found[0]


def test_all_mistakes_are_reported_together_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    composed = compose_config(
        [
            BIGAN,
            f"config.MODEL.HEAD.PARAMS=[{HEAD},{HEAD}]",
            f"+{LOSS}.penalti=10",
            f"+{OPTIMIZER}.weight_deca=0.1",
            "config.MODEL.AMP_PARAMS.USE_AMP=true",
        ]
    )
    with pytest.raises(MonoImageError) as error:
        prepare(composed)
    sentences = str(error.value).splitlines()
    assert len(sentences) == 4, sentences
    for expected in ("needs one head", "'penalti'", "weight_deca'", "gradient scaler"):
        assert sum(expected in sentence for sentence in sentences) == 1
    assert list(tmp_path.iterdir()) == []


def test_preparing_keeps_the_methods_own_task() -> None:
    composed = compose_config([BIGAN])
    prepare(composed)
    assert composed.config.TRAINER.TASK_NAME == "bigan_task"


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        (f"{OPTIMIZER}=3", f"{OPTIMIZER}=3"),
        (
            "config.MODEL.HEAD.PARAMS=[[bigan,{features:2304,latent:200,generator:{widhts:[8]},discriminator:{widths:[8]}}]]",
            "unknown key 'widhts': did you mean 'widths'?",
        ),
        ("config.TRAINER.TRAIN_STEP_NAME=standard_train_step", "bigan_train_step"),
    ],
)
def test_more_mistakes_are_reported_in_one_sentence(problems: Problems, override: str, expected: str) -> None:
    found = problems(BIGAN, override)
    assert len(found) == 1, found
    assert expected in found[0]
