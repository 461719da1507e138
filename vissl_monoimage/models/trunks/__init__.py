"""Networks whose features are probed; `registry` has them by name."""
