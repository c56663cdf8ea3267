"""Settings of Sphinx for the guide: `cargo xtask guide`."""

import re

project = "exact-learn"
author = "The exact-learn authors"
copyright = author

extensions = ["myst_parser"]
exclude_patterns = ["stand_ins"]
myst_enable_extensions = ["amsmath", "colon_fence", "dollarmath"]
myst_heading_anchors = 3
# Broken links to files, headings and names are warnings, and these are errors.
nitpicky = True

html_theme = "furo"
html_title = project
html_show_copyright = False


def hide(app, docname, source):
    """Leaves out what rustdoc hides, the result of an example in Rust."""
    source[0] = re.sub(r"^# Ok::.*\n", "", source[0], flags=re.MULTILINE)


def setup(app):
    app.connect("source-read", hide)
