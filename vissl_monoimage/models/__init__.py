"""Trunks, heads, initial weights and checkpoints, in plain PyTorch; `*_vissl.py` connect them to VISSL."""
