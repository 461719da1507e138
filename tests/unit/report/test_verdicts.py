"""Sentences on the paper's claims: which words the statistics of a table allow."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Callable, Mapping, Sequence

import pytest

from vissl_monoimage.ledger.row import Row
from vissl_monoimage.ledger.row_parts import DataSplit, InitialWeights, Weights
from vissl_monoimage.report.claims.headlines import headlines
from vissl_monoimage.report.claims.lessons import lessons
from vissl_monoimage.report.claims.verdicts import TableVerdicts, judge
from vissl_monoimage.report.formats.csv import comparisons_as_csv
from vissl_monoimage.report.tables.contrasts import gaps
from vissl_monoimage.report.tables.join import join_probes
from vissl_monoimage.report.tables.table import Table, build_tables

Make = Callable[..., Row]
Accuracies = Mapping[str, Sequence[float]]  # {layer: accuracy of each seed}
PHOTO, OTHER_PHOTO = ({"name": name, "sha256": name[0] * 64} for name in ("market", "china"))
CALIBRATED = "random, calibrated"
NARROW, WIDE = (-0.05, 0.0, 0.05), (-3.0, 0.0, 3.0)  # spreads of three seeds
TEACHES, AS_MUCH, DEPTH, AUGMENTATION, CONV5 = (
    "One image teaches more than no training",
    "For early layers one image teaches as much as a whole data set",
    "Deeper layers need more images",
    "Augmentation is what makes one image enough, scale above all",
    "At conv5 one image reaches two thirds of a whole data set's accuracy",
)


def around(mean: float, spread: Sequence[float] = NARROW) -> list[float]:
    return [mean + difference for difference in spread]


class Rows:
    """Rows of pretrainings and probes; the seeds of all of them start from the same initial weights."""

    def __init__(self, a_row: Make) -> None:
        self.a_row = a_row
        self.rows: list[Row] = []

    def random(self, accuracies: Accuracies) -> None:
        for seed, by_layer in self._by_seed(accuracies):
            weights = InitialWeights("random", f"start {seed}")
            self.rows.append(self.a_row(run_id=f"r{seed}", seed=seed, accuracies=by_layer, initial_weights=weights))

    def trained(self, accuracies: Accuracies, images: Sequence[object] = (PHOTO,), **changes: object) -> None:
        name = f"{len(self.rows)}"
        for seed, by_layer in self._by_seed(accuracies):
            weights = f"{name}-{seed}"
            made = {
                "run_id": f"p{weights}",
                "kind": "pretrain",
                "seed": seed,
                "group_hash": name,
                "method": "rotnet",
                "dataset": "single_image" if images else "cifar10",
                "images": list(images),
                "protocol": None,
                "accuracies": {},
                "checkpoint_out_sha256": weights,
                "initial_weights": InitialWeights("random", f"start {seed}"),
            }
            self.rows.append(self.a_row(**(made | changes)))
            probe = {"weights": Weights("/x", weights), "group_hash": "probe", "accuracies": by_layer}
            self.rows.append(self.a_row(run_id=weights, **probe))

    def table(self) -> Table:
        (table,) = build_tables(join_probes(self.rows))
        return table

    def judged(self) -> TableVerdicts:
        found = judge(self.table())
        assert found is not None
        return found

    def said(self, claim: str) -> list[str]:
        return next((verdict.paragraphs for verdict in self.judged().verdicts if verdict.claim == claim), [])

    @staticmethod
    def _by_seed(accuracies: Accuracies) -> list[tuple[int, dict[str, dict[str, float]]]]:
        seeds = range(len(next(iter(accuracies.values()))))
        return [(seed, {layer: {"top_1": values[seed]} for layer, values in accuracies.items()}) for seed in seeds]


@pytest.fixture
def rows(a_row: Make) -> Rows:
    return Rows(a_row)


def test_a_gain_is_told_apart_equal_or_neither_and_each_has_its_own_words(rows: Rows) -> None:
    """With a baseline of no spread, a difference has the spread of the photo's seeds."""
    layers = {"conv1": (55.0, NARROW), "conv2": (50.02, NARROW), "conv3": (53.0, WIDE), "conv4": (45.0, NARROW)}
    rows.random({layer: [50.0] * 3 for layer in layers})
    rows.trained({layer: around(mean, spread) for layer, (mean, spread) in layers.items()})
    (sentence,) = rows.said(TEACHES)
    assert sentence.split("; ") == [
        "RotNet: one photo gains +5.0 points (4.9 to 5.1) at conv1 over uncalibrated random weights",
        "one photo is below them, -5.0 points (-5.1 to -4.9) at conv4",
        "it is equal to them within 1 point, +0.0 points (-0.1 to 0.1) at conv2",
        "it is not told apart from them, +3.0 points (-4.5 to 10.5) at conv3.",
    ]


