"""Differences and shares against independent derivations; CSV read back; LaTeX with all special characters escaped."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from vissl_monoimage.ledger.row import Row
from vissl_monoimage.ledger.row_parts import InitialWeights, Weights
from vissl_monoimage.report.formats.csv import COMPARISONS_HEADER, HEADER, comparisons_as_csv, tables_as_csv
from vissl_monoimage.report.formats.latex import escape, tables_as_latex
from vissl_monoimage.report.tables.accuracy import text_tables
from vissl_monoimage.report.tables.comparison import NO_SHARE_NOTE, ONE_SEED_NOTE, comparison_table
from vissl_monoimage.report.tables.join import join_probes
from vissl_monoimage.report.tables.table import Table, build_tables

Make = Callable[..., Row]
Accuracies = dict[int, float]  # of conv1, by training seed
RANDOM, MONO, FULL = {0: 50.3, 1: 51.1, 2: 49.2}, {0: 55.0, 1: 57.2, 2: 54.1}, {0: 61.4, 1: 60.2, 2: 60.9}


def table_of(
    a_row: Make,
    random: Accuracies,
    mono: Accuracies,
    full: Accuracies,
    method: str = "rotnet",
    weights_of_random: str | None = "seed",
    layers: tuple[str, ...] = ("conv1",),
) -> Table:
    """Return random weights, a method on one image (crops of the same seed) and on a data set.

    Args:
        random, mono, full: their accuracies, in each of the `layers`.
        method: of the one image.
        weights_of_random: the name of their initial weights, which is "seed" for those of the pretrainings; None if
            they are not known.
        layers: the probed layers.
    """
    rows = [
        a_row(
            run_id=f"r{seed}",
            seed=seed,
            accuracies=top(value, layers),
            initial_weights=InitialWeights("random", weights_of_random and f"{weights_of_random} {seed}"),
        )
        for seed, value in random.items()
    ]
    for name, values, images in (("mono", mono, [{"name": "china", "sha256": "5" * 64}]), ("full", full, [])):
        for seed, value in values.items():
            made = {
                "images": images,
                "recipe": {"seed": seed} if images else {},
                "dataset": "cifar10",
                "method": method if images else "rotnet",
                "initial_weights": InitialWeights("random", f"seed {seed}"),
            }
            weights = f"{name}{seed}"
            rows.append(
                a_row(run_id=f"p{weights}", kind="pretrain", seed=seed, group_hash=name, protocol=None,
                      accuracies={}, checkpoint_out_sha256=weights, **made)
            )  # fmt: skip
            rows.append(
                a_row(run_id=weights, seed=9, group_hash="h", weights=Weights("/x", weights),
                      accuracies=top(value, layers))
            )  # fmt: skip
    (table,) = build_tables(join_probes(rows))
    return table


def top(value: float, layers: tuple[str, ...]) -> dict[str, dict[str, float]]:
    return {layer: {"top_1": value} for layer in layers}


def measures(table: Table) -> dict[str, list[str]]:
    """Return {measure: [cell of each layer, test]} of the line of one image."""
    text = comparison_table(table)
    assert text is not None
    return {row[1]: row[2:-1] for row in text.rows if "china" in row[0]}


def test_gains_and_gaps_of_the_same_initial_weights_equal_scipys_paired_t_interval(a_row: Make) -> None:
    rows = measures(table_of(a_row, RANDOM, MONO, FULL))
    assert rows["gain over random weights (points)"][1] == "paired, n=3"
    for measure, other in (("gain over random weights (points)", RANDOM), ("gap to rotnet on cifar10 (points)", FULL)):
        test = scipy.stats.ttest_rel([MONO[s] for s in range(3)], [other[s] for s in range(3)])
        ends = test.confidence_interval(0.95)
        mean = (ends.high + ends.low) / 2
        apart = " *" if test.pvalue < 0.05 else ""
        assert rows[measure][0] == f"{mean:+.1f} ({ends.low:.1f} to {ends.high:.1f}){apart}"


@pytest.mark.parametrize("weights", [None, "other"])
def test_other_or_unknown_initial_weights_are_compared_by_welchs_test(a_row: Make, weights: str | None) -> None:
    rows = measures(table_of(a_row, RANDOM, MONO, FULL, weights_of_random=weights))
    welch = scipy.stats.ttest_ind([*MONO.values()], [*RANDOM.values()], equal_var=False)
    ends = welch.confidence_interval(0.95)
    assert rows["gain over random weights (points)"] == [
        f"{(ends.low + ends.high) / 2:+.1f} ({ends.low:.1f} to {ends.high:.1f}) *",
        "Welch, n=3",
    ]
    assert rows["gap to rotnet on cifar10 (points)"][1] == "paired, n=3"


def test_trunks_without_a_partner_are_counted(a_row: Make) -> None:
    five = RANDOM | {3: 20.0, 4: 80.0}
    rows = measures(table_of(a_row, five, MONO, FULL))
    few = measures(table_of(a_row, RANDOM, MONO, FULL))
    assert rows["gain over random weights (points)"] == [
        few["gain over random weights (points)"][0],
        "paired, n=3 of 5",
    ]
    assert rows["gap to rotnet on cifar10 (points)"][1] == "paired, n=3"
    text = comparison_table(table_of(a_row, five, MONO, FULL))
    assert text is not None
    assert "Welch: not all did, or it is not known; they count as independent." in text.notes[0]


def test_seeds_alone_make_no_pair(a_row: Make) -> None:
    """VISSL multiplies the seed by the number of epochs: runs of one seed may start from different weights."""
    table = table_of(a_row, RANDOM, MONO, {})
    assert measures(table)["gain over random weights (points)"][1] == "paired, n=3"
    other = table_of(a_row, RANDOM, MONO, {}, weights_of_random="other")
    assert [line.seeds for line in other.lines] == [("0", "1", "2"), ("0", "1/1", "2/2")]
    assert measures(other)["gain over random weights (points)"][1] == "Welch, n=3"


def test_the_share_is_fiellers_of_the_paired_gains(a_row: Make) -> None:
    """Its ends are where Student's test of (few - random) - share * (full - random) gives p = 0.05."""
    few, full = (np.array([values[seed] - RANDOM[seed] for seed in range(3)]) for values in (MONO, FULL))

    def p_value(percent: float) -> float:
        return float(scipy.stats.ttest_1samp(few - percent / 100 * full, 0).pvalue - 0.05)

    share = 100 * few.mean() / full.mean()
    low, high = brentq(p_value, -500, share), brentq(p_value, share, 500)
    row = measures(table_of(a_row, RANDOM, MONO, FULL))["share of the gain of rotnet on cifar10 (%)"]
    assert row == [f"{share:.0f} ({low:.0f} to {high:.0f})", "Fieller, n=3"]


