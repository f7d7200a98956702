"""Let nbval test the library with the lessons, and compare numbers within the tolerance of a cell's tag.

A lesson writes out functions that the library has as well: the same code, which tests/test_notebooks.py compares. Nbval
runs the library's in their place, so that the outputs depend on it; `make notebooks` runs those of the lesson. The tag
of a tolerance is one such as `within-5%` or `within-0.02`.
"""

import ast
import re
from functools import partial
from pathlib import Path

from nbval.plugin import IPyNbCell
from tolerances import compare_texts, list_texts, read_tolerance, split_numbers

import captcha_lib

collect_ignore_glob = ["*/*.ipynb"]  # translations: code and outputs are those of the lessons

HOMES = {  # the module of each function of the library
    name: module.stem
    for module in Path(captcha_lib.__file__).parent.glob("*.py")
    for name in re.findall(r"^def (\w+)", module.read_text(encoding="utf-8"), re.MULTILINE)
}


def pytest_itemcollected(item):
    """Let a cell go on with the library's functions; a `within-` tag compares it, even where nbval would not."""
    if isinstance(item, IPyNbCell):
        item.cell.source = with_library(item.cell.source)
        tags = item.cell.metadata.get("tags", [])
        if any(tag.startswith("within-") for tag in tags):
            item.options["check"] = True
            item.compare_outputs = partial(compare_within, item, tags)


def with_library(source):
    """Return a cell's source in which, behind each function that the library has too, the library's is imported."""
    try:
        body = ast.parse(source).body
    except SyntaxError:  # a cell with a line for the shell
        return source
    lines = source.splitlines()
    for node in reversed(body):
        if isinstance(node, ast.FunctionDef) and node.name in HOMES:
            lines.insert(node.end_lineno, f"from captcha_lib.{HOMES[node.name]} import {node.name}")
    return "\n".join(lines)


def compare_within(cell, tags, new, stored):
    """Return whether a cell's new outputs agree with the stored ones; if not, the cell holds the reasons."""
    faults = []
    old_texts, new_texts = list_texts(stored), list_texts(new)
    try:
        tolerance = read_tolerance(tags)
        if not any(split_numbers(holder[key])[1] for _, holder, key in old_texts):
            raise ValueError("the stored output holds no number: expected one, or no tag within-...")
        # Where the kinds differ, nbval itself says which.
        if [kind for kind, *_ in old_texts] == [kind for kind, *_ in new_texts]:
            for (_, old, _), (_, holder, key) in zip(old_texts, new_texts):
                holder[key], wrong = compare_texts(old[key], holder[key], *tolerance)
                faults += wrong
    except ValueError as error:
        faults.append(str(error))
    same = type(cell).compare_outputs(cell, new, stored)
    cell.comparison_traceback[:0] = faults
    return same and not faults
