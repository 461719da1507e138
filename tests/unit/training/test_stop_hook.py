"""What a stopped run says that cannot save a checkpoint, since every process holds a part of it."""

from __future__ import annotations

from pathlib import Path

from vissl_monoimage.training.stop_hook import without_checkpoint


def test_the_sentence_names_the_checkpoint_that_the_next_start_continues_from(tmp_path: Path) -> None:
    said = without_checkpoint(tmp_path, "iteration", 7)
    assert said.startswith("no checkpoint of step 7 is saved")
    assert said.endswith("begins anew, for there is none before")
    (tmp_path / "model_phase2.torch").touch()
    (tmp_path / "checkpoint.torch").symlink_to("model_phase2.torch")
    said = without_checkpoint(tmp_path, "phase", 3)
    assert "of epoch 4" in said
    assert said.endswith("continues from model_phase2.torch")
