import secrets
import shutil

import digests  # from notebooks/
import execute as module
import jupytext
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
    monkeypatch.setenv("LESSONS", "1 11")
    with pytest.raises(SystemExit, match="there is no lesson 11: expected some of 1 2 3 4 5a 5b 6a 6b 7 8 9 10"):
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
    assert file.read_text() == "\n".join(["before", *(margin + line for line in lines), "after", ""])


def test_a_fork_changes_one_line(tmp_path, monkeypatch):
    """What names the repository in README, CITATION.cff and lessons follows pyproject.toml."""
    (tmp_path / "notebooks").mkdir()
    for twin in list_twins():
        shutil.copy(twin, tmp_path / "notebooks")
    for name in ("README.md", "CITATION.cff"):
        shutil.copy(module.PROJECT / name, tmp_path)
    project = (module.PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    ours, ours_tag = read_addresses()
    project = project.replace(ours, "https://github.com/someone/a-fork").replace(
        f'version = "{ours_tag[1:]}"', 'version = "7.8.9"'
    )
    (tmp_path / "pyproject.toml").write_text(project, encoding="utf-8")
    monkeypatch.setattr(module, "PROJECT", tmp_path)
    monkeypatch.setattr(module, "NOTEBOOKS", tmp_path / "notebooks")
    write_addresses()
    assert "version: 7.8.9\n" in (tmp_path / "CITATION.cff").read_text(encoding="utf-8")
    for file in (tmp_path / "README.md", tmp_path / "CITATION.cff", *list_twins()):
        text = file.read_text(encoding="utf-8")
        name = ours.removeprefix("https://github.com/")
        assert name not in text and ours_tag not in text and "captcha-course*.zip" not in text
        assert text.count("someone/a-fork") == (1 if file.name == "CITATION.cff" else 4)
    assert len(list_twins()) == 12


def test_missing_comments_are_told(tmp_path):
    file = tmp_path / "text.md"
    file.write_text("<!-- best -->\nold\n")
    with pytest.raises(SystemExit, match="text.md lacks the lines <!-- best --> and <!-- end of best -->"):
        fill_table(file, "best", DataFrame({"model": ["CNN"]}))
    assert file.read_text() == "<!-- best -->\nold\n"


# What `make notebooks` executes, and what it leaves alone

TWIN = """# %% [markdown]
# Prose.

# %%
def later():
    from captcha_lib.MODULE import read

# %% tags=["nbval-ignore-output"]
print("a line")
"""


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A project of two lessons that are built. The first one uses a module that uses another, the second a third."""
    for name in ("notebooks", "captcha_lib/exercises"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "README.md").touch()
    for lesson, used in (("01_one", "reader"), ("02_two", "show")):
        (tmp_path / f"notebooks/{lesson}.py").write_text(TWIN.replace("MODULE", used))
    for name, text in (
        ("reader", "from captcha_lib.family import SIZE\ndef read():\n    return SIZE"),
        ("family", "SIZE = 5"),
        ("show", ""),
        ("exercises/lesson_1", "answer = 1"),
    ):
        (tmp_path / f"captcha_lib/{name}.py").write_text(text)
    monkeypatch.setattr(module, "PROJECT", tmp_path)
    monkeypatch.setattr(module, "NOTEBOOKS", tmp_path / "notebooks")
    for user in (digests, module):
        monkeypatch.setattr(user, "LIBRARY", tmp_path / "captcha_lib")
    for name in ("CAPTCHA_DATA", "CAPTCHA_OUTPUT", "PYTEST_CURRENT_TEST", "LESSONS"):
        monkeypatch.setenv(name, "")  # a rebuild sets some of them: they are put back after the test
    for step in ("locate_or_stop", "write_addresses", "write_translations", "stamps"):
        monkeypatch.setattr(module, step, lambda *_: None)
    assert rebuild(monkeypatch) == ["01_one", "02_two"]
    return tmp_path


def rebuild(monkeypatch):
    """Return the lessons that `make notebooks` executes; what they print is a number of its own each time."""
    executed = []

    def execute(notebook, name, log):
        executed.append(name)
        for count, cell in enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), start=1):
            cell.execution_count = count
            cell.outputs = [nbformat.v4.new_output("stream", text=secrets.token_hex())]
        return 1

    monkeypatch.setattr(module, "execute", execute)
    module.rebuild()
    return executed


def edit(file, old, new):
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def read_both(folder):
    return [(folder / f"notebooks/{name}.ipynb").read_bytes() for name in ("01_one", "02_two")]


@pytest.mark.parametrize(
    "name, old, new",
    [("family", "SIZE = 5", "# Five letters.\nSIZE  =  5"), ("reader", "from", '"""Read."""\n\nfrom')],
)
def test_what_has_not_changed_stays_byte_for_byte(course, monkeypatch, capsys, name, old, new):
    before = read_both(course)
    edit(course / f"captcha_lib/{name}.py", old, new)
    assert rebuild(monkeypatch) == [] and read_both(course) == before
    assert capsys.readouterr().out.splitlines() == ["01_one: unchanged", "02_two: unchanged"]


@pytest.mark.parametrize(
    "file, old, new",
    [
        ("captcha_lib/family.py", "5", "6"),
        ("captcha_lib/exercises/lesson_1.py", "1", "2"),
        ("notebooks/01_one.py", '"a line"', '"another line"'),
        ("notebooks/01_one.py", "later():", "later():  # on"),
        ("notebooks/01_one.ipynb", "captcha_course", "other"),
        ("notebooks/01_one.ipynb", "a line", "a line that is not in the twin"),
    ],
)
def test_a_lesson_whose_code_has_changed_is_executed(course, monkeypatch, file, old, new):
    before = read_both(course)
    edit(course / file, old, new)
    assert rebuild(monkeypatch) == ["01_one"]
    after = read_both(course)
    assert after[0] != before[0] and after[1] == before[1]
    assert rebuild(monkeypatch) == []


@pytest.mark.parametrize(
    "old, new",
    [
        ("# Prose.", "# Better prose."),
        ("# Prose.\n", "# Prose.\n\n# %% [markdown]\n# More prose.\n"),
        ("nbval-ignore-output", "within-5%"),
    ],
)
def test_new_prose_and_tags_stand_around_the_kept_outputs(course, monkeypatch, capsys, old, new):
    def code_cells(notebook):
        cells = (cell for cell in notebook.cells if cell.cell_type == "code")
        return [(cell.id, cell.source, cell.execution_count, cell.outputs) for cell in cells]

    file = course / "notebooks/01_one.ipynb"
    before = nbformat.read(file, as_version=4)
    edit(file.with_suffix(".py"), old, new)
    assert rebuild(monkeypatch) == []
    after = nbformat.read(file, as_version=4)
    assert code_cells(after) == code_cells(before) and after.metadata == before.metadata
    twin = jupytext.read(file.with_suffix(".py"), fmt="py:percent")
    assert [cell.source for cell in after.cells] == [cell.source for cell in twin.cells]
    assert after.cells[-1].metadata == twin.cells[-1].metadata
    assert "01_one: its code is unchanged" in capsys.readouterr().out


def test_a_lesson_that_is_named_is_executed(course, monkeypatch):
    edit(course / "captcha_lib/family.py", "5", "6")  # changes lesson 1, which is not named
    monkeypatch.setenv("LESSONS", "2")
    before = read_both(course)
    assert rebuild(monkeypatch) == ["02_two"]
    after = read_both(course)
    assert after[0] == before[0] and after[1] != before[1]
