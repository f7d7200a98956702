import digests  # from notebooks/
import pytest
from digests import PROJECT, digest_code, find_modules

LIBRARY = {
    "__init__.py": "",
    "letters.py": "ALPHABET = 'ab'",
    "images.py": "from pathlib import Path\ndef read():\n    from lib.letters import ALPHABET",
    "labels.py": "import csv\nlist(csv.reader(open('labels.txt')))",
    "labels.txt": "ab\n",
    "fonts.py": "",
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
        ("import numpy, library.fonts", []),
        ("from lib.fonts import draw", ["fonts.py"]),
        ("import lib.fonts as fonts", ["fonts.py"]),
        ("from lib import fonts", ["fonts.py"]),
        ("from lib import read", ["images.py", "letters.py"]),
        ("def later():\n    if True:\n        import lib.images", ["images.py", "letters.py"]),
        ("from lib.exercises import check", ["exercises/__init__.py", "letters.py"]),
        ("import lib.exercises.lesson_1", ["exercises/__init__.py", "exercises/lesson_1.py", "letters.py"]),
        ("import lib", ["images.py", "letters.py"]),
        ("from lib import labels", ["labels.py", "labels.txt"]),
    ],
)
def test_the_modules_in_use_are_found(library, tmp_path, program, names):
    (tmp_path / "program.py").write_text(program)
    assert find_modules(tmp_path / "program.py") == [library / name for name in names]


def test_a_module_is_its_own_part_of_the_library(library):
    assert find_modules(library / "images.py") == [library / "images.py", library / "letters.py"]


def test_lesson_1_uses_no_model():
    names = {file.stem for file in find_modules(PROJECT / "notebooks/01_visualisation.py")}
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


def test_reworded_docstrings_and_comments_change_no_digest(tmp_path):
    file = tmp_path / "module.py"
    file.write_bytes(CODE.encode())
    before = digest_code([file])
    for text in (REWORDED, CODE.replace("\n", "\r\n")):
        file.write_bytes(text.encode())
        assert digest_code([file]) == before
    assert before == "ccab995e5c211891", "must be the same in all versions of Python"


@pytest.mark.parametrize(
    "old, new", [(".1%", ".2%"), ("None)", "False)"), ("*, ", ""), ("read", "look"), ("*[]", "[]")]
)
def test_changed_code_changes_the_digest(tmp_path, old, new):
    file = tmp_path / "module.py"
    file.write_text(CODE)
    before = digest_code([file])
    file.write_text(CODE.replace(old, new, 1))
    assert digest_code([file]) != before


def test_data_and_names_count_but_not_line_ends(tmp_path):
    one, other = tmp_path / "labels.txt", tmp_path / "names.txt"
    one.write_text("ab\n")
    other.write_text("ab\n")
    before = digest_code([one])
    assert digest_code([other]) != before
    one.write_bytes(b"ab\r\n")
    assert digest_code([one]) == before
    one.write_text("ac\n")
    assert digest_code([one]) != before
