"""The page and the files of `monoimage report`: complete, self-contained, with text alternatives."""

from __future__ import annotations

import base64
import csv
import dataclasses
import io
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pages import page_of
from PIL import Image

from vissl_monoimage.cli.main import main
from vissl_monoimage.cli.report import write_report
from vissl_monoimage.data.photos.catalog import CATALOG
from vissl_monoimage.data.photos.decode import load_photo
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.ledger.row_parts import Weights
from vissl_monoimage.report.plots.filters import conv1_filters, filter_grid

MakeRow = Callable[..., Row]
RECIPE = {"name": "released", "size": 32, "scale": [0.1, 1.0], "num_samples": 4096, "seed": 0, "fresh": False}


class Page(HTMLParser):
    """A parsed page: tags with their attributes, text, and tags that were not closed."""

    VOID = ("meta", "img", "br", "hr", "link", "input")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text, self.open = "", list[str]()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def checkpoint(path: Path, seed: int = 0) -> Path:
    weight = torch.randn(16, 3, 5, 5, generator=torch.Generator().manual_seed(seed))
    trunk = {"_feature_blocks.0.0.weight": weight, "_feature_blocks.0.0.bias": torch.zeros(16)}
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"classy_state_dict": {"base_model": {"model": {"trunk": trunk}}}}, path)
    return path


@pytest.fixture
def runs(tmp_path: Path, a_row: MakeRow) -> Path:
    """Return a folder like that of the demo: RotNet on `china`, a probe of it and one of random weights."""
    photo = CATALOG["china"].path
    weights = checkpoint(tmp_path / "rotnet" / "final.torch")
    image = {"name": "china", "path": CATALOG["china"].path_in_package, "sha256": load_photo(photo).sha256}
    rows = {
        "rotnet": a_row(
            run_id="pretrain",
            kind="pretrain",
            method="rotnet",
            name="pretrain/x",
            recipe=RECIPE,
            images=[image],
            accuracies={},
            pretext={"split": "test", "top_1": 71.25},
            protocol=None,
            checkpoint_out=str(weights),
            checkpoint_out_sha256="w",
        ),
        "probe": a_row(
            run_id="probe",
            weights=Weights(str(weights), "w"),
            group_hash="h" * 64,
            accuracies={"conv1": {"top_1": 61.5}, "conv2": {"top_1": 64.0}},
        ),
        "random": a_row(
            run_id="random",
            checkpoint_out=str(checkpoint(tmp_path / "random" / "final.torch", seed=1)),
            accuracies={"conv1": {"top_1": 55.0}, "conv2": {"top_1": 51.0}},
        ),
    }
    for folder, row in rows.items():
        ledger.append(tmp_path / folder / "ledger.jsonl", row)
    return tmp_path


