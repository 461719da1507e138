"""`monoimage setup`, `monoimage exec` and the line at Python's start, on the installed wheel."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from environments import Environment

from vissl_monoimage.compat.installation import VERSION
from vissl_monoimage.compat.startup_line import LINE, NAME

SETUP = ("-m", "vissl_monoimage", "setup")


@pytest.fixture(scope="module")
def vissl_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """VISSL's own wheel from the package index; skips where there is none to reach."""
    folder = tmp_path_factory.mktemp("vissl")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", str(folder), f"vissl=={VERSION}"]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no package index")
    return next(folder.glob("*.whl"))


@pytest.fixture
def bare(tmp_path: Path, wheel: Path) -> Environment:
    """Our wheel without VISSL."""
    environment = Environment(tmp_path / "bare", without_vissl=True)
    environment.install(wheel)
    return environment


def index(wheel: Path) -> dict[str, str]:
    """Settings with which pip finds nothing but the wheels in this one's folder."""
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheel.parent)}


def test_setup_installs_vissl_and_the_line_and_takes_the_line_out(
    bare: Environment, vissl_wheel: Path, tmp_path: Path
) -> None:
    imports = ("-c", "import vissl.hooks, sys; print('vissl_monoimage.plugin' in sys.modules)")
    bare.run(*imports, cwd=tmp_path, status=1)
    first = bare.run(*SETUP, cwd=tmp_path, **index(vissl_wheel)).stdout
    assert first.startswith(f"VISSL {VERSION} is installed in {bare.python.parents[1]}")
    assert "`monoimage setup --yes`" in first
    assert not (bare.site / NAME).exists()
    line = bare.run(*SETUP, "--yes", cwd=tmp_path).stdout
    assert str(bare.site / NAME) in line
    assert "--remove" in line
    assert bare.run(*imports, cwd=tmp_path).stdout == "True\n"
    again = bare.run(*SETUP, "--yes", cwd=tmp_path).stdout
    assert "is installed already" in again
    assert "already: " in again
    assert str(bare.site / NAME) in bare.run(*SETUP, "--remove", cwd=tmp_path).stdout
    assert not (bare.site / NAME).exists()
    assert "no line to remove" in bare.run(*SETUP, "--remove", cwd=tmp_path).stdout
    assert "Kinetics400" in bare.run(*imports, cwd=tmp_path, status=1).stderr


def test_a_wheel_with_another_hash_is_refused(bare: Environment, vissl_wheel: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / vissl_wheel.name
    other.parent.mkdir()
    shutil.copy(vissl_wheel, other)
    with zipfile.ZipFile(other, "a") as archive:
        archive.writestr("vissl/more.py", "")
    said = bare.run(*SETUP, "--no-hook", cwd=tmp_path, status=2, **index(other)).stderr
    assert "VISSL could not be installed" in said
    assert "HASH" in said.upper()
    assert said.count("\n") == 1
    assert not (bare.site / "vissl").exists()
    assert not (bare.site / NAME).exists()


@pytest.mark.slow
def test_an_environment_without_pip_uses_uv_or_gets_pip(bare: Environment, vissl_wheel: Path, tmp_path: Path) -> None:
    for package in bare.site.glob("pip*"):
        package.unlink()
    bare.run(*SETUP, "--no-hook", cwd=tmp_path, UV_FIND_LINKS=str(vissl_wheel.parent), **index(vissl_wheel))
    assert (bare.site / "vissl").is_dir()
    assert not (bare.site / NAME).exists()


def test_a_python_of_the_operating_system_is_refused(bare: Environment, tmp_path: Path) -> None:
    (tmp_path / "EXTERNALLY-MANAGED").touch()
    code = (
        "import sys, sysconfig; sys.prefix = sys.base_prefix; "
        f"sysconfig.get_path = lambda *_: {str(tmp_path)!r}; "
        "from vissl_monoimage.cli.main import main; raise SystemExit(main(['setup']))"
    )
    said = bare.run("-c", code, cwd=tmp_path, status=2).stderr
    assert "managed by the operating system" in said
    assert "-m venv" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "number", "expected"),
    [("vissl", "0.1.5", "VISSL 0.1.5 is installed"), ("classy_vision", "0.7.0", "pip uninstall classy-vision")],
)
def test_another_vissl_or_what_it_would_overwrite_is_left_alone(
    bare: Environment, tmp_path: Path, name: str, number: str, expected: str
) -> None:
    (bare.site / name).mkdir()
    (bare.site / name / "__init__.py").touch()
    metadata = bare.site / f"{name}-{number}.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {number}\n")
    assert expected in bare.run(*SETUP, cwd=tmp_path, status=2).stderr
    assert not (bare.site / NAME).exists()