@pytest.mark.parametrize(
    ("random", "full", "shown"),
    [
        (RANDOM, {0: 51.0, 1: 50.0, 2: 52.0}, "no share"),  # its own gain may be 0
        (RANDOM, {0: 40.0, 1: 41.0, 2: 40.0}, "no share"),  # worse than random weights
        ({0: 50.0}, {0: 50.0}, "no share"),
        ({0: 50.0}, {0: 60.0}, "50"),
        ({0: 50.0, 1: 52.0}, {3: 60.0, 4: 62.0}, "50"),  # each gain of its own trunks: (55 - 50) / (61 - 51)
    ],
)
def test_one_seed_has_no_interval_and_makes_no_claim(
    a_row: Make, random: Accuracies, full: Accuracies, shown: str
) -> None:
    text = comparison_table(table_of(a_row, random, {0: 55.0}, full))
    assert text is not None
    row = next(row for row in text.rows if row[1].startswith("share"))
    assert row[2:4] == [shown, "one seed"]
    assert (NO_SHARE_NOTE in text.notes) == (shown == "no share")
    assert ONE_SEED_NOTE in text.notes
    gain = next(row for row in text.rows if row[1].startswith("gain"))
    assert not set("()*=") & set(gain[2])


def test_a_share_without_end_is_no_share(a_row: Make) -> None:
    full = {0: 51.5, 1: 52.0, 2: 52.0}  # gains of 1.2, 0.9 and 2.8 points over random weights
    text = comparison_table(table_of(a_row, RANDOM, MONO, full))
    assert text is not None
    assert measures(table_of(a_row, RANDOM, MONO, full))["share of the gain of rotnet on cifar10 (%)"][0] == "no share"
    assert NO_SHARE_NOTE in text.notes


