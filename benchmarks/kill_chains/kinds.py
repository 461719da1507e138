"""The tiny runs that are killed: the words after `monoimage`, each writing into the folder `out`."""

from __future__ import annotations

SMOKE = "+config/monoimage=smoke"
OUT = "config.CHECKPOINT.DIR=out"
PROBE = [
    *("run", "config=benchmark/monoimage/linear_photo_patches", "config.MODEL.TRUNK.NAME=convnet4"),
    "config.MONOIMAGE.PATCHES.SIZE=32",
    "config.MONOIMAGE.PATCHES.TRAIN_SAMPLES=200",
    "config.MONOIMAGE.PATCHES.TEST_SAMPLES=75",
    "config.DATA.TRAIN.BATCHSIZE_PER_REPLICA=32",
    "config.OPTIMIZER.num_epochs=2",
    "config.OPTIMIZER.param_schedulers.lr.milestones=[1]",
    "config.TEST_EVERY_NUM_EPOCH=1",
    "config.CHECKPOINT.CHECKPOINT_ITER_FREQUENCY=3",
    OUT,
]
COMMANDS = {
    "rotnet": [
        *("run", "config=pretrain/monoimage/rotnet_convnet4", SMOKE, OUT),
        "config.DATA.TRAIN.DATA_LIMIT=24",
        "config.CHECKPOINT.CHECKPOINT_ITER_FREQUENCY=4",
    ],
    "deepcluster": [
        *("run", "config=pretrain/monoimage/deepcluster_convnet4", SMOKE, OUT),
        "config.MODEL.HEAD.PARAMS=[[deepcluster,{dims:[1024,16]}]]",
        "config.MONOIMAGE.DEEPCLUSTER.PCA=8",
        "config.OPTIMIZER.num_epochs=3",
        "config.DATA.TRAIN.DATA_LIMIT=36",
        "config.CHECKPOINT.CHECKPOINT_ITER_FREQUENCY=5",
    ],
    "monogan": [
        *("run", "config=pretrain/monoimage/monogan_cifar", SMOKE, OUT),
        "config.MODEL.HEAD.PARAMS=[[bigan,"
        "{features:1024,latent:4,generator:{widths:[8,4]},discriminator:{widths:[4,8],norm:none,hidden:8}}]]",
        "config.LOSS.bigan_loss.discriminator_steps=2",
        "config.LOSS.bigan_loss.penalty_every=2",
        "config.DATA.TRAIN.DATA_LIMIT=36",
        "config.CHECKPOINT.CHECKPOINT_ITER_FREQUENCY=5",
    ],
    "probe": PROBE,
    "probe-cached": [*PROBE, "config.MONOIMAGE.CACHE_FEATURES=true"],
    "init": ["init", "kmeans", "china", "-o", "out", "--crops", "512"],
    "reproduce": ["reproduce", "tiny.yaml", "--out", "out", "--jobs", "1"],
    "demo": ["demo", "--smoke", "--out", "out"],
}
GRID = {  # tiny.yaml
    "title": "a tiny benchmark",
    "probes": {
        "patches": {
            "config": "benchmark/monoimage/linear_photo_patches",
            "minutes": 0.2,
            "overrides": [
                *(SMOKE, "config.MODEL.TRUNK.NAME=convnet4"),
                "config.MONOIMAGE.PATCHES.SIZE=32",
                "config.MONOIMAGE.PATCHES.TRAIN_SAMPLES=24",
                "config.MONOIMAGE.PATCHES.TEST_SAMPLES=12",
            ],
        }
    },
    "cells": {
        "random": {},
        "rotnet": {"pretrain": "pretrain/monoimage/rotnet_convnet4", "source": "photo", "minutes": 0.2},
    },
    "profiles": {"laptop": {"seeds": [0], "overrides": [SMOKE]}},
}
