"""Let nbval compare the numbers of a cell with a tag such as `within-5%` or `within-0.02` within that tolerance."""

from functools import partial

from nbval.plugin import IPyNbCell
from tolerances import compare_texts, list_texts, read_tolerance, split_numbers

collect_ignore_glob = ["*/*.ipynb"]  # translations: code and outputs are those of the lessons


def pytest_itemcollected(item):
    """Give each cell with such a tag its own comparison, even where nbval would not compare it at all."""
    if isinstance(item, IPyNbCell):
        tags = item.cell.metadata.get("tags", [])
        if any(tag.startswith("within-") for tag in tags):
            item.options["check"] = True
            item.compare_outputs = partial(compare_within, item, tags)


def compare_within(cell, tags, new, stored):
    """Return whether a cell's new outputs agree with the stored ones; if not, the cell holds the reasons."""
    faults = []
    old_texts, new_texts = list_texts(stored), list_texts(new)
    try:
        tolerance = read_tolerance(tags)
        if not any(split_numbers(holder[key])[1] for _, holder, key in old_texts):
            raise ValueError("the stored output holds no number: expected one, or no tag within-...")
        # Where the kinds differ, nbval itself says which.
        if [kind for kind, *_ in old_texts] == [kind for kind, *_ in new_texts]:
            for (_, old, _), (_, holder, key) in zip(old_texts, new_texts):
                holder[key], wrong = compare_texts(old[key], holder[key], *tolerance)
                faults += wrong
    except ValueError as error:
        faults.append(str(error))
    same = type(cell).compare_outputs(cell, new, stored)
    cell.comparison_traceback[:0] = faults
    return same and not faults