def test_early_layers_are_equal_only_by_a_test_of_equivalence(rows: Rows) -> None:
    data_set = {"conv1": [60.0] * 3, "conv2": [60.0] * 3, "conv3": [60.0] * 3}
    rows.random({layer: [50.0] * 3 for layer in data_set})
    rows.trained(data_set, images=())
    rows.trained({"conv1": around(60.02), "conv2": around(60.02, WIDE), "conv3": around(55.0)})
    (sentence,) = rows.said(AS_MUCH)
    assert sentence == (
        "RotNet: one photo is equal to CIFAR-10's images within 1 point, +0.0 points (-0.1 to 0.1) at conv1; it is not "
        "told apart from them, +0.0 points (-7.4 to 7.5) at conv2. It has 100 % (99 to 101) at conv1 and 100 % (26 to "
        "175) at conv2 of what CIFAR-10's images gain over uncalibrated random weights."
    )


def test_within_a_point_may_still_be_told_apart(rows: Rows) -> None:
    rows.trained({"conv1": [60.0] * 3}, images=())
    rows.trained({"conv1": around(59.5)})
    assert rows.said(AS_MUCH) == [
        "RotNet: one photo is within 1 point of CIFAR-10's images though told apart, "
        "-0.5 points (-0.6 to -0.4) at conv1."
    ]


def test_tables_that_differ_in_the_changes_to_their_protocol_have_titles_of_their_own(rows: Rows) -> None:
    rows.random({"conv1": [50.0] * 3})
    rows.trained({"conv1": around(55.0)})
    assert rows.judged().title == "set, protocol p-v1"
    table = dataclasses.replace(rows.table(), changes=("global batch=32 (256)", "DATA.TRAIN.DATA_LIMIT=500 (-1)"))
    judged = judge(table)
    assert judged is not None
    assert judged.title == "set, protocol p-v1 with global batch=32 (256), DATA.TRAIN.DATA_LIMIT=500 (-1)"


def test_one_seed_makes_no_claim(rows: Rows) -> None:
    rows.random({"conv1": [50.0], "conv2": [50.0]})
    rows.trained({"conv1": [60.0], "conv2": [60.0]}, images=())
    rows.trained({"conv1": [70.0], "conv2": [70.0]})
    assert rows.judged().verdicts == []
    assert rows.judged().notes == ["One seed, a trial that makes no claim: rotnet on market (1 image)."]
    assert headlines(rows.table(), "conv2") == []


def test_one_seed_of_the_photo_makes_no_claim_whatever_the_others_have(rows: Rows) -> None:
    rows.random({"conv1": around(50.0)})
    rows.trained({"conv1": around(60.0)}, images=())
    rows.trained({"conv1": [70.0]})
    assert rows.judged().verdicts == []


@pytest.mark.parametrize(("baseline", "data_set", "alone"), [(3, 1, "rotnet on cifar10"), (1, 3, "random weights")])
def test_nothing_is_compared_with_a_line_of_one_seed(rows: Rows, baseline: int, data_set: int, alone: str) -> None:
    """A photo of three seeds has a share then, without an interval."""
    layers = ("conv1", "conv2", "conv3")
    rows.random({layer: [50.0] * baseline for layer in layers})
    rows.trained({layer: [60.0] * data_set for layer in layers}, images=())
    rows.trained({layer: around(55.0) for layer in layers})
    said = [text for verdict in rows.judged().verdicts for text in verdict.paragraphs] + headlines(
        rows.table(), "conv2"
    )
    assert said
    assert not [text for text in said if "%" in text or "share" in text]
    assert f"One seed, so that nothing is compared with it: {alone}." in rows.judged().notes


