"""The section of generated images: the run's pictures, byte for byte, and the losses of its players."""

from __future__ import annotations

import base64
import html
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pages import page_of
from PIL import Image

from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.ledger.row_parts import Weights
from vissl_monoimage.pretext.bigan import diagnostics, meter
from vissl_monoimage.pretext.bigan import image_grids as pictures
from vissl_monoimage.pretext.bigan import optimizers as players
from vissl_monoimage.report.sections import gan
from vissl_monoimage.report.sections.artifacts import MAX_RUNS

MakeRow = Callable[..., Row]
TITLE = "<h2>Generated images</h2>"
MEASURED = {
    "split": "test",
    "discriminator_loss": -1.25,
    "encoder_generator_loss": 1.25,
    "discriminator_accuracy": 0.75,
    "reconstruction_error": 0.0625,
}


def leave(folder: Path, epoch: int = 3, images: int = 64, size: int = 8, seed: int = 0) -> Path:
    """Write into `folder` what a run writes there: pictures and its players' losses."""
    (folder / pictures.FOLDER).mkdir(parents=True, exist_ok=True)
    draw = torch.Generator().manual_seed(seed + epoch)
    for kind, count in ((pictures.SAMPLES, images), (pictures.RECONSTRUCTIONS, images)):
        grid = torch.rand(count, 3, size, size, generator=draw)
        pictures.save_grid(grid, folder / pictures.FOLDER / f"{kind}_{epoch:04d}.png")
    looks: list[dict[str, Any]] = [
        {"step": 1, "discriminator_loss": 0.5, "encoder_generator_loss": 7.0, "penalty": 1.0},
        {"step": 50, "discriminator_loss": -3.5},
        {"step": 100, "discriminator_loss": -9.25, "encoder_generator_loss": 8.5},
    ]
    for look, error in zip(looks, (0.5, 0.25, 0.125), strict=True):
        look |= {"reconstruction_error": error, "spread": 0.5}
        look |= {"mismatch_error": 2 * error} if look["step"] > 1 else {}
    (folder / diagnostics.PLAYERS_FILE).write_text("".join(json.dumps(look) + "\n" for look in looks))
    return folder


@pytest.fixture
def a_gan(tmp_path: Path, a_row: MakeRow) -> Callable[..., Row]:
    """Return `a_gan(name, **changes)`: the row of a MonoGAN whose folder `name` does not exist yet."""

    def make(name: str = "run", **changes: Any) -> Row:
        values = {
            "run_id": name,
            "kind": "pretrain",
            "method": "monogan",
            "images": [{"name": "china", "path": "/gone.jpg", "sha256": "5" * 64}],
            "group_hash": "e" * 64,
            "accuracies": {},
            "protocol": None,
            "checkpoint_out": str(tmp_path / name / "final.torch"),
            "pretext": MEASURED,
        }
        return a_row(**(values | changes))

    return make


def shown(page: str) -> dict[str, bytes]:
    """Return {text alternative: bytes} of the images in the section."""
    section = page.split(TITLE)[1].split("</section>")[0] if TITLE in page else ""
    found = re.findall(r'<img src="data:image/([a-z+]+);base64,([^"]+)" alt="([^"]+)">', section)
    assert section.count("<img") == len(found)
    return {html.unescape(alt): base64.b64decode(data, validate=True) for _, data, alt in found}


def notes(page: str) -> list[str]:
    return [html.unescape(text) for text in re.findall(r'<p class="soft">(.+?)</p>', page.split("How each")[1])]


def test_the_page_has_the_last_epochs_pictures_byte_for_byte(tmp_path: Path, a_gan: Callable[..., Row]) -> None:
    for epoch in (3, 12, 9):  # as text, 9 would be the last of unpadded names
        folder = leave(tmp_path / "run", epoch) / pictures.FOLDER
    (folder / "samples_0013.tmp").write_bytes(b"unfinished")
    (folder / "samples_new.png").write_bytes(b"not a run's")
    images = shown(page_of([a_gan(seed=7)]))
    assert len(images) == 4
    samples, again = list(images)[:2]
    assert images[samples] == (folder / "samples_0012.png").read_bytes()
    assert images[again] == (folder / "reconstructions_0012.png").read_bytes()
    assert Image.open(io.BytesIO(images[samples])).size == (16 * 66 + 2, 4 * 66 + 2)
    for words in ("64 images", "4 rows", "monogan on china (1 image), seed 7", "epoch 12"):
        assert words in samples
    for words in ("32 pairs", "4 rows", "on the left a training image", "seed 7", "epoch 12"):
        assert words in again


