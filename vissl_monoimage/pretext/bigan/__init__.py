"""BiGAN and MonoGAN: a generator, an encoder and a discriminator of pairs (Donahue et al., ICLR 2017).

The generator G makes images from latent vectors z, the encoder E makes codes from images. The discriminator D sees
pairs (x, E(x)) of real images and pairs (G(z), z) of generated ones and learns to separate them, while E and G learn
to make the two kinds indistinguishable. At the optimum E inverts G; its convolutions, the trunk, are probed.

`train_step` is one batch of that game, `loss` its objectives, `optimizers` its two optimizers; `task` ties them to
VISSL.
"""
