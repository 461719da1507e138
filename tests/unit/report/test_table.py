"""Tables: intervals against scipy, grouping by experiment, seeds always shown."""

from __future__ import annotations

import io
import statistics
from collections.abc import Callable
from pathlib import Path

import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from vissl_monoimage.ledger import io as ledger
from vissl_monoimage.ledger.row import Row
from vissl_monoimage.ledger.row_parts import DataSplit, Weights
from vissl_monoimage.report.formats.markdown import tables_as_markdown
from vissl_monoimage.report.formats.terminal import print_tables, tables_as_text
from vissl_monoimage.report.tables.accuracy import header_and_rows, text_tables
from vissl_monoimage.report.tables.intervals import interval
from vissl_monoimage.report.tables.join import join_probes
from vissl_monoimage.report.tables.table import Table, build_tables

KNOWN = {split: DataSplit("set", sha256=split) for split in ("train", "test")}
Make = Callable[..., Row]
IMAGE = {"name": "china", "sha256": "5" * 64}


@pytest.fixture(scope="session")
def pretrained(a_row: Make) -> Make:
    """Return `pretrained(seed, name, group, **changes)`: the row of a pretraining on one photo."""

    def make(seed: int, name: str = "rotnet", group: str = "p", **changes: object) -> Row:
        values = {
            "kind": "pretrain",
            "method": name,
            "seed": seed,
            "group_hash": group,
            "images": [IMAGE],
            "accuracies": {},
            "protocol": None,
            "checkpoint_out_sha256": f"{name}-{group}-{seed}",
            "pretext": {"split": "test", "top_1": 90.0 + seed},
        }
        return a_row(run_id=f"{name}-{group}-{seed}", **(values | changes))

    return make


@pytest.fixture(scope="session")
def probed(a_row: Make) -> Make:
    """Return `probed(source, seed, conv1, conv2)`: the row of a probe of `source`, or of random weights for None."""

    def make(source: Row | None, seed: int, conv1: float, conv2: float = 1.0, **changes: object) -> Row:
        values = {
            "run_id": f"probe-{source.run_id if source else 'random'}-{seed}",
            "seed": seed,
            "group_hash": "probe of a checkpoint" if source else "probe of nothing",
            "weights": Weights("/x/model.torch", source.checkpoint_out_sha256) if source else Weights(),
            "accuracies": {"conv1": {"top_1": conv1}, "conv2": {"top_1": conv2}},
        }
        return a_row(**(values | changes))

    return make


def only(rows: list[Row]) -> Table:
    (table,) = build_tables(join_probes(rows))
    return table


@given(st.lists(st.floats(0, 100), min_size=2, max_size=12))
def test_intervals_equal_scipys(values: list[float]) -> None:
    cell = interval(values)
    low, high = scipy.stats.t.interval(
        0.95, len(values) - 1, loc=statistics.fmean(values), scale=scipy.stats.sem(values) or 1e-300
    )
    assert cell.n == len(values)
    assert cell.mean == pytest.approx(statistics.fmean(values))
    assert cell.half_width == pytest.approx((high - low) / 2, rel=1e-6, abs=1e-9)


def test_random_weights_come_first_and_seeds_are_pooled(pretrained: Make, probed: Make) -> None:
    sources = [pretrained(seed) for seed in (2, 0, 1)]
    rows = [
        *(probed(source, 0, 60.0 + source.seed) for source in sources),
        *sources,
        *(probed(None, seed, 50.0 + seed) for seed in (1, 0)),
    ]
    table = only(rows)
    random, mono = table.lines
    assert (random.label, mono.label) == ("random weights", "rotnet on china (1 image)")
    assert random.runs == "n=2 (seeds 0 1)"
    assert mono.runs == "n=3 (seeds 0 1 2)"
    half = scipy.stats.t.ppf(0.975, 2) * 1.0 / 3**0.5
    assert (mono.cells["conv1"].mean, mono.cells["conv1"].half_width) == (61.0, pytest.approx(half))
    assert mono.pretext is not None
    assert mono.pretext.mean == 91.0
    assert random.pretext is None


