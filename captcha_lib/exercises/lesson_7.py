"""The exercises of lesson 7, on a drawn name, the water filter and a style of the reader's own."""

from dataclasses import replace

import numpy as np

from captcha_lib.exercises import Exercise, Where
from captcha_lib.family import HEIGHT, WIDTH
from captcha_lib.generator import (
    Style,
    composite,
    draw_background,
    draw_letters,
    filter_matrix,
    render_captcha,
    ripple_map,
    warp,
    water_map,
)


def _bend_letters(text, style):
    return warp(draw_letters([text], [style]), filter_matrix(water_map(), ripple_map()))


def exercise_1(name):
    """Draw your own first name in letters of size 30."""

    def shows_name(image, size=30):
        letters = _bend_letters(name, Style(size=size))
        without_strokes = composite(draw_background(), letters)[:, :, 0].T
        # Strokes darken pixels and brighten none; in 10,000 images they never covered more than a tenth.
        darker, same = np.less_equal(image, without_strokes), np.equal(image, without_strokes)
        return letters.any() and is_image(image) and darker.all() and same.mean() > 0.8

    def is_image(image):
        return np.shape(image) == (HEIGHT, WIDTH)

    anna, large = (render_captcha("Anna", np.random.default_rng(0), Style(size=size)) for size in (30, 40))
    return Exercise(
        right=Where(shows_name, [anna]),
        nearly={
            "the letters are of the usual size, 40: hand over a Style": Where(
                lambda image: shows_name(image, size=40), [large]
            ),
            "the ground is light, the ink is dark: 255 is white": Where(
                lambda image: shows_name(255 - image) or shows_name(np.round(image * 255)), [255 - anna, anna / 255]
            ),
            "an image has 50 rows and 200 columns": Where(
                lambda image: np.ndim(image) > 1 and not is_image(image), [anna.T]
            ),
        },
        wrong=[
            "Anna",
            render_captcha(" ", np.random.default_rng(0), Style(size=30)),
            render_captcha("Otto", np.random.default_rng(0), Style(size=30)),
            np.zeros((HEIGHT, WIDTH), np.uint8),
            np.full((HEIGHT, WIDTH), 255, np.uint8),
        ],
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


def exercise_3(share_read):
    """Which style of letters do people read and the model does not?"""

    def draw(style):  # letters alone, all at one place
        style = replace(style, start=Style.start, baseline=Style.baseline)
        return draw_letters(list("2g7nm"), [style] * 5).astype(int)

    def is_style(style):
        return isinstance(style, Style) and _bend_letters("2g7nm", style).any()

    def can_be_read(style):  # where it holds too little ink or is a blot, nobody reads it
        return is_style(style) and 0.3 < draw(style).sum() / draw(Style()).sum() < 1.7

    def is_leaning(style):
        return is_style(style) and style.slant != 0

    def differs(style):
        old, new = draw(Style()), draw(style)
        return can_be_read(style) and not is_leaning(style) and np.abs(new - old).sum() > 0.15 * (new + old).sum()

    return Exercise(
        right=Where(lambda style: differs(style) and share_read(style) < 0.5, [Style(size=28)]),
        nearly={
            "the model still reads half of them or more: go further": Where(differs, [Style(size=36)]),
            "leave the slant at 0, and find another way": Where(is_leaning, [Style(slant=0.3)]),
            "these letters look like the course's: change their shape": Where(
                can_be_read, [Style(), Style(thickness=0.2), Style(start=60, width=0.75)]
            ),
            "with so little ink, or so much, people cannot read them either": Where(
                is_style, [Style(thickness=-2), Style(size=12), Style(thickness=2)]
            ),
            "hand over the Style itself": Where(lambda answer: isinstance(answer, (float, dict, np.ndarray)), [0.4]),
        },
        wrong=["2g7nm"],
    )
