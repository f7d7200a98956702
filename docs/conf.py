"""What Sphinx makes the site and the EPUB from: the README, these pages and the lessons as committed (`make site`)."""

import re
import sys
import tomllib
from pathlib import Path

import latex2mathml.converter
from docutils import nodes

sys.path.insert(0, str(Path(__file__).parent))
with open(Path(__file__).parent.parent / "pyproject.toml", "rb") as file:
    PROJECT = tomllib.load(file)["project"]

project = "Read text from images"
author = copyright = "the authors of captcha_lib"
version = release = PROJECT["version"]
language = "en"

root_doc = "README"
include_patterns = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/*.md", "notebooks/*.ipynb"]
extensions = ["myst_nb"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
nb_execution_mode = "off"
nb_custom_formats = {".ipynb": "build_site.read_lesson"}
nb_mime_priority_overrides = [("epub", "text/html", None)]  # pandas' tables are no XML; their text is in there as well
nb_ipywidgets_js = {}  # sliders move in the notebooks alone

html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_copy_source = True
html_theme_options = {
    "repository_url": PROJECT["urls"]["Repository"],
    "use_repository_button": True,
    "use_download_button": True,
    "home_page_in_toc": True,
    "show_navbar_depth": 1,
    "navbar_persistent": [],  # the search stands in the sidebar
}
html_context = {"default_mode": "auto"}  # light or dark as the reader's system is
# The theme's own button for the search has a name that a screen reader cannot match with what it shows.
html_sidebars = {"**": ["navbar-logo.html", "search-field.html", "sbt-sidebar-nav.html"]}
html_math_renderer = "mathml"
epub_show_urls = "no"
epub_basename = "reading_text_from_images"

MENU = f"""
````{{only}} html and not epub
On this site: <a href="reader/index.html">a page that reads images</a>, and <a href="{epub_basename}.epub">the course as
an EPUB</a>.
````

```{{toctree}}
:hidden:
:caption: Lessons
:glob:
notebooks/*
```
```{{toctree}}
:hidden:
:caption: Pages
docs/index
docs/where_it_runs
docs/results
docs/teaching
docs/contributing
CONTRIBUTING
CHANGELOG
```
"""


def prepare(app, page, source):
    """Put the menu below the README, where GitHub would show its code; leave badges out of the EPUB."""
    if page == root_doc:
        source[0] += MENU
    if app.builder.name == "epub":
        source[0] = re.sub("<!-- badges -->.*?<!-- end of badges -->", "", source[0], flags=re.DOTALL)


def write_formula(translator, node):
    """Write a formula as MathML, which browsers and readers of EPUB draw themselves."""
    block = isinstance(node, nodes.math_block)
    formula = latex2mathml.converter.convert(node.astext(), display="block" if block else "inline")
    translator.body.append(f'<div class="formula" tabindex="0">{formula}</div>' if block else formula)
    raise nodes.SkipNode


def setup(app):
    """Called by Sphinx."""
    app.connect("source-read", prepare)
    app.add_html_math_renderer("mathml", (write_formula, None), (write_formula, None))
