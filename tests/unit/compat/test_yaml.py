"""YAML is parsed by libyaml into what OmegaConf's own loader makes of it."""

from __future__ import annotations

from pathlib import Path

import omegaconf._utils
import pytest
import yaml
from omegaconf import OmegaConf

import configs
from vissl_monoimage.compat.process_settings import parse_yaml_with_libyaml

FOLDER = Path(configs.__file__).parent / "config"
SCALARS = """
numbers: [1, 1e-3, 1.5e3, .5, 0x10, 010, 1_000, .inf, -.inf, +1]
words: [yes, no, on, off, null, ~, true, "1", 2024-01-01, 1:30, "${numbers.0}"]
nested: {a: {b: [{c: 1}, [2, 3]]}}
text: |
  two
  lines
anchored: &anchor {x: 1}
merged: {<<: *anchor, y: 2}
"""


@pytest.fixture(scope="module")
def pure() -> type[yaml.SafeLoader]:
    """OmegaConf's loader in Python, from a copy of its module that nothing has changed."""
    spec = omegaconf._utils.__spec__
    names: dict[str, object] = {"__name__": spec.name, "__package__": spec.parent}
    exec(Path(str(spec.origin)).read_text(), names)
    loader: type[yaml.SafeLoader] = names["get_yaml_loader"]()  # type: ignore[operator]
    return loader


@pytest.fixture(autouse=True, scope="module")
def with_libyaml() -> None:
    parse_yaml_with_libyaml()


def test_libyaml_is_used() -> None:
    assert issubclass(omegaconf._utils.get_yaml_loader(), vars(yaml.cyaml)["CParser"])


@pytest.mark.parametrize(
    "text",
    [SCALARS, *(path.read_text() for path in sorted(FOLDER.glob("pretrain/*/*.yaml"))[:8]), "", "just words"],
    ids=lambda text: text[:20],
)
def test_values_are_those_of_the_pure_loader(pure: type[yaml.SafeLoader], text: str) -> None:
    assert repr(yaml.load(text, Loader=omegaconf._utils.get_yaml_loader())) == repr(yaml.load(text, Loader=pure))


@pytest.mark.parametrize("text", ["a: 1\na: 2", "a: [1", "a: !!python/object/apply:os.system [ls]"])
def test_errors_are_those_of_the_pure_loader(pure: type[yaml.SafeLoader], text: str) -> None:
    with pytest.raises(yaml.YAMLError) as expected:
        yaml.load(text, Loader=pure)
    with pytest.raises(type(expected.value)):
        OmegaConf.create(text)
