"""Overrides with odd file names: read as they are meant, or refused with the way to write them."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given, settings
from hypothesis import strategies as st

from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.config.quoting import quoted
from vissl_monoimage.errors import MonoImageError

ROTNET = "config=pretrain/rotnet/rotnet_8gpu_resnet"
PATHS = "config.DATA.TRAIN.DATA_PATHS"


def parsed(override: str) -> object:
    return OverridesParser.create().parse_override(override).value()


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_a_quoted_path_means_itself_whatever_its_characters(name: str) -> None:
    assert parsed(f"a.b={quoted(name)}") == name
    assert parsed(f"a.b=[{quoted(name)},{quoted(name)}]") == [name, name]


@pytest.mark.parametrize("name", ["2024", "null", "1e5", "true", "мой.jpg", "it's", "back\\slash\\", "a,b", "nan"])
def test_names_that_mean_something_else_are_put_in_quotes(name: str) -> None:
    assert parsed(f"a.b={quoted(name)}") == name


def test_plain_paths_stay_without_quotes() -> None:
    assert quoted(Path("runs/china_0.1/final-2.torch")) == "runs/china_0.1/final-2.torch"


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        ([f"{PATHS}=[a#1.jpg]"], ["a#1.jpg"]),
        ([f"{PATHS}=[a=b.jpg]"], ["a=b.jpg"]),
        ([f"{PATHS}=[мой.jpg]"], ["мой.jpg"]),
        ([f"{PATHS}=[plain.jpg,é(1).jpg]"], ["plain.jpg", "é(1).jpg"]),
        ([f"{PATHS}=['it is quoted.jpg',b#.jpg]"], ["it is quoted.jpg", "b#.jpg"]),
        ([f"{PATHS}=[[a.jpg,ü.jpg]]"], [["a.jpg", "ü.jpg"]]),
        ([f"{PATHS}=[my#", "photo.jpg]"], ["my# photo.jpg"]),
        ([f"{PATHS}=[my", "holiday", "photo.jpg]"], ["my holiday photo.jpg"]),
        (["config.CHECKPOINT.DIR=my", "run"], "my run"),
        (["config.CHECKPOINT.DIR=runs/ä"], "runs/ä"),
        (["config.CHECKPOINT.DIR=a=b"], "a=b"),
    ],
)
def test_an_unquoted_name_is_refused_with_the_way_to_write_it(arguments: list[str], meant: object) -> None:
    """The advice is what a shell takes, and is read as it was meant."""
    with pytest.raises(MonoImageError) as caught:
        compose_config([ROTNET, *arguments, "config.VERBOSE=true"])
    sentence = str(caught.value)
    assert "quotes" in sentence
    assert "\n" not in sentence
    (advice,) = shlex.split(sentence.rpartition("write ")[2])
    assert parsed(advice) == meant
    assert advice.partition("=")[0] == arguments[0].partition("=")[0]


@pytest.mark.parametrize("override", ["config.OPTIMIZER", f"{PATHS}=[a.jpg", "=3", "+config/monoimage=3"])
def test_what_quotes_do_not_mend_is_not_said_to_need_them(override: str) -> None:
    with pytest.raises(MonoImageError) as caught:
        compose_config([ROTNET, override])
    assert "quotes" not in str(caught.value)
    assert "\n" not in str(caught.value)
