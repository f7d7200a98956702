"""What the images of a set have in common, and their texts as numbers (lesson 3)."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Family:
    """What the images of a set have in common: which characters, how many of them, and a size in pixels.

    The number of a character is its place in `alphabet`. A text has `shortest` to `longest` of them.
    """

    alphabet: str
    shortest: int
    longest: int
    width: int
    height: int


COURSE = Family("2345678bcdefgmnpwxy", shortest=5, longest=5, width=200, height=50)
ALPHABET, LABEL_LENGTH = COURSE.alphabet, COURSE.longest
WIDTH, HEIGHT = COURSE.width, COURSE.height
# CTC's class between letters: the last one. TensorFlow and Keras default to different ones, so each call names it.
BLANK = len(ALPHABET)


def check_label(text, family=COURSE):
    """Return `text` if it is a label: five characters of `ALPHABET`, or those of another family.

    Raises ValueError for another length or a character that the family does not have.
    """
    if not isinstance(text, str):
        raise ValueError(f"label {text!r} is not a text: expected one such as '2g7nm'")
    shortest, longest = family.shortest, family.longest
    if not shortest <= len(text) <= longest:
        expected = longest if shortest == longest else f"{shortest} to {longest}"
        raise ValueError(f"label {text!r} has {len(text)} characters: expected {expected}")
    for character in text:
        if character not in family.alphabet:
            raise ValueError(f"label {text!r} holds {character!r}: expected characters of '{family.alphabet}'")
    return text


def check_numbers(labels, least=-1, blank=BLANK):
    """Return labels (n, length) as int32 if they hold character numbers below `blank`, or -1 behind a shorter text.

    With `least=0` this padding is refused as well. Raises ValueError for anything else, for padding before a letter,
    and for a label without letters.
    """
    labels = np.asarray(labels)
    if labels.ndim != 2 or labels.dtype.kind not in "iuf":
        raise ValueError(f"labels are {labels.dtype} of shape {labels.shape}: expected numbers, a row for each text")
    wrong = labels[~((labels >= least) & (labels < blank) & (labels % 1 == 0))]
    if wrong.size:
        padding = ", or -1 as padding behind a shorter text" if least < 0 else ""
        raise ValueError(f"labels hold {wrong[0]:g}: expected numbers 0 to {blank - 1}{padding}")
    padded = labels < 0
    if padded[:, :1].any() or (padded[:, :-1] & ~padded[:, 1:]).any():
        raise ValueError("a label holds -1 before or instead of its letters: expected it behind them")
    return labels.astype("int32")


def encode_label(text, family=COURSE):
    """Return the place of each character of `text` in the alphabet: int64, shape (length,), values 0..18.

    Raises what `check_label` raises. Taught in lesson 3.
    """
    return np.array([family.alphabet.index(character) for character in check_label(text, family)])


def decode_label(indices, alphabet=ALPHABET):
    """Return the text of a sequence of character numbers, each 0..18; any length.

    Raises ValueError for a number outside the alphabet. Taught in lesson 3.
    """
    for index in indices:
        if not 0 <= index < len(alphabet):
            raise ValueError(f"no character has the number {index}: expected 0 to {len(alphabet) - 1}")
    return "".join(alphabet[index] for index in indices)
