"""What a user installs: the wheel, in an environment of its own, far from the checkout."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import time
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from environments import Environment, copy_sources
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]

COMPOSE_SOME = """
import sys
from pathlib import Path
import vissl_monoimage
from vissl_monoimage.utils.paths import config_folder
from vissl_monoimage.config.compose import compose_config

root = config_folder() / "config"
assert Path(vissl_monoimage.__file__).is_relative_to(sys.prefix), vissl_monoimage.__file__
assert root.is_relative_to(sys.prefix), root
from vissl_monoimage.models.zoo import zoo
from vissl_monoimage.utils.paths import benchmarks
assert benchmarks("reference").is_relative_to(sys.prefix), benchmarks("reference")
assert zoo()
folders = set()
for path in sorted(root.rglob("*.yaml")):
    name = str(path.relative_to(root).with_suffix(""))
    if path.parent in folders:  # test_config_hashes composes them all from the checkout
        continue
    folders.add(path.parent)
    if name.startswith("monoimage/"):
        compose_config(["config=pretrain/simclr/simclr_8node_resnet", f"+config/{name.replace('/', '=')}"])
    else:
        compose_config([f"config={name}"])

from vissl_monoimage.reproduce.read_grid import grid_names, read_grid

grids = [read_grid(name) for name in grid_names()]
print(len(folders), len(grids))
"""


def test_wheel_has_the_yamls_the_plugin_and_nothing_beside_our_packages(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    data = [*(ROOT / "configs").rglob("*.yaml"), *(ROOT / "benchmarks").rglob("*.jsonl")]
    assert {f"vissl_monoimage/{path.relative_to(ROOT)}" for path in data} <= set(names)
    assert "hydra_plugins/vissl_monoimage/__init__.py" in names
    assert "hydra_plugins/__init__.py" not in names
    assert "vissl_monoimage/report/formats/page.html.j2" in names
    figures = {name for name in names if name.startswith("vissl_monoimage/benchmarks/reference/")}
    assert figures == {f"vissl_monoimage/benchmarks/reference/{name}" for name in ("paper.csv", "vissl_zoo.csv")}
    assert {name.split("/")[0].split("-")[0] for name in names} == {"vissl_monoimage", "hydra_plugins"}
    data_folders = ("vissl_monoimage/configs", "vissl_monoimage/benchmarks")
    assert not [name for name in names if name.startswith(data_folders) and name.endswith(".py")]


def test_a_yaml_of_each_folder_composes_from_an_empty_one_with_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    environment, empty = Environment(tmp_path / "environment"), tmp_path / "empty"
    empty.mkdir()
    environment.install(wheel)
    done = environment.run("-c", COMPOSE_SOME, cwd=empty)
    folders = {path.parent for path in (ROOT / "configs" / "config").rglob("*.yaml")}
    grids = list((ROOT / "benchmarks" / "grids").rglob("*.yaml"))
    assert [int(count) for count in done.stdout.split()] == [len(folders), len(grids)]


def test_importing_us_is_quick_and_leaves_torch_alone() -> None:
    code = """if True:
        import sys, vissl_monoimage
        dir(vissl_monoimage), vissl_monoimage.__version__, hasattr(vissl_monoimage, "SingleImageDatset")
        raise SystemExit("torch" in sys.modules or "vissl" in sys.modules)
    """
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_locked_versions_are_within_the_supported_ranges() -> None:
    lines = (ROOT / "requirements-lock.txt").read_text().splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    locked = {canonicalize_name(name): version for name, version in pairs}
    assert len(locked) == len(pairs) > 100
    requirements = [Requirement(line) for line in metadata.requires("vissl-monoimage") or []]
    wanted = [one for one in requirements if not re.search("extra == .(gpu)", str(one.marker)) and not one.extras]
    assert len(wanted) > 30
    wrong = [one for one in wanted if not one.specifier.contains(locked.get(canonicalize_name(one.name), "0"))]
    assert [str(one) for one in wrong] == []


@pytest.mark.slow
def test_sdist_and_wheel_build_twice_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From files of other dates, and a second later: a zip file counts two seconds as one."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    code = "from setuptools import build_meta as b; b.build_sdist('../built'); b.build_wheel('../built')"
    hashes = []
    for name in ("first", "second"):
        source = tmp_path / name / "source"
        copy_sources(source)
        (tmp_path / name / "built").mkdir()
        subprocess.run([sys.executable, "-c", code], cwd=source, check=True, capture_output=True)
        built = sorted((tmp_path / name / "built").iterdir())
        hashes.append({file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in built})
        time.sleep(2)
    assert len(hashes[0]) == 2
    assert hashes[0] == hashes[1]