def test_the_page_needs_no_other_file_and_no_network(runs: Path, tmp_path: Path) -> None:
    page = Page(write_report([str(runs)], str(tmp_path / "out")).read_text())
    assert page.open == []
    policies = [tags["content"] for _, tags in page.tags if tags.get("http-equiv") == "Content-Security-Policy"]
    assert policies[0] is not None
    assert policies[0].startswith("default-src 'none'; img-src data:;")
    for tag, attributes in page.tags:
        assert tag not in ("script", "link", "iframe", "object", "embed", "base")
        for name in ("src", "href", "srcset", "data", "action", "poster"):
            assert (attributes.get(name) or "data:").startswith("data:"), (tag, attributes)
    style = (tmp_path / "out" / "report.html").read_text().split("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_random_weights_beside_one_photo_do_not_change_the_title(runs: Path, a_row: MakeRow) -> None:
    random = a_row(run_id="init", kind="pretrain", method="random", accuracies={}, protocol=None, n_images=0)
    data_set = dataclasses.replace(random, run_id="set", method="rotnet", n_images=50_000)
    titles = [
        page_of([*ledger.read([runs]), *rows]).partition("</h1>")[0].rpartition(">")[2]
        for rows in ([random], [random, data_set])
    ]
    assert titles == ["How much of each layer can one image teach?", "What each layer learned"]


def test_the_page_opens_with_what_one_photo_taught_and_its_plot(runs: Path) -> None:
    text = page_of(ledger.read([runs])).partition("<main>")[2]
    places = [
        text.index(part) for part in ("RotNet: inconclusive, one seed", "<img", "Networks were pretrained", "<table")
    ]
    assert places == sorted(places)


def test_every_figure_has_a_text_alternative(runs: Path) -> None:
    page = Page(page_of(ledger.read([runs])))
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(images) == 6  # plot, photo, crops, two conv1 sheets, loss curve
    for attributes in images:
        assert len(attributes["alt"] or "") > 20
        kind, data = re.fullmatch(r"data:image/([a-z+]+);base64,(.+)", attributes["src"] or "").groups()  # type: ignore[union-attr]
        content = base64.b64decode(data, validate=True)
        if kind == "svg+xml":
            assert b"<svg" in content
        else:
            Image.open(io.BytesIO(content)).load()
    assert any("61.5" in (attributes["alt"] or "") for attributes in images)


def test_the_page_lists_how_each_number_was_made(runs: Path) -> None:
    text = Page(page_of(ledger.read([runs]))).text
    for word in (
        "conv1",
        "61.5",
        "55.0",
        "71.2",
        "p-v1",
        "n=1 (seed 0), no interval",
        "monoimage run config=x",
        "torch 2",
        "danielbuechele",
        "CC BY 2.0",
        "24 of the 4,096 crops",
        "random weights",
        "rotnet on china (1 image)",
    ):
        assert word in text, word
    assert text.index("random weights") < text.index("rotnet on china")


def test_missing_files_are_named_and_the_rest_is_shown(runs: Path, tmp_path: Path, a_row: MakeRow) -> None:
    (runs / "random" / "final.torch").write_bytes(b"torn")
    photo = tmp_path / "me.jpg"
    Image.new("RGB", (64, 64), "red").save(photo)
    image = {"name": "me.jpg", "path": str(photo), "sha256": "of another file"}
    row = a_row(run_id="mine", kind="pretrain", images=[image], recipe=RECIPE, accuracies={}, protocol=None)
    text = Page(page_of([*ledger.read([runs]), row])).text
    assert f"Not shown: {runs / 'random' / 'final.torch'}: not loaded, because it is damaged" in text
    assert "me.jpg' has changed since" in text
    assert "conv1 filters, rotnet on china (1 image)" in text


def test_text_from_a_ledger_cannot_become_markup(runs: Path, a_row: MakeRow) -> None:
    evil = a_row(run_id="evil", dataset="<script>alert(1)</script>", command='<img src="http://x/">', protocol="<b>")
    page = Page(page_of([*ledger.read([runs]), evil]))
    assert "script" not in {tag for tag, _ in page.tags}
    assert "<script>alert(1)</script>" in page.text


def test_names_are_no_markup_formula_or_control_sequence(
    runs: Path, tmp_path: Path, a_row: MakeRow, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "=1+1<script>alert(1)</script>\x1b[2J"
    ledger.append(runs / "evil" / "ledger.jsonl", a_row(run_id="evil", dataset=name, protocol="@SUM(A1)"))
    assert main(["report", str(runs), "-o", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert r"</script>\x1b[2J" in printed
    markdown = (tmp_path / "out" / "report.md").read_text()
    assert "<script" not in markdown
    assert "&lt;script>alert(1)&lt;/script>" in markdown
    with open(tmp_path / "out" / "report.csv", newline="") as file:
        cells = {cell for row in csv.reader(file) for cell in row}
    assert {f"'{name}", "'@SUM(A1)"} < cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@"))]


def test_the_command_prints_the_table_and_the_page(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(runs), "-o", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert f"page: {tmp_path / 'out' / 'report.html'}" in printed
    assert "61.5" in printed
    for kind in ("md", "tex", "csv"):
        assert "61.5" in (tmp_path / "out" / f"report.{kind}").read_text(), kind


def test_what_is_left_out_is_named_on_the_page_and_on_stderr(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (runs / "random" / "final.torch").write_bytes(b"torn")
    with (runs / "rotnet" / "ledger.jsonl").open("a") as ledger_file:
        ledger_file.write('{"run_id": "half\n')
    assert main(["report", str(runs), "-o", str(tmp_path / "out")]) == 0
    page, printed = Page((tmp_path / "out" / "report.html").read_text()).text, capsys.readouterr().err
    for words in (f"{runs / 'rotnet' / 'ledger.jsonl'}, line 2: skipped", str(runs / "random" / "final.torch")):
        assert words in page
        assert words in printed
    assert "61.5" in page


@pytest.mark.parametrize("case", ["empty", "missing", "out is a file"])
def test_bad_input_is_refused_in_one_sentence_and_writes_nothing(
    case: str, runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    blocked = tmp_path / "file"
    blocked.write_text("")
    paths, out = {
        "empty": (tmp_path / "empty", tmp_path / "out"),
        "missing": (tmp_path / "nowhere", tmp_path / "out"),
        "out is a file": (runs, blocked),
    }[case]
    before = sorted(tmp_path.rglob("*"))
    assert main(["report", str(paths), "-o", str(out)]) == 2
    message = capsys.readouterr().err
    assert message.startswith("monoimage: ")
    assert message.count("\n") == 1
    assert str(paths if case != "out is a file" else out) in message
    assert sorted(tmp_path.rglob("*")) == before


@settings(max_examples=30, deadline=None)
@given(
    arrays(
        np.float64,
        st.tuples(st.integers(1, 40), st.just(3), st.integers(1, 11), st.integers(1, 11)),
        elements=st.floats(-3, 3),
    ),
    st.integers(1, 4),
)
def test_each_filter_is_on_the_grid_stretched_to_its_own_range(weight: np.ndarray, zoom: int) -> None:
    sheet = filter_grid(weight, zoom)
    count, _, height, width = weight.shape
    columns = (sheet.shape[1] - 2) // (width * zoom + 2)
    assert columns * (-(-count // columns)) >= count
    for number, one in enumerate(weight):
        top = 2 + number // columns * (height * zoom + 2)
        left = 2 + number % columns * (width * zoom + 2)
        shown = sheet[top : top + height * zoom : zoom, left : left + width * zoom : zoom]
        span = np.ptp(one)
        if span > 1e-6:
            np.testing.assert_allclose(shown, (one.transpose(1, 2, 0) - one.min()) / span, atol=1e-6)


def test_files_without_rgb_filters_are_named(tmp_path: Path) -> None:
    torch.save({"weights": 1}, tmp_path / "other.torch")
    grey = {"classy_state_dict": {"base_model": {"model": {"trunk": {"w": torch.zeros(2, 1, 3, 3)}}}}}
    torch.save(grey, tmp_path / "grey.torch")
    (tmp_path / "text.torch").write_text("hello")
    for name in ("other.torch", "grey.torch", "text.torch", "missing.torch"):
        with pytest.raises(MonoImageError, match=name):
            conv1_filters(str(tmp_path / name), "x")


def test_fixed_features_have_no_filters_and_no_note(tmp_path: Path, a_row: MakeRow) -> None:
    empty = tmp_path / "fixed.torch"
    torch.save({"classy_state_dict": {"base_model": {"model": {"trunk": {}}}}}, empty)
    text = Page(page_of([a_row(method="HOG", trunk="hog_32px", checkpoint_out=str(empty))])).text
    assert "HOG (fixed features)" in text
    assert "conv1 filters" not in text
    assert "Not shown" not in text
