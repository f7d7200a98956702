"""Translated lessons: each message has its cell, and code, numbers and links are the lesson's own."""

from copy import deepcopy

import nbformat
import polib
import pytest
import translations  # from notebooks/
from execute import list_badges
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

TRANSLATIONS = translations.list_translations()


def test_there_is_one_to_prove_the_way():
    assert TRANSLATIONS


@pytest.mark.parametrize("file", TRANSLATIONS, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_translation_is_whole_and_in_step(file):
    lesson, translation = nbformat.read(translations.find_lesson(file), as_version=4), polib.pofile(file)
    assert not translations.list_faults(lesson, translation)
    built = nbformat.read(file.with_suffix(".ipynb"), as_version=4)
    badges = list_badges(f"{file.parent.name}/{file.stem}.ipynb")
    assert built.cells == translations.translate(lesson, translation, badges).cells
    assert all(line in built.cells[0].source for line in badges)
    for new, old in zip(built.cells, lesson.cells, strict=True):
        assert new.id == old.id and new.metadata == old.metadata
        if new.cell_type == "code":
            assert new == old


@pytest.fixture
def lesson():
    badges = "<!-- badges -->\n[![Open](image)](address)\n<!-- end of badges -->\n\n"
    output = new_output("stream", name="stdout", text="3 images\n")
    cells = [
        new_markdown_cell(f"# Count\n\n{badges}Count the images.", id="title"),
        new_code_cell("print(3, 'images')", outputs=[output], id="code"),
        new_markdown_cell("There are `3` images, and $x^2$ more: 1,040 in [all](all.md).", id="prose"),
    ]
    return new_notebook(cells=cells)


@pytest.fixture
def translation():
    texts = {
        "title": ("# Count\n\nCount the images.", "# 計數\n\n數一數圖片。"),
        "prose": (
            "There are `3` images, and $x^2$ more: 1,040 in [all](all.md).",
            "有 `3` 張圖片，還有 $x^2$ 張：[全部](all.md)共 1,040 張。",
        ),
    }
    file = polib.POFile()
    file.extend(polib.POEntry(msgctxt=cell, msgid=old, msgstr=new) for cell, (old, new) in texts.items())
    return file


def test_prose_is_replaced_and_nothing_else(lesson, translation):
    assert not translations.list_faults(lesson, translation)
    title, code, prose = translations.translate(lesson, translation, ["a badge"]).cells
    assert title.source == "# 計數\n\n<!-- badges -->\na badge\n<!-- end of badges -->\n\n數一數圖片。"
    assert code == lesson.cells[1] and prose.source == translation[1].msgstr


@pytest.mark.parametrize(
    "change, fault",
    [
        (lambda lesson, file: setattr(file[1], "msgstr", ""), "missing: prose"),
        (lambda lesson, file: file.pop(), "missing: prose"),
        (lambda lesson, file: setattr(lesson.cells[2], "source", "Another text."), "outdated: prose"),
        (lambda lesson, file: setattr(file[1], "flags", ["fuzzy"]), "outdated: prose"),
        (lambda lesson, file: setattr(file[0], "msgctxt", "gone"), "orphaned: gone"),
        (lambda lesson, file: setattr(file[1], "msgstr", file[1].msgstr.replace("`3`", "`4`")), "code differ: prose"),
        (
            lambda lesson, file: setattr(file[1], "msgstr", file[1].msgstr.replace("x^2", "x^3")),
            "formulas differ: prose",
        ),
        (
            lambda lesson, file: setattr(file[1], "msgstr", file[1].msgstr.replace("all.md", "a.md")),
            "links differ: prose",
        ),
        (
            lambda lesson, file: setattr(file[1], "msgstr", file[1].msgstr.replace("1,040", "1040")),
            "numbers differ: prose",
        ),
    ],
)
def test_each_fault_is_found(lesson, translation, change, fault):
    change(lesson, translation)
    assert any(line.startswith(fault) for line in translations.list_faults(lesson, translation))


def test_an_update_marks_what_has_changed_and_drops_what_is_gone(lesson, translation):
    lesson.cells[2].source = "There are `4` images."
    lesson.cells[0] = new_markdown_cell("New words.", id="new")
    changed = deepcopy(translation)
    translations.update(lesson, changed)
    assert [(entry.msgctxt, entry.msgid, entry.msgstr) for entry in changed] == [
        ("new", "New words.", ""),
        ("prose", "There are `4` images.", translation[1].msgstr),
    ]
    assert changed[1].fuzzy and changed[1].previous_msgid == translation[1].msgid and not changed[0].fuzzy
