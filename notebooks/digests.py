"""Find what lessons and benchmarks use of the library, and tell whether its code has changed."""

import ast
import hashlib
from pathlib import Path

from captcha_lib import _HOMES as HOMES

PROJECT = Path(__file__).resolve().parent.parent
LIBRARY = PROJECT / "captcha_lib"


def find_parts(*files):
    """Return what Python files use of the library: a dict from (file, name) to syntax trees, or to a data file's bytes.

    A part is what a module defines under one name. It is used where a used part, or one of `files`, imports it or names
    it, inside functions too. The name "" stands for what a used module does without defining a name, and for the data
    files that used parts name. Of those of `files` that are modules themselves all parts count. The library's own
    `__init__.py` is none of them: it hands on names, which are followed to their homes.
    """
    data = {file.name: file for file in LIBRARY.iterdir() if file.is_file() and file.suffix != ".py"}
    modules, found = {}, {}
    waiting = [(file, None) for file in files]
    while waiting:
        file, name = waiting.pop()
        if file not in modules:
            modules[file] = _split(file)
        parts = modules[file]
        if name is None:
            waiting += [(file, each) for each in parts]
        if name not in parts:
            name = ""
        if (file, name) in found:
            continue
        found[file, name] = parts[name]
        waiting.append((file, ""))
        for node in (inner for part in parts[name] for inner in ast.walk(part)):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                waiting += _imported(node)
            elif isinstance(node, ast.Name):
                waiting.append((file, node.id))
            elif isinstance(node, ast.Constant) and node.value in data:
                found[data[node.value], ""] = data[node.value].read_bytes()
    return {part: found[part] for part in sorted(found) if LIBRARY in part[0].parents}


def _split(file):
    """Return a module's statements under the names that each of them defines or imports, without its docstring."""
    body = ast.parse(file.read_bytes(), file).body
    parts = {"": []}
    for node in body[1:] if _opens_with_text(body) else body:
        names = {""}
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                one = type(node)(**{**vars(node), "names": [alias]})
                parts.setdefault(alias.asname or alias.name.partition(".")[0], []).append(one)
            continue
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names = {node.name}
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {inner.id for target in targets for inner in ast.walk(target) if isinstance(inner, ast.Name)}
        for name in names:
            parts.setdefault(name, []).append(node)
    return parts


def _imported(node):
    """Yield the parts of the library that one import statement asks for, as (file, name); a name of None means all."""
    parent = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
    for alias in node.names:
        package, *names = f"{parent}{alias.name}".split(".")
        if package != LIBRARY.name:
            continue
        for path in [names] if names else [[name] for name in HOMES]:
            place, file = LIBRARY, None
            for name in [HOMES[path[0]], *path] if path[0] in HOMES else path:
                place /= name
                files = [one for one in (place / "__init__.py", place.with_suffix(".py")) if one.exists()]
                if file:
                    yield file, None if files else name
                file = files[0] if files else None
            if file:
                yield file, None


def digest_code(parts):
    """Return 16 hexadecimal digits over the parts that `find_parts` gives: of Python the code, without docstrings.

    They are the same on every system and in Python 3.11 to 3.13.
    """
    total = hashlib.sha256()
    for (file, name), content in parts.items():
        if isinstance(content, list):
            content = ascii(_outline(content)).encode()
        content = content.replace(b"\r\n", b"\n")  # which Git for Windows makes of line ends
        total.update(f"{file.name} {name} ".encode() + hashlib.sha256(content).digest())
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
