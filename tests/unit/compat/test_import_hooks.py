"""Calling functions around a module's import, and editing a function in memory."""

from __future__ import annotations

import importlib
import inspect
import math
import re
import sys
import textwrap
from collections.abc import Iterator
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

from vissl_monoimage.compat.import_hooks import ImportHooks
from vissl_monoimage.compat.source_edit import CompatibilityError, attribute, edit, original, replace
from vissl_monoimage.errors import MonoImageError

SOURCE = '''
    events = globals().get("events", [])
    events.append("run")

    class Base:
        def greet(self):
            return "base"

    class Thing(Base):
        def greet(self):
            # a comment
            return super().greet() + " thing"

        @staticmethod
        def twice(x):
            return (x +
                    x)

    def fail(limit=3):
        """A docstring."""
        raise ValueError(limit)
'''


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """Two importable modules, not imported yet, with the same content."""
    found = "hooked_one_test", "hooked_two_test"  # names that pytest rewrites, with one loader for them all
    for name in found:
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(SOURCE))
    monkeypatch.syspath_prepend(tmp_path)
    yield found
    for name in found:
        sys.modules.pop(name, None)


@pytest.fixture
def hooks() -> Iterator[ImportHooks]:
    made = ImportHooks()
    yield made
    sys.meta_path.remove(made)


def test_functions_run_before_and_after_their_module_only(names: tuple[str, str], hooks: ImportHooks) -> None:
    one, two = names
    hooks.before(one)(lambda module: setattr(module, "events", ["before"]))
    hooks.after(one)(lambda module: module.events.append("after"))
    hooks.install()
    module: Any = importlib.import_module(one)
    assert module.events == ["before", "run", "after"]
    assert importlib.import_module(two).events == ["run"]  # type: ignore[attr-defined]
    hooks.install()
    assert module.events == ["before", "run", "after"]
    assert inspect.getsource(module.fail)
    assert module.__spec__.loader is module.__loader__
    assert type(module.__loader__).__module__ != ImportHooks.__module__
    importlib.reload(module)
    assert module.events == ["before", "run", "after"]


def test_a_module_that_is_there_already_is_called_once(names: tuple[str, str], hooks: ImportHooks) -> None:
    module: Any = importlib.import_module(names[0])
    hooks.after(names[0])(lambda module: module.events.append("after"))
    hooks.install()
    hooks.install()
    assert module.events == ["run", "after"]


def test_a_module_that_is_not_there_is_missing_as_ever(hooks: ImportHooks) -> None:
    hooks.after("no_such_module")(lambda _: None)
    hooks.install()
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        importlib.import_module("no_such_module")


def test_an_edit_reaches_every_name_and_keeps_super_lines_and_defaults(names: tuple[str, str]) -> None:
    module: Any = importlib.import_module(names[0])
    bound_before = module.fail
    edit(module.Thing.greet, (r'" thing"', '" edited"'))
    assert module.Thing().greet() == "base edited"
    edit(vars(module.Thing)["twice"], (r"\+\s*x", "* 10"))
    assert module.Thing.twice(3) == 30
    edit(module.fail, (r"ValueError\((\w+)\)", r"KeyError(\1 + 1)"))
    with pytest.raises(KeyError, match="4") as caught:
        bound_before()
    place = caught.traceback[-1]
    assert Path(place.path) == Path(module.__file__)
    assert "raise ValueError(limit)" in Path(place.path).read_text().splitlines()[place.lineno]


@pytest.mark.parametrize("replacements", [[("OSError", "KeyError")], [("ValueError", "KeyError"), ("no line", "x")]])
def test_an_edit_that_finds_nothing_names_the_file_and_changes_nothing(
    names: tuple[str, str], replacements: list[tuple[str, str]]
) -> None:
    module: Any = importlib.import_module(names[0])
    code = module.fail.__code__
    with pytest.raises(CompatibilityError) as caught:
        edit(module.fail, *replacements)
    assert module.fail.__code__ is code
    sentence = str(caught.value)
    assert sentence.startswith(f"{module.__file__} of VISSL {version('vissl')} has nothing that matches")
    assert f"'{replacements[-1][0]}' in `fail`" in sentence
    assert "\n" not in sentence


def test_a_second_edit_that_would_undo_the_first_is_refused(names: tuple[str, str]) -> None:
    module: Any = importlib.import_module(names[0])
    for _ in range(2):
        edit(module.fail, ("ValueError", "KeyError"))
    with pytest.raises(ValueError, match="fail is edited twice"):
        edit(module.fail, ("limit", "1"))


@pytest.mark.parametrize("owner", ["module", "class", "object"])
def test_a_private_name_that_is_missing_names_the_file(names: tuple[str, str], owner: str) -> None:
    module: Any = importlib.import_module(names[0])
    chosen = {"module": module, "class": module.Thing, "object": module.Thing()}[owner]
    for use in (attribute, original, lambda owner, name: replace(owner, name, lambda: None)):
        with pytest.raises(CompatibilityError, match=f"{re.escape(module.__file__)} of VISSL .* has no `.*_gone`"):
            use(chosen, "_gone")


def test_replacing_twice_keeps_what_was_there_first() -> None:
    owner = ModuleType("owner")
    owner.work = first = lambda: 1  # type: ignore[attr-defined]
    for _ in range(2):
        before = original(owner, "work")
        replace(owner, "work", lambda before=before: before() + 1)
    assert owner.work() == 2
    assert original(owner, "work") is first


@pytest.mark.parametrize("what", ["output", "loss"])
def test_what_is_not_finite_ends_a_run_in_a_sentence(what: str) -> None:
    from vissl.hooks.state_update_hooks import CheckNanLossHook, CheckNanModelOutputHook

    for value, fits in ((1.0, True), (math.nan, False), (math.inf, False)):
        batch = SimpleNamespace(model_output=[torch.tensor([value])], loss=torch.tensor(value))
        task = SimpleNamespace(last_batch=batch, iteration=4, train=True)
        with (
            nullcontext()
            if fits
            else pytest.raises(MonoImageError, match=f"step 5: the network's {what} is NaN or inf")
        ):
            if what == "output":
                CheckNanModelOutputHook().on_forward(task)
            else:
                CheckNanLossHook().on_loss_and_meter(task)
