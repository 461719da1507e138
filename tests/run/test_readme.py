"""The documents are true: README's commands run (at smoke sizes), and so does CONTRIBUTING's worked example.

Set-up commands are left out: `make test` is what runs this test, from a clean clone in CI, and sets up its
environment as `make demo` and the pip commands do.
"""

from __future__ import annotations

import functools
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import launcher
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
SET_UP = {"make demo", "make test", "pip install --no-deps vissl==0.1.6", "pip install '.[demo]'"}
SMALLER = {
    "benchmark/monoimage/linear_photo_patches": [
        "config.MONOIMAGE.PATCHES.TRAIN_SAMPLES=24",
        "config.MONOIMAGE.PATCHES.TEST_SAMPLES=12",
    ],
}


def blocks(document: str, language: str) -> list[str]:
    """The fenced blocks of one language, with continued lines joined."""
    text = (ROOT / document).read_text()
    return [block.replace("\\\n", " ") for block in re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)]


def readme_commands() -> Iterator[list[str]]:
    for block in blocks("README.md", "sh"):
        for line in block.splitlines():
            words = shlex.split(line)
            if shlex.join(words) not in SET_UP:
                yield words


def at_smoke_size(words: list[str]) -> list[str]:
    """The command with tiny sizes: the overlay `smoke` added to those it has, or fewer samples."""
    if words[:3] == ["monoimage", "dataset", "write"]:
        return ["8" if before == "--samples" else word for before, word in zip(["", *words], words, strict=False)]
    if words[:2] == ["monoimage", "style"]:
        return [*words, "--size", "32", "--steps", "2"]
    if words[:2] != ["monoimage", "run"]:
        return words
    overlays = next((word for word in words if word.startswith("+config/monoimage=")), "")
    names = re.findall(r"\w+", overlays.partition("=")[2])
    config = words[2].removeprefix("config=")
    kept = [word for word in words if word != overlays]
    return [*kept, f"+config/monoimage=[{','.join([*names, 'smoke'])}]", *SMALLER.get(config, [])]


def run(arguments: list[str], folder: Path) -> str:
    """Output of `python ARGUMENTS` in `folder`; the test fails with it where the command does."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, text=True, capture_output=True, timeout=600
    )
    assert done.returncode == 0, f"{shlex.join(arguments)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a photo of one's own, me.jpg, and CIFAR's empty folders in data, which a dry run looks for."""
    for name in ("cifar-10-batches-py", "cifar-100-python"):
        (tmp_path / "data" / name).mkdir(parents=True)
    gradient = Image.radial_gradient("L").resize((300, 200))
    Image.merge("RGB", (gradient, gradient.rotate(90), gradient.rotate(180))).save(tmp_path / "me.jpg")
    return tmp_path


def test_readme_commands_run_in_order(folder: Path) -> None:
    commands = list(readme_commands())
    assert len(commands) >= 8
    for words in commands:
        assert words[0] == "monoimage", f"README: not run by any test: {shlex.join(words)}"
        output = launcher.monoimage(*at_smoke_size(words)[1:], cwd=folder).stdout
        if words[1] == "report":
            assert re.search(r"rotnet on me\.jpg \(1 image\).* n=1 \(seed \d+\), no interval", output), output
            assert re.search(r"random weights .* n=1 \(seed 0\), no interval", output), output
    for made in ("crops.png", "report/report.html", "runs/me/ledger.jsonl", "runs/alexnet/ledger.jsonl", "style.png"):
        assert (folder / made).is_file(), made
    assert len(list((folder / "crops").rglob("*.jpg"))) == 8


def test_demo_runs_and_skips_what_is_finished(folder: Path) -> None:
    demo = functools.partial(launcher.monoimage, "demo", "--smoke", "--out", "a demo, mine", cwd=folder)
    first = demo("--photo", "me.jpg").stdout
    assert "skipped" not in first
    assert "page: a demo, mine/report/report.html" in first
    stamps = {file: file.stat().st_mtime_ns for file in folder.rglob("ledger.jsonl")}
    assert len(stamps) == 3
    assert demo("--photo", "me.jpg").stdout.count("finished before, skipped") == 3
    assert {file: file.stat().st_mtime_ns for file in folder.rglob("ledger.jsonl")} == stamps
    other = demo(status=2)
    assert other.stderr.strip().startswith("monoimage: 'a demo, mine' holds a demo of another photo")


def test_contributing_example_runs(folder: Path) -> None:
    (module,) = blocks("CONTRIBUTING.md", "python")
    (config,) = blocks("CONTRIBUTING.md", "yaml")
    (folder / "mirror.py").write_text(module)
    place = folder / "configs" / "config" / "pretrain" / "monoimage" / "mirror_demo.yaml"
    place.parent.mkdir(parents=True)
    place.write_text(config)
    start = (
        "import sys; sys.path.insert(0, '.'); from vissl_monoimage import plugin; plugin.MODULES += ('mirror',)\n"
        "from vissl_monoimage.cli.main import main; raise SystemExit(main(sys.argv[1:]))"
    )
    command = [
        "config=pretrain/monoimage/mirror_demo",
        "+config/monoimage=smoke",
        "config.CHECKPOINT.DIR=mirror",
    ]
    output = run(["-c", start, "run", *command], folder)
    assert "epoch 2/2, step 4/4" in output
    assert "page: report/report.html" in launcher.monoimage("report", "mirror", cwd=folder).stdout
    assert "mirror" in (folder / "report" / "report.html").read_text()
