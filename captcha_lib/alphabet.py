"""Letters to numbers and back (lesson 3)."""

import numpy as np

ALPHABET = "2345678bcdefgmnpwxy"
LABEL_LENGTH = 5
# CTC's class between letters, the last one; every CTC function is told so, for their defaults disagree.
BLANK = len(ALPHABET)


def check_label(text):
    """Return `text` if it is a label: five characters of `ALPHABET`.

    Raises ValueError for another length or a character that the data set does not have.
    """
    if not isinstance(text, str):
        raise ValueError(f"label {text!r} is no text: expected one such as '2g7nm'")
    if len(text) != LABEL_LENGTH:
        raise ValueError(
            f"label {text!r} has {len(text)} characters: expected {LABEL_LENGTH}, such as '2g7nm'"
        )
    for character in text:
        if character not in ALPHABET:
            raise ValueError(
                f"label {text!r} holds {character!r}: expected characters of '{ALPHABET}'"
            )
    return text


def check_numbers(labels, least=-1):
    """Return labels (n, length) as int32 if they hold character numbers 0..18, or -1 as padding behind a shorter text.

    With `least=0` padding is refused as well. Raises ValueError for anything else, for padding before a letter, and for
    a label without letters.
    """
    labels = np.asarray(labels)
    if labels.ndim != 2 or labels.dtype.kind not in "iuf":
        raise ValueError(
            f"labels are {labels.dtype} of shape {labels.shape}: expected numbers, a row for each text"
        )
    wrong = labels[~((labels >= least) & (labels < len(ALPHABET)) & (labels % 1 == 0))]
    if wrong.size:
        padding = ", or -1 as padding behind a shorter text" if least < 0 else ""
        raise ValueError(
            f"labels hold {wrong[0]:g}: expected numbers 0 to {len(ALPHABET) - 1}{padding}"
        )
    padded = labels < 0
    if padded[:, :1].any() or (padded[:, :-1] & ~padded[:, 1:]).any():
        raise ValueError(
            "a label holds -1 before or instead of its letters: expected it behind them"
        )
    return labels.astype("int32")


def encode_label(text):
    """Return the position of each character of `text` in `ALPHABET`: int64, shape (5,), values 0..18.

    Raises ValueError for another length or a character outside the alphabet. Taught in lesson 3.
    """
    return np.array([ALPHABET.index(character) for character in check_label(text)])


def decode_label(indices):
    """Return the text of a sequence of character numbers, each 0..18; any length.

    Raises ValueError for a number outside the alphabet. Taught in lesson 3.
    """
    for index in indices:
        if not 0 <= index < len(ALPHABET):
            raise ValueError(
                f"no character has the number {index}: expected 0 to {len(ALPHABET) - 1}"
            )
    return "".join(ALPHABET[index] for index in indices)
