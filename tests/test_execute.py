import shutil

import execute as module  # from notebooks/
import nbformat
import pytest
from execute import (
    execute,
    fill_table,
    list_twins,
    list_wanted,
    read_addresses,
    write_addresses,
)
from nbclient.output_widget import OutputWidget
from pandas import DataFrame

SLIDER = """from ipywidgets import interact
@interact(number=(0, 9))
def show(number=3):
    print("the number is", number)"""


def test_a_slider_is_executed_without_an_answer_to_its_kernel(tmp_path, monkeypatch):
    """An answer can make nbclient miss the reply to the cell and wait for its timeout (nbclient issue 312)."""
    sent = []
    monkeypatch.setattr(OutputWidget, "send", lambda *_, **__: sent.append("answer"))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SLIDER)])
    with open(tmp_path / "log", "w") as log:
        execute(notebook, "a slider", log)
    (output,) = notebook.cells[0].outputs
    assert "application/vnd.jupyter.widget-view+json" in output["data"] and sent == []


@pytest.mark.parametrize(
    "asked, names",
    [("1 5b", ["01_visualisation", "05b_cnn_lstm_ctc"]), ("", [t.stem for t in list_twins()])],
)
def test_some_lessons_can_be_picked(asked, names, monkeypatch):
    monkeypatch.setenv("LESSONS", asked)
    assert [twin.stem for twin in list_wanted()] == names


def test_a_lesson_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setenv("LESSONS", "1 9")
    with pytest.raises(
        SystemExit, match="there is no lesson 9: expected some of 1 2 3 4 5a 5b 6 7"
    ):
        list_wanted()


@pytest.mark.parametrize("margin", ["", "# "])
def test_a_table_is_filled_in_between_its_comments(tmp_path, margin):
    file = tmp_path / "text.md"
    file.write_text(f"before\n{margin}<!-- best -->\nold\n{margin}<!-- end of best -->\nafter\n")
    fill_table(file, "best", DataFrame({"model": ["CNN"], "exact": [82.7]}), margin)
    lines = [
        "<!-- best -->",
        "| model | exact |",
        "| --- | --- |",
        "| CNN | 82.7 |",
        "<!-- end of best -->",
    ]
    assert file.read_text() == "\n".join(
        ["before", *(margin + line for line in lines), "after", ""]
    )


def test_a_fork_changes_one_line(tmp_path, monkeypatch):
    """What names the repository in README and lessons follows pyproject.toml."""
    (tmp_path / "notebooks").mkdir()
    for twin in list_twins():
        shutil.copy(twin, tmp_path / "notebooks")
    shutil.copy(module.PROJECT / "README.md", tmp_path)
    project = (module.PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    ours, ours_tag = read_addresses()
    project = project.replace(ours, "https://github.com/someone/a-fork").replace(
        f'version = "{ours_tag[1:]}"', 'version = "7.8.9"'
    )
    (tmp_path / "pyproject.toml").write_text(project, encoding="utf-8")
    monkeypatch.setattr(module, "PROJECT", tmp_path)
    monkeypatch.setattr(module, "NOTEBOOKS", tmp_path / "notebooks")
    write_addresses()
    for file in (tmp_path / "README.md", *list_twins()):
        text = file.read_text(encoding="utf-8")
        name = ours.removeprefix("https://github.com/")
        assert name not in text and ours_tag not in text
        assert text.count("someone/a-fork") == (3 if file.name == "README.md" else 4)
    assert len(list_twins()) == 9
