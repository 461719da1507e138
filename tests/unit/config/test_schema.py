from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vissl_monoimage.config.schema import read_block
from vissl_monoimage.errors import MonoImageError


@dataclass(frozen=True)
class Block:
    NAME: str = "a"
    SIZE: int = 3
    RATE: float = 0.5
    ON: bool = False
    RANGE: list[float] | None = None
    MORE: Mapping[str, Any] = field(default_factory=dict)

    def problems(self) -> list[str]:
        return [] if self.SIZE > 0 else [f"SIZE={self.SIZE} must be positive"]


def test_absent_block_gives_the_defaults() -> None:
    assert read_block(Block, None, "config.MONOIMAGE.X") == Block()


def test_whole_numbers_are_good_where_a_number_is_asked_for() -> None:
    block = read_block(Block, {"RATE": 1}, "x")
    assert block.RATE == 1.0
    assert isinstance(block.RATE, float)


def test_every_mistake_is_reported_at_once_with_its_place() -> None:
    with pytest.raises(MonoImageError) as caught:
        read_block(Block, {"SIZ": 1, "RATE": "fast", "ON": 1}, "config.MONOIMAGE.X")
    message = str(caught.value)
    assert "did you mean 'SIZE'" in message
    assert "config.MONOIMAGE.X.RATE='fast' must be a number" in message
    assert "config.MONOIMAGE.X.ON=1 must be true or false" in message


def test_what_is_in_a_list_is_checked_too() -> None:
    assert read_block(Block, {"RANGE": [1, 0.5]}, "x").RANGE == [1, 0.5]
    with pytest.raises(MonoImageError, match=r"x\.RANGE=\[1, 'a'\] must be a list of numbers or null"):
        read_block(Block, {"RANGE": [1, "a"]}, "x")


def test_ranges_are_checked_after_types() -> None:
    with pytest.raises(MonoImageError, match=r"x\.SIZE=-1 must be positive"):
        read_block(Block, {"SIZE": -1}, "x")


@given(st.one_of(st.text(), st.booleans(), st.floats(allow_nan=False), st.none(), st.lists(st.integers())))
def test_a_size_that_is_no_whole_number_never_gets_through(value: object) -> None:
    with pytest.raises(MonoImageError, match=r"x\.SIZE="):
        read_block(Block, {"SIZE": value}, "x")


@dataclass(frozen=True)
class Needs:
    SIZE: int
    RATE: float = 0.5


def test_a_key_that_is_needed_and_missing_is_reported() -> None:
    with pytest.raises(MonoImageError, match=r"^x\.SIZE is missing: it must be a whole number$"):
        read_block(Needs, {"RATE": 1.0}, "x")
    with pytest.raises(MonoImageError, match=r"^x: unknown key 'SIZ': did you mean 'SIZE'\? valid: RATE, SIZE$"):
        read_block(Needs, {"SIZ": 1}, "x")
