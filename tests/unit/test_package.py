"""What a user installs: the wheel, in an environment of its own, far from the checkout."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from environments import Environment

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
