"""The exercises of lesson 6a, on two models compared, the power of a test set, and the best of ten scores."""

import numpy as np
from scipy.stats import binom, binomtest

from captcha_lib.exercises import Exercise


def exercise_1():
    """How likely is so uneven a split of nine images, or a more uneven one, between equally good models?"""
    return Exercise(
        right=binomtest(6, 9).pvalue,
        nearly={
            "the other model could have been the better one: count both sides": binom.sf(5, 9, 0.5),
            "images that both read, or neither, say nothing": binomtest(99, 99 + 96).pvalue,
            "a more uneven split counts, too": binom.pmf(6, 9, 0.5),
            "a more uneven split counts, too, on both sides": 2 * binom.pmf(6, 9, 0.5),
        },
        wrong=[3 / 104, "half"],
        within=0.005,
    )


def exercise_2():
    """How many test images tell 1 % of mistakes from 2 % in four of five cases, if the mistakes are nested?"""
    return Exercise(
        right=800,
        nearly={
            "that is for 1 % and 3 %: how many images does only the better model read now?": 400,
            "that is for independent mistakes: nested, the other model alone reads nothing": 2500,
        },
        wrong=[104, 1600, "more"],
        within=30,
    )


def exercise_3():
    """What is the best of ten scores on 104 images, on average, if all ten models truly read 90 %?"""
    hits = np.arange(104)
    return Exercise(
        right=float((1 - binom.cdf(hits, 104, 0.9) ** 10).sum() / 104),
        nearly={
            "that is the mean of all scores: first take the best of each ten": 0.9,
            "that is the best of all scores: take the best of each ten, then the mean": 1.0,
            "that is a number of images: divide by 104": float((1 - binom.cdf(hits, 104, 0.9) ** 10).sum()),
        },
        wrong=[0.9**10, "higher"],
        within=0.004,
    )
