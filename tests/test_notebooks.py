"""What every lesson must keep to. That its outputs still come out the same, `make test` checks with nbval."""

import ast
import re

import jupytext
import nbformat
import pytest
from execute import PROJECT, list_badges, list_twins, read_addresses  # from notebooks/

LESSONS = list_twins()
HEADINGS = [
    "What you'll do",
    "What you'll learn",
    "What you'll need",
    "Set-up",
    "Exercises",
    "In this notebook you",
    "Sources",
    "The way on",
]


def pytest_generate_tests(metafunc):
    if "twin" in metafunc.fixturenames:
        metafunc.parametrize("twin", LESSONS, ids=lambda twin: twin.stem)


def read_built(twin):
    return nbformat.read(twin.with_suffix(".ipynb"), as_version=4)


def number(twin):
    """The number of a lesson as its readers know it: 4 for 04_cnn, 5a for 05a_lstm."""
    return twin.stem.split("_")[0].lstrip("0")


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_twin_and_notebook_have_the_same_cells(twin):
    def cells(notebook):
        return [(cell.cell_type, cell.source, cell.metadata.get("tags", [])) for cell in notebook.cells]

    assert cells(read_built(twin)) == cells(jupytext.read(twin, fmt="py:percent")), "run `make notebooks`"


def test_the_notebook_was_executed_from_top_to_bottom(twin):
    cells = code_cells(read_built(twin))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))


def test_outputs_hold_no_error_no_noise_and_no_path_of_a_machine(twin):
    for cell in code_cells(read_built(twin)):
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr"
            texts = str({key: value for key, value in output.get("data", {}).items() if key != "image/png"})
            assert not re.search(
                r"/(home|root|tmp|Users|usr|opt)/|[A-Z]:\\\\|0x[0-9a-f]{6}",
                texts + output.get("text", ""),
            )


def test_outputs_come_from_the_synthetic_set(twin):
    mount, set_up = code_cells(read_built(twin))[:2]
    assert mount.outputs == []
    assert set_up.outputs[0].text.startswith("Images from the synthetic set: 1,070 files")


def test_enough_outputs_are_compared(twin):
    compared = [
        cell
        for cell in code_cells(read_built(twin))
        if "nbval-ignore-output" not in cell.metadata.get("tags", [])
        and any("text" in output for output in cell.outputs)
    ]
    assert len(compared) >= 5


def test_every_picture_has_a_printed_fact_beside_it(twin):
    cells = read_built(twin).cells
    for place, cell in enumerate(cells):
        if any("image/png" in output.get("data", {}) for output in cell.get("outputs", [])):
            beside = cells[place : place + 3]
            assert any("text" in output for other in beside for output in other.get("outputs", [])), cell.source


def test_cells_are_short_and_prose_stands_between_them(twin):
    in_a_row = 0
    for cell in read_built(twin).cells:
        in_a_row = in_a_row + 1 if cell.cell_type == "code" else 0
        assert in_a_row <= 3, cell.source
        if cell.cell_type == "code":
            assert len(cell.source.splitlines()) <= 25, cell.source


def test_the_headings_stand_in_their_order(twin):
    prose = "\n".join(cell.source for cell in read_built(twin).cells if cell.cell_type == "markdown")
    assert re.match(rf"# Lesson {number(twin)}: [A-Z][a-z]+ ", prose)
    headings = re.findall(r"^## (.*)$", prose, re.MULTILINE)
    assert [heading for heading in headings if heading in HEADINGS] == HEADINGS


