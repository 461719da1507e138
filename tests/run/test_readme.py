"""The documents are true: every command in the README and in docs/ runs, and so does CONTRIBUTING's worked example.

Commands run at smoke sizes, in order, in an empty folder for each document. A command that needs data that this test
cannot make, a download, a GPU, a cluster or hours is composed and checked instead, and what the README has runs
there alone. Set-up commands are left out: `make test` runs this test,
in CI from a clean clone, and sets up its environment as `make demo` does.
"""

from __future__ import annotations

import functools
import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import launcher
import pytest
import yaml
from omegaconf import OmegaConf
from packaging.requirements import Requirement
from PIL import Image

from vissl_monoimage import launch
from vissl_monoimage.cli.main import COMMANDS
from vissl_monoimage.config.compose import compose_config, vissl_defaults
from vissl_monoimage.config.validate import problems_of
from vissl_monoimage.models.download import is_remote

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", "CONTRIBUTING.md", *sorted(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md"))]
SET_UP = {"make demo", "make test", "pip install vissl-monoimage", "monoimage setup", "monoimage setup --yes"}
COMPOSED = ("docs/clusters.md", "docs/troubleshooting.md")  # pages whose runs are composed and checked
SLOW = (
    "docs/methods.md",
    "docs/protocols.md",
)  # pages whose runs take place in the slow tests, and are composed in all
PLANS = ("docs/clusters.md",)  # of whole benchmarks, each configuration of which is checked: slow tests
PATCHES = "config=benchmark/monoimage/linear_photo_patches"
SIMCLR = "config=pretrain/simclr/simclr_8node_resnet"
WITHOUT_STEPS = ("knn", "low_shot")  # overlays that need more images than `smoke` leaves, and take no steps
NOT_HERE = ("config.DATA.TRAIN.DATA_PATHS=[data]", "zoo:")  # torchvision's CIFAR files; a download
DEMO = "a demo, mine"
WEIGHTS = "config.MODEL.WEIGHTS_INIT.PARAMS_FILE"


def blocks(document: str, language: str) -> list[str]:
    """Return the fenced blocks in one language, with continued lines joined."""
    text = (ROOT / document).read_text()
    return [block.replace("\\\n", " ") for block in re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)]


def commands(document: str) -> Iterator[list[str]]:
    """Yield the words of each command in the document's shell blocks, set-up commands excepted."""
    for block in blocks(document, "sh"):
        for command in block.replace("&&", "\n").splitlines():
            words = shlex.split(command)
            if shlex.join(words) not in SET_UP:
                yield words


def at_smoke_size(words: list[str]) -> list[str]:
    """Return the command with tiny sizes: the overlay `smoke` added to a run, or fewer samples."""
    if words[:2] == ["monoimage", "demo"]:
        return [*words, "--smoke", "--out", DEMO]
    if words[:3] == ["monoimage", "dataset", "write"]:
        return ["8" if before == "--samples" else word for before, word in zip(["", *words], words, strict=False)]
    if words[:2] == ["monoimage", "style"]:
        return [*words, "--size", "32", "--steps", "2"]
    if words[:2] != ["monoimage", "run"]:
        return words
    overlays = next((word for word in words if word.startswith("+config/monoimage=")), "")
    names = re.findall(r"\w+", overlays.partition("=")[2])
    if names and names[0] in WITHOUT_STEPS:
        train, test, shorter = 240, 24, ["config.SVM.low_shot.sample_inds=[1]"]
    else:
        train, test = 24, 12
        names, shorter = list(dict.fromkeys([*names, "smoke"])), ["config.OPTIMIZER.num_epochs=1"]
    kept = [word for word in words if word != overlays]
    sizes = [f"config.MONOIMAGE.PATCHES.{key}_SAMPLES={size}" for key, size in (("TRAIN", train), ("TEST", test))]
    crops = ["config.DATA.TRAIN.TRANSFORMS.1.size=64"] if words[2] == SIMCLR else []
    probe = sizes if words[2] == PATCHES else []
    return [*kept, f"+config/monoimage=[{','.join(names)}]", *shorter, *crops, *probe]


