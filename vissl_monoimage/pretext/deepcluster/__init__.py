"""DeepCluster (Caron et al., ECCV 2018, arXiv 1807.05520): a network learns to tell the clusters of its own features.

Every epoch `extraction` runs the network over all samples, `clustering` groups its features, `sampler` draws the
clusters evenly, and the `task` trains the network on them with a new top layer.
"""