@pytest.mark.parametrize(
    ("calibrated_on", "gain"),
    [
        (
            [PHOTO],
            "One photo gains +2.0 points (1.9 to 2.1) at conv1 over random weights calibrated on the same images",
        ),
        ([OTHER_PHOTO], None),
        ([], None),  # a data set, or noise
        (None, None),
    ],
)
def test_a_calibrated_baseline_counts_if_it_saw_the_same_images(
    rows: Rows, calibrated_on: list[object] | None, gain: str | None
) -> None:
    rows.random({"conv1": [50.0] * 3})
    if calibrated_on is not None:
        rows.trained({"conv1": [58.0] * 3}, calibrated_on, method=CALIBRATED)
    rows.trained({"conv1": around(60.0)})
    (sentence,) = rows.said(TEACHES)
    assert sentence.startswith("RotNet: one photo gains +10.0 points (9.9 to 10.1) at conv1 over uncalibrated random")
    assert gain in sentence if gain else "calibrated on" not in sentence
    missing = (
        "No calibrated baseline has a row here for RotNet: gains stand on the uncalibrated one, whose batch norms "
        "never saw an image; statistics alone may lift the layers after the first."
    )
    assert (missing in rows.judged().notes) is (gain is None)


def test_a_trunk_without_random_weights_has_no_gain_to_warn_of(rows: Rows) -> None:
    rows.random({"conv1": [50.0] * 3})
    rows.trained({"conv1": around(60.0)})
    rows.trained({"conv1": around(65.0)}, method="sparse_coding")
    rows.rows[-6:] = [dataclasses.replace(row, trunk="sparse_coding") for row in rows.rows[-6:]]
    (note,) = [note for note in rows.judged().notes if note.startswith("No calibrated baseline")]
    assert "has a row here for RotNet on alexnet: gains" in note


def test_the_csv_names_the_baselines_of_both_gains_of_a_share(rows: Rows) -> None:
    for images in ((PHOTO,), ()):
        rows.trained({"conv1": around(50.0)}, images, method=CALIBRATED)
        rows.trained({"conv1": around(60.0)}, images)
    (share,) = [line for line in csv.DictReader(comparisons_as_csv([rows.table()]).splitlines()) if line["baseline"]]
    baselines = share["baseline"], share["full_baseline"]
    assert baselines == (f"{CALIBRATED} on market (1 image)", f"{CALIBRATED} on cifar10")
    assert (share["measure"], share["estimate"], share["n"]) == ("share", "100.0000", "3")


def test_calibrated_weights_are_a_baseline_and_learn_nothing_themselves(rows: Rows) -> None:
    rows.random({"conv1": [50.0] * 3})
    rows.trained({"conv1": around(58.0)}, method=CALIBRATED)
    assert judge(rows.table()) is None


@pytest.mark.parametrize(
    ("photo", "words"),
    [
        ((59.0, 57.0, 55.0), "grows with depth, -2.0 points a layer (-2.0 to -2.0), from -1.0 at conv1 to -5.0"),
        (
            (55.0, 57.0, 59.0),
            "does not grow with depth but moves in the photo's favour, +2.0 points a layer (2.0 to 2.0), from -5.0 at "
            "conv1 to -1.0",
        ),
    ],
)
def test_the_trend_of_the_gap_is_that_of_the_layers(rows: Rows, photo: tuple[float, ...], words: str) -> None:
    """All seeds move together, so that they have one slope."""
    layers = ("conv1", "conv2", "conv3")
    rows.trained({layer: around(60.0, WIDE) for layer in layers}, images=())
    rows.trained({layer: around(mean, WIDE) for layer, mean in zip(layers, photo, strict=True)})
    assert rows.said(DEPTH) == [f"RotNet: the gap to CIFAR-10's images {words} at conv3."]


