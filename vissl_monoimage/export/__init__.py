"""Trunks for other code: plain modules, exported folders with a model card, the Hugging Face hub, ONNX."""
