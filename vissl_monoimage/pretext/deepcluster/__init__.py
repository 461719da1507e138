"""DeepCluster (Caron et al., ECCV 2018, arXiv 1807.05520): a network is trained to classify its own features' clusters.

Every epoch `extraction` runs the network over all samples, `clustering` groups its features, `sampler` draws evenly
from the clusters, and the `task` trains the network on these pseudo-labels with a new top layer.
"""