def check_composed(overrides: list[str]) -> None:
    """Compose and check a run, as `monoimage run` does before it starts, without fetching weights."""
    composed = compose_config(overrides)
    if is_remote(OmegaConf.select(composed, WEIGHTS)):
        assert problems_of(OmegaConf.to_container(composed, resolve=True), vissl_defaults()) == []
        OmegaConf.update(composed, WEIGHTS, "")
    launch.prepare(composed)


def check_finished_demo(folder: Path) -> None:
    """Check that a demo run again repeats nothing, and that its folder is refused to another photo."""
    demo = functools.partial(launcher.monoimage, "demo", "--smoke", "--out", DEMO, cwd=folder)
    stamps = {file: file.stat().st_mtime_ns for file in (folder / DEMO).rglob("ledger.jsonl")}
    assert len(stamps) == 8
    assert "8 runs, 8 finished; to do: 0" in demo().stdout
    assert {file: file.stat().st_mtime_ns for file in (folder / DEMO).rglob("ledger.jsonl")} == stamps
    verified = launcher.monoimage("verify", DEMO, cwd=folder).stdout
    assert " 0 different, 0 not checked" in verified, verified
    other = demo("--photo", "me.jpg", status=2)
    assert other.stderr.strip().startswith(f"monoimage: '{DEMO}' holds a demo of another photo")


def outputs(words: list[str]) -> Iterator[str]:
    """Yield the files that a command must leave behind."""
    for option, value in itertools.pairwise(words):
        if option == "-o":
            yield value
    for word in words:
        if word.startswith("config.CHECKPOINT.DIR="):
            yield f"{word.partition('=')[2]}/ledger.jsonl"


def run(arguments: list[str], folder: Path) -> str:
    """Return the output of `python ARGUMENTS` run in `folder`; fail the test if the command fails."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, text=True, capture_output=True, timeout=600
    )
    assert done.returncode == 0, f"{shlex.join(arguments)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a user's photo and data sets: CIFAR's folders, empty, and folders of classes."""
    gradient = Image.radial_gradient("L").resize((300, 200))
    Image.merge("RGB", (gradient, gradient.rotate(90), gradient.rotate(180))).save(tmp_path / "me.jpg")
    for name in ("cifar-10-batches-py", "cifar-100-python"):
        (tmp_path / "data" / name).mkdir(parents=True)
    for name in ("market", "animals", "bridge"):
        shutil.copy(tmp_path / "me.jpg", tmp_path / f"{name}.jpg")
    gradient.resize((32, 32)).save(tmp_path / "small.png")
    for place, classes, images in (("mine", 3, 4), ("tiny", 200, 1), ("data/imagenet", 1000, 1)):
        for split, number in itertools.product(("train", "val"), range(classes)):
            image_folder = tmp_path / place / split / f"class{number}"
            image_folder.mkdir(parents=True)
            for image in range(images):
                (image_folder / f"{image}.png").hardlink_to(tmp_path / "small.png")
    (tmp_path / "small.png").unlink()
    return tmp_path


