import errno
import hashlib
import itertools
import os
from functools import partial

import numpy as np
import pytest
from PIL import Image
from scipy.interpolate import BPoly
from scipy.ndimage import map_coordinates

from captcha_lib import COURSE, Family, generator, read_samples, render_captcha, render_captchas, write_samples
from captcha_lib.fonts import DEJAVU_BOLD, FULL, find_fonts, mean_width
from captcha_lib.generator import (
    DRAWING_VERSION,
    STROKE_KNOTS,
    Style,
    composite,
    draw_background,
    draw_letters,
    draw_strokes,
    filter_matrix,
    ripple_map,
    sample_label,
    sample_style,
    warp,
    water_map,
)
from captcha_lib.workspace import written_beside


class Always:
    """A random generator that draws one value again and again."""

    def __init__(self, value):
        self.value = value

    def random(self, shape):
        return np.full(shape, self.value)


def digest_pixels(draw_style):
    rng = np.random.default_rng(7)
    texts = [sample_label(rng) for _ in range(300)]
    styles = [draw_style(text) for text in texts]
    return hashlib.sha256(render_captchas(texts, rng, styles).tobytes()).hexdigest()[:16]


# What each version of the drawing gives. Taken with Python 3.11 and 3.13, NumPy 2.0 to 2.5, SciPy 1.13 to 1.18,
# fontTools 4.50 to 4.68.
PIXELS = {1: "63fa2a625048a130"}


def test_pixels_are_the_same_on_every_machine_and_other_ones_have_another_version():
    assert digest_pixels(lambda _: Style()) == PIXELS.get(DRAWING_VERSION), (
        "where the drawing was changed: raise DRAWING_VERSION, so that kept sets are drawn anew; put the digest here"
    )


def test_randomly_styled_pixels_are_the_same_on_every_machine():
    rng = np.random.default_rng(8)
    assert digest_pixels(lambda text: sample_style(text, rng, [DEJAVU_BOLD])) == "2af75a1233cf72d2"


def test_an_image_is_grey_ink_on_a_gradient():
    image = render_captcha("2g7nm", np.random.default_rng(0))
    assert image.shape == (50, 200) and image.dtype == np.uint8
    assert image[0, 0] == 192 and image[49, 199] == 255
    assert (image < 64).mean() > 0.08


def test_many_at_once_are_the_same_as_one_by_one():
    texts = [sample_label(np.random.default_rng(seed)) for seed in range(generator.BATCH + 3)]
    rng = np.random.default_rng(0)
    styles = [sample_style(text, rng, [DEJAVU_BOLD]) for text in texts]
    rng = np.random.default_rng(1)
    one_by_one = [render_captcha(text, rng, style) for text, style in zip(texts, styles)]
    together = render_captchas(texts, np.random.default_rng(1), styles)
    np.testing.assert_array_equal(together, one_by_one)
    assert (together != render_captchas(texts, np.random.default_rng(1))).any(axis=(1, 2)).all()


# Letters


def test_the_text_changes_only_where_letters_stand():
    one = render_captcha("2g7nm", np.random.default_rng(0))
    other = render_captcha("2g7nw", np.random.default_rng(0))
    columns = np.flatnonzero((one != other).any(axis=0))
    assert columns.min() > 90 and columns.max() < 170


def ink_box(text="8", **style):
    """The first and last column and row with ink, and the sum of the ink in pixels."""
    ink = draw_letters([text], [Style(**style)])[:, :, 0]
    columns, rows = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return columns[0], columns[-1], rows[0], rows[-1], ink.sum() / FULL


