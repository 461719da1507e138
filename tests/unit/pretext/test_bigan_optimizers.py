"""BiGAN's two optimizers on a model that VISSL builds: whose weights they move, how, and what a checkpoint keeps."""

from __future__ import annotations

import copy
import io
import math
from functools import cache

import pytest
import torch
from omegaconf import DictConfig
from vissl.config import AttrDict
from vissl.models import build_model
from vissl.utils.hydra_config import convert_to_attrdict

from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.pretext.bigan.loss import BiGANLoss, BiGANLossConfig
from vissl_monoimage.pretext.bigan.optimizers import (
    DISCRIMINATOR,
    ENCODER_GENERATOR,
    Players,
    discriminator_settings,
)

NAMES = (ENCODER_GENERATOR, DISCRIMINATOR)
LATENT, SIDE, RATE = 6, 32, 0.0002
TINY = (
    "config=pretrain/monoimage/bigan_alexnet",
    "config.MODEL.TRUNK.NAME=convnet4",
    f"config.MODEL.HEAD.PARAMS=[[bigan,{{features:1024,latent:{LATENT},"
    "generator:{widths:[6,5,4]},discriminator:{widths:[4,5,6],hidden:7}}]]",
    f"config.OPTIMIZER.param_schedulers.lr={{name:constant,value:{RATE},update_interval:epoch}}",
    "config.OPTIMIZER.weight_decay=0.0",
)
DECAY = "config.OPTIMIZER.weight_decay=0.01"


class Game:
    """A tiny model and its players, as `BiGANTask` puts them together."""

    def __init__(self, config: AttrDict) -> None:
        torch.manual_seed(0)
        self.model = build_model(config.MODEL, config.OPTIMIZER)
        self.players = Players(config.OPTIMIZER, discriminator_settings(config.OPTIMIZER))
        self.players.take(self.model, config.MODEL)
        self.names = {id(weight): name for name, weight in self.model.named_parameters()}

    def owned(self, player: str) -> list[str]:
        """Names of the weights that the player's optimizer holds, as often as it holds them."""
        return [self.names[id(w)] for group in self.players[player].optimizer.param_groups for w in group["params"]]

    def option(self, player: str, key: str) -> dict[str, float]:
        """lr or weight_decay of each of the player's weights."""
        groups = self.players[player].optimizer.param_groups
        return {self.names[id(weight)]: group[key] for group in groups for weight in group["params"]}

    def rate(self, player: str) -> float:
        """The one learning rate of all the player's weights."""
        (rate,) = set(self.option(player, "lr").values())
        return rate

    def play(self, player: str, seed: int, where: float = 0.0) -> None:
        """A step on a batch of noise; the loss has gradients for the weights of both players."""
        random = torch.Generator().manual_seed(seed)
        images = torch.randn(2, 3, SIDE, SIDE, generator=random)
        latents = torch.rand(2, LATENT, generator=random) * 2 - 1
        head = self.model.heads[0]
        real = head.discriminator(images, self.model(images)[0])
        generated = head.discriminator(head.generator(latents), latents)
        loss = BiGANLoss(BiGANLossConfig())
        value = loss.discriminator if player == DISCRIMINATOR else loss.encoder_generator
        self.players[player].minimise(value(real, generated), where)

    def weights(self) -> dict[str, torch.Tensor]:
        return {name: weight.detach().clone() for name, weight in self.model.named_parameters()}


@cache
def composed(*overrides: str) -> DictConfig:
    return compose_config([*TINY, *overrides])


def config(*overrides: str) -> AttrDict:
    """VISSL's configuration, with what its launcher infers: `lr_head`, the decay of heads."""
    return convert_to_attrdict(composed(*overrides), dump_config=False)[1]


# Whose weights.


def test_every_trainable_weight_has_exactly_one_owner() -> None:
    game = Game(config())
    owned = [name for player in NAMES for name in game.owned(player)]
    assert sorted(owned) == sorted(name for name, weight in game.model.named_parameters() if weight.requires_grad)
    assert set(game.owned(DISCRIMINATOR)) == {name for name in owned if name.startswith("heads.0.discriminator.")}
    assert {name.split(".")[0] for name in game.owned(ENCODER_GENERATOR)} == {"trunk", "heads"}
    assert game.players.param_groups == [g for player in NAMES for g in game.players[player].optimizer.param_groups]


@pytest.mark.parametrize("player", NAMES)
def test_a_step_moves_the_players_weights_and_no_others(player: str) -> None:
    game = Game(config(DECAY))
    for seed in range(2):  # the second with gradients that the other player's loss has left
        other = next(name for name in NAMES if name != player)
        game.play(other, seed)
        before = game.weights()
        game.play(player, seed)
        moved = {name for name, weight in game.weights().items() if not torch.equal(weight, before[name])}
        assert moved <= set(game.owned(player))
        # A bias before a batch norm has no gradient, and may stay where it is.
        assert {name for name in game.owned(player) if name.endswith("weight")} <= moved


