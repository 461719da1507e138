"""The ledger in an environment without VISSL: only its `*_vissl.py` files know VISSL."""

from __future__ import annotations

import json
from pathlib import Path

from environments import Environment

RESULTS = Path(__file__).parents[3] / "benchmarks" / "results"
SCRIPT = """
import importlib, pkgutil, sys
from pathlib import Path

import vissl_monoimage.ledger

names = [module.name for module in pkgutil.iter_modules(vissl_monoimage.ledger.__path__)]
for name in names:
    if not name.endswith("_vissl"):
        importlib.import_module(f"vissl_monoimage.ledger.{name}")

from vissl_monoimage.models.init.patches import Crops
from vissl_monoimage.models.normalisation import CIFAR10
from vissl_monoimage.ledger import io
from vissl_monoimage.ledger.init_row import Made, init_row

rows = io.read(sorted(Path(sys.argv[1]).glob("*.jsonl")))
settings = {"SIZE": 32, "NUM_SAMPLES": 10}
options = {"METHOD": "kmeans", "TRUNK": "convnet4", "SEED_VALUE": 0, "SOURCE": settings}
Path("checkpoint.torch").write_bytes(b"weights")
crops = Crops("china", 32, 10, 0, CIFAR10)
made = Made(options, crops)
row = init_row(made, Path("checkpoint.torch"), "monoimage init kmeans china".split(), ["--seed=0"], "1 x cpu", 1.0)
io.append("ledger.jsonl", row)
assert io.read(["ledger.jsonl"]) == [row]
assert row.data["train"].sha256
assert not {"vissl", "classy_vision"} & sys.modules.keys()
print(len(rows), "hook_vissl" in names)
"""


def test_rows_are_read_and_written_without_vissl(without_vissl: Environment, tmp_path: Path) -> None:
    done = without_vissl.run("-c", SCRIPT, str(RESULTS), cwd=tmp_path, checkout=True)
    lines = (line for file in RESULTS.glob("*.jsonl") for line in file.read_text().splitlines())
    runs = {json.loads(line)["run_id"] for line in lines}
    assert done.stdout.split() == [str(len(runs)), "True"]
