"""Learning rates that VISSL replaces are said with what they become."""

from __future__ import annotations

from omegaconf import OmegaConf
from vissl.utils.hydra_config import convert_to_attrdict

from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.config.scaled_rates import replaced_rates

LR = "config.OPTIMIZER.param_schedulers.lr"
ROTNET = "config=pretrain/rotnet/rotnet_8gpu_resnet"
LINEAR = "config=benchmark/linear_image_classification/imagenet1k/eval_resnet_8gpu_transfer_in1k_linear"


def said(*overrides: str) -> tuple[list[str], dict[str, object]]:
    composed = compose_config([*overrides, "+config/monoimage=cpu"])
    stated = OmegaConf.to_container(composed.config.OPTIMIZER.param_schedulers, resolve=True)
    used = convert_to_attrdict(composed, dump_config=False)[1].OPTIMIZER.param_schedulers
    assert isinstance(stated, dict)
    return list(replaced_rates(stated, used)), used


def test_values_that_are_scaled_away_are_said_with_the_ones_that_are_used() -> None:
    (sentence,), used = said(LINEAR, f"{LR}.values=[0.5,0.05,0.005,0.0005]")
    rates = used["lr"]["values"]  # type: ignore[index]
    assert rates[0] == 0.01 * 32 / 256  # base_value * batch / base batch
    expected = (
        f"{LR}: values=[0.5, 0.05, 0.005, 0.0005] is replaced by [{', '.join(f'{rate:.6g}' for rate in rates)}], for"
    )
    assert sentence.startswith(expected)
    assert sentence.endswith(f"{LR}.auto_lr_scaling.auto_scale=false")


def test_rates_that_stay_are_not_mentioned() -> None:
    sentences, used = said(LINEAR, f"{LR}.values=[0.5,0.05,0.005,0.0005]", f"{LR}.auto_lr_scaling.auto_scale=false")
    assert sentences == []
    assert used["lr"]["values"] == [0.5, 0.05, 0.005, 0.0005]  # type: ignore[index]


def test_composite_schedules_are_looked_into() -> None:
    sentences, _ = said("config=pretrain/simclr/simclr_8node_resnet")
    assert len(sentences) == 1
    assert "start_value=" in sentences[0] or "end_value=" in sentences[0]


def test_our_own_configs_train_with_their_stated_rates() -> None:
    for name in ("pretrain/monoimage/rotnet_alexnet", "pretrain/monoimage/monogan_cifar"):
        assert said(f"config={name}")[0] == []
