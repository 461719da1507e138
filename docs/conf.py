"""Build settings of the documentation: `make docs` writes the site to build/docs. Nothing is fetched from the net."""

from __future__ import annotations

import runpy
from pathlib import Path

import vissl_monoimage

HERE = Path(__file__).parent
runpy.run_path(str(HERE.parent / "benchmarks" / "result_pages.py"))["write_pages"](HERE / "results")

project = "vissl_monoimage"
author = "The vissl_monoimage authors"
copyright = "2026, the vissl_monoimage authors"
release = vissl_monoimage.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_title = f"vissl_monoimage {release}"
html_copy_source = False
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
default_role = "code"  # of docstrings: `name`
nitpick_ignore_regex = [
    ("py:.*", r"(?!vissl_monoimage).*")
]  # names of other libraries, whose inventories are on the net
