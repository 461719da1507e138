"""Trunks, heads and checkpoints in an environment that VISSL is not installed in, and with VISSL's import refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from environments import Environment

MODELS = """
import importlib, pkgutil, sys
import torch
import vissl_monoimage.models as room
names = [module.name for module in pkgutil.walk_packages(room.__path__, room.__name__ + ".")]
plain = [name for name in names if not name.endswith("_vissl")]
assert len(plain) > 20 and len(plain) < len(names), names
for name in plain:
    importlib.import_module(name)

from vissl_monoimage.models.checkpoint.load import load_trunk
from vissl_monoimage.models.checkpoint.file import save_trunk
from vissl_monoimage.models.features import build_on_meta, feature_shapes, probed_layers
from vissl_monoimage.models.trunks.registry import OURS, VISSLS, build_trunk, trunk_names
from pathlib import Path

for name, size in (("convnet4", 32), ("alexnet_wide_64px", 64), ("resnet18_32px", 32)):
    trunk = build_trunk(name).eval()
    save_trunk(trunk, Path("trunk.torch"))
    images = torch.rand(2, 3, size, size)
    for ours, again in zip(trunk(images), load_trunk("trunk.torch", name).eval()(images), strict=True):
        assert torch.equal(ours, again)
meta = build_on_meta({"TRUNK": {"NAME": "convnet4"}})
assert feature_shapes(meta, probed_layers(meta), 32)["conv4"] == (256, 4, 4)
assert not {"vissl", "classy_vision"} & set(sys.modules)
"""

REFUSED = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("vissl", "classy_vision"):
            raise AssertionError(f"{name} is imported")
import vissl_monoimage
sys.meta_path.insert(0, Refuse())
"""

VISSLS = """
from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.models.trunks.registry import OURS, VISSLS, build_trunk, trunk_names
assert trunk_names() == sorted([*OURS, *VISSLS])
for name in ("resnet", "convnet"):
    try:
        build_trunk(name)
    except MonoImageError as error:
        print(error)
"""


def test_all_plain_modules_import_and_run_without_vissl_installed(without_vissl: Environment, tmp_path: Path) -> None:
    without_vissl.run("-c", MODELS, cwd=tmp_path, checkout=True)


def test_nothing_plain_imports_vissl_where_it_is_installed(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", REFUSED + MODELS], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_trunk_of_vissls_is_one_sentence_without_it(without_vissl: Environment, tmp_path: Path) -> None:
    vissls, mistyped = without_vissl.run("-c", VISSLS, cwd=tmp_path, checkout=True).stdout.splitlines()
    assert vissls == "trunk 'resnet' is VISSL's, which is not installed: run `monoimage setup`"
    assert mistyped.startswith("unknown trunk 'convnet': did you mean 'convnet4'?")


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", ["init kmeans china -o out --crops 32", "style china coffee -o out.png --size 32 --steps 1"]
)
def test_init_and_style_run_without_vissl(without_vissl: Environment, tmp_path: Path, command: str) -> None:
    without_vissl.run("-m", "vissl_monoimage", *command.split(), cwd=tmp_path, checkout=True)