def test_every_parameter_of_a_style_does_what_it_says():
    left, right, top, bottom, ink = ink_box()
    assert ink_box(start=51)[:4] == (left + 20, right + 20, top, bottom)
    assert ink_box(baseline=32)[:4] == (left, right, top - 10, bottom - 10)
    wide = ink_box(width=1.56)
    assert wide[1] - wide[0] == pytest.approx(2 * (right - left), abs=2) and wide[2:4] == (
        top,
        bottom,
    )
    small = ink_box(size=20)
    assert small[3] - small[2] == pytest.approx((bottom - top) / 2, abs=1)
    thick = ink_box(thickness=1)
    assert thick[:4] == (left - 1, right + 1, top - 1, bottom + 1) and thick[4] > 1.2 * ink
    slanted = ink_box("f", slant=0.5)
    assert slanted[1] - slanted[0] > ink_box("f")[1] - ink_box("f")[0] + 8
    assert slanted[4] == pytest.approx(ink_box("f")[4], rel=0.02)
    two = ink_box("88")
    assert ink_box("88", gap=14)[1] == two[1] + 10


def test_a_letter_is_set_where_the_ink_of_the_last_one_would_end_plus_the_gap():
    ink = draw_letters(["ww", "w"], [Style(start=30), Style(start=30)])
    alone = np.flatnonzero(ink[:, :, 1].any(axis=1))
    outline = generator.glyph_outline(DEJAVU_BOLD, "w")
    step = int((outline[2] - outline[1]) * 40 * 0.78) + 4
    assert np.flatnonzero(ink[:, :, 0].any(axis=1))[-1] == alone[-1] + step


def test_any_label_fits_at_the_ends_of_the_random_range():
    for font in [*find_fonts(), DEJAVU_BOLD]:
        for text, value in itertools.product(("mmmmm", "mmmmw", "2222y"), (0.0, 1 - 1e-9)):
            draw_letters([text], [sample_style(text, Always(value), [font])])


def test_all_fonts_give_letters_of_about_one_width():
    for font in find_fonts():
        style = sample_style("2345f", Always(0.5), [font])
        assert style.size * style.width * mean_width(font) == pytest.approx(18.5)


def test_random_styles_differ_and_take_all_fonts():
    rng, fonts = np.random.default_rng(0), find_fonts()
    styles = [sample_style("2g7nm", rng, fonts) for _ in range(300)]
    assert len(set(styles)) == 300 and {style.font for style in styles} == set(fonts)
    assert np.std([style.baseline for style in styles]) > 0.5


# Filters


@pytest.mark.parametrize("places", [water_map(), ripple_map(), water_map(wavelength=11)])
def test_a_filter_reads_as_scipy_does(places):
    ink = draw_letters(["2g7nm"], [Style()])
    expected = map_coordinates(ink[:, :, 0].astype(float), np.array(places), order=1, mode="nearest")
    difference = np.abs(warp(ink, filter_matrix(places))[:, :, 0] - expected)
    assert difference.max() <= 1


def test_places_are_those_of_the_published_formulas():
    x, y = water_map()
    step = 1.5 * np.sin(10 * np.pi - 10) * (50 - 10) / 50 * 2  # at a distance of 10
    assert (x[110, 25], y[110, 25]) == pytest.approx((110 + step, 25))
    assert (x[94, 33], y[94, 33]) == pytest.approx((94 - 0.6 * step, 33 + 0.8 * step))
    x, y = ripple_map()
    assert (x[10, 30], y[10, 30]) == pytest.approx((10 + 2.6 * np.sin(2), 30 + 1.7 * np.sin(2)))
    assert (x[50, 45], y[50, 45]) == pytest.approx((50 + 2.6 * np.sin(3), 45 + 1.7 * np.sin(10)))


def test_two_filters_in_a_row_are_one_matrix():
    ink = draw_letters(["2g7nm"], [Style()])
    one = warp(ink, filter_matrix(water_map(), ripple_map()))
    after_water = warp(ink, filter_matrix(water_map()))
    assert np.abs(one - warp(after_water, filter_matrix(ripple_map()))).max() <= 1
    other_way = warp(ink, filter_matrix(ripple_map(), water_map()))
    assert np.abs(one - other_way).max() > 50


