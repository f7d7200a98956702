"""Measure how far the lessons' numbers spread: `PYTHONPATH=notebooks python tests/benchmarks/spread.py FOLDER ...`.

Each folder holds all lessons as `make course` leaves them in build/course, executed on the synthetic set with other
versions or on another processor. Prints, and writes to build/spread.csv, the numbers that differ from those
in notebooks/; prints the cells whose words differ and the smallest tags that would do. Cells count as in nbval.
"""

import sys
from pathlib import Path
from textwrap import shorten

import nbformat
import numpy as np
import pandas as pd
from digests import PROJECT
from nbval.plugin import coalesce_streams
from tolerances import list_texts, pair_lines

from captcha_lib.workspace import written_beside

LADDERS = {
    "largest difference": {f"within-{d * 10**power:g}": d * 10**power for power in range(-3, 6) for d in (1, 2, 5)},
    "largest difference (%)": {f"within-{percent}%": percent for percent in (1, 2, 5, 10, 20, 50)},
}


def read_cells(file):
    """Return the code cells of a notebook as (source, texts of the outputs); HTML tables also come as plain text."""
    if not file.exists():
        sys.exit(f"{file} is missing: expected all lessons, as `make course` writes them")
    cells = [cell for cell in nbformat.read(file, as_version=4).cells if cell.cell_type == "code"]
    texts = [list_texts(coalesce_streams(cell.outputs)) for cell in cells]
    texts = ["\n".join(f"{kind}\n{box[key]}" for kind, box, key in t if kind != "text/html") for t in texts]
    return [(cell.source, text) for cell, text in zip(cells, texts)]


def pair_numbers(lessons, folders):
    """Return a table of all numbers, stored and new; both are NaN for a line whose words differ."""
    rows = []
    for stored, folder in ((lesson, folder) for lesson in lessons for folder in folders):
        cells, new_cells = read_cells(stored), read_cells(folder / stored.name)
        if [source for source, _ in cells] != [source for source, _ in new_cells]:
            sys.exit(f"{folder / stored.name} has other code than {stored}: execute it again")
        for cell, ((_, text), (_, new_text)) in enumerate(zip(cells, new_cells)):
            for row, (line, _, pairs) in enumerate(pair_lines(text, new_text)):
                for column, pair in enumerate([("nan", "nan")] if pairs is None else pairs):
                    values = (float(number.replace(",", "")) for number in pair)
                    rows.append((stored.stem, cell, row, column, shorten(line, 40), *values))
    return pd.DataFrame(rows, columns="lesson cell row column line stored new".split())


def measure_spread(numbers):
    """Return the numbers that differ, a row each, with how far they do."""
    keys = ["lesson", "cell", "row", "column", "line", "stored"]
    table = numbers.groupby(keys)["new"].agg(smallest="min", largest="max").reset_index()
    difference = table[["smallest", "largest"]].sub(table["stored"], axis=0).abs().max(axis=1)
    table["largest difference"] = difference.round(9)
    table["largest difference (%)"] = (100 * difference / table["stored"].abs()).round(9)
    return table[difference > 0].drop(columns=["row", "column"])


def suggest_tag(column):
    """Return for the spread of each cell the smallest tag of its ladder that is at least twice as large, or "none"."""
    # Twice: machines on either side of the stored number are that far apart, and any of them may store the next one.
    steps, tags = list(LADDERS[column.name].values()), [*LADDERS[column.name], "none"]
    return [tags[place] for place in np.searchsorted(steps, 2 * column)]


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("expected two or more folders of executed lessons, such as build/course")
    lessons = sorted((PROJECT / "notebooks").glob("*.ipynb"))
    numbers = pair_numbers(lessons, [Path(name) for name in sys.argv[1:]])
    table = measure_spread(numbers)
    with written_beside(PROJECT / "build" / "spread.csv") as unfinished:
        table.to_csv(unfinished, index=False, lineterminator="\n")
    words = numbers.loc[numbers["new"].isna(), ["lesson", "cell"]].drop_duplicates()
    tags = table.groupby(["lesson", "cell"])[list(LADDERS)].max().apply(suggest_tag)
    for title, part in [("numbers", table), ("other words", words), ("tags", tags.reset_index())]:
        print(f"\n{title}\n{part.to_string(index=False)}")
