"""Compare the numbers in two texts as numbers, within the tolerance that a cell's tag allows."""

import re
from decimal import Decimal
from textwrap import shorten

TAG = re.compile(r"within-(\d+(?:\.\d+)?)(%?)")
# A number stands alone: the digits of 2g7nm, 5a, 600x250 and 3.11.7 belong to words, and so do those of HTML's tags and
# of <Figure size ...>. An exponent has a sign, as Python prints it: 23e45 is a label.
TOKEN = re.compile(
    r"(</?[a-z][^<>]*>)"
    r"|(?<![\w.])([-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?(?:e[-+]\d+)?)(?!\w|\.\d)",
    re.IGNORECASE,
)
NOT_FINITE = re.compile(r"(?<![\w.])(nan|inf|infinity)(?!\w)", re.IGNORECASE)


def read_tolerance(tags):
    """Return the tolerance that the tags of a cell name: how much, as a Decimal, and "%" where it is relative or "".

    ValueError where a tag that begins with `within-` cannot be read, or does not go with another.
    """
    tag, *others = [tag for tag in tags if tag.startswith("within-")]
    if others := others + [tag for tag in tags if tag == "nbval-ignore-output"]:
        raise ValueError(f"{tag} beside {others[0]}: expected one of them on a cell")
    found = TAG.fullmatch(tag)
    if not found or not Decimal(found[1]):
        raise ValueError(f"tag {tag!r}: expected within-5% or within-0.02, with a number above 0")
    return Decimal(found[1]), found[2]


def split_numbers(text):
    """Return the words of a text, runs of blanks as one and those around numbers left out, and its numbers as texts."""
    parts = TOKEN.split(text)  # in turn: what stands between, an HTML tag or None, a number or None
    numbers = [number for number in parts[2::3] if number]
    del parts[2::3]
    return [" ".join((part or "").split()) for part in parts], numbers


def pair_lines(stored, new):
    """Yield the lines of two texts as (stored line, new line, pairs of numbers): None for pairs where the words differ.

    Texts that differ in how many lines they have come as one line each, with other words.
    """
    if stored.count("\n") != new.count("\n"):
        yield stored, new, None
        return
    for old_line, line in zip(stored.split("\n"), new.split("\n")):
        (old_words, old_numbers), (words, numbers) = split_numbers(old_line), split_numbers(line)
        yield old_line, line, list(zip(old_numbers, numbers)) if old_words == words else None


def compare_texts(stored, new, amount, unit):
    """Return `new` with the stored line for each that agrees with it, and a list of what is wrong, a line each.

    `amount` and `unit` are a tolerance as `read_tolerance` returns it.
    """
    kept, faults = [], []
    for old_line, line, pairs in pair_lines(stored, new):
        not_finite = NOT_FINITE.search(f"{old_line}\n{line}")
        wrong = []
        if not_finite or pairs is None:
            reason = "other words, or other counts of lines or numbers"
            if not_finite:
                reason = f"{not_finite[0]} is not a finite number"
            wrong = [f"{reason}: stored {shorten(old_line, 80)!r}, new {shorten(line, 80)!r}"]
        for old, number in pairs or []:
            before, now = (Decimal(text.replace(",", "")) for text in (old, number))
            if abs(now - before) > (abs(before) * amount / 100 if unit else amount):
                said = " ".join(line.split())
                wrong.append(f"{said}: stored {old}, new {number}, within {amount}{unit} allowed")
        kept.append(line if wrong else old_line)
        faults += wrong
    return "\n".join(kept), faults


def list_texts(outputs):
    """Return the texts of a cell's outputs as (kind, what holds it, under which key), in the order of their kinds."""
    texts = [(output.name, output, "text") for output in outputs if output.output_type == "stream"]
    for kind in ("text/html", "text/plain"):
        texts += [(kind, output["data"], kind) for output in outputs if kind in output.get("data", {})]
    return sorted(texts, key=lambda text: text[0])
