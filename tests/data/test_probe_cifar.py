"""The CIFAR protocol on real CIFAR-10 images, as files."""

from __future__ import annotations

import json
import subprocess
import sys

CACHED = "config.MONOIMAGE.CACHE_FEATURES=true"


def test_every_layer_of_random_weights_is_above_chance(monoimage, data_dir, tmp_path):
    unpack = [sys.executable, str(data_dir / "unpack.py"), "tree", str(data_dir / "cifar10"), "cifar", "--limit", "60"]
    subprocess.run(unpack, cwd=tmp_path, check=True)
    folders = [
        f"config.DATA.{split}.{setting}"
        for split in ("TRAIN", "TEST")
        for setting in (
            "DATA_SOURCES=[disk_folder]",
            "LABEL_SOURCES=[disk_folder]",
            f"DATA_PATHS=[cifar/{split.lower()}]",
        )
    ]
    monoimage("run", "config=benchmark/monoimage/linear_cifar10", *folders, CACHED, "config.CHECKPOINT.DIR=probe")
    lines = [json.loads(line) for line in (tmp_path / "probe" / "metrics.json").read_text().splitlines()]
    top_1 = [line for line in lines if "test_accuracy_list_meter" in line][-1]["test_accuracy_list_meter"]["top_1"]
    assert list(top_1) == ["conv1", "conv2", "conv3", "conv4"]
    # 600 test images: chance is 10 with a standard error of 1.2.
    assert all(accuracy > 16 for accuracy in top_1.values())
