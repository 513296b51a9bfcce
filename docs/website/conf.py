"""Sphinx's configuration of the site; `make.py` makes the folder that it stands in.

Nothing is loaded from elsewhere: formulas are MathML, fonts those of the reader's machine.
"""

from typing import Any

from autodiffc.highlight import ModelLexer

project = "autodiffc"
extensions = ["myst_parser", "sphinx.ext.githubpages"]  # the latter: folders may begin with _
root_doc = "index"
html_title = "autodiffc"
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b57a4", "color-brand-content": "#0b57a4"}
}
pygments_style = "default"
pygments_dark_style = "github-dark"
myst_heading_anchors = 4
nitpicky = True


def setup(app: Any) -> None:
    """Blocks of the models' language are coloured as such."""
    app.add_lexer("dsl", ModelLexer)
