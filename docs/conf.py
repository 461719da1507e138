"""Build settings of the documentation: `make docs` writes the site to build/docs. Nothing is fetched from the net."""

from __future__ import annotations

import vissl_monoimage

project = "vissl_monoimage"
author = "The vissl_monoimage authors"
copyright = "2026, the vissl_monoimage authors"
release = vissl_monoimage.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"vissl_monoimage {release}"
html_copy_source = False
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
autodoc_member_order = "bysource"
autodoc_typehints = "description"
