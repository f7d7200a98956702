"""The exercises of lesson 3, on labels as numbers and the place of a letter."""

from captcha_lib.exercises import Exercise
from captcha_lib.family import ALPHABET, LABEL_LENGTH


def exercise_1():
    """What is `decode_label([5, 0, 0, 6, 5])`?"""
    return Exercise(
        right="72287",
        nearly={
            "the first character has the number 0": "".join(ALPHABET[i - 1] for i in [5, 0, 0, 6, 5]),
            "those are the numbers; look each one up": "50065",
        },
        wrong=[72287],
    )


def exercise_2():
    """Which columns does the letter at a place occupy?"""
    return Exercise(
        right=lambda place: (25 + 25 * place, 49 + 25 * place),
        nearly={
            "the letters share columns 25 to 149, not all 200": lambda place: (40 * place, 39 + 40 * place),
            "both ends belong to the letter: how many columns is that?": lambda p: (25 + 25 * p, 50 + 25 * p),
        },
        wrong=[lambda place: (25 * place, 24 + 25 * place)],
        cases=[(place,) for place in range(LABEL_LENGTH)],
    )