@pytest.mark.parametrize(
    ("last", "spread", "words"),
    [
        (2.3, (0, 0, 0), "the photo's lead over CIFAR-10's images shrinks with depth, "),
        (0.0, (0, 0, 0), "the photo's lead over CIFAR-10's images shrinks with depth, "),
        (-0.5, (-0.5, 0.0, 0.5), "the gap to CIFAR-10's images moves in the data set's favour with depth, "),
        (-0.5, (0, 0, 0), "the gap to CIFAR-10's images grows with depth, "),
    ],
)
def test_the_gap_grows_only_to_where_the_photo_is_behind(
    rows: Rows, last: float, spread: Sequence[float], words: str
) -> None:
    rows.trained({"conv1": [60.0] * 3, "conv2": [60.0] * 3}, images=())
    rows.trained({"conv1": [67.9] * 3, "conv2": around(60.0 + last, spread)})
    (said,) = rows.said(DEPTH)
    assert said.startswith(f"RotNet: {words}")
    assert said.endswith(f"from +7.9 at conv1 to {last:+.1f} at conv2.")


def test_a_trend_that_seeds_do_not_share_is_not_told_apart(rows: Rows) -> None:
    rows.trained({"conv1": [60.0] * 3, "conv2": [60.0] * 3}, images=())
    rows.trained({"conv1": [59.0] * 3, "conv2": around(58.0, WIDE)})
    assert rows.said(DEPTH) == [
        "RotNet: no trend of the gap to CIFAR-10's images is told apart, -1.0 points a layer (-8.5 to 6.5), from -1.0 "
        "at conv1 to -2.0 at conv2."
    ]


AUGMENTATIONS: dict[str, dict[str, object]] = {
    "all": {},
    "none": {"rotation": 0, "shear": 0, "jitter": 0, "scale": [1, 1]},
    "scale": {"rotation": 0, "shear": 0, "jitter": 0},
    "jitter": {"rotation": 0, "shear": 0, "scale": [1, 1]},
}


def test_augmentations_are_compared_with_none_and_scale_with_the_other_single_ones(rows: Rows) -> None:
    means = {"none": 50.0, "scale": 56.0, "jitter": 52.0, "all": 57.0}
    for name, mean in means.items():
        rows.trained({"conv1": around(mean, NARROW if name == "scale" else (0, 0, 0))},
                     method="monogan", group_hash=name, recipe={"name": "released", **AUGMENTATIONS[name]})  # fmt: skip
    said = sorted(rows.said(AUGMENTATION))
    assert said[1:] == [
        "MonoGAN: with jitter, one photo gains +2.0 points (2.0 to 2.0) at conv1 over crops without augmentation.",
        "MonoGAN: with scale, one photo gains +4.0 points (3.9 to 4.1) at conv1 over crops with jitter.",
        "MonoGAN: with scale, one photo gains +6.0 points (5.9 to 6.1) at conv1 over crops without augmentation.",
    ]


def test_pronouns_stand_for_the_crops_that_an_augmentation_is_compared_with(rows: Rows) -> None:
    for name, means in (("none", (50.0, 50.0)), ("all", (45.0, 50.1))):
        rows.trained({"conv1": around(means[0]), "conv2": around(means[1], WIDE if name == "all" else (0, 0, 0))},
                     method="monogan", group_hash=name, recipe={"name": "released", **AUGMENTATIONS[name]})  # fmt: skip
    assert rows.said(AUGMENTATION) == [
        "MonoGAN: with all augmentations, one photo is below crops without augmentation, -5.0 points (-5.0 to -5.0) at "
        "conv1; it is not told apart from them, +0.1 points (-7.4 to 7.6) at conv2."
    ]


def test_an_ablation_of_one_seed_a_row_makes_no_claim(rows: Rows) -> None:
    for name, recipe in AUGMENTATIONS.items():
        rows.trained({"conv1": [50.0]}, method="monogan", group_hash=name, recipe={"name": "released", **recipe})
    (sentence,) = rows.said(AUGMENTATION)
    assert sentence.startswith("MonoGAN: one seed a row (")
    assert sentence.endswith("), a trial that makes no claim.")