@pytest.mark.parametrize(("answer", "written"), [("\n", True), ("y\n", True), ("n\n", False)])
def test_at_a_terminal_the_line_is_asked_for(bare: Environment, tmp_path: Path, answer: str, written: bool) -> None:
    (bare.site / "vissl").mkdir()
    (bare.site / "vissl" / "__init__.py").touch()
    terminal, inside = pty.openpty()
    os.write(terminal, answer.encode())
    done = subprocess.run([bare.python, *SETUP], stdin=inside, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "[Y/n]" in done.stdout
    assert (bare.site / NAME).exists() == written


def test_the_line_never_keeps_python_from_starting(bare: Environment, tmp_path: Path) -> None:
    (bare.site / NAME).write_text(LINE)
    package = bare.site / "vissl_monoimage"
    for broken in (None, "import no_such_module\n", "def broken(:\n"):
        if broken is None:
            package.rename(tmp_path / "away")
        else:
            package.mkdir(exist_ok=True)
            (package / "__init__.py").write_text(broken)
        done = bare.run("-c", "print('started')", cwd=tmp_path)
        assert (done.stdout, done.stderr) == ("started\n", "")


def test_the_line_costs_a_start_less_than_a_millisecond(bare: Environment, tmp_path: Path) -> None:
    code = (
        "import sys, time; before = set(sys.modules); began = time.perf_counter(); import vissl_monoimage; "
        "print(time.perf_counter() - began, *sorted(set(sys.modules) - before))"
    )
    seconds = []
    for _ in range(15):
        measured, *modules = bare.run("-c", code, cwd=tmp_path).stdout.split()
        assert modules == ["vissl_monoimage", "vissl_monoimage.compat", "vissl_monoimage.compat.startup"]
        seconds.append(float(measured))
    assert min(seconds) < 0.001


def test_exec_hands_over_arguments_exit_status_and_the_plugin(bare: Environment, tmp_path: Path) -> None:
    (tmp_path / "tool.py").write_text(
        "import multiprocessing, sys\n"
        "def loaded(_): return 'vissl_monoimage' in sys.modules\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        print(sys.argv[1:], loaded(0), pool.map(loaded, [0]))\n"
        "    raise SystemExit(7)\n"
    )
    (bare.site / "vissl").mkdir()
    (bare.site / "vissl" / "__init__.py").touch()
    (bare.site / "sitecustomize.py").write_text("import builtins; builtins.customized = True; print('customized')\n")
    for tool in (["tool.py"], ["-m", "tool"]):
        arguments = ("-m", "vissl_monoimage", "exec", *tool, "--help", "a=b", "-x")
        out = bare.run(*arguments, cwd=tmp_path, status=7).stdout
        assert "['--help', 'a=b', '-x'] True [True]" in out  # the children's line may come after it
        assert out.count("customized") >= 3  # `monoimage`, the tool, its children; two may print at once, on one line
    assert "give -m MODULE" in bare.run("-m", "vissl_monoimage", "exec", "-m", cwd=tmp_path, status=2).stderr