@pytest.mark.parametrize(
    ("images", "size", "samples", "pairs"),
    [
        (64, 8, "64 images in 4 rows", "32 pairs of images in 4 rows"),
        (64, 40, "64 images in 4 rows", "32 pairs of images in 4 rows"),
        (16, 32, "16 images in 1 row,", "8 pairs of images in 1 row:"),
        (8, 32, "8 images in 1 row,", "4 pairs of images in 1 row:"),
        (20, 32, "20 images in 2 rows", "10 pairs of images in 2 rows"),
    ],
)
def test_captions_count_the_images_of_the_grid(
    tmp_path: Path, a_gan: Callable[..., Row], images: int, size: int, samples: str, pairs: str
) -> None:
    leave(tmp_path / "run", images=images, size=size)
    first, second, *_ = shown(page_of([a_gan()]))
    assert f"Grid of {samples}" in first
    assert f"Grid of {pairs}" in second


def test_a_picture_that_does_not_record_its_layout_is_shown_without_numbers(
    tmp_path: Path, a_gan: Callable[..., Row]
) -> None:
    """Earlier versions wrote such pictures, and so do other programs that save a picture again."""
    for path in (leave(tmp_path / "run", images=16) / pictures.FOLDER).iterdir():
        with Image.open(path) as picture:
            pixels = picture.copy()
        pixels.info.clear()
        pixels.save(path)
    images = shown(page_of([a_gan()]))
    first, second, *_ = images
    assert first.startswith("Grid of images in rows, drawn by the generator")
    assert second.startswith("Grid of pairs of images in rows: on the left")
    assert images[first] == (tmp_path / "run" / pictures.FOLDER / "samples_0003.png").read_bytes()


