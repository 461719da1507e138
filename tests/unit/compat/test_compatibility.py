"""The list of everything we change in VISSL and in the process, against the code."""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.util
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from vissl_monoimage.compat import child_commands, index, parent_process, private_api, process_settings, signals

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "vissl_monoimage"
DOCUMENT = (ROOT / "docs" / "mends.md").read_text()
VISSL = Path(importlib.util.find_spec("vissl").origin).parents[1]  # type: ignore[union-attr,arg-type]
ELSEWHERE = [path for path in PACKAGE.rglob("*.py") if PACKAGE / "compat" not in path.parents]
FOR_SUBCLASSES = {"_noop"}  # Classy Vision documents it for derived classes


def rows(heading: str) -> dict[str, str]:
    """The rows of the table under a heading, by the name in their first column."""
    section = DOCUMENT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", section, re.MULTILINE))


def names(functions: tuple[object, ...]) -> set[str]:
    return {function.__name__ for function in functions}  # type: ignore[attr-defined]


def test_every_mend_is_in_the_index() -> None:
    registered = {
        function
        for registry in (index.MENDS._before, index.MENDS._after)
        for functions in registry.values()
        for function in functions
        if function.__module__.startswith("vissl_monoimage.compat.")
    }
    assert registered == set(index.ALL)


def test_the_document_lists_what_the_code_changes() -> None:
    from vissl_monoimage.compat import processes

    assert set(rows("Mends of VISSL")) == names(index.ALL)
    assert set(rows("Child processes")) == names(processes.ALL)
    assert set(rows("The whole process")) == names(
        process_settings.ALL + signals.ALL + parent_process.ALL + child_commands.ALL
    )
    assert set(rows("Private names")) == names(private_api.ALL)
    assert all(f"`{name}`" in DOCUMENT for name in private_api.OVERRIDDEN)


@pytest.mark.parametrize("mend", index.ALL, ids=lambda mend: mend.__name__)
def test_a_mend_and_its_row_name_the_files_of_vissl(mend: object) -> None:
    row = rows("Mends of VISSL")[mend.__name__]  # type: ignore[attr-defined]
    files = re.findall(r"\b(?:vissl|classy_vision|tools)/[\w/]+\.py", row)
    assert files
    assert all((VISSL / file).is_file() for file in files)
    assert set(files) & set(re.findall(r"[\w/]+\.py", inspect.getdoc(mend) or ""))


def test_every_mend_finds_its_target_in_the_vissl_installed() -> None:
    for name in {*index.MENDS._before, *index.MENDS._after}:
        if not name.startswith("vissl_monoimage."):
            importlib.import_module(name)


@functools.cache
def private_names(root: Path) -> set[str]:
    """Every private name that the modules below a folder define."""
    found = set()
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                found.add(node.attr)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
    return {name for name in found if re.match(r"_[A-Za-z]", name)}


def uses_of_private_names(path: Path) -> Iterator[tuple[str, str]]:
    """Each private attribute of another object, and each private import from VISSL, with where it is."""
    for node in ast.walk(ast.parse(path.read_text())):
        where = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) not in ("self", "cls"):
            yield node.attr, where
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("vissl", "classy_vision"):
            for alias in node.names:
                yield alias.name, where


def test_private_names_of_vissl_are_used_in_compat_alone() -> None:
    theirs = private_names(VISSL / "vissl") | private_names(VISSL / "classy_vision")
    ours = private_names(PACKAGE) - set(private_api.OVERRIDDEN)
    allowed = FOR_SUBCLASSES | ours | set(private_api.OVERRIDDEN)
    used = [(name, where) for path in ELSEWHERE for name, where in uses_of_private_names(path)]
    assert [(name, where) for name, where in used if name in theirs - allowed] == []


def test_private_methods_of_vissl_that_are_overridden_are_listed() -> None:
    from vissl.trainer.train_task import SelfSupervisionTask

    from vissl_monoimage.training.task import MonoImageTask

    def below(kind: type) -> Iterator[type]:
        yield kind
        for child in kind.__subclasses__():
            yield from below(child)

    overridden = {
        name
        for kind in below(MonoImageTask)
        for name in vars(kind)
        if name.startswith("_") and not name.startswith("__") and callable(getattr(SelfSupervisionTask, name, None))
    }
    assert overridden == set(private_api.OVERRIDDEN)


def test_the_whole_process_is_changed_in_compat_alone() -> None:
    changes = re.compile(
        r"setNumThreads|\.filterwarnings|add_safe_globals|set_forkserver_preload|\.addFilter|meta_path|"
        r"environ\[[^]]+\] = |environ\.(setdefault|update)|sys\.path\b|signal\.signal|set_start_method"
    )
    found = [f"{path.relative_to(ROOT)}: {hit[0]}" for path in ELSEWHERE for hit in changes.finditer(path.read_text())]
    assert found == []
