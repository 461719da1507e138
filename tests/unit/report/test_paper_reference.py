"""The paper's numbers: read strictly, and never shown without the mark of recalled ones."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pages import page_of

from vissl_monoimage.config.typed_csv import read_csv
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.ledger.row_parts import DataSplit, Weights
from vissl_monoimage.models.zoo import zoo
from vissl_monoimage.report.formats.latex import tables_as_latex
from vissl_monoimage.report.formats.markdown import tables_as_markdown
from vissl_monoimage.report.tables.accuracy import text_tables
from vissl_monoimage.report.tables.join import join_probes
from vissl_monoimage.report.tables.reference import Reference, paper
from vissl_monoimage.report.tables.table import build_tables
from vissl_monoimage.report.tables.text_table import TextTable

Make = Callable[..., Row]
HEADER = "table,dataset,protocol,method,source,n_images,augmentation,layer,top_1,mark,verified"
LAYERS = ("conv1", "conv2", "conv3", "conv4")


def test_the_files_have_the_published_numbers_and_no_recalled_one_is_verified() -> None:
    numbers, models = paper(), zoo()
    assert all(not row.verified for row in numbers if row.mark == "recalled")
    assert {row.top_1 for row in numbers if row.table == "4"} == {None}
    mono = [row.top_1 for row in numbers if (row.dataset, row.augmentation) == ("cifar10", "all")]
    assert mono == [68.1, 72.3, 70.8, 63.5]
    two = [row for row in numbers if row.table == "2"]
    assert len({(row.method, row.source, row.n_images) for row in two}) == 20
    assert sum(row.method == "Scattering" for row in two) == 1
    rotnet = [row.top_1 for row in models if row.method == "RotNet"]
    assert rotnet == [39.51, 48.2, 54.89]
    assert all(row.url.startswith("https://") and row.verified for row in models)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["must begin with the header"]),
        ("table,dataset\n", ["must begin with the header"]),
        (f"{HEADER}\n1,c\n", ["line 2", "2 cells, not 11"]),
        (f"{HEADER}\n1,c,p,m,s,1,,conv1,high,code,true\n", ["line 2", "top_1='high'", "a number"]),
        (f"{HEADER}\n1,c,p,m,s,,,conv1,1.0,code,true\n", ["line 2", "n_images", "whole number"]),
        (f"{HEADER}\n1,c,p,m,s,1,,conv1,101,code,true\n", ["line 2", "percentage"]),
        (f"{HEADER}\n1,c,p,m,s,1,,conv1,nan,code,true\n", ["line 2", "percentage"]),
        (f"{HEADER}\n1,c,p,m,s,1,,conv1,1.0,recaled,false\n", ["line 2", "did you mean 'recalled'"]),
        (f"{HEADER}\n1,c,p,m,s,1,,conv1,1.0,code,yes\n", ["line 2", "verified='yes'", "true or false"]),
        (f"{HEADER}\n1,c,p,m,s,1,,conv1,1.0,recalled,true\n", ["line 2", "verified must be false"]),
        (f"{HEADER}\n1,c,p,m,s,1,,conv1,,text,true\n", ["line 2", "verified must be false"]),
        (f'{HEADER}\n1,"c\n', ["no CSV"]),
    ],
)
def test_a_malformed_file_is_refused_in_one_sentence(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "paper.csv"
    path.write_text(text)
    with pytest.raises(MonoImageError) as caught:
        read_csv(path, Reference)
    assert all(word in str(caught.value) for word in [str(path), *words]), caught.value
    assert "\n" not in str(caught.value)
    with pytest.raises(MonoImageError, match="cannot read the reference figures"):
        read_csv(tmp_path / "none.csv", Reference)


def rows_of(a_row: Make, dataset: str, recipe: dict[str, object], base: float = 10.0) -> list[Row]:
    """Return rows of random weights and of MonoGAN on the market photo, with accuracies that are not in the paper."""
    common = {"dataset": dataset, "protocol": "cifar-v1", "trunk": "convnet4"}
    mono = a_row(
        run_id="p",
        kind="pretrain",
        method="monogan",
        trunk="convnet4",
        images=[{"name": "ameyoko.jpg", "path": "gone.jpg", "sha256": "a" * 64}],
        recipe={"name": "released", **recipe},
        checkpoint_out_sha256="m",
        accuracies={},
        protocol=None,
        pretext={},
    )
    random = {layer: {"top_1": base} for layer in LAYERS}
    better = {layer: {"top_1": base + number} for number, layer in enumerate(LAYERS, start=1)}
    probe = a_row(run_id="m", weights=Weights("/x", "m"), group_hash="m", accuracies=better, **common)
    return [mono, a_row(run_id="r", accuracies=random, **common), probe]


def paper_table_of(rows: list[Row]) -> TextTable | None:
    (table,) = build_tables(join_probes(rows))
    found = [text for text in text_tables(table) if text.title.startswith("The paper's figures")]
    return found[0] if found else None


@pytest.mark.parametrize("dataset", ["cifar10", "cifar100"])
def test_every_recalled_figure_has_its_dagger_in_every_format(a_row: Make, dataset: str) -> None:
    """Search the formats for the digits of each recalled figure: each occurrence is followed by a dagger."""
    rows = rows_of(a_row, dataset, {})
    texts = [text for table in build_tables(join_probes(rows)) for text in text_tables(table)]
    page = re.sub(r"data:[^\"]+", "", page_of(rows).split("</style>")[1])
    recalled = {
        f"{row.top_1:.1f}"
        for row in paper()
        if row.mark == "recalled" and row.top_1 is not None and row.dataset == dataset
    }
    ours = {"10.0", "11.0", "12.0", "13.0", "14.0"}
    for text, dagger in ((page, "†"), (tables_as_markdown(texts), "†"), (tables_as_latex(texts), r"\textdagger{}")):
        for figure in recalled - ours:
            found = [text[match.end() :] for match in re.finditer(rf"(?<![\d.+-]){re.escape(figure)}(?!\d)", text)]
            assert found, figure
            assert all(rest.startswith(dagger) for rest in found), figure
        assert f"{dagger} Recalled from memory" in text


@pytest.mark.parametrize(
    ("recipe", "augmentation"),
    [
        ({}, "all"),
        ({"rotation": 0, "shear": 0}, "jitter+scale"),
        ({"scale": [1.0, 1.0], "jitter": 0}, "rotation"),
        ({"scale": [1.0, 1.0], "jitter": 0, "rotation": 0, "shear": 0}, "none"),
        ({"rotation": 0}, None),  # sheared still
        ({"rotation": 10.0}, None),
        ({"jpeg": 75}, None),
    ],
)
def test_ours_is_compared_with_the_row_of_the_same_augmentations_only(
    a_row: Make, recipe: dict[str, object], augmentation: str | None
) -> None:
    text = paper_table_of(rows_of(a_row, "cifar10", recipe))
    assert text is not None
    beside = {row[0]: row[1:] for row in text.rows if any("(" in cell for cell in row[1:])}
    expected = {} if augmentation is None else {f"MonoGAN on ameyoko, augmentation: {augmentation}"}
    assert set(beside) == {"Random", *expected}
    assert beside["Random"][0] == "57.8† (-47.8)"
    for name in expected:
        theirs = [row.top_1 for row in paper() if row.augmentation == augmentation and row.table == "1/3"]
        points = [11.0 + number - figure for number, figure in enumerate(theirs[:4]) if figure is not None]
        assert [cell.split("(")[1] for cell in beside[name]] == [f"{value:+.1f})" for value in points]


@pytest.mark.parametrize(("used", "is_beside"), [(50_000, True), (12_500, False)])
def test_a_part_of_a_data_set_is_not_beside_the_papers_whole_one(a_row: Make, used: int, is_beside: bool) -> None:
    pretraining, random, probe = rows_of(a_row, "cifar10", {})
    data = {"train": DataSplit("cifar10", images=50_000)}
    changes = {"method": "rotnet", "dataset": "cifar10", "images": [], "recipe": {}, "n_images": used, "data": data}
    text = paper_table_of([dataclasses.replace(pretraining, **changes), random, probe])  # type: ignore[arg-type]
    assert text is not None
    (cells,) = [row[1:] for row in text.rows if row[0] == "RotNet on cifar10"]
    assert ("(" in cells[0]) is is_beside


def test_other_data_sets_trunks_and_changed_protocols_have_no_paper_table(a_row: Make) -> None:
    common = {"protocol": "cifar-v1", "dataset": "cifar10", "trunk": "convnet4"}
    assert paper_table_of([a_row(**common)]) is not None
    for change in ({"dataset": "set"}, {"trunk": "alexnet"}, {"protocol": "p-v1"}, {"protocol_changes": ["epochs=1"]}):
        assert paper_table_of([a_row(**(common | change))]) is None, change
