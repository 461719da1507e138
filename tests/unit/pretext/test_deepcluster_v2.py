"""DeepClusterV2 with more clusters than samples is refused before anything starts."""

from __future__ import annotations

from omegaconf import OmegaConf

from vissl_monoimage.config.compose import compose_config
from vissl_monoimage.pretext.deepcluster_v2 import check_clusters

CONFIG = ["config=pretrain/deepcluster_v2/deepclusterv2_2crops_resnet", "+config/monoimage=[single_image,cpu]"]
BATCH = "config.DATA.TRAIN.BATCHSIZE_PER_REPLICA"


def problems(*overrides: str) -> list[str]:
    return list(check_clusters(OmegaConf.to_container(compose_config([*CONFIG, *overrides]), resolve=True)["config"]))


def test_clusters_are_counted_against_the_samples_a_process_keeps() -> None:
    assert problems() == []
    assert problems("config.MONOIMAGE.SOURCE.NUM_SAMPLES=3000", f"{BATCH}=100") == []
    (problem,) = problems("config.MONOIMAGE.SOURCE.NUM_SAMPLES=3005", f"{BATCH}=64")  # 46 whole batches
    assert "num_clusters=[3000, 3000, 3000] is more than the 2944 samples" in problem
    (problem,) = problems("config.DATA.TRAIN.DATA_LIMIT=5000", f"{BATCH}=100", "config.DISTRIBUTED.NUM_PROC_PER_NODE=2")
    assert "2500 samples" in problem