def test_water_moves_nothing_outside_its_circle():
    x, y = np.mgrid[:200, :50]
    moved_x, moved_y = water_map()
    outside = np.hypot(x - 100, y - 25) >= 50
    assert (moved_x[outside] == x[outside]).all() and (moved_y[outside] == y[outside]).all()
    step = np.hypot(moved_x - x, moved_y - y)
    assert step[95:105].max() > 2 and step[52:55].max() < 0.3


# Strokes


def test_a_straight_stroke_is_as_wide_as_published():
    heights = np.array([[[10.0] * 4, [35.0] * 4]])
    ink = draw_strokes(heights)[:, :, 0] / FULL
    assert ink[:, :20].sum() == pytest.approx(3.6 * (30 + 3.6), rel=0.04)
    assert ink[:, 20:].sum() == pytest.approx(3.6 * (160 + 3.6), rel=0.04)
    assert np.flatnonzero(ink[:, 35])[[0, -1]].tolist() == [18, 181]


def test_a_bent_stroke_gets_thinner_and_stays_near_its_curve():
    heights = np.array([[[5.0, 5, 5, 5], [40.0, 0, 60, 20]]])
    ink = draw_strokes(heights)[:, 12:, 0] / FULL
    thickness = ink.sum(axis=1)
    assert thickness[22:30].min() > 3 and thickness[150:175].max() < 2.4
    curve = BPoly(np.stack([STROKE_KNOTS[1], heights[0, 1]], axis=1)[:, None], [0, 1])
    for x, y in curve(np.linspace(0.02, 0.98, 60)):
        near = ink[max(int(x) - 3, 0) : int(x) + 4, max(int(y) - 15, 0) : int(y) - 8]
        assert near.max() > 0.5, (x, y)


def test_strokes_are_no_wider_than_published_and_reach_their_last_knots():
    heights = np.random.default_rng(0).random((20, 2, 4)) * 50
    for ink in draw_strokes(heights).transpose(2, 0, 1):
        columns = np.flatnonzero(ink.any(axis=1))
        assert columns.min() >= 17 and 178 <= columns.max() <= 182
        assert ink[120:170].sum(axis=1).max() < 8 * FULL


# Background and ink


