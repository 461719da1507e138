"""Differences and shares against independent derivations; CSV read back; LaTeX with all special characters escaped."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from vissl_monoimage.ledger.row import Row
from vissl_monoimage.ledger.row_parts import Weights
from vissl_monoimage.report.formats.csv import HEADER, tables_as_csv
from vissl_monoimage.report.formats.latex import escape, tables_as_latex
from vissl_monoimage.report.tables.accuracy import text_tables
from vissl_monoimage.report.tables.comparison import DASH_NOTE, difference_table, recovery_table
from vissl_monoimage.report.tables.join import join_probes
from vissl_monoimage.report.tables.table import Table, build_tables
from vissl_monoimage.report.tables.text_table import TextTable

Make = Callable[..., Row]
Accuracies = dict[int, float]  # of conv1, by training seed
RANDOM, MONO, FULL = {0: 50.3, 1: 51.1, 2: 49.2}, {0: 55.0, 1: 57.2, 2: 54.1}, {0: 61.4, 1: 60.2, 2: 60.9}


def table_of(a_row: Make, random: Accuracies, mono: Accuracies, full: Accuracies, method: str = "rotnet") -> Table:
    """Return random weights, a method on one image (crops of the same seed) and on a data set, probed at conv1."""
    rows = [a_row(run_id=f"r{seed}", seed=seed, accuracies=top(value)) for seed, value in random.items()]
    for name, values, images in (("mono", mono, [{"name": "china", "sha256": "5" * 64}]), ("full", full, [])):
        for seed, value in values.items():
            made = {
                "images": images,
                "recipe": {"seed": seed} if images else {},
                "dataset": "cifar10",
                "method": method if images else "rotnet",
            }
            weights = f"{name}{seed}"
            rows.append(
                a_row(run_id=f"p{weights}", kind="pretrain", seed=seed, group_hash=name, protocol=None,
                      accuracies={}, checkpoint_out_sha256=weights, **made)
            )  # fmt: skip
            rows.append(
                a_row(run_id=weights, seed=9, group_hash="h", weights=Weights("/x", weights),
                      accuracies=top(value))
            )  # fmt: skip
    (table,) = build_tables(join_probes(rows))
    return table


def top(value: float) -> dict[str, dict[str, float]]:
    return {"conv1": {"top_1": value}}


def cells(text: TextTable | None) -> dict[str, list[str]]:
    assert text is not None
    return {row[0]: row[1:] for row in text.rows}


def test_differences_equal_scipys_paired_t_interval(a_row: Make) -> None:
    found = cells(difference_table(table_of(a_row, RANDOM, MONO, FULL)))
    assert "random weights" not in found
    test = scipy.stats.ttest_rel([MONO[s] for s in range(3)], [RANDOM[s] for s in range(3)])
    ends = test.confidence_interval(0.95)
    half = (ends.high - ends.low) / 2
    assert found["rotnet on china (1 image)"][:2] == [f"{ends.low + half:+.1f} ± {half:.1f}", "n=3 (seeds 0 1 2)"]


def test_only_shared_seeds_are_paired_and_one_pair_has_no_interval(a_row: Make) -> None:
    found = cells(difference_table(table_of(a_row, RANDOM, {2: 54.1, 7: 99.0}, {8: 60.0, 9: 61.0})))
    assert found["rotnet on china (1 image)"][:2] == ["+4.9", "n=1 (seed 2), no interval"]
    mean = 60.5 - np.mean(list(RANDOM.values()))
    assert found["rotnet on cifar10"][:2] == [f"{mean:+.1f}", "no shared seed, no interval"]


def test_the_share_equals_that_over_every_possible_resample(a_row: Make) -> None:
    """Take all 27 resamples of three seeds, equally likely, instead of 10,000 random ones."""
    (row,) = recovery_table(table_of(a_row, RANDOM, MONO, FULL)).rows  # type: ignore[union-attr]
    r, m, f = (np.array([values[seed] for seed in range(3)]) for values in (RANDOM, MONO, FULL))
    draws = np.array(list(itertools.product(range(3), repeat=3)))
    shares = 100 * (m[draws].mean(1) - r[draws].mean(1)) / (f[draws].mean(1) - r[draws].mean(1))
    low, high = np.quantile(shares, [0.025, 0.975], method="inverted_cdf")
    share = 100 * (m.mean() - r.mean()) / (f.mean() - r.mean())
    assert row[:4] == [
        "rotnet on china (1 image)",
        "rotnet on cifar10",
        f"{share:.0f} ({low:.0f} to {high:.0f})",
        "n=3 (seeds 0 1 2)",
    ]


@pytest.mark.parametrize(
    ("random", "full", "shown"),
    [
        (RANDOM, {0: 51.0, 1: 50.0, 2: 52.0}, "-"),  # its gain is within its interval of 0
        (RANDOM, {0: 40.0, 1: 41.0, 2: 40.0}, "-"),  # worse than random weights
        ({0: 50.0}, {0: 50.0}, "-"),
        ({0: 50.0}, {0: 60.0}, "50"),
        ({0: 50.0, 1: 52.0}, {3: 60.0, 4: 62.0}, "40"),  # no seed of all three: (55 - 51) / (61 - 51)
    ],
)
def test_an_inconclusive_share_is_a_dash_with_its_footnote(
    a_row: Make, random: Accuracies, full: Accuracies, shown: str
) -> None:
    text = recovery_table(table_of(a_row, random, {0: 55.0}, full))
    assert text is not None
    assert text.rows[0][2] == shown
    assert (DASH_NOTE in text.notes) == (shown == "-")


def test_shares_are_of_the_same_method_and_need_random_weights(a_row: Make) -> None:
    assert recovery_table(table_of(a_row, RANDOM, MONO, FULL, method="monogan")) is None
    assert recovery_table(table_of(a_row, {}, MONO, FULL)) is None
    assert recovery_table(table_of(a_row, RANDOM, MONO, {})) is None
    assert difference_table(table_of(a_row, {}, MONO, FULL)) is None


def test_the_csv_read_back_equals_the_table(a_row: Make) -> None:
    table = table_of(a_row, RANDOM, {0: 55.0}, FULL)
    read = pd.read_csv(io.StringIO(tables_as_csv([table])), dtype={"seeds": str})
    assert tuple(read.columns) == HEADER
    for line, row in zip(table.lines, read.itertuples(), strict=True):
        cell = line.cells["conv1"]
        assert (row.method, row.trunk, row.n, row.seeds) == (line.label, line.trunk, cell.n, " ".join(line.seeds))
        assert (row.protocol, row.dataset, row.layer) == ("p-v1", "set", "conv1")
        assert row.mean == pytest.approx(cell.mean, abs=1e-4)
        assert (
            np.isnan(row.half_width_95)
            if cell.half_width is None
            else row.half_width_95 == pytest.approx(cell.half_width, abs=1e-4)
        )


UNESCAPE = {
    r"\textbackslash{}": "\\", r"\textasciitilde{}": "~", r"\textasciicircum{}": "^", r"\textless{}": "<",
    r"\textgreater{}": ">", r"\textbar{}": "|", r"\textdagger{}": "†", r"$\pm$": "±",
    r"\textdaggerdbl{}": "‡", r"\S{}": "§", r"\P{}": "¶",
    **{f"\\{special}": special for special in "&%$#_{}"},
}  # fmt: skip
TOKEN = re.compile("|".join(map(re.escape, UNESCAPE)) + r"|[^\\&%$#_{}~^<>|†‡§¶±]", re.DOTALL)


@settings(max_examples=200)
@given(st.text(alphabet=st.sampled_from("\\&%$#_{}~^<>|†‡§¶±[]ab \n")))
def test_escaped_text_is_read_back_by_an_independent_reader(text: str) -> None:
    """The reader knows special characters only in their escaped form, so that none is left for LaTeX to interpret."""
    escaped = escape(text)
    tokens = TOKEN.findall(escaped)
    assert "".join(tokens) == escaped
    assert "".join(UNESCAPE.get(token, token) for token in tokens) == " ".join(text.split())


def test_latex_tables_have_all_columns_and_name_protocol_data_set_and_n(a_row: Make) -> None:
    texts = text_tables(table_of(a_row, RANDOM, MONO, FULL, method="a_b&c"))
    text = tables_as_latex(texts)
    assert text.count(r"\begin{table}") == text.count(r"\end{table}") == len(texts)
    caption = re.findall(r"\\caption\{(.*)\}", text)[0]
    assert all(word in caption for word in ("set", "p-v1", "n = 3 trunks per line"))
    assert r"a\_b\&c on china (1 image)" in text
    for one, body in zip(texts, text.split(r"\begin{tabular}")[1:], strict=True):
        columns = re.match(r"\{([lr]+)\}", body)
        assert columns
        assert len(columns[1]) == len(one.header)
        lines = [line for line in body.splitlines() if line.endswith(r" \\")]
        assert len(lines) == 1 + len(one.rows)
        assert {len(re.findall(r"(?<!\\)&", line)) for line in lines} == {len(one.header) - 1}
