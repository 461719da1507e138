"""Finding, inspecting, decoding and caching photos."""
