"""The exercises of lesson 7, on a drawn name, the water filter and heavy letters."""

from dataclasses import replace

import numpy as np

from captcha_lib.exercises import Exercise, Where
from captcha_lib.family import HEIGHT, WIDTH
from captcha_lib.generator import Style, render_captcha, sample_style, water_map


def exercise_1():
    """Draw your own first name."""
    name, blank = (render_captcha(text, np.random.default_rng(0), Style(size=30)) for text in ("Anna", " "))

    def is_image(image):
        return np.shape(image) == (HEIGHT, WIDTH)

    def is_light(image):
        return is_image(image) and np.mean(np.less(image, 128)) < 0.4

    def has_letters(image):
        # The two strokes are ink as well; alone they make eight such columns in less than one drawing of a hundred.
        return is_light(image) and np.sum(np.less(image, 128).sum(axis=0) > 11) > 7

    return Exercise(
        right=Where(has_letters, [name]),
        nearly={
            "there are no letters in it": Where(is_light, [blank, np.full((HEIGHT, WIDTH), 255)]),
            "the ground is light, the ink is dark: 255 is white": Where(
                is_image, [np.zeros((HEIGHT, WIDTH)), 255 - name, name / 255]
            ),
            "an image has 50 rows and 200 columns": Where(lambda image: np.ndim(image) > 1, [name.T]),
        },
        wrong=["Anna"],
    )


def exercise_2():
    """At which wavelength of the water filter can its rings be seen?"""

    def opposite(wavelength):
        moved = (water_map(wavelength=wavelength)[0][:, 25] - np.arange(WIDTH))[101:150]
        return (moved[1:] * moved[:-1] < 0).mean()

    return Exercise(
        right=Where(lambda wavelength: wavelength > 2 and opposite(wavelength) <= 0.25, [8, 12]),
        nearly={
            "rings as fine as that cannot be seen: go the other way": Where(lambda wavelength: wavelength <= 2, [1, 2]),
            "that is the right way, but not far enough": Where(lambda wavelength: wavelength > 2, [4]),
        },
        wrong=[[12, 13]],
    )


def exercise_3(fonts):
    """What is a random style with 1 pixel of extra ink all around?"""

    def heavy(text, rng):
        return replace(sample_style(text, rng, fonts), thickness=1)

    def heavier(text, rng):
        style = sample_style(text, rng, fonts)
        return replace(style, thickness=style.thickness + 1)

    return Exercise(
        right=heavy,
        nearly={
            "all but the thickness should be as `sample_style` draws it": lambda text, rng: Style(thickness=1),
            "draw with the `rng` that is given": lambda text, rng: heavy(text, np.random.default_rng(0)),
            "the thickness is 1, not 1 more than drawn": heavier,
        },
        wrong=[lambda text, rng: sample_style(text, rng, fonts)],
        cases=[(text, np.random.default_rng(seed)) for seed, text in enumerate(["2g7nm", "xw4e8"])],
    )
