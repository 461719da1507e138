"""Initial weights learned from the patches of a photo, without a pretext task: `monoimage init`."""

CROPS = 2048
"""How many crops of a photo they are learned from by default."""

# The trunks that each method can make, the default first. k-means needs a single chain of convolution, batch norm, ReLU
# and pooling in which every convolution has a bias.
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
