"""Pretext methods: RotNet, DeepCluster, BiGAN and MonoGAN."""
