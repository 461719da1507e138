"""Randomness that a resumed run repeats: samples and steps are seeded by what they are, not by what ran before.

VISSL saves no state of the random generators, so its run draws other augmentations after a resume than without an
interruption. Here each sample's transforms are seeded from (seed, split, epoch, index) and each step from (seed, rank,
iteration). Nothing has to be saved, and the draws do not depend on the number of loader workers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from classy_vision.hooks import ClassyHook
from vissl.config import AttrDict
from vissl.data.ssl_transforms import get_transform

from vissl_monoimage.data.batch_shapes_vissl import check_shapes
from vissl_monoimage.data.class_labels_vissl import NumberedSSLDataset
from vissl_monoimage.data.single_image import SingleImageCrops
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.training.batch_tensors import BatchTensors
from vissl_monoimage.training.rendered_batches import BatchRenderer, read_row_transforms
from vissl_monoimage.training.transform_order import split_by_pixel, without_batched
from vissl_monoimage.utils.distributed import rank
from vissl_monoimage.utils.random import preserved_generators, seed_everything, seed_of


class SeededSSLDataset(NumberedSSLDataset):
    """VISSL's data set with each sample's transforms seeded from (seed, split, epoch, index).

    Attributes:
        epoch: the training epoch, which the task sets before each phase. Test phases always see epoch 0, so that a test
            set with random transforms is the same at every test.
    """

    epoch: int = 0

    def __init__(
        self, cfg: AttrDict, split: str, dataset_source_map: Mapping[str, Any], data_sources_with_subset: Sequence[str]
    ) -> None:
        data = cfg["DATA"][split]
        try:
            super().__init__(cfg, split, dataset_source_map, data_sources_with_subset)
        except RuntimeError as error:
            if "torchvision_dataset" not in data.DATA_SOURCES:
                raise
            raise MonoImageError(
                f"config.DATA.{split}.DATA_PATHS: {', '.join(data.DATASET_NAMES)} in {', '.join(data.DATA_PATHS)} is "
                "incomplete or damaged: unpack the archive again"
            ) from error
        self.set_transforms(data.TRANSFORMS, data.get("COLLATE_FUNCTION", ""))

    def set_transforms(self, transforms: Sequence[Mapping[str, Any]], collator: str = "") -> None:
        """Apply a list of TRANSFORMS to the samples from now on, but for what the collator beside it does itself."""
        if self.crops_of_rows:
            self.transform = read_row_transforms(self.crops_of_rows.recipe.size, transforms, collator)
            self._batch_tensors = BatchTensors([])
        else:
            each, together = split_by_pixel(without_batched(transforms, collator))
            self.transform, self._batch_tensors = get_transform(each), BatchTensors(together)

    @property
    def crops_of_rows(self) -> SingleImageCrops | None:
        """The crops that batches are rendered from, where samples are their rows; None where they are images."""
        crops = getattr(self.data_objs[0], "crops", None) if len(self.data_objs) == 1 else None
        return crops if isinstance(crops, SingleImageCrops) and crops.as_rows else None

    def renderer(self, device: torch.device) -> BatchRenderer | None:
        """Return what makes images of batches of rows on `device`; None where samples are images."""
        return BatchRenderer(self.crops_of_rows, self.transform).to(device) if self.crops_of_rows else None

    def __getitem__(self, idx: int) -> Any:
        return self.__getitems__([idx])[0]

    def __getitems__(self, indices: list[int]) -> list[Any]:
        """Return the samples of a batch, for torch's loader.

        Raises:
            MonoImageError: they have different sizes.
        """
        with preserved_generators():
            samples = self._batch_tensors([self._sample(index) for index in indices])
        check_shapes(self, indices, samples)
        return samples

    def _sample(self, idx: int) -> Any:
        seed_everything("sample", self.cfg["SEED_VALUE"], self.split, self.epoch, int(idx))
        return super().__getitem__(idx)


class StepSeedHook(ClassyHook):
    """Seed each rank's generators from (seed, rank, iteration) before every step: dropout, noise, latents."""

    on_end = ClassyHook._noop

    def on_start(self, task: Any) -> None:
        self._seed(task)

    def on_phase_start(self, task: Any) -> None:
        self._seed(task)

    def on_step(self, task: Any) -> None:
        self._seed(task)

    def on_phase_end(self, task: Any) -> None:
        self._seed(task)

    def _seed(self, task: Any) -> None:
        parts = ("step", task.config["SEED_VALUE"], rank(), task.iteration)
        seed_everything(*parts)
        if torch.cuda.is_available():
            torch.cuda.manual_seed(seed_of(parts))
