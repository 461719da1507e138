"""Modules that follow a trunk in pretraining or in a probe."""
