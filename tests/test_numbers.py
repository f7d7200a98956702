"""Nbval tests the library's functions, and compares numbers as numbers; how far they spread is measured."""

import runpy
import shutil
import subprocess
import sys
from decimal import Decimal

import digests  # from notebooks/
import nbformat
import pandas as pd
import pytest
from execute import PROJECT  # from notebooks/
from tolerances import compare_texts, list_texts, read_tolerance, split_numbers

OTHER = "other words, or other counts of lines or numbers"


@pytest.mark.parametrize(
    "text, numbers",
    [
        ("exact match 85.6 %, or 85.6%.", ["85.6", "85.6"]),
        ("2,002,835 parameters (936, 50)", ["2,002,835", "936", "50"]),
        ("[1. 0.87 -0. -3]=+.5", ["1.", "0.87", "-0.", "-3"]),
        ("p = 6e-05, 1E+16; 0.5-0.7", ["6e-05", "1E+16", "0.5", "0.7"]),
        ("2g7nm c1 5a 23e45 600x250 3.11.7 v1.5 10ms x_2 1e5", []),
        ("<Figure size 600x250 with 1 Axes>", []),
        ('<td width="3">0.41</td>', ["0.41"]),
        ("0.41 -> 0.37, a < 5 and 6 > b", ["0.41", "0.37", "5", "6"]),
    ],
)
def test_a_number_stands_alone(text, numbers):
    assert split_numbers(text)[1] == numbers


@pytest.mark.parametrize(
    "stored, new, tag",
    [
        ("loss 0.40", "loss 0.42", "within-5%"),
        ("loss 0.40", "loss 0.38", "within-0.02"),
        ("p = 1e-05", "p = 0.0000104", "within-5%"),
        ("-0.0", "0.0", "within-5%"),
        ("gain -0.40", "gain -0.42", "within-5%"),
        ("1,000 images", "999 images", "within-1"),
        ("loss  9.9  at 3\n  10.0 best\n", "loss 10.1  at 3\n   9.9 best\n", "within-5%"),
        ("[[ 0.5 9.5]]", "[[0.5 10. ]]", "within-0.5"),
        ("<b>9.9%</b>", "<b>10%</b>", "within-0.1"),
    ],
)
def test_within_the_tolerance_the_stored_text_is_taken(stored, new, tag):
    assert compare_texts(stored, new, *read_tolerance([tag])) == (stored, [])


@pytest.mark.parametrize(
    "stored, new, tag, fault",
    [
        ("loss 0.37", "loss  0.41", "within-5%", "loss 0.41: stored 0.37, new 0.41, within 5% allowed"),
        ("0.40 a", "0.421 a", "within-0.02", "0.421 a: stored 0.40, new 0.421, within 0.02 allowed"),
        ("0 wrong", "0.1 wrong", "within-50%", "0.1 wrong: stored 0, new 0.1, within 50% allowed"),
        ("1e-05", "2e-05", "within-50%", "2e-05: stored 1e-05, new 2e-05, within 50% allowed"),
        ("-1", "1", "within-50%", "1: stored -1, new 1, within 50% allowed"),
        ("loss 1", "lost 1", "within-5%", f"{OTHER}: stored 'loss 1', new 'lost 1'"),
        ("read 2g7nm 1", "read 2g7nn 1", "within-5%", f"{OTHER}: stored 'read 2g7nm 1', new 'read 2g7nn 1'"),
        ("1 2", "1", "within-5%", f"{OTHER}: stored '1 2', new '1'"),
        ("1\n", "1", "within-5%", f"{OTHER}: stored '1', new '1'"),
        ("a 1", "a nan", "within-5%", "nan is not a finite number: stored 'a 1', new 'a nan'"),
        ("1 -inf", "1 -inf", "within-5%", "inf is not a finite number: stored '1 -inf', new '1 -inf'"),
    ],
)
def test_each_fault_is_said_in_a_line(stored, new, tag, fault):
    assert compare_texts(stored, new, *read_tolerance([tag])) == (new, [fault])


def test_only_the_lines_that_agree_are_replaced():
    text, faults = compare_texts("a 100\nb 100\nc 100", "a 101\nb 120\nc 130", Decimal(5), "%")
    assert text == "a 100\nb 120\nc 130"
    assert [fault.split(":")[0] for fault in faults] == ["b 120", "c 130"]


