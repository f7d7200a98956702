"""The exercises of lesson 8, on what a column sees and what confidences are good for."""

import numpy as np

from captcha_lib.exercises import Exercise


def exercise_1():
    """How many pixels does a column see if the convolution along the columns looks at 9?"""
    return Exercise(
        right=24 + (9 - 1) * 4,
        nearly={
            "nine columns have eight steps between them": 24 + 9 * 4,
            "neighbouring columns see much the same pixels": 9 * 24,
            "the first of them sees 24 pixels by itself": 9 * 4,
        },
        wrong=[9],
    )


def exercise_2():
    """How many readings are right if the confidences can be trusted?"""
    return Exercise(
        right=np.sum,
        nearly={
            "how many, not which share": np.mean,
            "0.6 is not certain: four such readings are not four right ones": lambda sure: (sure > 0.5).sum(),
        },
        wrong=[lambda confidences: (confidences == 1).sum()],
        cases=[(np.array([1.0, 0.5, 0.25, 0.25]),), (np.array([0.6, 0.6, 0.6, 0.6]),)],
    )


def _list(is_read):
    return lambda texts, sure, least: [text if is_read(one, least) else None for text, one in zip(texts, sure)]


def exercise_3():
    """What are the texts, with `None` in place of each whose confidence is below `least`?"""
    return Exercise(
        right=_list(np.greater_equal),
        nearly={
            "a confidence of exactly `least` is enough": _list(np.greater),
            "`None` stands in the place of each": lambda texts, sure, least: [
                text for text, one in zip(texts, sure) if one >= least
            ],
        },
        wrong=[_list(np.less)],
        cases=[(["2g7nm", "4cpym", "bny23"], [0.9, 0.3, 0.5], 0.5)],
    )
