"""The exercises of lesson 6, on two models compared and on readings of the right length."""

from scipy.stats import binom, binomtest

from captcha_lib.exercises import Exercise
from captcha_lib.family import LABEL_LENGTH


def exercise_1():
    """How likely is so uneven a split of nine images, or a more uneven one, between equally good models?"""
    return Exercise(
        right=binomtest(6, 9).pvalue,
        nearly={
            "the other model could have been the better one: count both sides": binom.sf(5, 9, 0.5),
            "images that both read, or neither, say nothing": binomtest(99, 99 + 96).pvalue,
            "a more uneven split counts, too": binom.pmf(6, 9, 0.5),
        },
        wrong=[3 / 104, "half"],
        within=0.005,
    )


def exercise_2():
    """Which share of the readings has five letters?"""
    return Exercise(
        right=lambda texts: sum(len(text) == LABEL_LENGTH for text in texts) / len(texts),
        nearly={
            "the share, not the number": lambda texts: sum(len(text) == LABEL_LENGTH for text in texts),
            "longer readings are wrong, too": lambda texts: sum(len(t) >= LABEL_LENGTH for t in texts) / len(texts),
        },
        wrong=[lambda texts: sum(map(len, texts)) / len(texts)],
        cases=[(["2g7nm", "4cpy", "87mnym", "bny23"],), (["2g7nm", "gg"],)],
    )
