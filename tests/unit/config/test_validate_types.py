"""Values of a wrong type or out of range: one sentence each, before anything reads them."""

from __future__ import annotations

import shlex
from collections.abc import Callable

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

Problems = Callable[..., list[str]]
ROTNET = ("config=pretrain/rotnet/rotnet_8gpu_resnet", "config.TEST_MODEL=false")
SYNTHETIC = "config.DATA.TRAIN.DATA_SOURCES=[synthetic]"
TRAIN = "config.DATA.TRAIN"


@pytest.mark.parametrize("seed", ["", "null", "1.5", "-1", "true", "4294967296", "abc", "[1]", "nan", "1e3"])
def test_a_seed_is_a_whole_number(problems: Problems, seed: str) -> None:
    """`''`, null and 1.5 kept a core busy for hours: they were looked for in a range of four billion."""
    (problem,) = problems(*ROTNET, SYNTHETIC, f"config.SEED_VALUE={seed}")
    assert problem.startswith("config.SEED_VALUE=")
    assert problem.endswith("must be a whole number from 0 to 4294967295")


@pytest.mark.parametrize("seed", ["0", "4294967295"])
def test_the_smallest_and_the_largest_seed_are_fine(problems: Problems, seed: str) -> None:
    assert problems(*ROTNET, SYNTHETIC, f"config.SEED_VALUE={seed}") == []


@pytest.mark.parametrize(
    ("override", "beginning"),
    [
        (f"{TRAIN}.DATA_PATHS=[2024]", f"{TRAIN}.DATA_PATHS=[2024]: 2024 is a number, not a path"),
        (f"{TRAIN}.DATA_PATHS=[null]", f"{TRAIN}.DATA_PATHS=[null]: null is no path"),
        (f"{TRAIN}.DATA_PATHS=[[a.jpg,7]]", f"{TRAIN}.DATA_PATHS=[['a.jpg', 7]]: 7 is a number, not a path"),
        (f"{TRAIN}.DATA_PATHS=[true]", f"{TRAIN}.DATA_PATHS=[true]: true is no path"),
        (f"{TRAIN}.DATA_PATHS=me.jpg", f"{TRAIN}.DATA_PATHS=me.jpg must be a list: [me.jpg]"),
        (f"{TRAIN}.DATA_PATHS=2024", f"{TRAIN}.DATA_PATHS=2024 must be a list of paths"),
        (f"{TRAIN}.DATA_PATHS=null", f"{TRAIN}.DATA_PATHS=null must be a list of paths"),
        (f"{TRAIN}.LABEL_PATHS=[5]", f"{TRAIN}.LABEL_PATHS=[5]: 5 is a number, not a path"),
        ("config.CHECKPOINT.DIR=2024", "config.CHECKPOINT.DIR=2024: 2024 is a number, not a path"),
        ("config.CHECKPOINT.DIR=null", "config.CHECKPOINT.DIR=null: null is no path"),
        ("config.CHECKPOINT.DIR=", "config.CHECKPOINT.DIR='' is empty"),
        ("config.MODEL.WEIGHTS_INIT.PARAMS_FILE=17", "config.MODEL.WEIGHTS_INIT.PARAMS_FILE=17: 17 is a number"),
        (f"{TRAIN}.DATA_SOURCES=synthetic", f"{TRAIN}.DATA_SOURCES='synthetic' must be a list of names"),
        (f"{TRAIN}.DATA_SOURCES=[]", f"{TRAIN}.DATA_SOURCES=[] is empty"),
        (f"{TRAIN}.DATASET_NAMES=[3]", f"{TRAIN}.DATASET_NAMES=[3] must be a list of names"),
        (f"{TRAIN}.LABEL_SOURCES=null", f"{TRAIN}.LABEL_SOURCES=null must be a list of names"),
        (f"{TRAIN}.TRANSFORMS=[ToTensor]", f"{TRAIN}.TRANSFORMS=['ToTensor'] must be a list of mappings"),
        (f"{TRAIN}.BATCHSIZE_PER_REPLICA=0", f"{TRAIN}.BATCHSIZE_PER_REPLICA=0 must be a whole number of at least 1"),
        (f"{TRAIN}.BATCHSIZE_PER_REPLICA=1.5", f"{TRAIN}.BATCHSIZE_PER_REPLICA=1.5 must be a whole number"),
        ("config.OPTIMIZER.num_epochs=true", "config.OPTIMIZER.num_epochs=true must be a whole number of at least 1"),
        ("config.DATA.NUM_DATALOADER_WORKERS=-1", "config.DATA.NUM_DATALOADER_WORKERS=-1 must be a whole number of at"),
        ("config.DISTRIBUTED.NUM_PROC_PER_NODE=0", "config.DISTRIBUTED.NUM_PROC_PER_NODE=0 must be a whole number of"),
        ("config.TEST_MODEL=maybe", "config.TEST_MODEL='maybe' must be true or false"),
        ("config.TRAINER.TASK_NAME=7", "config.TRAINER.TASK_NAME=7 must be a name"),
        ("config.MODEL.TRUNK.NAME=null", "config.MODEL.TRUNK.NAME=null must be a name"),
        ("config.MODEL.HEAD.PARAMS=mlp", "config.MODEL.HEAD.PARAMS='mlp' must be a list of [name, settings]"),
        ("config.MODEL.HEAD.PARAMS=[mlp]", "config.MODEL.HEAD.PARAMS=['mlp'] must be a list of [name, settings]"),
        ("config.MODEL.HEAD.PARAMS=[[mlp]]", "config.MODEL.HEAD.PARAMS=[['mlp']] must be a list of [name, settings]"),
    ],
)
def test_a_value_of_another_type_is_one_sentence(problems: Problems, override: str, beginning: str) -> None:
    overrides = [SYNTHETIC] if "DATA_SOURCES" not in override else []
    (problem,) = problems(*ROTNET, *overrides, override)
    assert problem.startswith(beginning)


@pytest.mark.parametrize("override", [f"{TRAIN}.DATA_PATHS=[2024]", "config.CHECKPOINT.DIR=2024"])
def test_the_way_to_write_a_folder_that_is_a_number_is_said(problems: Problems, override: str) -> None:
    (problem,) = problems(*ROTNET, SYNTHETIC, override)
    (advice,) = shlex.split(problem.rpartition("write ")[2])
    value = OverridesParser.create().parse_override(f"{override.partition('=')[0]}={advice}").value()
    assert value == ("./2024" if "DIR" in override else ["./2024"])


@pytest.mark.parametrize("limit", ["0", "-2", "0.1", "1.0", "null", "true", "all"])
def test_a_limit_is_a_number_of_samples_or_minus_one(problems: Problems, limit: str) -> None:
    """VISSL trains on all samples with -2, stops without a word of the key with 0.1."""
    (problem,) = problems(*ROTNET, SYNTHETIC, f"{TRAIN}.DATA_LIMIT={limit}")
    assert problem.startswith(f"{TRAIN}.DATA_LIMIT=")
    assert problem.endswith("must be a whole number of at least 1, or -1 for all samples")


def test_wrong_values_of_a_split_that_is_not_read_do_not_matter(problems: Problems) -> None:
    assert problems(*ROTNET, SYNTHETIC, "config.DATA.TEST.DATA_LIMIT=0") == []
