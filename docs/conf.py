"""What Sphinx makes the site and the EPUB from: the README, these pages and the lessons as committed (`make site`)."""

import os
import re
import sys
import tomllib
from pathlib import Path

import latex2mathml.converter
from docutils import nodes

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "docs"))
with open(ROOT / "pyproject.toml", "rb") as file:
    PROJECT = tomllib.load(file)["project"]

project = "Read text from images"
author = copyright = "the contributors of the captcha course"
version = release = PROJECT["version"]
language = "en"

root_doc = "README"
include_patterns = [
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "docs/*.md",
    "notebooks/*.ipynb",
    "notebooks/*/*.ipynb",
]
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

LANGUAGES = {"English": "", "繁體中文": "zh_TW"}  # of lessons, and their folders in notebooks/
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
:caption: 繁體中文
:glob:
notebooks/zh_TW/*
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
    """Put the menu below the README, where GitHub would show its code, and into a lesson links to its translations.

    Badges stay out of the EPUB.
    """
    if page == root_doc:
        source[0] += MENU
    lesson = ROOT / f"{page}.ipynb"
    others = {title: ROOT / "notebooks" / folder / lesson.name for title, folder in LANGUAGES.items()}
    links = [
        f"[{title}]({os.path.relpath(file, lesson.parent).replace(os.sep, '/')})"
        for title, file in others.items()
        if lesson.exists() and file.exists() and file != lesson
    ]
    if links:
        source[0] = source[0].replace("<!-- badges -->", f"{' · '.join(links)}\\n\\n<!-- badges -->", 1)
    if app.builder.name == "epub":
        source[0] = re.sub("<!-- badges -->.*?<!-- end of badges -->", "", source[0], flags=re.DOTALL)


def name_language(app, page, template, context, doctree):
    """Tell browsers and screen readers that a translated lesson is not in English."""
    folder = Path(page).parent.name
    if folder and folder in LANGUAGES.values():
        context["language"] = folder.replace("_", "-")


def write_formula(translator, node):
    """Write a formula as MathML, which browsers and readers of EPUB draw themselves."""
    block = isinstance(node, nodes.math_block)
    formula = latex2mathml.converter.convert(node.astext(), display="block" if block else "inline")
    translator.body.append(f'<div class="formula" tabindex="0">{formula}</div>' if block else formula)
    raise nodes.SkipNode


def setup(app):
    """Called by Sphinx."""
    app.connect("source-read", prepare)
    app.connect("html-page-context", name_language)
    app.add_html_math_renderer("mathml", (write_formula, None), (write_formula, None))
