"""The losses of a BiGAN's two players: joint cross-entropy, or a Wasserstein distance with a gradient penalty."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from classy_vision.losses import ClassyLoss, register_loss
from torch import Tensor

from vissl_monoimage.config.schema import read_block
from vissl_monoimage.errors import unknown
from vissl_monoimage.utils.precision import autocast

NAME = "bigan_loss"
WHERE = f"config.LOSS.{NAME}"
OBJECTIVES = ("cross_entropy", "wasserstein")
_TINY = 1e-12  # added under a root, whose derivative at 0 is infinite
Discriminator = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class BiGANLossConfig:
    """`config.LOSS.bigan_loss`.

    Attributes:
        objective: "cross_entropy" (Donahue et al. 2017) or "wasserstein" (Arjovsky et al. 2017).
        penalty: weight of the gradient penalty on the discriminator; 0: none.
        penalty_every: apply the penalty in every n-th step of the discriminator, with n times its weight: the same
            mean gradient for a fraction of the cost (lazy regularisation, Karras et al., CVPR 2020).
        discriminator_steps: steps of the discriminator, a batch each, for one step of encoder and generator.
        latent_regression: weight of the mean squared error with which the encoder recovers z from G(z), beside the
            game; 0: none. The authors' code has it (jeffdonahue/bigan, `--encode_weight`; "latent regressor" in the
            paper).
        frozen_generator: whether the generator keeps its first weights, as a control: the encoder then learns only from
            a discriminator that tells images from noise.
    """

    objective: str = "cross_entropy"
    penalty: float = 0.0
    penalty_every: int = 1
    discriminator_steps: int = 1
    latent_regression: float = 0.0
    frozen_generator: bool = False

    def problems(self) -> list[str]:
        """Return a sentence for each value out of range."""
        problems = []
        if self.objective not in OBJECTIVES:
            problems.append(f"objective: {unknown('objective', self.objective, OBJECTIVES)}")
        for name in ("penalty", "latent_regression"):
            if getattr(self, name) < 0:
                problems.append(f"{name}={getattr(self, name)} must not be negative")
        if self.penalty_every < 1:
            problems.append(f"penalty_every={self.penalty_every} must be at least 1")
        if self.discriminator_steps < 1:
            problems.append(f"discriminator_steps={self.discriminator_steps} must be at least 1")
        if self.objective == "wasserstein" and self.penalty == 0:
            problems.append(
                "penalty=0: the wasserstein objective is unbounded without a gradient penalty (10 is usual)"
            )
        return problems


@register_loss(NAME)
class BiGANLoss(ClassyLoss):
    """Losses of both players from the discriminator's scores of real pairs (x, E(x)) and generated ones (G(z), z).

    Cross-entropy: D minimises the mean of -log s(real) and of -log(1 - s(generated)), s the logistic function;
    E and G minimise the same with the labels exchanged, the "inverse" objective of Donahue et al., section 3.4.
    Wasserstein: D minimises mean(generated) - mean(real), E and G its negative.
    """

    def __init__(self, config: BiGANLossConfig) -> None:
        super().__init__()
        self.config = config

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> BiGANLoss:
        """Build the loss from `config.LOSS.bigan_loss`, to which VISSL adds the loss's name.

        Raises:
            MonoImageError: an unknown key, or a value out of range.
        """
        values = {key: value for key, value in config.items() if key != "name"}
        return cls(read_block(BiGANLossConfig, values, WHERE))

    def discriminator(self, real: Tensor, generated: Tensor) -> Tensor:
        """Return the discriminator's loss without its penalty, from scores (N,) of either kind of pairs."""
        if self.config.objective == "wasserstein":
            return generated.mean() - real.mean()
        return F.softplus(-real).mean() + F.softplus(generated).mean()

    def encoder_generator(self, real: Tensor, generated: Tensor) -> Tensor:
        """Return the loss that encoder and generator share, from scores (N,) of either kind of pairs."""
        return self.discriminator(generated, real)

    def forward(self, output: tuple[Tensor, Tensor], target: Any = None) -> Tensor:
        """Return the discriminator's loss from its (real, generated) scores: the loss that VISSL logs."""
        return self.discriminator(*output)

    def accuracy(self, real: Tensor, generated: Tensor) -> float:
        """Return how often the discriminator is right, in [0, 1].

        With cross-entropy, a score is right on its side of 0. Wasserstein scores have no zero: there, a real pair is
        right above the generated pair at the same place of the batch.
        """
        if self.config.objective == "wasserstein":
            return float((real > generated).float().mean())
        return float(torch.cat([real > 0, generated < 0]).float().mean())

    @property
    def penalty_weight(self) -> float:
        """Weight of the penalty in the steps that apply it."""
        return self.config.penalty * self.config.penalty_every

    def takes_penalty(self, iteration: int) -> bool:
        """Return whether the discriminator's step at `iteration` (from 0) applies the penalty."""
        return self.config.penalty > 0 and iteration % self.config.penalty_every == 0

    def moves_encoder_generator(self, iteration: int) -> bool:
        """Return whether encoder and generator step at `iteration` (from 0): after `discriminator_steps` batches."""
        return (iteration + 1) % self.config.discriminator_steps == 0

    def penalty(
        self,
        discriminator: Discriminator,
        real: tuple[Tensor, Tensor],
        generated: tuple[Tensor, Tensor],
        mix: Tensor,
    ) -> Tensor:
        """Return the mean of (|gradient| - 1)^2 between real and generated pairs (Gulrajani et al. 2017, section 4).

        The gradient is with respect to image and code together, in float32 even under autocast.

        Args:
            discriminator: gives a score (N,) to images (N, 3, size, size) and codes (N, latent).
            real: images and their codes.
            generated: generated images and their latents.
            mix: (N, 1) in [0, 1], the share of the real pair in each mixture.
        """
        with autocast(mix.device.type, enabled=False):
            images = torch.lerp(generated[0], real[0], mix[:, :, None, None]).requires_grad_()
            latents = torch.lerp(generated[1], real[1], mix).requires_grad_()
            score = discriminator(images, latents).sum()
            gradients = torch.autograd.grad(score, (images, latents), create_graph=True)
            squared = torch.stack([gradient.flatten(1).square().sum(1) for gradient in gradients]).sum(0)
            return ((squared + _TINY).sqrt() - 1).square().mean()
