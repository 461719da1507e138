"""VISSL's SVM tools, `tools/train_svm.py` and `tools/train_svm_low_shot.py`."""

from __future__ import annotations

from types import ModuleType

from vissl_monoimage.compat.import_hooks import MENDS
from vissl_monoimage.compat.source_edit import edit

_NUMBER = (r"(\w*ap_?\w*\[cls_num\]\[0\]) = ap\b", r"\1 = np.asarray(ap).item()")


@MENDS.after("vissl.utils.svm_utils.svm_trainer")
def average_precision(trainer: ModuleType) -> None:
    """`ValueError: setting an array element with a sequence` (NumPy 2.4) in vissl/utils/svm_utils/svm_trainer.py.

    vissl/utils/svm_utils/evaluate.py returns an array of one number where a number is expected.
    """
    edit(trainer.SVMTrainer.test, _NUMBER)


@MENDS.after("vissl.utils.svm_utils.svm_low_shot_trainer")
def mean_average_precision(trainer: ModuleType) -> None:
    """The same error in vissl/utils/svm_utils/svm_low_shot_trainer.py, and in its mean over the classes."""
    edit(trainer.SVMLowShotTrainer.test, _NUMBER, (r"np\.mean\(local_cost_ap, axis=0\)", "np.mean(local_cost_ap)"))


@MENDS.after("tools.train_svm_low_shot")
def voc_samples(tool: ModuleType) -> None:
    """`TypeError: generate_low_shot_samples() missing 1 required positional argument` in tools/train_svm_low_shot.py.

    Nor would that function take a list of k; the one made for VOC07 does.
    """
    from extra_scripts.create_low_shot_samples import generate_voc07_low_shot_samples

    tool.generate_voc07_low_shot_samples = generate_voc07_low_shot_samples  # type: ignore[attr-defined]
    edit(
        tool.train_voc07_low_shot,
        (r"\bgenerate_low_shot_samples\(\s*dataset_name,", "generate_voc07_low_shot_samples("),
    )
