"""Packaging of vissl_monoimage. Tool settings are in pyproject.toml."""

import gzip
import os
import tarfile
import time
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.sdist import sdist

HERE = Path(__file__).parent
INIT = (HERE / "vissl_monoimage" / "__init__.py").read_text(encoding="utf-8")
VERSION = INIT.split('__version__ = "')[1].split('"')[0]
CONFIGS = [str(path.relative_to(HERE / "configs")) for path in sorted((HERE / "configs" / "config").rglob("*.yaml"))]


class ReproducibleSdist(sdist):
    """An archive that builds twice the same: its files have the date SOURCE_DATE_EPOCH, as in a wheel, and no owner."""

    def make_archive(self, base_name, format, root_dir=None, base_dir=None, owner=None, group=None):
        date, name = int(os.environ.get("SOURCE_DATE_EPOCH", time.time())), f"{base_name}.tar.gz"

        def settled(member):
            member.mtime, member.uid, member.gid, member.uname, member.gname = date, 0, 0, "", ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            return member

        with (
            open(name, "wb") as file,
            gzip.GzipFile("", "wb", fileobj=file, mtime=date) as packed,
            tarfile.open(fileobj=packed, mode="w") as archive,
        ):
            archive.add(base_dir, filter=settled)
        return name


setup(
    name="vissl-monoimage",
    version=VERSION,
    description="How much of each layer of a network can one image teach? A single-image data source, "
    "pretext tasks and per-layer benchmarks for VISSL.",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.11",
    packages=[
        *find_packages(include=["vissl_monoimage", "vissl_monoimage.*"]),
        # YAMLs and CSVs are data, not modules: an __init__.py among them would shadow VISSL's `configs` package.
        "vissl_monoimage.configs",
        "vissl_monoimage.benchmarks.grids",
        "vissl_monoimage.benchmarks.results",
        "vissl_monoimage.benchmarks.reference",
        "hydra_plugins.vissl_monoimage",
    ],
    package_dir={
        "vissl_monoimage.configs": "configs",
        "vissl_monoimage.benchmarks.grids": "benchmarks/grids",
        "vissl_monoimage.benchmarks.results": "benchmarks/results",
        "vissl_monoimage.benchmarks.reference": "benchmarks/reference",
        "hydra_plugins.vissl_monoimage": "vissl_monoimage/hydra_plugin",
    },
    package_data={
        "vissl_monoimage.configs": CONFIGS,
        "vissl_monoimage.benchmarks.grids": ["*.yaml"],
        "vissl_monoimage.benchmarks.results": ["*.jsonl", "data_hashes.csv", "images_seen.csv", "initial_weights.csv"],
        "vissl_monoimage.benchmarks.reference": ["*.csv"],
        "vissl_monoimage.report.formats": ["*.j2"],
        "vissl_monoimage": ["py.typed"],
    },
    cmdclass={"sdist": ReproducibleSdist},
    entry_points={"console_scripts": ["monoimage=vissl_monoimage.cli.main:main"]},
    # VISSL itself is installed by `monoimage setup`: its pins cannot be met. These are
    # current versions of what it imports; the upper bounds are the versions the tests ran with.
    install_requires=[
        "torch>=2.6,<2.15",
        "torchvision>=0.21,<0.30",
        "fvcore>=0.1.5.post20221221,<0.2",
        "iopath>=0.1.10,<0.2",
        "hydra-core>=1.3,<1.4",
        "omegaconf>=2.3,<2.4",
        "numpy>=1.26,<2.5",
        "scipy>=1.15,<1.18",
        "scikit-learn>=1.4,<1.10",
        "scikit-image>=0.22,<0.27",  # its photos are the labelled set of the demo
        "pandas>=2.2,<3.2",
        "tabulate>=0.9,<0.11",
        "parameterized>=0.9,<0.10",
        "tensorboard>=2.16,<2.22",
        "faiss-cpu>=1.8,<1.16",
        "opencv-python-headless>=4.9,<5.1",
        "pillow>=10.3,<13.1",
        "rich>=13.7,<15.1",
        "matplotlib>=3.10,<3.12",
        "jinja2>=3.1,<3.2",
        "safetensors>=0.4,<0.9",
        "kymatio>=0.3,<0.4",
        "submitit>=1.5,<1.6",
    ],
    extras_require={
        "gpu": ["faiss-gpu>=1.8,<1.16"],
        "docs": ["sphinx>=8.1,<9.1", "myst-parser>=4,<5.3", "furo>=2024.8.6,<2026"],
        "hub": ["huggingface_hub>=0.30,<2.5"],  # from_pretrained and push_to_hub of exported trunks
        "onnx": ["onnx>=1.17,<1.24", "onnxscript>=0.3,<0.8", "onnxruntime>=1.20,<1.33"],  # monoimage export --onnx
        "dev": [
            "vissl-monoimage[docs]",
            "huggingface_hub>=0.30,<2.5",
            "hypothesis>=6.100,<7",
            "import-linter>=2.11,<3",
            "lightly>=1.6,<1.7",  # an example of the docs
            "mypy>=1.15,<2.5",
            "onnx>=1.17,<1.24",
            "onnxruntime>=1.20,<1.33",
            "onnxscript>=0.3,<0.8",
            "pytest>=8,<9.3",
            "pytest-xdist>=3.6,<4",
            "ruff>=0.9,<0.18",
            "types-PyYAML",
            "types-tabulate",
            "setuptools>=69",
            "wheel",
        ],
    },
)