def test_ink_darkens_in_proportion():
    grey = draw_background()
    half = np.full((200, 50, 1), FULL // 2, np.int16)
    assert (composite(grey, half * 0) == grey).all() and (composite(grey, half * 2) == 0).all()
    assert np.abs(composite(grey, half) - grey / 2).max() <= 0.5
    assert composite(composite(grey, half), half)[199, 49] in (63, 64)


# Files


def test_the_folder_is_like_the_real_one(drawn_set):
    assert len(list(drawn_set.iterdir())) == 34
    with Image.open(drawn_set / "2g7nm.png") as image:
        assert image.mode == "RGBA" and image.size == (200, 50)
    with Image.open(drawn_set / "3c7de.jpg") as image:
        assert image.mode == "RGB" and image.size == (200, 50)


def test_the_eight_files_of_lesson_1_are_among_them(drawn_set):
    names = {file.name for file in drawn_set.iterdir()}
    assert names >= {
        "2g7nm.png",
        "34pcn.png",
        "bny23.png",
        "c4mcm.png",
        "3c7de.jpg",
        "nxf2c.jpg",
        "pcmcc.jpg",
        "yge7c.jpg",
    }


def test_the_same_seed_gives_the_same_folder(tmp_path, drawn_set):
    again = write_samples(tmp_path / "again", png=30, jpg=4)
    assert {file.name: file.read_bytes() for file in again.iterdir()} == {
        file.name: file.read_bytes() for file in drawn_set.iterdir()
    }
    other = write_samples(tmp_path / "other", png=30, jpg=4, seed=1)
    assert {file.name for file in other.iterdir()} != {file.name for file in drawn_set.iterdir()}


def test_n_is_drawn_twice_as_often():
    rng = np.random.default_rng(0)
    text = "".join(sample_label(rng) for _ in range(4000))
    assert set(text) == set(COURSE.alphabet)
    assert text.count("n") / len(text) == pytest.approx(0.10, abs=0.007)
    assert text.count("2") / len(text) == pytest.approx(0.05, abs=0.007)


def test_an_interrupted_drawing_leaves_nothing(tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(generator, "render_captcha", stop)
    with pytest.raises(KeyboardInterrupt):
        write_samples(tmp_path / "samples", png=5, jpg=2)
    assert list(tmp_path.iterdir()) == []


def test_two_runs_at_once_leave_one_complete_folder(tmp_path):
    with written_beside(tmp_path / "samples") as slow:
        slow.mkdir()
        (slow / "x").write_text("slow")
        with written_beside(tmp_path / "samples") as fast:
            fast.mkdir()
            (fast / "x").write_text("fast")
    assert [file.name for file in tmp_path.iterdir()] == ["samples"]
    assert (tmp_path / "samples/x").read_text() == "fast"


def test_a_folder_that_exists_is_left_alone(tmp_path):
    (tmp_path / "mine.png").write_text("precious")
    with pytest.raises(FileExistsError, match="exists already: expected the name of a new folder"):
        write_samples(tmp_path)
    assert (tmp_path / "mine.png").read_text() == "precious"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such folder")
def test_a_full_disk_is_told_in_one_line_and_leaves_nothing(tmp_path, monkeypatch):
    save, left = Image.Image.save, iter(range(3))

    def save_three(image, file, **options):
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        save(image, file, **options)

    monkeypatch.setattr(Image.Image, "save", save_three)
    with pytest.raises(OSError) as caught:
        write_samples(tmp_path / "samples", png=5, jpg=0)
    assert str(caught.value).endswith(
        "samples cannot be finished (No space left on device): make room there, and try again"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_to_is_named():
    with pytest.raises(PermissionError, match="/dev/null/samples cannot be made .*: expected a place"):
        write_samples("/dev/null/samples")


# Bad input


@pytest.mark.parametrize(
    "texts, styles",
    [
        (["2g7nm", "bny23", "34pcn"], [Style()]),
        (["2g7nm"], [Style(), Style()]),
        (["2g7nm"] * 32, [Style()] * 64),  # a whole batch more
        (["2g7nm"], []),
        ([], []),
        (["2g7nm"], Style()),
        ("2g7nm", [Style()] * 5),
    ],
)
@pytest.mark.parametrize("draw", [draw_letters, lambda texts, styles: render_captchas(texts, None, styles)])
def test_texts_and_styles_that_do_not_pair_up_are_refused(texts, styles, draw):
    message = "do not pair up: expected a list of texts, and a Style for each$"
    with pytest.raises(ValueError, match=message) as caught:
        draw(texts, styles)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


@pytest.mark.parametrize("style", [{"width": 0}, {"start": -300}, {"baseline": 500}])
def test_letters_that_nobody_could_see_are_refused(style):
    with pytest.raises(ValueError, match="'2g7nm' leaves no ink in the image: expected a width, st"):
        render_captcha("2g7nm", np.random.default_rng(0), Style(**style))


def test_a_text_that_is_too_wide_is_told_what_fits():
    with pytest.raises(ValueError, match="'mmmmmmmm' is too wide .*: its first 5 characters fit"):
        render_captcha("mmmmmmmm", np.random.default_rng(0))
    render_captcha("mmmmm", np.random.default_rng(0))


def test_any_text_that_fits_can_be_drawn():
    image = render_captcha("Anna B", np.random.default_rng(0), Style(size=30))
    assert (image < 64).mean() > 0.05
    blank = draw_letters([" "], [Style()])
    assert blank.shape == (200, 50, 1) and blank.sum() == 0


@pytest.mark.parametrize("text, message", [("2g漢nm", "no glyph for '漢': expected a character"), ("", "empty text")])
def test_a_text_that_cannot_be_drawn_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        render_captcha(text, np.random.default_rng(0))


@pytest.mark.parametrize("size", [3, 61])
def test_a_size_that_the_filters_would_destroy_is_refused(size):
    with pytest.raises(ValueError, match=f"letters of size {size} do not.*: expected 10 to 60"):
        Style(size=size)


# Other families

FAMILIES = [
    Family("0123456789", 4, 4, 100, 30),
    Family("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 3, 8, 100, 30),
    Family("abcdefghijklm0123456789+-=?", 3, 8, 400, 100),
    Family("0123456789ABCDEF", 6, 6, 160, 60),
]


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_the_images_of_any_family_are_drawn_in_its_size(family, tmp_path):
    folder = write_samples(tmp_path / "own", png=30, jpg=5, family=family)
    samples = read_samples(folder, family)
    assert list(samples["file_name"][[0, 34]]) == ["000000.png", "000034.jpg"]
    with Image.open(folder / "000000.png") as image:
        assert image.size == (family.width, family.height) and image.mode == "RGBA"
    lengths = samples["label_size"].unique()
    assert lengths.min() >= family.shortest and lengths.max() <= family.longest
    assert set("".join(samples["label"])) <= set(family.alphabet)
    again = write_samples(tmp_path / "again", png=30, jpg=5, family=family)
    assert all(file.read_bytes() == (again / file.name).read_bytes() for file in folder.iterdir())


def test_a_family_of_another_size_is_the_courses_made_larger_or_smaller():
    """Letters, water and strokes alike: twice as large, each four pixels are one of the course's."""
    large = Family(COURSE.alphabet, 5, 5, 400, 100)
    style = [Style()]
    once = render_captchas(["2g7nm"], np.random.default_rng(0), style)[0].astype(float)
    twice = render_captchas(["2g7nm"], np.random.default_rng(0), style, large)[0].astype(float)
    assert twice.shape == (100, 400)
    smoothed = twice.reshape(50, 2, 200, 2).mean(axis=(1, 3))
    assert np.abs(smoothed - once).mean() < 8 and np.corrcoef(smoothed.ravel(), once.ravel())[0, 1] > 0.97


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_every_text_of_a_family_fits_into_its_images(family):
    widest = max(family.alphabet, key=partial(mean_width, DEJAVU_BOLD))
    for style in (None, sample_style(widest * family.longest, np.random.default_rng(0), [DEJAVU_BOLD], family)):
        image = render_captcha(widest * family.longest, np.random.default_rng(0), style, family)
        assert image.shape == (family.height, family.width) and (image < 100).mean() > 0.03


def test_all_lengths_and_characters_of_a_family_are_drawn_alike():
    rng, family = np.random.default_rng(0), Family("0123456789", 3, 6, 160, 60)
    texts = [sample_label(rng, family) for _ in range(4000)]
    assert [np.mean([len(text) == length for text in texts]) for length in range(3, 7)] == pytest.approx(
        [0.25] * 4, abs=0.025
    )
    shares = [np.mean([character == digit for character in "".join(texts)]) for digit in family.alphabet]
    assert shares == pytest.approx([0.1] * 10, abs=0.01)


@pytest.mark.parametrize("width", [60, 133, 200, 400])
def test_strokes_and_water_go_with_the_width(width):
    ink = draw_strokes(np.full((1, 2, 4), 25.0), width=width)[:, :, 0]
    columns = np.flatnonzero(ink.any(axis=1))
    assert columns[0] == pytest.approx(0.1 * width, abs=3) and columns[-1] == pytest.approx(0.9 * width, abs=3)
    moved = np.abs(water_map(radius=20, width=width)[0] - np.arange(width)[:, np.newaxis])
    moving = np.flatnonzero(moved.max(axis=1) > 1e-6)
    assert moving.mean() == pytest.approx(width // 2) and 36 <= len(moving) <= 40