def test_lines_of_one_augmentation_that_differ_otherwise_are_not_compared(rows: Rows) -> None:
    """A control with a frozen generator has the crops of `all`."""
    for name, augmentation in (("none", "none"), ("all", "all"), ("frozen", "all"), ("jitter", "jitter")):
        recipe = {"name": "released", **AUGMENTATIONS[augmentation]}
        rows.trained({"conv1": around(50.0)}, method="monogan", group_hash=name, recipe=recipe)
    (sentence,) = rows.said(AUGMENTATION)
    assert sentence.startswith("MonoGAN: with jitter, one photo is")


def test_augmentations_are_compared_within_one_renderer(rows: Rows) -> None:
    for name, renderer in (("none", {}), ("all", {"renderer": "torch"})):
        recipe = {"name": "released", **AUGMENTATIONS[name], **renderer}
        rows.trained({"conv1": around(50.0)}, method="monogan", group_hash=name, recipe=recipe)
    assert rows.said(AUGMENTATION) == []


def test_all_images_of_a_data_set_as_photos_are_a_whole_data_set(rows: Rows) -> None:
    """A row names at most 1,000 of its photos."""
    rows.trained({"conv1": around(60.0)}, images=(), n_images=50_000)
    rows.trained({"conv1": around(65.0)}, images=[PHOTO, OTHER_PHOTO], n_images=50_000)
    rows.trained({"conv1": around(58.0)}, images=[PHOTO, OTHER_PHOTO], n_images=10)
    rows.trained({"conv1": around(61.0)})
    (said,) = rows.said(AS_MUCH)
    assert "above CIFAR-10's images, +1.0 points" in said
    assert "below the 50,000 images, -4.0 points" in said
    labels = [line.label for line in rows.table().lines]
    assert sorted(labels) == [
        "rotnet on 10 images",
        "rotnet on 50000 images",
        "rotnet on cifar10",
        "rotnet on market (1 image)",
    ]


@pytest.mark.parametrize(
    ("used", "size", "is_full", "number"),
    [
        (160, 50_000, False, 160),
        (50_000, 50_000, True, None),
        (25_000, 25_000, True, 25_000),
        (160, None, False, 160),
        (50_000, None, True, None),
    ],
)
def test_a_part_of_a_data_set_is_no_whole_one(
    rows: Rows, used: int, size: int | None, is_full: bool, number: int | None
) -> None:
    """Rows of version 1 lack the size. All images of a folder that has a part of a data set are called that part."""
    data = {"train": DataSplit("cifar10", images=size)}
    rows.random({"conv1": [10.0] * 3, "conv5": [10.0] * 3})
    rows.trained({"conv1": around(30.0), "conv5": around(30.0)}, images=(), n_images=used, data=data)
    rows.trained({"conv1": around(20.0), "conv5": around(20.0, (-0.05, 0.05, 0.0))})
    assert [bool(rows.said(claim)) for claim in (AS_MUCH, DEPTH, CONV5)] == [is_full] * 3
    (headline,) = headlines(rows.table(), "conv1")
    assert f" of what {f'{number:,} of ' if number else ''}CIFAR-10's images gain" in headline
    (gap,) = gaps(rows.table(), rows.table().lines[-1])
    assert gap.other.label == f"rotnet on {f'{number} images of ' if number else ''}cifar10"


@pytest.mark.parametrize(("photo", "place"), [(20.0, "lie within"), (26.0, "lie outside of")])
def test_two_thirds_at_conv5_are_of_the_accuracy(rows: Rows, photo: float, place: str) -> None:
    rows.trained({"conv5": around(30.0)}, images=())
    rows.trained({"conv5": around(photo, (-0.05, 0.05, 0.0))})
    (sentence,) = rows.said(CONV5)
    assert sentence.startswith(f"RotNet: one photo has {100 * photo / 30:.0f} % (")
    assert sentence.endswith(f" of the accuracy of CIFAR-10's images at conv5; two thirds {place} the interval.")


