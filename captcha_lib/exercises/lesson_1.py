"""The exercises of lesson 1, on the grey levels and the ink of the images."""

import numpy as np
from scipy.ndimage import label

from captcha_lib.exercises import Exercise, Where


def exercise_1(grey):
    """At which grey level does the heap of the background begin?"""
    counts, levels = np.histogram(grey, bins=64, range=(0, 256))
    jump = levels[np.argmax(counts[1:] / np.maximum(counts[:-1], 1)) + 1]
    return Exercise(
        right=jump,
        nearly={
            "that is the heap of ink; we ask for the other one": Where(lambda level: level < 100, [0, 64]),
            "look once more where the bars jump": Where(lambda level: abs(level - jump) <= 24, [jump - 20, jump + 20]),
        },
        wrong=[255],
        within=8,
    )


def exercise_2(grey):
    """What share of the ink lies in the lower half of the images?"""
    ink = grey.max(axis=0) - grey.mean(axis=0)
    lower = ink[25:].sum() / ink.sum()
    return Exercise(
        right=lower,
        nearly={
            "that is the upper half": 1 - lower,
            "that is the right half: you summed over the other axis": ink[:, 100:].sum() / ink.sum(),
            "write it as a share, between 0 and 1": 100 * lower,
        },
        wrong=[ink[25:].sum()],
        within=0.005,
    )


def exercise_3(grey):
    """Into how many pieces does an image fall if every pixel below a limit is ink?"""
    ring = np.full((5, 5), 200)
    ring[1:4, 1:4], ring[2, 2] = 64, 200
    return Exercise(
        right=lambda image, limit: label(image < limit)[1],
        nearly={
            "`label` returns two things; which of them is the number?": lambda image, limit: label(image < limit),
            "a pixel exactly at the limit is no ink": lambda image, limit: label(image <= limit)[1],
            "you counted pieces of the background": lambda image, limit: label(image >= limit)[1],
            "the background is no piece": lambda image, limit: label(image < limit)[1] + 1,
        },
        wrong=[lambda image, limit: (image < limit).sum(), lambda image, limit: label(image > limit)[1]],
        cases=[(grey[0], 128), (grey[1], 64), (ring, 64), (ring, 65)],
    )
