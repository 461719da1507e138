"""The model card: what it takes from the ledger, what it says is unknown, and what it keeps to itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard
from scipy import stats

from vissl_monoimage.cli.main import main
from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.ledger.row import Row

from .conftest import ACCURACIES, write_rows


def test_the_card_is_made_from_the_ledger(checkpoint: Path, tmp_path: Path, china: dict[str, Any]) -> None:
    runs, out = checkpoint.parents[1], tmp_path / "exported"
    assert main(["export", str(checkpoint), "-o", str(out), "--results", str(runs)]) == 0
    card = ModelCard.load(out / "README.md")
    assert (card.data.license, card.data.library_name) == ("unknown", "vissl_monoimage")
    numbers = {result.task_name: result.metric_value for result in card.data.eval_results}
    assert numbers == {f"probe of {layer}": values[0] for layer, values in ACCURACIES.items()}
    lines = {line.split("|")[1].strip(): line for line in card.text.splitlines() if line.count("|") > 3}
    assert [cell.strip() for cell in lines["**these weights**"].split("|")[2:4]] == ["60.0", "58.0"]
    for cell, values in zip(lines["rotnet on china (1 image)"].split("|")[2:4], ACCURACIES.values(), strict=True):
        low, high = stats.t.interval(0.95, 2, loc=sum(values) / 3, scale=stats.sem(values))
        assert cell.strip() == f"{(low + high) / 2:.1f} ± {(high - low) / 2:.1f}"
    assert "n=3 (seeds 0 1 2)" in lines["rotnet on china (1 image)"]
    assert "50.0" in next(line for label, line in lines.items() if label.startswith("random"))
    credit = CATALOG["china"]
    assert all(text in lines["china"] for text in (credit.credit, credit.licence, china["sha256"]))
    assert "config.CHECKPOINT.DIR=r" in card.text
    assert "/home/me" not in card.text


def test_what_is_unknown_is_said(checkpoint: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.torch"
    alone.write_bytes(checkpoint.read_bytes())
    assert main(["export", str(alone), "--trunk", "convnet4", "-o", str(tmp_path / "out")]) == 0
    text = (tmp_path / "out" / "README.md").read_text()
    assert "convnet4, origin unknown" in text
    assert "How they were trained is unknown" in text
    assert "Unknown: no probe of these weights" in text
    assert "The normalisation is an assumption." in text
    assert "model-index" not in text


@pytest.mark.parametrize("name", ["private.jpg", "china"])
def test_of_a_photo_without_a_known_licence_only_the_hash_leaves(
    name: str, checkpoint: Path, tmp_path: Path, a_row: Callable[..., Row]
) -> None:
    """A photo that is called like one of the catalog is not taken for it."""
    path = f"/home/me/photos/{name}" if name != "china" else CATALOG["china"].path_in_package
    runs, out = checkpoint.parents[1], tmp_path / "exported"
    write_rows(runs, checkpoint, a_row, [{"name": name, "path": path, "sha256": "5" * 64}])
    assert main(["export", str(checkpoint), "-o", str(out), "--results", str(runs)]) == 0
    text = (out / "README.md").read_text()
    assert "no licence known" in text
    assert "5" * 64 in text
    for file in ("README.md", "config.json"):
        content = (out / file).read_text()
        assert path not in content
        assert name not in content
        assert CATALOG["china"].credit not in content
    assert not [file.name for file in out.iterdir() if file.suffix in (".jpg", ".png")]
