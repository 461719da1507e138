"""VISSL's SVM tools, `tools/train_svm.py` and `tools/train_svm_low_shot.py`."""

from __future__ import annotations

from types import ModuleType

from vissl_monoimage.mends.hooks import MENDS
from vissl_monoimage.mends.source_edit import edit


@MENDS.after("vissl.utils.svm_utils.evaluate")
def average_precision(evaluate: ModuleType) -> None:
    """`ValueError: setting an array element with a sequence` (NumPy 2.4) in svm_trainer.py and svm_low_shot_trainer.py.

    vissl/utils/svm_utils/evaluate.py returns an array of one number, where an element of an array is set to it.
    """
    edit(evaluate.calculate_ap, (r"return ap\b", "return np.asarray(ap).item()"))


@MENDS.after("vissl.utils.svm_utils.svm_low_shot_trainer")
def mean_average_precision(trainer: ModuleType) -> None:
    """The same for the mean over the classes, in vissl/utils/svm_utils/svm_low_shot_trainer.py."""
    edit(trainer.SVMLowShotTrainer.test, (r"np\.mean\(local_cost_ap, axis=0\)", "np.mean(local_cost_ap)"))


@MENDS.after("tools.train_svm_low_shot")
def voc_samples(tool: ModuleType) -> None:
    """`TypeError: generate_low_shot_samples() missing 1 required positional argument` in tools/train_svm_low_shot.py.

    Nor would it take a list of k: the function it chooses for VOC07 does.
    """
    from extra_scripts.create_low_shot_samples import generate_voc07_low_shot_samples

    tool.generate_voc07_low_shot_samples = generate_voc07_low_shot_samples  # type: ignore[attr-defined]
    edit(
        tool.train_voc07_low_shot,
        (r"\bgenerate_low_shot_samples\(\s*dataset_name,", "generate_voc07_low_shot_samples("),
    )
