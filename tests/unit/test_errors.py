import pytest

from vissl_monoimage.errors import nearest, unknown


@pytest.mark.parametrize(
    ("name", "expected"),
    [("relaesed", "released"), ("RELEASED", "released"), ("papper", "paper"), ("zzz", None)],
)
def test_nearest_ignores_case_and_needs_likeness(name: str, expected: str | None) -> None:
    assert nearest(name, ["released", "paper"]) == expected


def test_unknown_names_the_thing_the_nearest_match_and_every_choice() -> None:
    message = unknown("recipe", "relased", ["paper", "released"])
    assert message == "unknown recipe 'relased': did you mean 'released'? valid: paper, released"
