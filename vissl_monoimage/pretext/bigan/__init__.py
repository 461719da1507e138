"""BiGAN and MonoGAN: a generator, an encoder and a discriminator of pairs (Donahue et al., ICLR 2017).

G makes images of latent vectors z, E codes of images; D is shown pairs (x, E(x)) of real images and (G(z), z)
of generated ones and learns to tell them apart, while E and G learn to make the two kinds alike. At the end E
inverts G, and its convolutions, the trunk, are what is probed.

`step` is the game, `loss` its stakes, `players` its two optimizers; `task` ties them to VISSL.
"""
