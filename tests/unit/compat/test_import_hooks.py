"""Calling functions around a module's import, and editing a function in memory."""

from __future__ import annotations

import importlib
import inspect
import math
import sys
import textwrap
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

from vissl_monoimage.compat import index
from vissl_monoimage.compat.import_hooks import ImportHooks
from vissl_monoimage.compat.source_edit import edit, original, replace
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
    assert edit(module.Thing.greet, (r'" thing"', '" edited"'))
    assert module.Thing().greet() == "base edited"
    assert edit(vars(module.Thing)["twice"], (r"\+\s*x", "* 10"))
    assert module.Thing.twice(3) == 30
    assert edit(module.fail, (r"ValueError\((\w+)\)", r"KeyError(\1 + 1)"))
    with pytest.raises(KeyError, match="4") as caught:
        bound_before()
    place = caught.traceback[-1]
    assert Path(place.path) == Path(module.__file__)
    assert "raise ValueError(limit)" in Path(place.path).read_text().splitlines()[place.lineno]


def test_an_edit_that_finds_nothing_changes_nothing(names: tuple[str, str]) -> None:
    module: Any = importlib.import_module(names[0])
    code = module.fail.__code__
    assert not edit(module.fail, ("OSError", "KeyError"))
    assert module.fail.__code__ is code


def test_replacing_twice_keeps_what_was_there_first() -> None:
    owner = ModuleType("owner")
    owner.work = first = lambda: 1  # type: ignore[attr-defined]
    for _ in range(2):
        before = original(owner, "work")
        replace(owner, "work", lambda before=before: before() + 1)
    assert owner.work() == 2
    assert original(owner, "work") is first


def test_every_mend_is_in_the_index_and_says_what_it_mends() -> None:
    ours = {
        function
        for registry in (index.MENDS._before, index.MENDS._after)
        for functions in registry.values()
        for function in functions
        if function.__module__.startswith("vissl_monoimage.compat.mends.")
    }
    assert ours == set(index.ALL)
    assert all(".py" in (mend.__doc__ or "") or "modules above" in mend.__doc__ for mend in index.ALL
               if mend.__name__ != "take_back_pkg_resources")  # fmt: skip


@pytest.mark.parametrize("what", ["output", "loss"])
def test_what_is_not_finite_ends_a_run_in_a_sentence(what: str) -> None:
    from vissl.hooks.state_update_hooks import CheckNanLossHook, CheckNanModelOutputHook

    for value, fits in ((1.0, True), (math.nan, False), (math.inf, False)):
        batch = SimpleNamespace(model_output=[torch.tensor([value])], loss=torch.tensor(value))
        task = SimpleNamespace(last_batch=batch, iteration=4)
        with (
            nullcontext()
            if fits
            else pytest.raises(MonoImageError, match=f"step 5: the network's {what} is NaN or inf")
        ):
            if what == "output":
                CheckNanModelOutputHook().on_forward(task)
            else:
                CheckNanLossHook().on_loss_and_meter(task)
