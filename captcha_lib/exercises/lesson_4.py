"""The exercises of lesson 4, on the CNN's parameters and how sure it is."""

import numpy as np

from captcha_lib.exercises import Exercise
from captcha_lib.family import ALPHABET, LABEL_LENGTH


def exercise_1():
    """How many weights and biases has `Conv2`?"""
    return Exercise(
        right=64 * (3 * 3 * 32 + 1),
        nearly={
            "each window has a bias, too": 64 * 3 * 3 * 32,
            "each place has as many values as `Conv1` has windows": 64 * (3 * 3 + 1),
        },
        wrong=[3 * 3 * 32, 18_480],
    )


def exercise_2():
    """How sure is a model of each captcha, as the product of the five highest probabilities?"""
    probabilities = np.random.default_rng(0).dirichlet(np.ones(len(ALPHABET)), (3, LABEL_LENGTH))
    return Exercise(
        right=lambda p: p.max(axis=-1).prod(axis=-1),
        nearly={
            "one number for each captcha": lambda p: p.max(axis=-1).prod(),
            "the product, not the mean": lambda p: p.max(axis=-1).mean(axis=-1),
            "first the highest of the 19, then the product": lambda p: p.prod(axis=-1).max(axis=-1),
        },
        wrong=[lambda p: p.max(axis=1).prod(axis=-1)],
        cases=[(probabilities,)],
    )
