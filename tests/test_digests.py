import ast

import digests  # from notebooks/
import pytest
from digests import PROJECT, digest_code, find_parts

LIBRARY = {
    "__init__.py": "",
    "letters.py": "ALPHABET = 'ab'",
    "images.py": "from pathlib import Path\ndef read():\n    from lib.letters import ALPHABET\n"
    "def show():\n    read(), Path",
    "labels.py": "import csv\nlist(csv.reader(open('labels.txt')))",
    "labels.txt": "ab\n",
    "fonts.py": "def draw():\n    return 1\nsize: int = 9",
    "exercises/__init__.py": "import lib.letters",
    "exercises/lesson_1.py": "",
}


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A library of four modules and a package, which offers the name `read` itself."""
    folder = tmp_path / "lib"
    (folder / "exercises").mkdir(parents=True)
    for name, text in LIBRARY.items():
        (folder / name).write_text(text)
    monkeypatch.setattr(digests, "LIBRARY", folder)
    monkeypatch.setattr(digests, "HOMES", {"read": "images"})
    return folder


@pytest.mark.parametrize(
    "program, names",
    [
        ("import numpy, library.fonts", ""),
        ("from lib.fonts import draw", "fonts: fonts:draw"),
        ("import lib.fonts as fonts", "fonts: fonts:draw fonts:size"),
        ("from lib import fonts", "fonts: fonts:draw fonts:size"),
        ("from lib import read", "images: images:read letters: letters:ALPHABET"),
        ("from lib.images import show", "images: images:Path images:read images:show letters: letters:ALPHABET"),
        ("def later():\n    if True:\n        from lib.fonts import size", "fonts: fonts:size"),
        ("from lib.exercises import check", "__init__:"),
        ("import lib.exercises.lesson_1", "__init__: __init__:lib lesson_1: letters: letters:ALPHABET"),
        ("import lib", "images: images:read letters: letters:ALPHABET"),
        ("from lib import labels", "labels: labels:csv labels:"),
    ],
)
def test_the_parts_in_use_are_found(library, tmp_path, program, names):
    (tmp_path / "program.py").write_text(program)
    assert " ".join(f"{file.stem}:{name}" for file, name in find_parts(tmp_path / "program.py")) == names


def test_all_parts_of_a_module_are_its_own(library):
    assert [name for file, name in find_parts(library / "images.py") if file.stem == "images"] == [
        "",
        "Path",
        "read",
        "show",
    ]


def test_a_part_that_is_not_used_may_change(library, tmp_path):
    program, digests = tmp_path / "program.py", []
    program.write_text("from lib.fonts import draw")
    for text in (LIBRARY["fonts.py"], LIBRARY["fonts.py"].replace("9", "8"), LIBRARY["fonts.py"].replace("1", "2")):
        (library / "fonts.py").write_text(text)
        digests.append(digest_code(find_parts(program)))
    assert digests[0] == digests[1] != digests[2]


def test_lesson_1_uses_no_model():
    names = {file.stem for file, _ in find_parts(PROJECT / "notebooks/01_visualisation.py")}
    assert {"images", "show", "sources"} <= names and not names & {"cnn", "ctc", "recipe", "reader"}


CODE = '''"""A module."""
class Reader:
    """A class."""
    def read(self, path, *, sure=None):
        """Return a text."""
        return [f"{path!r} of {sure:.1%}" "\\n", lambda: None, *[]]
'''
REWORDED = """# A comment.
class Reader:
    "Another text."

    def read(self, path, *, sure=None):
        return [
            f"{path!r} of {sure:.1%}\\n",  # why
            lambda: None,
            *[],
        ]
"""


def digest_file(file):
    """The digest of a module's parts, or of a data file, as if it belonged to the library."""
    content = [ast.parse(file.read_bytes())] if file.suffix == ".py" else file.read_bytes()
    return digest_code({(file, ""): content})


def test_reworded_docstrings_and_comments_change_no_digest(tmp_path):
    file = tmp_path / "module.py"
    file.write_bytes(CODE.encode())
    before = digest_file(file)
    for text in (REWORDED, CODE.replace("\n", "\r\n")):
        file.write_bytes(text.encode())
        assert digest_file(file) == before
    assert before == "71ac6fae19272837", "must be the same in all versions of Python"


@pytest.mark.parametrize(
    "old, new", [(".1%", ".2%"), ("None)", "False)"), ("*, ", ""), ("read", "look"), ("*[]", "[]")]
)
def test_changed_code_changes_the_digest(tmp_path, old, new):
    file = tmp_path / "module.py"
    file.write_text(CODE)
    before = digest_file(file)
    file.write_text(CODE.replace(old, new, 1))
    assert digest_file(file) != before


def test_data_and_names_count_but_not_line_ends(tmp_path):
    one, other = tmp_path / "labels.txt", tmp_path / "names.txt"
    one.write_text("ab\n")
    other.write_text("ab\n")
    before = digest_file(one)
    assert digest_file(other) != before
    one.write_bytes(b"ab\r\n")
    assert digest_file(one) == before
    one.write_text("ac\n")
    assert digest_file(one) != before