def test_probes_repeated_on_one_trunk_do_not_narrow_the_interval(pretrained: Make, probed: Make) -> None:
    source = pretrained(0)
    (line,) = only([source, *(probed(source, seed, 60.0 + seed) for seed in range(4))]).lines
    assert str(line.cells["conv1"]) == "61.5"
    assert line.cells["conv1"].n == 1
    assert line.runs == "n=1 (seed 0), no interval"


@pytest.mark.parametrize(
    ("accuracies", "layers", "named"),
    [
        ({"conv1": {"top_5": 50.0}}, [], "conv1"),
        ({"conv1": {"top_1": 40.0}, "conv2": {"top_5": 50.0}, "conv3": {}}, ["conv1"], "conv2, conv3"),
        ({}, [], "any layer"),
    ],
)
def test_layers_without_top_1_are_left_out_and_named(
    probed: Make, accuracies: dict[str, dict[str, float]], layers: list[str], named: str
) -> None:
    notes: list[str] = []
    whole = probed(None, 0, 30.0, dataset="another")
    tables = build_tables(join_probes([probed(None, 3, 1.0, accuracies=accuracies), whole]), notes.append)
    assert [list(table.layers) for table in tables if table.dataset == "set"] == ([layers] if layers else [])
    assert [table.layers for table in tables if table.dataset == "another"] == [("conv1", "conv2")]
    assert notes == [f"Left out: benchmark/monoimage/linear_x, seed 3, has no top_1 of {named}."]


def test_probes_of_one_line_may_have_other_layers(probed: Make) -> None:
    first = probed(None, 0, 1.0, accuracies={"conv1": {"top_1": 40.0}})
    other = probed(None, 1, 1.0, accuracies={"conv²": {"top_1": 60.0}, "conv1": {"top_1": 50.0}})
    (line,) = only([first, other]).lines
    assert {layer: (cell.mean, cell.n) for layer, cell in line.cells.items()} == {"conv1": (45, 2), "conv²": (60, 1)}


def test_different_experiments_are_never_averaged(pretrained: Make, probed: Make) -> None:
    short, long = pretrained(0, group="short"), pretrained(0, group="longer")
    rows = [short, long, probed(short, 0, 60.0), probed(long, 0, 70.0)]
    labels = [line.label for line in only(rows).lines]
    assert labels == ["rotnet on china (1 image) [short]", "rotnet on china (1 image) [longer]"]
    other = probed(None, 0, 10.0, protocol="p-v2", run_id="other")
    trial = probed(None, 0, 99.0, protocol_changes=["epochs=1 (9)"], run_id="trial")
    tables = build_tables(join_probes([*rows, other, trial]))
    assert [(table.protocol, table.changes) for table in tables] == [
        ("p-v1", ()),
        ("p-v2", ()),
        ("p-v1", ("epochs=1 (9)",)),
    ]
    assert "Changed from protocol p-v1 (its own values in brackets): epochs=1 (9)" in tables_as_text(tables)
    assert "Changed from protocol p-v1 (its own values in brackets): epochs=1 (9)" in tables_as_markdown(
        [text for table in tables for text in text_tables(table)]
    )


def test_columns_are_in_natural_order_whichever_trunk_comes_first(probed: Make) -> None:
    def of(trunk: str, *layers: str) -> Row:
        accuracies = {layer: {"top_1": 50.0 + number} for number, layer in enumerate(layers)}
        return probed(None, 0, 0.0, run_id=trunk, trunk=trunk, group_hash=trunk, accuracies=accuracies)

    resnet, small = of("resnet18", "res2", "res3", "res4", "res5"), of("convnet4", "conv1", "conv2", "conv3", "conv4")
    table = only([resnet, small, of("alexnet", "conv1", "conv2", "conv3", "conv4", "conv5", "conv10")])
    convolutions = ("conv1", "conv2", "conv3", "conv4", "conv5", "conv10")
    assert table.layers == (*convolutions, "res2", "res3", "res4", "res5")
    header, rows = header_and_rows(table)
    assert dict(zip(header, rows[0], strict=True))["res5"] == "53.0"
    assert dict(zip(header, rows[1], strict=True))["res5"] == "-"


