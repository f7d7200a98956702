"""The exercises of lesson 1, on the ink of the images."""

import numpy as np
from scipy.ndimage import grey_closing, grey_opening, label

from captcha_lib.exercises import Exercise, Where

INK = 128


def exercise_1(grey):
    """In how many columns does no image have any ink?"""
    inked = (grey < INK).any(axis=(0, 1))
    empty = (~inked).sum()
    return Exercise(
        right=empty,
        nearly={
            "those are the columns with ink": inked.sum(),
            "that is one margin; there are two": Where(
                lambda columns: columns in (inked.argmax(), inked[::-1].argmax()), [inked.argmax()]
            ),
            "we ask for columns, the last axis": (~(grey < INK).any(axis=(0, 2))).sum(),
        },
        wrong=[200, ~inked],
    )


def exercise_2(grey):
    """What share of the ink lies in the lower half of the images?"""
    ink = (grey < INK).sum(axis=0)
    lower = ink[25:].sum() / ink.sum()
    return Exercise(
        right=lower,
        nearly={
            "that is the upper half": 1 - lower,
            "that is the right half: you summed over the other axis": ink[:, 100:].sum() / ink.sum(),
            "write it as a share, between 0 and 1": 100 * lower,
            "that is the share of the pixels in the lower half; we ask for the share of the ink": (
                (grey[:, 25:] < INK).mean()
            ),
        },
        wrong=[ink[25:].sum()],
        within=0.005,
    )


def exercise_3(grey):
    """How many images fall into five large pieces after a closing?"""

    def count_large(image, smallest=60):
        return (np.bincount(label(image < INK)[0].ravel())[1:] >= smallest).sum()

    def count_five(images, size):
        return sum(count_large(grey_closing(image, (size, size))) == 5 for image in images)

    bars = np.full((1, 50, 200), 255, np.uint8)  # five thick letters, two columns apart
    for place in range(5):
        bars[0, 10:40, 40 + 20 * place : 58 + 20 * place] = 0
    return Exercise(
        right=count_five,
        nearly={
            "you close across neighbouring images: take one image at a time": lambda images, size: sum(
                count_large(image) == 5 for image in grey_closing(images, (size, size, size))
            ),
            "`label` returns two things: the numbered pieces, and how many there are": lambda images, size: [
                label(grey_closing(image, (size, size)) < INK) for image in images
            ],
            "leave out the pieces of fewer than 60 pixels": lambda images, size: sum(
                count_large(grey_closing(image, (size, size)), smallest=1) == 5 for image in images
            ),
            "you counted the images as they are; close them first": lambda images, size: sum(
                count_large(image) == 5 for image in images
            ),
            "that is an opening: it makes thin light parts dark": lambda images, size: sum(
                count_large(grey_opening(image, (size, size))) == 5 for image in images
            ),
            "count the images that give exactly five": lambda images, size: sum(
                count_large(grey_closing(image, (size, size))) >= 5 for image in images
            ),
            "write the number of images, not their share": lambda images, size: count_five(images, size) / len(images),
        },
        wrong=[lambda images, size: len(images)],
        cases=[(grey[:200], 2), (grey[:200], 3), (grey[:200], 4), (bars, 3)],
    )