def test_a_pretraining_is_compared_with_the_data_set_at_the_same_number_of_steps(rows: Rows) -> None:
    for steps, mean in ((100, 60.0), (900, 80.0)):
        rows.trained({"conv1": [mean] * 3}, images=(), iterations=steps)
        rows.trained({"conv1": [mean - 1.0 + steps / 1000] * 3}, iterations=steps)
    said = " ".join(rows.said(AS_MUCH))
    assert "-0.9 points (-0.9 to -0.9)" in said
    assert "-0.1 points (-0.1 to -0.1)" in said
    assert said.count("points") == 2


def test_another_number_of_steps_is_said_wherever_the_two_are_compared(rows: Rows) -> None:
    layers = ("conv1", "conv5")
    rows.random({layer: around(10.0) for layer in layers})
    rows.trained({layer: around(40.0) for layer in layers}, images=(), iterations=1900)
    rows.trained({layer: around(30.0, (0.05, 0.0, -0.1)) for layer in layers}, iterations=100)
    said = [text for claim in (AS_MUCH, DEPTH, CONV5) for text in rows.said(claim)]
    assert len(said) == 3
    for text in [*said, *headlines(rows.table(), "conv1")]:
        assert "CIFAR-10's images (after 1,900 steps, the photo's after 100)" in text
        assert text.count("CIFAR-10's images") == text.count("(after 1,900 steps, the photo's after 100)")


def test_a_headline_has_gain_and_share_of_one_layer(rows: Rows) -> None:
    rows.random({"conv1": [50.0] * 3, "conv2": [50.0] * 3})
    rows.trained({"conv1": around(60.0), "conv2": [60.0] * 3}, images=())
    rows.trained({"conv1": around(51.0), "conv2": around(55.0)})
    assert headlines(rows.table(), "conv2") == [
        "RotNet, conv2: one photo gains +5.0 points (4.9 to 5.1) over uncalibrated random weights, 50 % (49 to 51) of "
        "what CIFAR-10's images gain."
    ]


def test_a_headline_has_the_share_of_each_data_set_or_that_there_is_none(rows: Rows) -> None:
    rows.random({"conv2": around(50.0)})
    for name, spread in (("cifar10", NARROW), ("cifar100", (-3.0, 6.0, 0.0))):
        rows.trained({"conv2": around(53.0, spread)}, images=(), dataset=name)
    rows.trained({"conv2": around(51.5)})
    (headline,) = headlines(rows.table(), "conv2")
    assert headline.endswith(" of what CIFAR-10's images gain, no share of what CIFAR-100's images gain.")


def test_a_lesson_is_over_the_strictest_baseline_and_names_what_is_inconclusive(rows: Rows) -> None:
    layers = {"conv1": (53.0, WIDE), "conv2": (58.0, NARROW), "conv3": (45.0, NARROW)}
    rows.random({layer: [20.0] * 3 for layer in layers})
    rows.trained({layer: [50.0] * 3 for layer in layers}, method=CALIBRATED)
    rows.trained({layer: around(mean, spread) for layer, (mean, spread) in layers.items()})
    rows.trained({layer: around(51.0, WIDE) for layer in layers}, method="kmeans")
    assert lessons(rows.table()) == [
        "k-means: inconclusive at every layer, one photo is not told apart from random weights calibrated on the same "
        "images.",
        "RotNet: one photo gains +8.0 points (7.9 to 8.1) at conv2 over random weights calibrated on the same images; "
        "one photo is below them, -5.0 points (-5.1 to -4.9) at conv3; inconclusive at conv1.",
    ]


def test_one_seed_has_a_lesson_only_where_no_line_has_several(rows: Rows) -> None:
    rows.random({"conv1": [20.0]})
    rows.trained({"conv1": [60.0]})
    assert lessons(rows.table()) == ["RotNet: inconclusive, one seed makes no claim."]
    rows.random({"conv1": [20.0] * 3})
    rows.trained({"conv1": around(70.0)}, method="kmeans")
    assert [text.partition(":")[0] for text in lessons(rows.table())] == ["k-means"]
