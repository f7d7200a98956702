"""Find the library's files that lessons and benchmarks use, and tell whether their code has changed."""

import ast
import hashlib
from pathlib import Path

from captcha_lib import _HOMES as HOMES

PROJECT = Path(__file__).resolve().parent.parent
LIBRARY = PROJECT / "captcha_lib"


def find_modules(*files):
    """Return the library's files that Python files use, directly or through each other, in order of their names.

    These are the modules that they import, inside functions too, the data files that a module names, and those of
    `files` that are modules themselves. The library's own `__init__.py` is none of them: it hands on names, which are
    followed to their homes.
    """
    data = {file.name for file in LIBRARY.iterdir() if file.is_file() and file.suffix != ".py"}
    found, waiting = {file for file in files if LIBRARY in file.parents}, list(files)
    while waiting:
        file, used = waiting.pop(), set()
        for node in ast.walk(ast.parse(file.read_bytes(), file)):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                used.update(_imported(node))
            elif isinstance(node, ast.Constant) and node.value in data:
                found.add(LIBRARY / node.value)
        waiting += used - found
        found |= used
    return sorted(found)


def _imported(node):
    """Yield the library's modules, and the packages in it, that one import statement asks for."""
    parent = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
    for alias in node.names:
        package, *name = f"{parent}{alias.name}".split(".")
        if package != LIBRARY.name:
            continue
        for home in [HOMES.get(name[0], name[0])] if name else HOMES.values():
            place = LIBRARY
            for part in (home, *name[1:]):
                place /= part
                yield from (file for file in (place / "__init__.py", place.with_suffix(".py")) if file.exists())


def digest_code(files):
    """Return 16 hexadecimal digits over files: of Python the code alone, without docstrings and comments.

    They are the same on every system and in Python 3.11 to 3.13.
    """
    total = hashlib.sha256()
    for file in files:
        content = file.read_bytes().replace(b"\r\n", b"\n")  # which Git for Windows makes of line ends
        if file.suffix == ".py":
            content = ascii(_outline(ast.parse(content, file))).encode()
        total.update(file.name.encode() + hashlib.sha256(content).digest())
    return total.hexdigest()[:16]


def _outline(node):
    """Return a syntax tree as nested lists.

    Neither `ast.dump` nor `ast.unparse` serves: their texts differ from one Python to the next.
    """
    if isinstance(node, list):
        return [_outline(child) for child in node]
    if not isinstance(node, ast.AST):
        return node
    fields = dict(ast.iter_fields(node))
    if "body" in fields and _opens_with_text(node.body):
        fields["body"] = node.body[1:]
    children = [[name, _outline(value)] for name, value in fields.items() if value not in (None, [])]
    return [type(node).__name__, children]


def _opens_with_text(body):
    """Return whether the first statement of a body is a text alone: a docstring."""
    first = body[0] if isinstance(body, list) and body else None  # the body of a lambda is not a list
    return isinstance(first, ast.Expr) and isinstance(getattr(first.value, "value", None), str)
