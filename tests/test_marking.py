"""Students' notebooks, made here: right, nearly right, wrong, broken, endless, greedy, spiteful, and no notebooks."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from captcha_lib.__main__ import main
from captcha_lib.marking import mark_folder, mark_notebook

CHECK = 'from captcha_lib.exercises import check\ncheck("8.1", pixels)'
TITLE = "# Lesson 8: Improve the model one change at a time"


def write(file, *cells, title=TITLE):
    file.parent.mkdir(parents=True, exist_ok=True)
    cells = [new_markdown_cell(title), *map(new_code_cell, cells)]
    nbformat.write(new_notebook(cells=cells), file)


# What a student has written, and what exercise 8.1 and the remark come to.
STUDENTS = {
    "right": (["pixels = 56", CHECK], "right", ""),
    "nearly": (["pixels = 60", CHECK], "nearly", ""),
    "wrong": (["pixels = 5", CHECK], "wrong", ""),
    "no_answer": (["pixels = None", CHECK], "missing", ""),
    "no_check": (["pixels = 56"], "missing", ""),
    "prints_right": (["pixels = 5", 'print("right")'], "missing", ""),
    "stumbles": (["1 / 0", "pixels = 56", CHECK], "right", ""),
    "answer_that_fails": (["pixels = 1 / 0", CHECK], "missing", ""),
    "writes": (["open('../outside.txt', 'w').write('!')\npixels = 56", CHECK], "right", ""),
    "endless": (["pixels = 56", CHECK, "while True: pass"], "right", "stopped after 0.2 minutes"),
    "greedy": (
        ["pixels = 56", CHECK, "import time\nhoard = b'1' * 2 * 10**9\ntime.sleep(60)"],
        "right",
        "stopped at 1 GB of memory",
    ),
    "dies": (["pixels = 56", CHECK, "import os\nos._exit(1)"], "right", "its kernel died"),
}


@pytest.mark.parametrize("student", STUDENTS)
def test_a_notebook_is_marked_whatever_is_in_it(student, tmp_path):
    cells, verdict, remark = STUDENTS[student]
    file = tmp_path / student / "08_recipe.ipynb"
    write(file, *cells)
    before = file.read_bytes()
    verdicts, told = mark_notebook(file, minutes=0.2, gigabytes=1)
    assert (verdicts, told) == ({"8.1": verdict, "8.2": "missing", "8.3": "missing"}, remark)
    assert file.read_bytes() == before and [*tmp_path.rglob("*.*")] == [file]


def test_what_is_no_notebook_gets_a_line_and_the_others_are_marked(tmp_path, capsys):
    write(tmp_path / "anna" / "08_recipe.ipynb", "pixels = 56", CHECK)
    write(tmp_path / "berta.ipynb", "pixels = 56", CHECK, title="# Homework")
    (tmp_path / "carl.ipynb").write_text("no JSON")
    (tmp_path / "dora.ipynb").write_bytes(b"\xff\x00")
    (tmp_path / "emil.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    (tmp_path / "anna" / ".ipynb_checkpoints").mkdir()
    (tmp_path / "anna" / ".ipynb_checkpoints" / "08_recipe-checkpoint.ipynb").write_text("no JSON")
    (anna, marks, remark), *others = mark_folder(tmp_path)
    assert (anna, remark) == ("anna/08_recipe.ipynb", "")
    assert marks == {"8.1": "right", "8.2": "missing", "8.3": "missing"}
    assert [name for name, *_ in others] == ["berta.ipynb", "carl.ipynb", "dora.ipynb", "emil.ipynb"]
    assert all(not verdicts and told.startswith("no lesson (") for _, verdicts, told in others)
    assert main(["mark", str(tmp_path / "anna")]) == 0
    assert capsys.readouterr().out == "8.1 right    8.2 missing  8.3 missing  08_recipe.ipynb\n"


def test_a_folder_without_notebooks_is_named(tmp_path, capsys):
    assert main(["mark", str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        f"{tmp_path} holds no notebooks: expected students' .ipynb files in it, or in folders in it\n"
    )
