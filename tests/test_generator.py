import hashlib

import numpy as np
import pytest
from PIL import Image, ImageDraw

from captcha_lib import generator, render_captcha, write_samples
from captcha_lib.generator import draw_label, draw_strokes
from captcha_lib.workspace import written_beside


def test_pixels_are_the_same_on_every_machine():
    """The digest was taken with matplotlib 3.10 and 3.11, NumPy 2.1 to 2.5, Python 3.11 and 3.13."""
    rng, total = np.random.default_rng(7), hashlib.sha256()
    for _ in range(300):
        total.update(render_captcha(draw_label(rng), rng).tobytes())
    assert total.hexdigest()[:16] == "fa3064538e581d49"


def test_an_image_is_grey_ink_on_a_gradient():
    image = render_captcha("2g7nm", np.random.default_rng(0))
    assert image.shape == (50, 200) and image.dtype == np.uint8
    assert image[0, 0] == 192 and image[49, 199] == 255
    assert (image < 64).mean() > 0.08


def test_the_text_changes_only_where_letters_stand():
    one = render_captcha("2g7nm", np.random.default_rng(0))
    other = render_captcha("2g7nw", np.random.default_rng(0))
    columns = np.flatnonzero((one != other).any(axis=0))
    assert columns.min() > 90 and columns.max() < 170


def test_filled_outlines_match_pillow():
    """Pillow fills a large polygon; shrinking it with a box filter must give our coverage, edges aside."""
    star = np.array([(20, 5), (60, 45), (100, 8), (150, 40), (180, 10), (90, 48)], float)
    large = Image.new("L", (200 * 16, 50 * 16))
    ImageDraw.Draw(large).polygon([tuple(point * 16) for point in star], fill=255)
    expected = np.asarray(large.resize((200, 50), Image.Resampling.BOX)) / 255
    difference = np.abs(generator._fill([star]) - expected)
    assert difference.max() < 0.3 and difference.mean() < 0.005


def test_strokes_are_no_wider_than_published_and_reach_their_last_knots():
    for seed in range(20):
        ink = draw_strokes(np.random.default_rng(seed))
        columns = np.flatnonzero(ink.any(axis=0))
        assert columns.min() >= 17 and 178 <= columns.max() <= 182
        assert ink[:, 120:170].sum(axis=0).max() < 8


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
    text = "".join(draw_label(rng) for _ in range(4000))
    assert set(text) == set(generator.ALPHABET)
    assert text.count("n") / len(text) == pytest.approx(0.10, abs=0.007)
    assert text.count("2") / len(text) == pytest.approx(0.05, abs=0.007)


def test_an_interrupted_drawing_leaves_nothing(tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(generator, "render_captcha", stop)
    with pytest.raises(KeyboardInterrupt):
        write_samples(tmp_path / "samples", png=5, jpg=2)
    assert list(tmp_path.iterdir()) == []


def test_two_runs_at_once_leave_one_complete_folder(tmp_path):
    with written_beside(tmp_path / "samples") as slow:
        (slow / "x").write_text("slow")
        with written_beside(tmp_path / "samples") as fast:
            (fast / "x").write_text("fast")
    assert [file.name for file in tmp_path.iterdir()] == ["samples"]
    assert (tmp_path / "samples/x").read_text() == "fast"


def test_a_folder_that_exists_is_left_alone(tmp_path):
    (tmp_path / "mine.png").write_text("precious")
    with pytest.raises(FileExistsError, match="exists already: expected the name of a new folder"):
        write_samples(tmp_path)
    assert (tmp_path / "mine.png").read_text() == "precious"


@pytest.mark.parametrize("text", ["2g7n", "2g7nA"])
def test_a_text_that_is_no_label_is_refused(text):
    with pytest.raises(ValueError, match="label"):
        render_captcha(text, np.random.default_rng(0))
