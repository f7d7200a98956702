import io

import numpy as np
import pytest
from PIL import Image

from captcha_lib import decode_label, encode_image, render_captchas, synthetic
from captcha_lib.generator import Style, sample_label
from captcha_lib.synthetic import stream_captchas, train_on_drawings


def plain_style(text, rng):
    return Style()


def take(stream, count):
    return [(images.numpy(), labels.numpy()) for images, labels in stream.take(count)]


def test_the_stream_yields_drawings_as_they_would_be_read_from_disk():
    images, labels = take(stream_captchas(plain_style, seed=3), 1)[0]
    assert images.shape == (64, 200, 50, 1) and images.dtype == np.float32
    assert labels.shape == (64, 5) and labels.dtype == np.int64
    rng = np.random.default_rng([3, 0])
    texts = [sample_label(rng) for _ in range(64)]
    assert [decode_label(row) for row in labels] == texts
    file = io.BytesIO()
    Image.fromarray(render_captchas(texts, rng)[7]).save(file, "PNG")
    np.testing.assert_array_equal(images[7], encode_image(file))


def test_no_batch_comes_twice_and_the_seed_decides():
    first, second = take(stream_captchas(plain_style), 2)
    again = take(stream_captchas(plain_style), 1)[0]
    other = take(stream_captchas(plain_style, seed=1), 1)[0]
    np.testing.assert_array_equal(first[0], again[0])
    assert (first[0] != second[0]).any() and (first[1] != second[1]).any()
    assert (first[0] != other[0]).any() and (first[1] != other[1]).any()


def test_the_style_is_asked_for_every_image():
    asked = []

    def note(text, rng):
        asked.append(text)
        return Style(start=26)

    images, labels = take(stream_captchas(note), 1)[0]
    assert asked[:64] == [decode_label(row) for row in labels]
    plain, _ = take(stream_captchas(plain_style), 1)[0]
    assert (images != plain).any(axis=(1, 2, 3)).all()


def test_a_training_starts_on_the_plateau_and_is_repeatable(monkeypatch):
    monkeypatch.setattr(synthetic, "STEPS_PER_EPOCH", 2)
    model, history = train_on_drawings(plain_style, epochs=2)
    assert model.output_shape == (None, 50, 20)
    assert len(history.history["val_loss"]) == 2
    assert int(model.optimizer.iterations) == 2 * 2 * 64 / 16  # of two drawn batches an epoch, 16 images a step
    # So few steps do not leave the plateau of lesson 5b; a model that expects no blanks would lie far above it.
    assert 14 < history.history["val_loss"][-1] < 17
    _, again = train_on_drawings(plain_style, epochs=2)
    assert again.history["loss"] == pytest.approx(history.history["loss"], abs=0.01)


@pytest.fixture
def short_epochs(monkeypatch):
    monkeypatch.setattr(synthetic, "STEPS_PER_EPOCH", 1)
    monkeypatch.setattr(synthetic, "BATCH_SIZE", 4)


def test_a_style_that_does_not_fit_is_named_in_one_line(short_epochs):
    with pytest.raises(ValueError, match="^'.....' is too wide for 200 pixels at size 40.*fit$"):
        train_on_drawings(lambda text, rng: Style(start=150), epochs=1)
