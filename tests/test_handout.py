"""What `make handout` takes out of the lessons, and what it leaves."""

import handout  # from notebooks/
import nbformat
import pytest
from digests import PROJECT
from execute import list_twins, number

from captcha_lib.marking import list_exercises


@pytest.mark.parametrize("twin", list_twins(), ids=number)
def test_a_lesson_loses_its_outputs_and_solutions_and_nothing_else(twin):
    lesson, whole = (nbformat.read(twin.with_suffix(".ipynb"), as_version=4) for _ in range(2))
    pairs = handout.split_solutions(lesson)
    assert [f"{number(twin)}.{exercise[2]}" for exercise, _ in pairs] == list_exercises(whole)
    code, code_before = ([cell for cell in part.cells if cell.cell_type == "code"] for part in (lesson, whole))
    assert [cell.source for cell in code] == [cell.source for cell in code_before]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    text, text_before = (
        "".join("\n".join(cell.source for cell in part.cells if cell.cell_type == "markdown").split())
        for part in (lesson, whole)
    )
    badges = handout.BADGES.search(whole.cells[0].source)[0]
    text_before = text_before.replace("".join(badges.split()), "")
    for _, solution in pairs:
        folded = f"<details><summary>Solution</summary>{solution}</details>"
        text_before = text_before.replace("".join(folded.split()), "")
    assert text == text_before and "Solution" not in text


def test_the_book_holds_each_exercise_before_its_solution(tmp_path, monkeypatch):
    monkeypatch.setattr(handout, "PROJECT", tmp_path)
    monkeypatch.setenv("LESSONS", "8 1")
    handout.main()
    folder = tmp_path / "build/handout"
    files = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*.ipynb"))
    assert files == ["lessons/01_visualisation.ipynb", "lessons/08_recipe.ipynb", "solutions.ipynb"]
    book = nbformat.read(folder / "solutions.ipynb", as_version=4)
    nbformat.validate(book)
    texts = [cell.source for cell in book.cells]
    eighth = texts[texts.index("## Lesson 8: Improve the model one change at a time") + 1 :]
    assert len(texts) == 1 + 2 * (1 + 3 * 2) and len(eighth) == 6
    assert eighth[0].startswith("**1.** The convolution") and "pixels = 56" in eighth[1]
    fifth = nbformat.read(PROJECT / "notebooks/05a_lstm.ipynb", as_version=4)
    assert "keep *half*" in handout.split_solutions(fifth)[-1][0]  # this exercise goes on below its first cell
    for lesson in ("01_visualisation", "08_recipe"):
        nbformat.validate(nbformat.read(folder / f"lessons/{lesson}.ipynb", as_version=4))