@pytest.mark.parametrize(
    ("document", "composed"),
    [
        *(
            pytest.param(page, page in (*COMPOSED, *SLOW), id=page, marks=[pytest.mark.slow] * (page in PLANS))
            for page in PAGES
            if list(commands(page))
        ),
        *(pytest.param(page, False, id=f"{page} at smoke size", marks=pytest.mark.slow) for page in SLOW),
    ],
)
def test_commands_run_in_order(document: str, composed: bool, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    elsewhere = [] if document == "README.md" else list(commands("README.md"))
    for words in commands(document):
        if words in elsewhere:
            continue
        assert words[0] == "monoimage", f"{document}: not run by any test: {shlex.join(words)}"
        here = [re.sub(r"(?<=[=\[])/data/", "data/", word) for word in words]
        if (composed and here[:2] == ["monoimage", "run"]) or any(
            word.endswith(NOT_HERE[0]) or NOT_HERE[1] in word for word in here
        ):
            check_composed(here[2:])
            continue
        output = launcher.monoimage(*at_smoke_size(here)[1:], cwd=folder).stdout
        assert [made for made in outputs(here) if not (folder / made).exists()] == []
        if here == ["monoimage", "demo"]:
            assert "8 runs, 0 finished; to do: 8" in output
            assert f"page: {DEMO}/report/report.html" in output
            check_finished_demo(folder)
        if here == ["monoimage", "report", "runs", "-o", "report"]:
            assert re.search(r"rotnet on me\.jpg \(1 image\).* n=1 \(seed \d+\), no interval", output), output
            assert re.search(r"random weights .* n=1 \(seed 0\), no interval", output), output
            assert (folder / "report" / "report.html").is_file()
    if document == "README.md":
        exec("\n".join(blocks(document, "python")), {})


def test_the_documents_have_commands() -> None:
    assert len(list(commands("README.md"))) >= 6
    assert sum(len(list(commands(page))) for page in PAGES) >= 20


def test_a_table_lists_the_verbs_of_the_command_line() -> None:
    table = re.findall(r"^\| `monoimage (\w+)", (ROOT / "docs/commands.md").read_text(), flags=re.MULTILINE)
    assert sorted(table) == sorted(COMMANDS)


def test_installing_the_package_installs_what_the_demo_needs() -> None:
    """The README's three commands, `pip install`, `monoimage setup` and `monoimage demo`, are the whole way in."""
    required = [Requirement(line) for line in metadata.requires("vissl-monoimage") or []]
    always = {requirement.name for requirement in required if not requirement.marker}
    assert {"scikit-learn", "scikit-image", "torch", "hydra-core"} <= always


def test_the_citation_has_the_packages_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == metadata.version("vissl-monoimage")


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().split()) <= 900


@pytest.mark.parametrize("document", PAGES)
def test_links_lead_to_files(document: str) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", (ROOT / document).read_text())
    assert [link for link in links if not (ROOT / document).parent.joinpath(link).exists()] == []


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


def test_contributings_walk_names_the_files_that_a_run_and_a_report_go_through(folder: Path) -> None:
    """Ten steps, no file twice, and functions of every file are called by a run of the demo's config and its report."""
    section = (ROOT / "CONTRIBUTING.md").read_text().partition("## From `monoimage run`")[2].partition("\n## ")[0]
    steps = re.findall(r"^\d+\. .*$", section, flags=re.MULTILINE)
    files = [name for step in steps for name in re.findall(r"`([\w/]+\.py)`", step)]
    assert len(steps) == 10
    assert len(set(files)) == len(files) >= 20
    script = """
import inspect, sys, vissl_monoimage
called, package = set(), vissl_monoimage.__path__[0] + "/"
def note(frame, event, argument):
    code = frame.f_code
    if event == "call" and code.co_flags & inspect.CO_OPTIMIZED and code.co_filename.startswith(package):  # a function
        called.add(code.co_filename.removeprefix(package))
sys.setprofile(note)
from vissl_monoimage.cli.main import main
run = ["run", "config=pretrain/monoimage/rotnet_demo", "+config/monoimage=smoke", "config.CHECKPOINT.DIR=walk"]
assert main(run) == 0 and main(["report", "walk"]) == 0
sys.setprofile(None)
print("called:", *sorted(called))
"""
    called = launcher.python(script, cwd=folder).stdout.rpartition("called: ")[2].split()
    assert sorted(set(files) - set(called)) == []


def test_every_test_named_in_reliability_exists() -> None:
    text = (ROOT / "docs" / "reliability.md").read_text()
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)
    missing = [f"{file}::{name}" for file, name in named if f"def {name}(" not in source(file)]
    assert missing == []
    assert len(named) >= len(re.findall(r"^\| (?!item|---)", text, flags=re.MULTILINE)) > 0


def source(file: str) -> str:
    path = ROOT / file
    return path.read_text() if path.is_file() else ""
