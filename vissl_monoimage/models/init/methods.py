"""Baselines: features made by hand, or learned from patches of a photo without a pretext task."""

CROPS = 2048  # of a photo, that a baseline learns from
# The trunks that each method of `monoimage init` can make. Of kmeans: those that are one chain of convolution, batch
# norm, ReLU and pooling, every convolution with a bias.
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