def test_the_reading_time_said_is_that_of_the_words_and_cells(twin):
    cells = read_built(twin).cells
    prose = " ".join(cell.source for cell in cells if cell.cell_type == "markdown")
    words = re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", re.sub(r"<!--.*?-->|\]\(\S+\)|\[!.*", " ", prose))
    minutes = len(words) / 150 + sum(cell.cell_type == "code" for cell in cells) / 2
    said = re.search(r"[Rr]eading\s+takes\s+about\s+(\d+)\s+minutes", prose)
    assert abs(int(said[1]) - minutes) <= 2.5, f"it is {minutes:.1f}"


def test_each_section_ends_in_a_question_with_a_folded_answer(twin):
    least = {"5a": 7, "5b": 7, "6a": 4, "6b": 4}.get(number(twin))
    if not least:
        pytest.skip("lessons 5a to 6b ask these questions")
    prose = "\n".join(cell.source for cell in read_built(twin).cells if cell.cell_type == "markdown")
    sections = dict(re.findall(r"^## (.*)\n((?:(?!^## ).*\n?)*)", prose, re.MULTILINE))
    asked = [text for heading, text in sections.items() if heading not in HEADINGS]
    assert len(asked) >= least
    for text in asked:
        assert re.search(
            r"\*\*Check\.\*\* [^<]+\?\n\n<details><summary>Answer</summary>\n\n[^<]+</details>\s*$",
            text,
        ), text[-300:]


def test_the_set_up_is_the_same_in_all_lessons(twin):
    def set_up(lesson):
        return [(cell.cell_type, cell.source) for cell in read_built(lesson).cells[1:5]]

    assert set_up(twin) == set_up(LESSONS[0])


def test_the_set_up_is_short(twin):
    heading, mount, _, set_up = [cell.source for cell in read_built(twin).cells[1:5]]
    assert heading.startswith("## Set-up\n") and set_up.endswith("\nsamples_folder = locate_samples()")
    assert len(mount.splitlines()) <= 3 and len(set_up.splitlines()) <= 15
    assert max(map(len, [*mount.splitlines(), *set_up.splitlines()])) <= 100


def test_badges_and_set_up_name_the_repository_of_pyproject(twin):
    repository, tag = read_addresses()
    title, _, _, _, set_up = read_built(twin).cells[:5]
    assert title.source.splitlines()[3:6] == list_badges(twin.with_suffix(".ipynb").name)
    assert f'url = "{repository}/archive/refs/tags/{tag}.zip"' in set_up.source
    assert set_up.source.count(f"{repository.split('/')[-1]}*.zip") == 3


def test_the_file_is_small(twin):
    assert twin.with_suffix(".ipynb").stat().st_size < 500_000


def functions(source):
    """Return the functions at the top level of a source, as syntax trees without docstrings, and the lesson that each
    docstring names, by name."""
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef):
            docstring = ast.get_docstring(node)
            taught = re.search(r"Taught\s+in\s+lesson (\w+)", docstring or "")
            node.body = node.body[docstring is not None :]
            found[node.name] = ast.dump(node), taught and taught[1]
    return found


def library_functions():
    found = {}
    for module in sorted((PROJECT / "captcha_lib").glob("*.py")):
        for name, function in functions(module.read_text(encoding="utf-8")).items():
            assert name not in found or name.startswith("_"), f"{name} has two homes"
            found[name] = function
    return found


def test_functions_of_lesson_and_library_are_one_and_the_same(twin):
    library = library_functions()
    written = functions(twin.read_text(encoding="utf-8"))
    shared = written.keys() & library.keys()
    assert shared == {name for name, (_, taught) in library.items() if taught == number(twin)}
    for name in shared:
        assert written[name][0] == library[name][0], f"{name} differs between the lesson and captcha_lib"


# Called with a network, which no lesson has, or by a teacher's command.
CALLED_ELSEWHERE = {"download_samples", "mark_folder"}


def called_from_the_library(twin):
    """The names that a lesson takes from the library, or writes out and uses: nbval goes on with the library's."""
    tree = ast.parse(twin.read_text(encoding="utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and "captcha_lib" in node.module]
    taken = {alias.name for node in imports for alias in node.names}
    loaded = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    taken |= {node.name for node in tree.body if isinstance(node, ast.FunctionDef)} & loaded
    used = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)]
    return taken | {node.attr for node in used if node.value.id in taken}


def test_every_function_of_the_library_is_called_by_a_lesson():
    calls = {}
    for module in (PROJECT / "captcha_lib").glob("[a-z]*.py"):
        for node in ast.parse(module.read_text(encoding="utf-8")).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                names = [getattr(inner, "id", getattr(inner, "attr", None)) for inner in ast.walk(node)]
                calls[node.name] = set(names)
    reached = CALLED_ELSEWHERE.union(*map(called_from_the_library, LESSONS))
    while new := set().union(*(calls.get(name, ()) for name in reached)) & calls.keys() - reached:
        reached |= new
    assert calls.keys() - reached == {"execute_marked"}  # by the process that marking starts
