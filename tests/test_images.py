import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from captcha_lib import encode_image, render_captcha
from captcha_lib.images import open_image


def by_hand(file, crop):
    """An independent encoding: the red channel, TensorFlow's resize, a transpose."""
    grey = np.asarray(Image.open(file))[..., 0] / np.float32(255)
    if crop:
        grey = tf.image.resize(grey[:, 25:150, None], (50, 200), "bilinear").numpy()[..., 0]
    return np.moveaxis(grey, 0, 1)[..., None]


@pytest.mark.parametrize("crop", [False, True])
def test_an_image_is_encoded_as_by_hand(drawn_set, crop):
    for file in sorted(drawn_set.glob("*.png"))[:10]:
        encoded = encode_image(file, crop)
        assert encoded.shape == (200, 50, 1) and encoded.dtype == np.float32
        assert encoded.min() >= 0 and encoded.max() <= 1
        np.testing.assert_allclose(encoded, by_hand(file, crop), atol=1e-6)


@pytest.mark.parametrize(
    "make, complaint",
    [
        (lambda file: file.write_text("hello"), "x.png is not an image: expected a PNG or JPEG file"),
        (lambda file: file.write_bytes(b""), "x.png is not an image"),
        (
            lambda file: Image.new("L", (60, 20)).save(file),
            "x.png is 60 x 20 pixels: expected 200 x 50, resize it first",
        ),
        (lambda file: Image.new("L", (50, 200)).save(file), "x.png is 50 x 200 pixels"),
        (lambda file: Image.new("L", (200, 49)).save(file), "x.png is 200 x 49 pixels"),
        (lambda file: Image.new("L", (201, 50)).save(file), "x.png is 201 x 50 pixels"),
    ],
)
def test_what_is_no_captcha_image_is_refused(tmp_path, make, complaint):
    make(tmp_path / "x.png")
    with pytest.raises(ValueError, match=complaint) as caught:
        open_image(tmp_path / "x.png")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["2g7nm.png", "3c7de.jpg"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_a_truncated_image_is_refused(tmp_path, drawn_set, name, kept):
    content = (drawn_set / name).read_bytes()
    (tmp_path / name).write_bytes(content[: int(kept * len(content))])
    with pytest.raises(ValueError, match=f"{name} (cannot be read|is not an image)"):
        open_image(tmp_path / name)


def test_a_missing_image_is_told(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_image(tmp_path / "2g7nm.png")


GREY = render_captcha("2g7nm", np.random.default_rng(1))
INK = Image.fromarray(255 - GREY)
BLACK = Image.new("L", INK.size)
TWO_LEVELS = np.where(GREY < 150, 20, 255)


def palette():
    """Number 0 is transparent, number 1 nearly black."""
    image = Image.fromarray((GREY < 150).astype("uint8")).convert("P")
    image.putpalette([0, 0, 0, 20, 20, 20])
    return image


def colour_key(mode):
    """Black is transparent, ink is 20."""
    image = Image.fromarray(np.where(GREY < 150, 20, 0).astype("uint8")).convert(mode)
    return image, {"transparency": 0 if mode == "L" else (0, 0, 0)}


TRANSPARENT = {
    "RGBA": (Image.merge("RGBA", [BLACK, BLACK, BLACK, INK]), {}, GREY, "png"),
    "LA": (Image.merge("LA", [BLACK, INK]), {}, GREY, "png"),
    "palette": (palette(), {"transparency": 0}, TWO_LEVELS, "png"),
    "palette of alphas": (palette(), {"transparency": bytes([0, 255])}, TWO_LEVELS, "png"),
    "GIF": (palette(), {"transparency": 0}, TWO_LEVELS, "gif"),
    "L with a key": (*colour_key("L"), TWO_LEVELS, "png"),
    "RGB with a key": (*colour_key("RGB"), TWO_LEVELS, "png"),
}


@pytest.mark.parametrize("kind", TRANSPARENT)
def test_what_is_transparent_is_laid_on_white(kind, tmp_path):
    image, options, expected, suffix = TRANSPARENT[kind]
    image.save(tmp_path / f"2g7nm.{suffix}", **options)
    pixels = encode_image(tmp_path / f"2g7nm.{suffix}")[..., 0].T * 255
    assert np.abs(pixels - expected).max() <= 2


TURNS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("orientation", TURNS)
def test_an_image_is_turned_upright_as_a_viewer_does(orientation, suffix, tmp_path):
    upright, exif = Image.fromarray(GREY).convert("RGB"), Image.Exif()
    stored = upright if orientation == 1 else upright.transpose(TURNS[orientation])
    exif[0x0112] = orientation
    stored.save(tmp_path / f"2g7nm.{suffix}", exif=exif, **({"quality": 95} if suffix == "jpg" else {}))
    pixels = encode_image(tmp_path / f"2g7nm.{suffix}")[..., 0].T * 255
    assert np.abs(pixels - GREY).mean() < 2


def test_an_upright_image_that_is_marked_as_lying_has_another_size(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(GREY).save(tmp_path / "2g7nm.png", exif=exif)
    with pytest.raises(ValueError, match="2g7nm.png is 50 x 200 pixels: expected 200 x 50"):
        open_image(tmp_path / "2g7nm.png")


@pytest.mark.filterwarnings("error")
def test_broken_exif_data_say_nothing(tmp_path):
    for exif in (b"Exif\0\0garbage", b"Exif\0\0II*\0\x08\0\0\0\xff\xff", b"Exif\0\0"):
        Image.fromarray(GREY).save(tmp_path / "2g7nm.jpg", exif=exif, quality=95)
        assert np.abs(np.asarray(open_image(tmp_path / "2g7nm.jpg")) - GREY.astype(int)).mean() < 2


def test_channels_stay_as_stored(drawn_set):
    assert np.asarray(open_image(drawn_set / "2g7nm.png")).shape == (50, 200, 4)
    assert np.asarray(open_image(drawn_set / "3c7de.jpg")).shape == (50, 200, 3)