def test_a_checkpoint_of_unknown_origin_is_one_trunk(probed: Make) -> None:
    unknown = {"weights": Weights("/zoo/alexnet/final.torch", "z")}
    rows = [probed(None, seed, 30.0 + seed, run_id=f"z{seed}", **unknown) for seed in (0, 1)]
    (line,) = only(rows).lines
    assert (line.label, line.runs) == ("checkpoint alexnet/final.torch", "n=1 (seed unknown), no interval")


def test_among_equal_checkpoints_a_probe_is_joined_with_the_file_it_read(pretrained: Make, probed: Make) -> None:
    rows = []
    for group in ("first", "again"):
        rows.append(pretrained(0, "a", group, checkpoint_out=f"OUT/{group}/m.torch", checkpoint_out_sha256="5a"))
        rows.append(probed(rows[-1], 0, 50.0, weights=Weights(f"OUT/{group}/m.torch", "5a"), run_id=group))
    found = {item.probe.run_id: item.pretrain for reordered in (rows, rows[::-1]) for item in join_probes(reordered)}
    assert {name: row.group_hash for name, row in found.items() if row} == {"first": "first", "again": "again"}
    moved = probed(rows[0], 0, 50.0, weights=Weights("elsewhere/m.torch", "5a"))
    assert join_probes([*rows, moved])[-1].pretrain is rows[2]


def test_the_pretraining_is_found_in_the_ledger_beside_the_checkpoint(
    tmp_path: Path, pretrained: Make, probed: Make
) -> None:
    source = pretrained(3)
    ledger.append(tmp_path / "ledger.jsonl", source)
    (line,) = only(
        [probed(source, 0, 60.0, weights=Weights(str(tmp_path / "model.torch"), source.checkpoint_out_sha256))]
    ).lines
    assert (line.label, line.seeds) == ("rotnet on china (1 image)", ("3",))


@pytest.mark.parametrize("name", ["x" * 300, "\\", "a\nb", "~"])
def test_a_missing_checkpoint_may_have_any_name(tmp_path: Path, probed: Make, name: str) -> None:
    foreign = probed(None, 0, 60.0, weights=Weights(f"{tmp_path}/{name}/model.torch", "f"))
    (line,) = only([foreign]).lines
    assert line.label == f"checkpoint {name}/model.torch"


def test_a_broken_ledger_beside_the_checkpoint_is_named(tmp_path: Path, pretrained: Make, probed: Make) -> None:
    source, notes = pretrained(3), list[str]()
    ledger.append(tmp_path / "ledger.jsonl", source)
    (tmp_path / "ledger.jsonl").write_text('{"torn\n' + (tmp_path / "ledger.jsonl").read_text())
    probes = [
        probed(source, seed, 60.0, weights=Weights(str(tmp_path / "model.torch"), source.checkpoint_out_sha256))
        for seed in (0, 1)
    ]
    assert [item.pretrain for item in join_probes(probes, notes.append)] == [source, source]
    assert len(notes) == 1
    assert f"{tmp_path / 'ledger.jsonl'}, line 1" in notes[0]


