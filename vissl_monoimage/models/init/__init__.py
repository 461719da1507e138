"""Trunks without a pretext task: learned from the patches of a photo, random, or calibrated (`monoimage init`)."""

CROPS = 2048
"""How many images they are made from by default."""

# The trunks that each method can learn, the default first. k-means needs a single chain of convolution, batch norm,
# ReLU and pooling in which every convolution has a bias.
TRUNKS = {
    "kmeans": (
        "convnet4",
        "alexnet_rotnet_32px",
        "alexnet_rotnet_64px",
        "alexnet_rotnet",
        "alexnet_wide_32px",
        "alexnet_wide_64px",
        "alexnet_wide",
    ),
    "sparse_coding": ("sparse_coding",),
}

RANDOM, CALIBRATE = "random", "calibrate"
METHODS = (*TRUNKS, RANDOM, CALIBRATE)
"""The last two begin with the initial weights of a pretraining, or `calibrate` with those of a checkpoint."""

NOISE = "noise"
"""The name of white noise among the images that `calibrate` takes."""
