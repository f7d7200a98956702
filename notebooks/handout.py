"""Write what a teacher hands out, and keeps: the lessons without outputs and solutions, and a book of the solutions.

`make handout` puts both into build/handout.
"""

import re
import shutil

import nbformat
from digests import PROJECT
from execute import list_wanted, write_notebook
from nbformat.v4 import new_markdown_cell, new_notebook
from translations import BADGES

SOLUTION = re.compile(r"<details><summary>Solution</summary>\n(.*?)</details>\s*", re.DOTALL)
EXERCISE = re.compile(r"^\*\*\d\.\*\* ", re.MULTILINE)


def split_solutions(lesson):
    """Take outputs and solutions out of a lesson, and its badges, which open one that has both.

    Returns pairs, the text of an exercise and its solution.
    """
    pairs, exercise = [], ""
    for cell in lesson.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            continue
        for solution in SOLUTION.findall(cell.source):
            pairs.append((exercise.strip(), solution.strip()))
            exercise = ""
        cell.source = BADGES.sub("", SOLUTION.sub("", cell.source)).strip()
        if found := EXERCISE.search(cell.source):
            exercise = cell.source[found.start() :]
        elif exercise:  # it goes on below a cell
            exercise += f"\n\n{cell.source}"
    lesson.cells = [cell for cell in lesson.cells if cell.source]
    return pairs


def main():
    """Write the lessons wanted into build/handout, and their solutions beside them."""
    folder = PROJECT / "build" / "handout"
    shutil.rmtree(folder, ignore_errors=True)
    book = ["# Solutions"]
    for twin in list_wanted():
        lesson = nbformat.read(twin.with_suffix(".ipynb"), as_version=4)
        title = lesson.cells[0].source.splitlines()[0]
        pairs = split_solutions(lesson)
        book += [f"#{title}", *(text for exercise, solution in pairs for text in (exercise, f"*Solution.* {solution}"))]
        write_notebook(lesson, folder / "lessons" / twin.with_suffix(".ipynb").name)
    write_notebook(new_notebook(cells=list(map(new_markdown_cell, book))), folder / "solutions.ipynb")
    size = sum(file.stat().st_size for file in folder.rglob("*.ipynb")) / 1e3
    print(f"{folder.relative_to(PROJECT)}: lessons/ without outputs and solutions, solutions.ipynb; {size:.0f} kB")


if __name__ == "__main__":
    main()