def test_each_players_loss_and_the_error_are_plotted_at_the_steps_that_have_them(
    tmp_path: Path, a_gan: Callable[..., Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: dict[str, tuple[list[float], list[float]]] = {}
    from matplotlib.axes import Axes

    plot = Axes.plot
    monkeypatch.setattr(
        Axes, "plot", lambda self, x, y, **kw: lines.update({kw["label"]: (x, y)}) or plot(self, x, y, **kw)
    )
    leave(tmp_path / "run")
    page = page_of([a_gan()])
    assert {name: (list(x), list(y)) for name, (x, y) in lines.items()} == {
        "discriminator": ([1, 50, 100], [0.5, -3.5, -9.25]),
        "encoder and generator": ([1, 100], [7.0, 8.5]),
        "x and G(E(x))": ([1, 50, 100], [0.5, 0.25, 0.125]),
        "x and G(E(x')), x' another image": ([50, 100], [0.5, 0.25]),
    }
    losses, error = list(shown(page))[2:]
    assert "discriminator from 0.5 at step 1 to -9.25 at step 100" in losses
    assert "encoder and generator from 7 at step 1 to 8.5 at step 100" in losses
    assert "Reconstruction error (mean squared difference), monogan on china (1 image), seed 0: " in error
    assert "x and G(E(x)) from 0.5 at step 1 to 0.125 at step 100" in error
    assert "x' another image from 0.5 at step 50 to 0.25 at step 100" in error
    assert all(b"<svg" in shown(page)[alt] for alt in (losses, error))
    assert "Training loss of" not in page  # the same numbers again, without a word of whose they are


def test_pretext_measurements_and_accuracies_are_listed(tmp_path: Path, a_gan: Callable[..., Row]) -> None:
    text = page_of([a_gan(), a_gan("rotnet", method="rotnet", pretext={"split": "test", "top_1": 71.25})])
    assert (
        "<dt>pretext (test)</dt><dd>discriminator loss -1.25, encoder generator loss 1.25, "
        "discriminator accuracy 0.75, reconstruction error 0.0625</dd>"
    ) in text
    assert "<dt>pretext accuracy</dt><dd>71.2 % (test)</dd>" in text


def test_a_probed_gan_has_a_table_line_without_a_pretext_accuracy(a_gan: Callable[..., Row], a_row: MakeRow) -> None:
    source = a_gan(checkpoint_out_sha256="w")
    page = page_of([source, a_row(run_id="p", weights=Weights("/x/final.torch", "w"))])
    table = page.split("<table>")[1].split("</table>")[0]
    assert "monogan on china (1 image)" in table
    assert "pretext" not in table


def test_a_run_without_pictures_has_no_section(tmp_path: Path, a_gan: Callable[..., Row]) -> None:
    (tmp_path / "run").mkdir()
    page = page_of([a_gan(method="rotnet", pretext={"split": "test", "top_1": 71.25}, images=[])])
    assert TITLE not in page
    assert notes(page) == []
    assert "Training loss of rotnet" in page


def test_pictures_are_found_though_the_row_has_no_measurements(tmp_path: Path, a_gan: Callable[..., Row]) -> None:
    leave(tmp_path / "run")
    assert len(shown(page_of([a_gan(pretext={})]))) == 4


def test_missing_or_truncated_files_are_named_and_the_rest_is_shown(tmp_path: Path, a_gan: Callable[..., Row]) -> None:
    folder, row = leave(tmp_path / "run"), a_gan(images=[])
    players_file, samples = folder / diagnostics.PLAYERS_FILE, folder / pictures.FOLDER / "samples_0003.png"
    players_file.write_text(players_file.read_text() + '17\n{"step": 150, "discriminator_lo')
    samples.write_bytes(samples.read_bytes()[:-2000])
    page = page_of([row])
    assert [alt[:12] for alt in shown(page)] == ["Grid of 32 p", "Line plot. L", "Line plot. R"]
    assert "to -9.25 at step 100" in list(shown(page))[1]
    said = notes(page)
    assert len(said) == 2
    assert said[0].startswith(f"Not shown: {samples} is truncated or damaged")
    assert said[1] == f"Left out: 2 broken lines of '{players_file}'."

    players_file.write_text("\x00\xff")
    for path in samples.parent.iterdir():
        path.unlink()
    page = page_of([row])
    assert TITLE not in page
    assert [note.split(":")[0] for note in notes(page)] == ["Not shown", "Not shown", "Left out", "Not shown"]
    assert f"there is no picture of reconstructions of monogan on set, seed 0 in '{samples.parent}'" in notes(page)[1]

    players_file.unlink()
    assert f"cannot read '{players_file}': No such file or directory" in notes(page_of([row]))[2]
    assert "names no checkpoint" in notes(page_of([a_gan(images=[], checkpoint_out=None)]))[0]


def test_a_missing_folder_is_one_note(a_gan: Callable[..., Row]) -> None:
    row = a_gan("gone")
    folder = Path(row.checkpoint_out or "").parent
    assert [note for note in notes(page_of([row])) if str(folder) in note] == [
        f"Not shown: what monogan on china (1 image), seed 0 draws, because its folder '{folder}' is missing."
    ]


def test_names_and_paths_cannot_become_markup(tmp_path: Path, a_gan: Callable[..., Row]) -> None:
    evil = '"><script>alert(1)</script>{name}{{ 7 * 7 }}'
    leave(tmp_path / "run")
    page = page_of([a_gan(images=[], dataset=evil)])
    assert "<script" not in page
    assert len([alt for alt in shown(page) if evil in alt]) == 4
    gone = page_of([a_gan("<script>", images=[])])
    assert "<script" not in gone
    assert any("<script>" in note for note in notes(gone))


def test_each_experiment_is_shown_by_its_first_seed_and_no_more_than_max_runs(
    tmp_path: Path, a_gan: Callable[..., Row]
) -> None:
    rows = []
    for group in "abcdef"[: MAX_RUNS + 1]:
        for seed in (2, 0, 1):
            leave(tmp_path / f"{group}{seed}", seed=seed)
            rows.append(a_gan(f"{group}{seed}", group_hash=group * 64, seed=seed, images=[]))
    missing: list[str] = []
    blocks = gan.generator_blocks(rows, missing)
    assert [block.name for block in blocks] == [f"monogan on set [{group * 6}], seed 0" for group in "abcd"]
    assert missing == ["Not shown, to keep the page small: what is drawn by monogan on set [eeeeee], seed 0."]
    assert "Training loss of monogan" not in page_of(rows[:3])  # the discriminator's alone says nothing of the run


def test_the_keys_are_those_that_runs_write() -> None:
    losses = [f"{player}_loss" for player in (players.DISCRIMINATOR, players.ENCODER_GENERATOR)]
    assert list(gan.LOSSES) == losses
    assert {*losses, *gan.ERROR} <= set(meter.NAMES)


def test_measurements_survive_the_ledger(tmp_path: Path, a_gan: Callable[..., Row]) -> None:
    ledger.append(tmp_path / "ledger.jsonl", a_gan())
    (row,) = ledger.read([tmp_path])
    assert row.pretext == MEASURED


def test_committed_rows_are_still_read() -> None:
    results = Path(__file__).parents[3] / "benchmarks" / "results"
    assert all(ledger.read([path]) for path in results.glob("*.jsonl"))
    rows = [
        row for row in ledger.read([results / "table3-cifar.jsonl"]) if (row.kind, row.method) == ("pretrain", "rotnet")
    ]
    page = page_of(rows)
    assert page.count("<dt>pretext accuracy</dt>") == len(rows) > 0
    assert TITLE not in page
