"""The exercises of lesson 8: what a column sees, a rung of one's own, and readings that a person should check."""

from dataclasses import fields, replace

import numpy as np

from captcha_lib.exercises import Exercise, Where
from captcha_lib.family import ALPHABET


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


def exercise_2(before, truths):
    """What does a recipe with one switch changed newly read of the validation images, and what no longer?

    An answer is (recipe, its readings, newly read, no longer read); `before` are the readings of the full recipe.
    """
    from captcha_lib.recipe import Recipe  # here, because it imports TensorFlow, and other lessons' checks do without

    def is_whole(answer):
        recipe, _, newly, no_longer = answer
        return isinstance(recipe, Recipe) and newly is not None and no_longer is not None

    def count_changed(answer):
        full = Recipe()
        return sum(getattr(answer[0], field.name) != getattr(full, field.name) for field in fields(full))

    def changes_one(answer):
        return is_whole(answer) and count_changed(answer) == 1

    def has_readings(answer):
        texts = list(map(str, answer[1]))  # none of them need be right: so badly can a rung learn
        return changes_one(answer) and len(texts) == len(truths) and all(set(text) <= set(ALPHABET) for text in texts)

    def count(texts):
        newly = sum(one == true != other for one, other, true in zip(texts, before, truths))
        no_longer = sum(one != true == other for one, other, true in zip(texts, before, truths))
        return newly, no_longer

    def is_counted(answer):
        return has_readings(answer) and tuple(answer[2:]) == count(answer[1])

    def is_swapped(answer):
        return has_readings(answer) and tuple(answer[2:]) == count(answer[1])[::-1]

    own = replace(Recipe(), normalised=False)
    texts, nothing = ["", *truths[1:]], [""] * len(truths)
    newly, no_longer = count(texts)
    return Exercise(
        right=Where(is_counted, [(own, texts, newly, no_longer), (own, nothing, *count(nothing))]),
        nearly={
            "newly read comes first, no longer read second": Where(
                lambda answer: is_swapped(answer) and not is_counted(answer), [(own, texts, no_longer, newly)]
            ),
            "count the images that one of the two recipes reads right and the other does not": Where(
                has_readings, [(own, texts, len(truths), 0)]
            ),
            "the readings should be those of the validation images, in their order": Where(
                changes_one, [(own, texts[1:], 0, 0), (own, [0.9] * len(truths), 0, len(truths))]
            ),
            "this is the full recipe: change one switch": Where(
                lambda answer: is_whole(answer) and count_changed(answer) == 0, [(Recipe(), texts, 0, 1)]
            ),
            "more than one switch is changed": Where(is_whole, [(replace(own, ctc=False), texts, 0, 1)]),
        },
        wrong=[own, texts],
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
        cases=[(["2g7nm", "4cpym", "bny23"], np.array([0.9, 0.3, 0.5]), 0.5)],
    )
