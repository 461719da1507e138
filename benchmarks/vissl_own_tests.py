r"""Run VISSL's own unit tests under `import vissl_monoimage` and count what fails.

    git clone --branch v0.1.6 https://github.com/facebookresearch/vissl
    make test-vissl VISSL_SRC=vissl [ARGS="pytest arguments"]

The wheel installs only the data of VISSL's tests, so they come from a checkout of tag v0.1.6; what they test
is the installed wheel. About 17 minutes on two cores. Exit status 1 when any test fails but `KNOWN`, a
mistake of that test. The tests import `pkg_resources`, which setuptools 81 dropped: where it is missing, they get
the three functions that they call (`PKG_RESOURCES`).
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

KNOWN = {"test_img_pil_to_multicrop"}
PKG_RESOURCES = '''
import importlib
from pathlib import Path


def resource_filename(module, resource):
    """Return the path of a resource beside a module, or inside a package."""
    imported = importlib.import_module(module)
    folder = imported.__path__[0] if hasattr(imported, "__path__") else Path(imported.__file__).parent
    return str(Path(folder, resource))


def resource_isdir(package, resource):
    return Path(resource_filename(package, resource)).is_dir()


def resource_listdir(package, resource):
    return [path.name for path in Path(resource_filename(package, resource)).iterdir()]
'''


def main() -> int:
    """Run the tests and return 1 where one fails that is not in `KNOWN`."""
    parser = argparse.ArgumentParser(description="VISSL's own unit tests under vissl_monoimage.")
    parser.add_argument("checkout", type=Path, help="folder of VISSL's repository at tag v0.1.6")
    arguments, pytest_arguments = parser.parse_known_args()
    tests = arguments.checkout / "tests"
    if not (tests / "test_tasks.py").is_file():
        parser.error(f"{tests} holds no tests of VISSL: give a checkout of its repository at tag v0.1.6")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        run_tests(tests, report, pytest_arguments, Path(folder))
        if not report.is_file():
            print("pytest wrote no report", file=sys.stderr)
            return 1
        return summarize(report)


def run_tests(tests: Path, report: Path, pytest_arguments: list[str], folder: Path) -> None:
    """Run pytest in an empty folder, so that the checkout's own `vissl` and `configs` are not imported.

    The tests import each other as `tests.*` and as top-level modules, so both folders go first on the path;
    the wheel's `vissl`, `configs` and `tools` follow. `-p vissl_monoimage` imports us before any of them.
    """
    (folder / "tests").symlink_to(tests.resolve(), target_is_directory=True)
    if importlib.util.find_spec("pkg_resources") is None:
        (folder / "pkg_resources.py").write_text(PKG_RESOURCES)
    ours = str(Path(__file__).resolve().parents[1])
    path = os.pathsep.join([str(folder), str(folder / "tests"), ours, os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "vissl_monoimage", "-p", "no:cacheprovider"]
    command += ["-p", "no:warnings", "--rootdir", str(folder), "-c", os.devnull, f"--junitxml={report}"]
    command += [*pytest_arguments, "tests"]
    environment = {**os.environ, "PYTHONPATH": path.rstrip(os.pathsep)}
    subprocess.run(command, cwd=folder, env=environment, check=False)


def summarize(report: Path) -> int:
    """Print the counts and every failure; 0 if there is none but the known one."""
    suites = ElementTree.parse(report).getroot().iter("testsuite")
    counts = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    failed: list[str] = []
    for suite in suites:
        for key in counts:
            counts[key] += int(suite.get(key, "0"))
        for case in suite.iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None:
                failed.append(f"{case.get('classname')}::{case.get('name')}")
    passed = counts["tests"] - counts["failures"] - counts["errors"] - counts["skipped"]
    print(f"{counts['tests']} tests: {passed} passed, {len(failed)} failed, {counts['skipped']} skipped")
    unknown = [name for name in failed if name.rsplit("::", 1)[-1] not in KNOWN]
    for name in failed:
        print(f"  {'FAILED' if name in unknown else 'known '} {name}")
    return 1 if unknown or not counts["tests"] else 0


if __name__ == "__main__":
    sys.exit(main())