@pytest.mark.parametrize("tag", ["within-", "within-x", "within-5 %", "within--5%", "within-0", "within-0.0%"])
def test_a_tag_that_cannot_be_read_is_named(tag):
    with pytest.raises(ValueError, match=f"^tag '{tag}': expected within-5% or within-0.02"):
        read_tolerance(["show", tag])


@pytest.mark.parametrize("other", ["within-0.1", "within-5%", "nbval-ignore-output"])
def test_a_second_tag_beside_it_is_named(other):
    with pytest.raises(ValueError, match=f"^within-5% beside {other}: expected one"):
        read_tolerance(["within-5%", other])


def test_texts_come_in_the_order_of_their_kinds():
    streams = [nbformat.v4.new_output("stream", name=name, text=name) for name in ("stdout", "stderr")]
    for outputs in (streams, streams[::-1]):
        texts = [(kind, holder[key]) for kind, holder, key in list_texts(outputs)]
        assert texts == [("stderr", "stderr"), ("stdout", "stdout")]


def write_notebook(file, *cells):
    """Write a notebook of cells as (tags, code, stored outputs); a text among these is what the code printed."""
    notebook = nbformat.v4.new_notebook()
    for number, (tags, code, *outputs) in enumerate(cells, start=1):
        outputs = [nbformat.v4.new_output("stream", text=o) if isinstance(o, str) else o for o in outputs]
        cell = nbformat.v4.new_code_cell(code, outputs=outputs, execution_count=number)
        cell.metadata["tags"] = tags
        notebook.cells.append(cell)
    file.parent.mkdir(exist_ok=True)
    nbformat.write(notebook, file)


def shown(**data):
    """The output of `display`, with `data` by kind: plain, html, png."""
    kinds = {"plain": "text/plain", "html": "text/html", "png": "image/png"}
    return nbformat.v4.new_output("display_data", {kinds[kind]: text for kind, text in data.items()})


DISPLAY = "display({{'text/plain': '{}', 'text/html': '<b>{}</b>', 'image/png': '{}'}}, raw=True)"
# What runs is the library's; what the library does not have stays.
WRITTEN_OUT = """\
def decode_label(
    indices,
):
    return '''
def decode_label(indices): lies in a text
'''

def mine():
    return 2

"""
GREEN = [
    (["within-5%"], "print('loss  9.9')\nprint('7 words')", "loss 10.2\n7 words\n"),
    ([], "print(7)", "7\n"),
    (["within-0.02"], DISPLAY.format("0.40", "0.40", "new="), shown(plain="0.41", html="<b>0.41</b>", png="old=")),
    (["nbval-ignore-output"], "print(7)", "8\n"),
    ([], f"{WRITTEN_OUT}print(decode_label([1, 5]), mine())", "37 2\n"),
]
RED = [
    (["within-5%"], "print('loss 0.41')", "loss 0.37\n", "loss 0.41: stored 0.37, new 0.41, within 5% allowed"),
    ([], "print('loss 0.38')", "loss 0.37\n", "loss 0.38"),
    (["within-5%"], DISPLAY.format("1", "2", ""), shown(plain="1", html="<b>1</b>", png=""), "stored 1, new 2"),
    (["within-5%"], "print(1)", shown(plain="1"), "Missing output fields"),
    (["within-5%"], "print('lost 1')", "loss 1\n", OTHER),
    (["within-5%"], "print('1 nan')", "1 nan\n", "nan is not a finite number"),
    (["within-5%"], "print('2g7nm')", "2g7nm\n", "the stored output holds no number: expected"),
    (["within-5 %"], "print(1)", "1\n", "tag 'within-5 %': expected within-5% or within-0.02"),
    (["within-5%", "within-1"], "print(1)", "1\n", "within-5% beside within-1: expected one"),
    (["nbval-ignore-output", "within-1"], "print(1)", "1\n", "within-1 beside nbval-ignore-output"),
]


def test_nbval_compares_tagged_cells_within_their_tolerance(tmp_path):
    for name in ("conftest.py", "tolerances.py"):
        shutil.copy(PROJECT / "notebooks" / name, tmp_path)
    write_notebook(tmp_path / "lesson.ipynb", *GREEN, *(cell[:-1] for cell in RED))
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "--color=no", "-rA", str(tmp_path)]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    report, summary = told.stdout.split("short test summary info")
    found = [line.split()[0] for line in summary.splitlines() if "lesson.ipynb::Cell" in line]
    assert sorted(found) == ["FAILED"] * len(RED) + ["PASSED"] * len(GREEN), report
    for place, cell in enumerate(RED, start=len(GREEN)):
        section = report.partition(f"Cell {place}: Cell outputs differ")[2].partition("____")[0]
        assert cell[-1] in section.partition("Traceback:")[2], (place, report)


