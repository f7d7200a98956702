"""The exercises of lesson 2, on how often characters occur."""

from captcha_lib.exercises import Exercise
from captcha_lib.family import ALPHABET, LABEL_LENGTH


def exercise_1(counts):
    """How many standard deviations is the count of all digits away from what 20 tickets promise?"""
    digits = counts.loc[counts["character"].str.isdigit(), "count"].sum()
    total = counts["count"].sum()

    def deviations(share):
        return (digits - total * share) / (total * share * (1 - share)) ** 0.5

    return Exercise(
        right=deviations(7 / 20),
        nearly={
            "there are 20 tickets": deviations(7 / len(ALPHABET)),
            "the sign says on which side of the expectation the count lies": -deviations(7 / 20),
            "that is the difference; divide it by the standard deviation": digits - total * 7 / 20,
            "that is the share of the digits": digits / total,
            "that is the count of the digits": digits,
        },
        wrong=[total, 5.0],
        within=0.05,
    )


def exercise_2():
    """Which share of characters is right if all are guessed at random?"""
    return Exercise(
        right=1 / len(ALPHABET),
        nearly={
            "how many characters are there to choose from?": 1 / LABEL_LENGTH,
            "that is a whole label; we ask for one character": 1 / len(ALPHABET) ** LABEL_LENGTH,
            "`n` is drawn twice as often, but the guess is not": 1 / (len(ALPHABET) + 1),
        },
        wrong=[len(ALPHABET), "1/19"],
        within=0.001,
    )


def exercise_3():
    """Which share of labels drawn from 19 tickets has a doubled letter?"""
    pairs = LABEL_LENGTH - 1
    doubled = 1 - (1 - 1 / len(ALPHABET)) ** pairs
    return Exercise(
        right=doubled,
        nearly={
            "that is the box with two tickets for `n`": 0.202,  # the mean of many drawn sets
            "that is the share without a doubled letter": 1 - doubled,
            "that is a number of labels; divide it by the labels of a set": 1070 * doubled,
            "write it as a share, between 0 and 1": 100 * doubled,
            "that is the share of neighbouring pairs; we ask for labels": 1 / len(ALPHABET),
            "compare neighbours only": 1 - (1 - 1 / len(ALPHABET)) ** (pairs * LABEL_LENGTH // 2),
        },
        wrong=[0, 0.5],
        within=0.002,
    )