def test_marks_are_of_p_values_after_holm_over_the_layers(a_row: Make) -> None:
    """At conv1 and conv2 p is 0.04 each: significant alone, not among two. Nothing is `equal` without its own test."""
    half = scipy.stats.t.ppf(0.98, 2) / np.sqrt(3)  # of differences with standard deviation 1: p = 0.04
    random = dict.fromkeys(range(3), 50.0)
    mono = {seed: 50.0 + half + value for seed, value in enumerate((-1.0, 0.0, 1.0))}
    alone = table_of(a_row, random, mono, {})
    assert measures(alone)["gain over random weights (points)"][0].endswith("*")
    both = table_of(a_row, random, mono, {}, layers=("conv1", "conv2"))
    gain = measures(both)["gain over random weights (points)"]
    assert not [cell for cell in gain if "*" in cell or "=" in cell.replace("n=", "")]
    same = {seed: 50.1 + 0.01 * seed for seed in range(3)}
    assert measures(table_of(a_row, random, same, {}))["gain over random weights (points)"][0].endswith("=")


def test_shares_are_of_the_same_method_and_need_random_weights(a_row: Make) -> None:
    def measured(*arguments: Accuracies, method: str = "rotnet") -> set[str]:
        text = comparison_table(table_of(a_row, *arguments, method=method))
        return {row[1].split()[0] for row in text.rows} if text else set()

    assert measured(RANDOM, MONO, FULL) == {"gain", "gap", "share"}
    assert measured(RANDOM, MONO, FULL, method="monogan") == {"gain"}
    assert measured({}, MONO, FULL) == {"gap"}
    assert measured(RANDOM, MONO, {}) == {"gain"}
    assert measured({}, MONO, {}) == set()


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


def test_the_csv_of_comparisons_has_the_numbers_behind_the_text(a_row: Make) -> None:
    table = table_of(a_row, RANDOM, MONO, FULL, weights_of_random="other")
    read = pd.read_csv(io.StringIO(comparisons_as_csv([table])))
    assert tuple(read.columns) == COMPARISONS_HEADER
    rows = read[read.method == "rotnet on china (1 image)"].set_index("measure")
    assert list(rows.index) == ["gain", "gap", "share"]
    welch = scipy.stats.ttest_ind([*MONO.values()], [*RANDOM.values()], equal_var=False)
    student = scipy.stats.ttest_rel([*MONO.values()], [*FULL.values()])
    for measure, test in (("gain", welch), ("gap", student)):
        row, ends = rows.loc[measure], test.confidence_interval(0.95)
        assert (row.low_95, row.high_95, row.p_holm) == pytest.approx((*ends, test.pvalue), abs=1e-4)
    assert list(rows.paired[:2].astype(str)) == ["False", "True"]
    assert list(rows.n) == [3, 3, 3]
    assert (rows.baseline.share, rows.full_baseline.share) == ("random weights", "random weights")
    assert measures(table)["share of the gain of rotnet on cifar10 (%)"][0] == (
        f"{rows.estimate.share:.0f} ({rows.low_95.share:.0f} to {rows.high_95.share:.0f})"
    )


def test_the_csv_of_comparisons_has_no_interval_for_one_seed_and_nothing_for_no_share(a_row: Make) -> None:
    read = pd.read_csv(io.StringIO(comparisons_as_csv([table_of(a_row, RANDOM, {0: 55.0}, {0: 49.0})])))
    rows = read[read.method == "rotnet on china (1 image)"].set_index("measure")
    assert rows.estimate.gain == pytest.approx(4.7)
    assert np.isnan(rows.low_95.gain)
    assert np.isnan(rows.p_holm.gain)
    assert np.isnan(rows.estimate.share)


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