@pytest.mark.parametrize("player", NAMES)
def test_gradients_that_the_other_players_loss_has_left_do_not_count(player: str) -> None:
    straight, disturbed = Game(config()), Game(config())
    for weight in disturbed.model.parameters():
        weight.grad = torch.full_like(weight, 100.0)
    for game in (straight, disturbed):
        game.play(player, 1)
    assert all(torch.equal(weight, disturbed.weights()[name]) for name, weight in straight.weights().items())


def test_the_gradient_norm_is_over_all_of_a_players_weights_and_no_others() -> None:
    game = Game(config())
    assert [game.players[player].gradient_norm() for player in NAMES] == [0.0, 0.0]
    for count, weight in enumerate(game.model.parameters(), 1):
        weight.grad = torch.full_like(weight, float(count))
    for player in NAMES:
        owned = set(game.owned(player))
        squared = sum(
            count**2 * weight.numel()
            for count, (name, weight) in enumerate(game.model.named_parameters(), 1)
            if name in owned
        )
        assert game.players[player].gradient_norm() == pytest.approx(squared**0.5, rel=1e-5)


# A checkpoint.


def test_play_goes_on_from_a_checkpoint_bit_for_bit() -> None:
    straight = Game(config())
    turns = [(DISCRIMINATOR, 0), (ENCODER_GENERATOR, 0), (DISCRIMINATOR, 1), (ENCODER_GENERATOR, 1)]
    for turn in turns:
        straight.play(*turn)
    file = io.BytesIO()
    torch.save((straight.model.state_dict(), straight.players.get_classy_state()), file)
    file.seek(0)
    weights, state = torch.load(file, weights_only=True)
    assert set(state) == set(NAMES)

    resumed, forgetful = Game(config()), Game(config())
    for game in (resumed, forgetful):
        game.model.load_state_dict(weights)
    resumed.players.set_classy_state(state)
    for turn in ((DISCRIMINATOR, 2), (ENCODER_GENERATOR, 2)):
        for game in (straight, resumed, forgetful):
            game.play(*turn)
    for name, weight in straight.weights().items():
        assert torch.equal(weight, resumed.weights()[name]), name
    for player in NAMES:  # so that it is the state that does it, and of both
        assert any(
            not torch.equal(straight.weights()[name], forgetful.weights()[name]) for name in straight.owned(player)
        )


def test_the_state_of_one_player_is_not_taken_for_the_others() -> None:
    game = Game(config())
    state = game.players.get_classy_state()
    counts = {name: sum(len(g["params"]) for g in state[name]["optim"]["param_groups"]) for name in NAMES}
    assert counts == {name: len(game.owned(name)) for name in NAMES}
    with pytest.raises(KeyError):
        game.players.set_classy_state({ENCODER_GENERATOR: state[ENCODER_GENERATOR]})


# The discriminator's settings.


def test_without_a_block_of_its_own_the_discriminator_has_the_same_settings() -> None:
    optimizer = config().OPTIMIZER
    assert dict(discriminator_settings(optimizer)) == {k: v for k, v in optimizer.items() if k != DISCRIMINATOR}


def test_keys_of_the_block_take_the_place_of_their_own_and_of_nothing_else() -> None:
    optimizer = config(
        "+config.OPTIMIZER.discriminator.betas=[0.0,0.99]",
        "+config.OPTIMIZER.discriminator.param_schedulers.lr.value=0.5",
    ).OPTIMIZER
    before = copy.deepcopy(optimizer)
    own = discriminator_settings(optimizer)
    assert optimizer == before
    assert own.betas == [0.0, 0.99]
    assert own.param_schedulers.lr.value == 0.5
    expected = copy.deepcopy(before)
    del expected[DISCRIMINATOR]
    expected.betas = [0.0, 0.99]
    for key in ("lr", "lr_head"):  # all that the discriminator has is in a head
        expected.param_schedulers[key].value = 0.5
    assert own == expected
    own.betas.append(1)
    own.param_schedulers.lr.milestones.append(1)
    assert optimizer == before


OWN_HEAD = (
    "config.OPTIMIZER.head_optimizer_params.use_different_lr=True",
    "+config.OPTIMIZER.param_schedulers.lr_head={name:constant,value:0.5,auto_lr_scaling:{auto_scale:False}}",
    "config.OPTIMIZER.head_optimizer_params.use_different_wd=True",
    "config.OPTIMIZER.head_optimizer_params.weight_decay=0.3",
)


@pytest.mark.parametrize("own", [False, True])
def test_what_the_encoders_head_has_of_its_own_is_nothing_to_the_discriminator(own: bool) -> None:
    """It is all head, and still `lr` and `weight_decay` are its keys."""
    keys = ("+config.OPTIMIZER.discriminator={weight_decay:0.1,param_schedulers:{lr:{value:0.7}}}",) if own else ()
    game = Game(config(DECAY, *OWN_HEAD, *keys))
    assert game.rate(DISCRIMINATOR) == (0.7 if own else RATE)
    assert set(game.option(DISCRIMINATOR, "weight_decay").values()) == {0.1 if own else 0.01, 0}


