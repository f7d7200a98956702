import sys

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from captcha_lib import fonts as module
from captcha_lib.family import ALPHABET
from captcha_lib.fonts import (
    DEJAVU_BOLD,
    FULL,
    find_fonts,
    glyph_outline,
    mean_width,
    rasterise,
)


def close(*polygons):
    """The edges of closed polygons, each given by its corners."""
    return np.concatenate([np.hstack([p, np.roll(p, -1, axis=0)]) for p in map(np.array, polygons)])


def fill_one(*polygons):
    edges = close(*polygons).astype(float)
    return rasterise(edges, np.zeros(len(edges), int), 1)[:, :, 0]


def test_whole_pixels_are_filled_completely():
    expected = np.zeros((200, 50))
    expected[20:30, 10:40] = FULL
    np.testing.assert_array_equal(fill_one([(20, 10), (30, 10), (30, 40), (20, 40)]), expected)


def test_parts_of_pixels_are_filled_in_part():
    ink = fill_one([(20.25, 10.5), (22, 10.5), (22, 12), (20.25, 12)]) / FULL
    np.testing.assert_array_equal(ink[20:22, 10:12], [[0.375, 0.75], [0.5, 1]])
    assert ink.sum() == 1.75 * 1.5


def test_a_hole_stays_empty_and_an_overlap_is_filled_once():
    frame = [(20, 5), (60, 5), (60, 45), (20, 45)]
    hole = [(30, 15), (30, 35), (50, 35), (50, 15)]
    assert fill_one(frame, hole).sum() == (1600 - 400) * FULL
    assert fill_one(frame, frame).sum() == 1600 * FULL


def test_what_lies_outside_the_image_is_cut_off():
    ink = fill_one([(-50, -50), (250, -50), (250, 100), (-50, 100)])
    assert (ink == FULL).all()
    assert fill_one([(-20, 5), (-10, 5), (-10, 45), (-20, 45)]).sum() == 0


def test_filled_outlines_match_pillow():
    """Pillow fills a large polygon; shrinking it with a box filter must give our coverage, edges aside."""
    star = [(20, 5), (60, 45), (100, 8), (150, 40), (180, 10), (90, 48)]
    large = Image.new("L", (200 * 16, 50 * 16))
    ImageDraw.Draw(large).polygon([(x * 16, y * 16) for x, y in star], fill=255)
    expected = np.asarray(large.resize((200, 50), Image.Resampling.BOX)) / 255
    difference = np.abs(fill_one(star).T / FULL - expected)
    assert difference.max() < 0.2 and difference.mean() < 0.003


@pytest.mark.parametrize("character", "28bgmw")
def test_letters_match_those_that_freetype_draws(character):
    large = Image.new("L", (200 * 8, 50 * 8))
    font = ImageFont.truetype(DEJAVU_BOLD.file, 40 * 8)
    ImageDraw.Draw(large).text((30 * 8, 38 * 8), character, 255, font, anchor="ls")
    expected = np.asarray(large.resize((200, 50), Image.Resampling.BOX)) / 255
    edges = glyph_outline(DEJAVU_BOLD, character)[0][:, :4] * (40, -40, 40, -40) + (30, 38, 30, 38)
    difference = np.abs(rasterise(edges, np.zeros(len(edges), int), 1)[:, :, 0].T / FULL - expected)
    assert expected.sum() > 200 and difference.sum() < 0.02 * expected.sum()


def test_images_of_one_call_do_not_mix():
    square = close([(20, 10), (30, 10), (30, 40), (20, 40)]).astype(float)
    ink = rasterise(np.concatenate([square, square + (50, 0, 50, 0)]), np.repeat([2, 0], 4), 3)
    assert [list(np.flatnonzero(ink[:, 20, image])[[0, -1]]) for image in (2, 0)] == [
        [20, 29],
        [70, 79],
    ]
    assert ink[:, :, 1].sum() == 0


def test_a_letter_knows_where_its_ink_starts_and_ends():
    edges, left, right = glyph_outline(DEJAVU_BOLD, "m")
    assert (left, right) == (edges[:, 0].min(), edges[:, 0].max())
    assert 0 < left < 0.2 and 0.8 < right < 1.1
    assert glyph_outline(DEJAVU_BOLD, " ")[1:] == (0, 0)


def test_the_mean_width_is_that_of_the_alphabet():
    widths = [np.ptp(glyph_outline(DEJAVU_BOLD, character)[0][:, 0]) for character in ALPHABET]
    assert mean_width(DEJAVU_BOLD) == pytest.approx(np.mean(widths))


def test_a_step_out_of_the_ink_makes_a_letter_larger_all_around():
    edges, left, right = glyph_outline(DEJAVU_BOLD, "8")
    wider = edges[:, :4] + 0.01 * edges[:, 4:]
    assert np.ptp(wider[:, 0]) == pytest.approx(right - left + 0.02, abs=0.002)
    assert np.ptp(wider[:, 1]) == pytest.approx(np.ptp(edges[:, 1]) + 0.02, abs=0.002)


def test_a_character_without_a_glyph_is_named():
    with pytest.raises(ValueError, match=r"DejaVuSans-Bold.ttf has no glyph for '漢': expected"):
        glyph_outline(DEJAVU_BOLD, "漢")


def test_fonts_of_lesson_7_are_found_in_three_weights():
    fonts = find_fonts()
    assert len(fonts) == 12 and len(set(fonts)) == 12
    for light, _, heavy in zip(fonts[::3], fonts[1::3], fonts[2::3]):
        assert (light.weight, heavy.weight) == (600, 800)
        stems = []
        for font in (light, heavy):
            edges = glyph_outline(font, "n")[0][:, :4] * (40, -40, 40, -40) + (30, 38, 30, 38)
            stems.append(rasterise(edges, np.zeros(len(edges), int), 1).sum())
        assert stems[1] > 1.1 * stems[0], light.file.name


def test_without_the_fonts_extra_matplotlib_helps_out_and_says_so(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "fontpkg", None)
    fonts = find_fonts()
    assert "pip install fontpkg-lato fontpkg-noto-sans" in capsys.readouterr().out
    assert len(fonts) == 3 and DEJAVU_BOLD not in fonts
    for font in fonts:
        for character in ALPHABET:
            assert len(glyph_outline(font, character)[0]) > 3


def test_a_single_missing_family_counts_as_all(monkeypatch, capsys):
    monkeypatch.setattr(module, "FAMILIES", ("Lato", "Comic Sans"))
    assert len(find_fonts()) == 3
    assert "pip install fontpkg-lato fontpkg-comic-sans" in capsys.readouterr().out
