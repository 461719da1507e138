"""Features that no image taught: what a linear probe makes of hand-made ones, as trunks for the probe."""