@pytest.fixture
def spread(monkeypatch):
    monkeypatch.syspath_prepend(PROJECT / "tests" / "benchmarks")
    import spread

    return spread


@pytest.fixture
def runs(tmp_path):
    """Three folders of the same lessons: as stored, and as two other machines executed them."""
    outputs = {
        "stored": ("loss 0.40 of 7\n", shown(plain="1,000", html="<b>1</b>"), "fine\nday\n"),
        "new": ("loss 0.41 of 7\n", shown(plain="990", html="<b>2</b>"), "fine\nday\n"),
        "old": ("loss 0.38 of 7\n", shown(plain="1,001", html="<b>3</b>"), "warm\nnight\n"),
    }
    for name, texts in outputs.items():
        for lesson in ("01_look.ipynb", "02_train.ipynb"):
            write_notebook(tmp_path / name / lesson, *(([], "print()", text) for text in texts))
    return tmp_path


def test_the_spread_of_numbers_is_measured(spread, runs):
    lessons = sorted((runs / "stored").iterdir())
    numbers = spread.pair_numbers(lessons, [runs / "new", runs / "old"])
    table = spread.measure_spread(numbers)
    once = [(0, "loss 0.40 of 7", 0.40, 0.38, 0.41, 0.02, 5), (1, "1,000", 1000, 990, 1001, 10, 1)]
    assert table.values.tolist() == [[lesson.stem, *row] for lesson in lessons for row in once]
    words = numbers[numbers["new"].isna()]
    assert words[["lesson", "cell"]].values.tolist() == [[lesson.stem, 2] for lesson in lessons for _ in range(2)]


@pytest.mark.parametrize(
    "kind, spreads, tags",
    [
        ("largest difference", [0.0004, 0.02, 0.05, 10, 1e9], "0.001 0.05 0.1 20 none"),
        ("largest difference (%)", [0.1, 0.6, 5, 25, float("inf")], "1% 2% 10% 50% none"),
    ],
)
def test_the_smallest_tag_of_twice_the_spread_is_suggested(spread, kind, spreads, tags):
    suggested = [tag.removeprefix("within-") for tag in spread.suggest_tag(pd.Series(spreads, name=kind))]
    assert suggested == tags.split()


def test_every_tag_suggested_can_be_read(spread):
    for ladder in spread.LADDERS.values():
        for tag, step in ladder.items():
            assert float(read_tolerance([tag])[0]) == step


def test_a_folder_of_other_lessons_is_told(spread, runs):
    lessons = sorted((runs / "stored").iterdir())
    (runs / "new" / "02_train.ipynb").unlink()
    with pytest.raises(SystemExit, match="02_train.ipynb is missing: expected all lessons"):
        spread.pair_numbers(lessons, [runs / "new"])
    write_notebook(runs / "new" / "02_train.ipynb", ([], "print(2)", "2\n"))
    with pytest.raises(SystemExit, match="02_train.ipynb has other code than .*: execute it again"):
        spread.pair_numbers(lessons, [runs / "new"])


def test_the_spread_is_written_and_printed(runs, monkeypatch, capsys):
    (runs / "stored").rename(runs / "notebooks")
    monkeypatch.setattr(digests, "PROJECT", runs)
    program = str(PROJECT / "tests/benchmarks/spread.py")
    monkeypatch.setattr(sys, "argv", [program, str(runs / "new")])
    with pytest.raises(SystemExit, match="^expected two or more folders"):
        runpy.run_path(program, run_name="__main__")
    sys.argv.append(str(runs / "old"))
    runpy.run_path(program, run_name="__main__")
    table = pd.read_csv(runs / "build/spread.csv")
    assert list(table) == [*"lesson cell line stored smallest largest".split(), *runpy.run_path(program)["LADDERS"]]
    assert len(table) == 4
    numbers, words, tags = capsys.readouterr().out.split("\n\n")
    assert len(numbers.splitlines()) == 7
    assert [row.split() for row in words.splitlines()[2:]] == [["01_look", "2"], ["02_train", "2"]]
    assert tags.splitlines()[2].split() == ["01_look", "0", "within-0.05", "within-10%"]