def test_each_player_follows_its_own_schedule() -> None:
    """Constant for encoder and generator; the discriminator's falls from 0.1 to 0.02 by the step."""
    game = Game(
        config(
            "+config.OPTIMIZER.discriminator.param_schedulers.lr="
            "{name:cosine,start_value:0.1,end_value:0.02,update_interval:step}"
        )
    )
    for where in (0.0, 0.5, 0.75):
        for player in NAMES:
            game.play(player, 0, where)
        assert game.rate(ENCODER_GENERATOR) == RATE
        assert game.rate(DISCRIMINATOR) == pytest.approx(0.02 + 0.08 * (1 + math.cos(math.pi * where)) / 2)
        assert game.players.options_view.lr == RATE


def test_schedules_by_the_epoch_change_with_the_epoch_for_both() -> None:
    falling = "{name:linear,start_value:%s,end_value:0.0,update_interval:epoch}"
    game = Game(
        config(
            f"config.OPTIMIZER.param_schedulers.lr={falling % 0.4}",
            f"+config.OPTIMIZER.discriminator.param_schedulers.lr={falling % 0.8}",
        )
    )
    for player in NAMES:
        game.play(player, 0, 0.5)
    assert [game.rate(player) for player in NAMES] == [0.4, 0.8]
    game.players.on_epoch(0.5)
    assert [game.rate(player) for player in NAMES] == pytest.approx([0.2, 0.4])


@pytest.mark.parametrize("name", ["bigan_alexnet", "bigan_alexnet_112px"])
def test_bigans_rate_is_constant_for_half_of_the_run_and_then_falls_to_a_hundredth(name: str) -> None:
    shipped = compose_config([f"config=pretrain/monoimage/{name}"])
    optimizer = convert_to_attrdict(shipped, dump_config=False)[1].OPTIMIZER
    players = Players(optimizer, discriminator_settings(optimizer))
    expected = [RATE * 0.01 ** max(0, 2 * step / 100 - 1) for step in range(100)]
    for player in NAMES:
        schedule = players[player].schedulers["lr"]
        assert [schedule(step / 100) for step in range(100)] == pytest.approx(expected)


def test_the_players_can_have_optimizers_of_two_kinds() -> None:
    game = Game(config("+config.OPTIMIZER.discriminator.name=sgd"))
    kinds = [type(game.players[player].optimizer.optimizer).__name__ for player in NAMES]
    assert kinds == ["Adam", "SGD"]


# Weight decay.


def is_norm(model: torch.nn.Module, name: str) -> bool:
    return isinstance(model.get_submodule(name.rsplit(".", 1)[0]), torch.nn.BatchNorm2d)


def decays(game: Game) -> dict[str, float]:
    return {name: value for player in NAMES for name, value in game.option(player, "weight_decay").items()}


@pytest.mark.parametrize("regularize_bias", [True, False])
def test_weights_decay_and_norms_do_not_and_biases_as_vissls_config_says(regularize_bias: bool) -> None:
    game = Game(config(DECAY, f"config.OPTIMIZER.regularize_bias={regularize_bias}"))
    transposed = {
        f"{name}.weight" for name, layer in game.model.named_modules() if isinstance(layer, torch.nn.ConvTranspose2d)
    }
    found = decays(game)
    assert len(transposed) == 3
    assert {found[name] for name in transposed} == {0.01}
    for name, decay in found.items():
        if is_norm(game.model, name):
            assert decay == 0, name
        elif name.endswith("weight") or regularize_bias:
            assert decay == 0.01, name
        elif name.removesuffix("bias") + "weight" not in transposed:
            assert decay == 0, name
    assert sum(is_norm(game.model, name) for name in found) >= 2 * (4 + 3 + 2)


def test_biases_of_transposed_convolutions_decay_as_other_biases() -> None:
    found = decays(Game(config(DECAY, "config.OPTIMIZER.regularize_bias=False")))
    biases = {name: decay for name, decay in found.items() if name.endswith("generator.layers.8.bias")}
    assert len(biases) == 1
    assert set(biases.values()) == {0}


def test_a_rate_of_its_own_for_the_head_is_the_whole_generators() -> None:
    game = Game(config(*OWN_HEAD))
    rates = game.option(ENCODER_GENERATOR, "lr")
    assert {rate for name, rate in rates.items() if name.startswith("trunk")} == {RATE}
    assert {rate for name, rate in rates.items() if not name.startswith("trunk")} == {0.5}
    assert game.players.options_view.lr == RATE  # VISSL's TensorBoard hook takes one number


def test_the_discriminators_own_weight_decay_is_the_one_it_has() -> None:
    game = Game(config(DECAY, "+config.OPTIMIZER.discriminator.weight_decay=0.1"))
    assert set(game.option(DISCRIMINATOR, "weight_decay").values()) == {0.1, 0}
    assert set(game.option(ENCODER_GENERATOR, "weight_decay").values()) == {0.01, 0}
