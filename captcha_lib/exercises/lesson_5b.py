"""The exercises of lesson 5b, on the columns that CTC needs and where it reads a letter."""

import numpy as np

from captcha_lib.exercises import Exercise
from captcha_lib.family import BLANK, LABEL_LENGTH


def exercise_1():
    """How many columns does a text need at least, if two neighbouring letters are the same?"""
    return Exercise(
        right=LABEL_LENGTH + 1,
        nearly={
            "then the two equal letters would become one": LABEL_LENGTH,
            "different letters need no blank between them": 2 * LABEL_LENGTH - 1,
            "blanks may be left out at the ends and between different letters": 2 * LABEL_LENGTH + 1,
        },
        wrong=[50],
    )


def exercise_2():
    """In which columns of a model's output does a new letter begin?"""

    def output(*best):  # of a model that is sure of one class in each column
        return np.eye(BLANK + 1)[np.pad(best, (0, 50 - len(best)), constant_values=BLANK)]

    def changes(p):
        return np.diff(p.argmax(axis=-1), prepend=-1) != 0

    def is_letter(p):
        return p.argmax(axis=-1) != BLANK

    def merge_letters(p):
        letters = np.flatnonzero(is_letter(p))
        return letters[changes(p[letters])]

    return Exercise(
        right=lambda p: np.flatnonzero(changes(p) & is_letter(p)),
        nearly={
            "a letter that goes on does not begin again": lambda p: np.flatnonzero(is_letter(p)),
            "after a blank, the same letter is a new one": merge_letters,
            "a blank is no letter": lambda p: np.flatnonzero(changes(p)),
        },
        wrong=[lambda p: np.flatnonzero(np.diff(p.argmax(axis=-1)))],
        cases=[(output(4, 4, BLANK, 4, 7, 7, 0),), (output(BLANK, BLANK, 3, 3, BLANK, 5),)],
    )
