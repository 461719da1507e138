"""The package where VISSL is not installed."""

from __future__ import annotations

from pathlib import Path

import pytest
from environments import Environment

ROTNET = "config=pretrain/monoimage/rotnet_convnet4"


def test_the_package_and_its_command_line_import_without_vissl(without_vissl: Environment, tmp_path: Path) -> None:
    code = (
        "import vissl_monoimage, importlib.util\n"
        "from vissl_monoimage.compat.missing_vissl import vissl_is_installed\n"
        "print(vissl_is_installed(), vissl_monoimage.__version__)"
    )
    assert without_vissl.run("-c", code, cwd=tmp_path, checkout=True).stdout.split()[0] == "False"
    assert "china" in without_vissl.run("-m", "vissl_monoimage", "ls", "photos", cwd=tmp_path, checkout=True).stdout
    versions = without_vissl.run("-m", "vissl_monoimage", "--version", cwd=tmp_path, checkout=True).stdout
    assert versions.endswith(", VISSL not installed\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", ROTNET],
        ["demo"],
        ["init", "kmeans", "china", "-o", "out", "--trunk", "alexnet_rotnet"],
        ["reproduce", "demo", "--out", "out"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_commands_that_need_vissl_name_the_one_that_installs_it(
    without_vissl: Environment, tmp_path: Path, arguments: list[str]
) -> None:
    done = without_vissl.run("-m", "vissl_monoimage", *arguments, cwd=tmp_path, checkout=True, status=2)
    assert done.stderr.startswith("monoimage: this needs VISSL 0.1.6")
    assert done.stderr.count("\n") == 1
    assert "`monoimage setup`" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "code",
    [
        "from vissl_monoimage.config.compose import compose_config; compose_config([])",
        "from vissl_monoimage.config.compose import vissl_defaults; vissl_defaults()",
        "from vissl_monoimage.launch import run; run([])",
        "import vissl_monoimage.probe.linear",
        "import vissl_monoimage.training.task",
        "import vissl_monoimage, classy_vision.hooks",
    ],
)
def test_what_needs_vissl_says_so_in_one_sentence(without_vissl: Environment, tmp_path: Path, code: str) -> None:
    lines = without_vissl.run("-c", code, cwd=tmp_path, checkout=True, status=1).stderr.splitlines()
    assert lines[-1].endswith("not installed in this environment: run `monoimage setup`")


def test_the_error_is_an_import_error_and_other_missing_modules_stay_as_they_are(
    without_vissl: Environment, tmp_path: Path
) -> None:
    code = (
        "import vissl_monoimage\n"
        "from vissl_monoimage.errors import MonoImageError\n"
        "for name in ('vissl', 'vissl.config', 'no_such_module'):\n"
        "    try: __import__(name)\n"
        "    except ImportError as error: print(isinstance(error, MonoImageError), error.name)"
    )
    out = without_vissl.run("-c", code, cwd=tmp_path, checkout=True).stdout
    assert out.splitlines() == ["True vissl", "True vissl", "False no_such_module"]
