"""The data package in an environment without VISSL: it imports, and a photo gives the bytes it always gave."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
import textwrap
from pathlib import Path

import vissl_monoimage.data

REFUSE_VISSL = """
import sys


class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("vissl", "classy_vision"):
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)


sys.meta_path.insert(0, Refuse())
"""
# Of the first eight training and test samples at 32 px, by the released recipe.
GOLDEN = {
    "china": "baf6e8b47eb7f773604d8181ac635e2534e60e740b7ff06a99909a43d0569008",
    "coffee": "1c64b1df46612cab57e7beb23e506a7c54d06e2c336c544f8849f963bdd1a4ba",
}


def run(code: str) -> str:
    script = REFUSE_VISSL + textwrap.dedent(code)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_every_module_imports_but_those_for_vissl() -> None:
    package = Path(vissl_monoimage.data.__file__).parent
    names = [
        module.name
        for module in pkgutil.walk_packages([str(package)], "vissl_monoimage.data.")
        if not module.name.endswith("_vissl")
    ]
    assert len(names) > 20
    run(f"""
        import importlib

        for name in {names}:
            importlib.import_module(name)
        assert not {{"vissl", "classy_vision"}} & set(sys.modules)
    """)


def test_a_photo_gives_its_golden_samples() -> None:
    printed = run(f"""
        import hashlib

        from vissl_monoimage import SingleImageDataset
        from vissl_monoimage.data.crops.settings import read_source_block
        from vissl_monoimage.data.crops.sample import TEST, TRAIN
        from vissl_monoimage.data.single_image import SingleImageCrops

        for photo in {list(GOLDEN)}:
            digest = hashlib.sha256()
            for split in (TRAIN, TEST):
                crops = SingleImageCrops(photo, read_source_block({{"SIZE": 32}}), split)
                for index in range(8):
                    digest.update(crops[index].tobytes())
            print(photo, digest.hexdigest())
            training = SingleImageCrops(photo, read_source_block({{"SIZE": 32}}))
            assert SingleImageDataset(photo, size=32)[7][0] == training[7] != training[6]
    """)
    assert dict(line.split() for line in printed.splitlines()) == GOLDEN
