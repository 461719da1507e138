"""Importing VISSL on today's stack, each time in a fresh interpreter."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

IMPORT_VISSL = "import vissl.trainer, vissl.hooks, tools.run_distributed_engines"
WITHOUT_SETUPTOOLS = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("pkg_resources", "setuptools"):
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Absent())
"""


def run(code: str) -> str:
    """What the code prints on stdout, warnings being errors of the test."""
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(root)!r})\n{code}"],
        capture_output=True, text=True, check=False, timeout=600, cwd=root / "tests",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_importing_is_light_and_silent_and_applying_again_changes_nothing() -> None:
    out = run(
        f"import vissl_monoimage; print('torch' in sys.modules, 'vissl' in sys.modules); {IMPORT_VISSL}\n"
        "from vissl.losses.deepclusterv2_loss import DeepClusterV2Loss\n"
        "from vissl.trainer.train_task import SelfSupervisionTask as Task\n"
        "from vissl_monoimage.compat import index\n"
        "from vissl_monoimage.compat.mends import apex\n"
        "import warnings\n"
        "def state(): return (DeepClusterV2Loss.init_memory.__code__, Task.set_amp_args,\n"
        "                     list(sys.meta_path), list(warnings.filters))\n"
        "before = state(); index.apply(); print(state() == before)\n"
        "apex.mixed_precision(sys.modules['vissl.trainer.train_task'])\n"
        "print(Task.set_amp_args.monoimage_original is before[1].monoimage_original)\n"
        "print(getattr(sys.modules.get('pkg_resources'), '__name__', 'none'))"
    )
    light, *rest, real = out.splitlines()
    assert light == "False False"
    assert rest[-2:] == ["True", "True"]
    assert real == ("pkg_resources" if importlib.util.find_spec("pkg_resources") else "none")


@pytest.mark.slow
def test_a_cuda_compiler_without_a_gpu_is_no_news(tmp_path: Path) -> None:
    code = "import vissl_monoimage, vissl, torch.utils.cpp_extension as built; print(built.CUDA_HOME)"
    environment = {**os.environ, "CUDA_HOME": str(tmp_path), "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == str(tmp_path)
    assert "CUDA" not in done.stderr


@pytest.mark.slow
def test_without_setuptools() -> None:
    out = run(
        f"{WITHOUT_SETUPTOOLS}import vissl_monoimage; {IMPORT_VISSL}\n"
        "print('pkg_resources' in sys.modules)\n"
        "from vissl.utils.misc import get_json_data_catalog_file\n"
        "from vissl.utils.collect_env import pkg_resources\n"
        "print(get_json_data_catalog_file(), pkg_resources.get_distribution('torch').version)"
    )
    seen, found = out.splitlines()[-2:]
    assert seen == "False"
    path, version = found.split()
    assert Path(path).name == "dataset_catalog.json"
    assert version == importlib.metadata.version("torch")


def test_modules_that_were_imported_before_us_are_mended_at_once() -> None:
    out = run(
        "import torchvision.datasets.kinetics as kinetics\n"
        "assert not hasattr(kinetics, 'Kinetics400')\n"
        "import vissl_monoimage, vissl; print(kinetics.Kinetics400 is kinetics.Kinetics)"
    )
    assert out == "True\n"
