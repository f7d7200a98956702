"""Put translated prose around the outputs of lessons: for each lesson a PO file, with a message for each Markdown cell.

`make notebooks` keeps notebooks/LANGUAGE/NN_name.po in step with the lesson, and writes the translated notebook beside
it. Code, outputs and cell ids are the lesson's own.
"""

import re
from copy import deepcopy

import nbformat
import polib
from digests import PROJECT

NOTEBOOKS = PROJECT / "notebooks"
BADGES = re.compile(r"<!-- badges -->\n.*?<!-- end of badges -->\n\n", re.DOTALL)
# What a translator leaves as it is, in any order: blocks and spans of code, formulas, addresses, numbers in digits.
UNTOUCHED = {
    "code": r"```.*?```|`[^`\n]+`",
    "formulas": r"\$[^$]+\$",
    "links": r"\]\([^)]*\)",
    "numbers": r"\d+(?:[.,]\d+)*",
}


def list_translations():
    """Return the PO files of all languages, in order."""
    return sorted(NOTEBOOKS.glob("*/*.po"))


def find_lesson(file):
    """Return the lesson's .ipynb that a PO file, or a translated notebook, belongs to."""
    return NOTEBOOKS / f"{file.stem}.ipynb"


def list_messages(lesson):
    """Return the id and the prose of each Markdown cell, without the badges, which are written for each language."""
    return {cell.id: BADGES.sub("", cell.source) for cell in lesson.cells if cell.cell_type == "markdown"}


def list_faults(lesson, translation):
    """Return a line for each message that is missing, outdated or orphaned, or changes what has to stay as it is."""
    prose, messages = list_messages(lesson), {entry.msgctxt: entry for entry in translation if not entry.obsolete}
    faults = [f"orphaned: {message} is no cell of the lesson" for message in messages.keys() - prose.keys()]
    for cell, text in prose.items():
        entry = messages.get(cell)
        if not entry or not entry.msgstr:
            faults.append(f"missing: {cell}, {text[:40]!r}")
        elif entry.msgid != text or entry.fuzzy:
            faults.append(f"outdated: {cell}, {text[:40]!r}")
        else:
            rest, new = text, entry.msgstr
            for kind, pattern in UNTOUCHED.items():
                old_parts, new_parts = (sorted(re.findall(pattern, part, re.DOTALL)) for part in (rest, new))
                if old_parts != new_parts:
                    differ = set(old_parts) ^ set(new_parts) or "their number"
                    faults.append(f"{kind} differ: {cell}, {text[:40]!r}: {differ}")
                rest, new = (re.sub(pattern, " ", part, flags=re.DOTALL) for part in (rest, new))
    return faults


def update(lesson, translation):
    """Bring the messages in step with the lesson: changed ones are marked as fuzzy, those without a cell leave."""
    old = {entry.msgctxt: entry for entry in translation}
    translation.clear()
    for cell, text in list_messages(lesson).items():
        entry = old.get(cell) or polib.POEntry(msgctxt=cell, msgid=text)
        if entry.msgid != text:
            entry.flags = ["fuzzy"]
            entry.previous_msgid, entry.msgid = entry.msgid, text
        translation.append(entry)


def translate(lesson, translation, badges):
    """Return the lesson with each Markdown cell's translation in its place, where there is one."""
    lesson = deepcopy(lesson)
    texts = {entry.msgctxt: entry.msgstr for entry in translation if entry.msgstr}
    for cell in lesson.cells:
        if cell.cell_type == "markdown" and cell.id in texts:
            block = "\n".join(["<!-- badges -->", *badges, "<!-- end of badges -->", "", ""])
            title, blank, rest = texts[cell.id].partition("\n\n")
            cell.source = title + blank + block + rest if BADGES.search(cell.source) else texts[cell.id]
    return lesson


def write_translations(list_badges, write):
    """Bring all PO files in step with their lessons, and write the translated notebooks that have changed.

    `list_badges` takes a path in notebooks/ and returns the lines of its badges, `write` a notebook and its file.
    """
    for file in list_translations():
        lesson, translation = nbformat.read(find_lesson(file), as_version=4), polib.pofile(file, wrapwidth=0)
        before = str(translation)
        update(lesson, translation)
        if str(translation) != before:
            translation.save(newline="\n")
        built = file.with_suffix(".ipynb")
        new = translate(lesson, translation, list_badges(built.relative_to(NOTEBOOKS).as_posix()))
        if not built.exists() or nbformat.read(built, as_version=4).cells != new.cells:
            write(new, built)
            print(f"{built.relative_to(NOTEBOOKS)}: written")