def test_every_rendering_names_layers_protocol_seeds_and_interval(pretrained: Make, probed: Make) -> None:
    sources = [pretrained(seed) for seed in (0, 1)]
    tables = build_tables(
        join_probes([*sources, *(probed(s, 0, 60.0 + s.seed) for s in sources), probed(None, 0, 50.0)])
    )
    boxed, piped = io.StringIO(), io.StringIO()
    print_tables(tables, Console(file=boxed, force_terminal=True, width=200))
    print_tables(tables, Console(file=piped, width=80))
    for text in (
        tables_as_markdown([text for table in tables for text in text_tables(table)]),
        tables_as_text(tables),
        boxed.getvalue(),
        piped.getvalue(),
    ):
        for word in (
            "conv1",
            "conv2",
            "p-v1",
            "60.5 ± 6.4",
            "50.0",
            "n=1 (seed 0), no interval",
            "n=2 (seeds 0 1)",
        ):
            assert word in text, (word, text)
    assert "│" in boxed.getvalue()
    assert "\x1b" not in piped.getvalue()


def test_a_boxed_table_keeps_the_suffixes_in_square_brackets(pretrained: Make, probed: Make) -> None:
    """Rich would read `[abc123]` in a plain string as a style, and drop it."""
    sources = [pretrained(0, group="abc123"), pretrained(0, group="def456")]
    boxed = io.StringIO()
    tables = build_tables(join_probes([*sources, *(probed(source, 0, 60.0) for source in sources)]))
    print_tables(tables, Console(file=boxed, force_terminal=True, width=200))
    assert "rotnet on china (1 image) [abc123]" in boxed.getvalue()


def test_markdown_cells_cannot_break_the_table(pretrained: Make, probed: Make) -> None:
    source = pretrained(0, images=[{"name": "a|b.jpg", "sha256": "6" * 64}])
    lines = tables_as_markdown(text_tables(only([source, probed(source, 0, 1.0)]))).splitlines()
    cells = [line.replace("\\|", "").count("|") for line in lines if line.startswith("|")]
    assert len(set(cells)) == 1


def test_fixed_features_have_neither_seeds_nor_an_interval(probed: Make) -> None:
    fixed = {"method": "scattering", "trunk": "scattering_32px", "group_hash": "s"}
    rows = [probed(None, seed, 40.0 + seed, **fixed, run_id=f"s{seed}") for seed in (0, 2)]
    (table,) = build_tables(join_probes([*rows, probed(None, 0, 30.0)]))
    random, line = table.lines
    assert (random.label, random.runs) == ("random weights", "n=1 (seed 0), no interval")
    assert (line.label, line.runs) == ("scattering (fixed features)", "n=1 (no seed), no interval")
    assert str(line.cells["conv1"]) == "41.0"


@pytest.mark.parametrize(
    ("protocol", "title", "note"),
    [
        ("cifar-v1", "Linear probes, top-1 test accuracy (%): set, protocol cifar-v1", ""),
        ("lowshot-v1, k=4", "Low-shot SVMs, top-1 test accuracy (%): set, protocol lowshot-v1, k=4", ""),
        (
            "cifar-v9",
            "Probes, top-1 test accuracy (%): set, protocol cifar-v9",
            "Protocol cifar-v9 is not one of this version's",
        ),
        (None, "Probes, top-1 test accuracy (%): set, no named protocol", "These probes name no protocol"),
    ],
)
def test_only_protocols_of_this_version_are_described(
    probed: Make, protocol: str | None, title: str, note: str
) -> None:
    table = only([probed(None, 0, 50.0, protocol=protocol, data=KNOWN)])
    text = text_tables(table)[0]
    assert text.title == title
    assert [one[: len(note)] for one in text.notes[:-1]] == ([note] if note else [])
    assert note in tables_as_text([table])


def test_a_slash_among_the_seeds_is_explained(pretrained: Make, probed: Make) -> None:
    plain, other = pretrained(1), pretrained(1, recipe={"seed": 2})
    for source, explained in ((plain, False), (other, True)):
        notes = " ".join(text_tables(only([source, probed(source, 0, 50.0)]))[0].notes)
        assert ("a number after a slash is the seed of the crops" in notes) is explained
