"""BiGAN's configs before a run: silent on the shipped ones, one sentence for each mistake."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from vissl_monoimage.check import problems_of
from vissl_monoimage.compose import compose_config, vissl_defaults
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.launch import prepare

BIGAN = "config=pretrain/monoimage/bigan_alexnet"
HEAD = "[bigan,{features:2304,latent:200,generator:{widths:[8,8,8,8]},discriminator:{widths:[8,8,8,8]}}]"


@cache
def defaults() -> dict[str, object]:
    return vissl_defaults()


def problems(*overrides: str) -> list[str]:
    try:
        composed = compose_config([*overrides])
    except MonoImageError as error:
        return [str(error)]
    return problems_of(OmegaConf.to_container(composed, resolve=True), defaults())


@pytest.mark.parametrize("name", ["bigan_alexnet", "bigan_alexnet_112px", "monogan_cifar"])
def test_nothing_is_wrong_with_the_shipped_configs(name: str) -> None:
    assert problems(f"config=pretrain/monoimage/{name}") == []


def test_keys_that_are_right_are_not_called_wrong() -> None:
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
    "config.LOSS.name=cross_entropy_multiple_output_single_target": (
        "bigan_task needs config.LOSS.name=bigan_loss, not cross_entropy_multiple_output_single_target"
    ),
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


@pytest.mark.parametrize(("override", "expected"), MISTAKES.items())
def test_one_sentence_says_what_is_wrong(override: str, expected: str) -> None:
    found = problems(BIGAN, override)
    assert len(found) == 1, found
    assert expected in found[0]
    assert "\n" not in found[0]


def test_all_mistakes_are_told_together_before_anything_is_written(
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
    told = str(error.value).splitlines()
    assert len(told) == 4, told
    for expected in ("needs one head", "'penalti'", "weight_deca'", "gradient scaler"):
        assert sum(expected in sentence for sentence in told) == 1
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
def test_more_mistakes_are_told_in_one_sentence(override: str, expected: str) -> None:
    found = problems(BIGAN, override)
    assert len(found) == 1, found
    assert expected in found[0]
