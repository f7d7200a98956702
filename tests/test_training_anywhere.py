"""Every training where a GPU is listed, in half precision, and under other settings of Keras."""

from collections import namedtuple
from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_ctc import BAD_LABELS, IMAGES, LABELS, train_a_rung

from captcha_lib import build_cnn, build_cnn_lstm_ctc, decode_ctc, synthetic
from captcha_lib.cnn import train_cnn
from captcha_lib.ctc import train_cnn_lstm_ctc
from captcha_lib.decoding import decode_fixed_length
from captcha_lib.family import BLANK
from captcha_lib.generator import Style
from captcha_lib.recipe import ABLATION, build_recipe
from captcha_lib.synthetic import train_on_drawings


def train_with_convolutions(images=IMAGES, labels=LABELS):
    return train_cnn_lstm_ctc(images.repeat(4, 0), labels.repeat(4, 0), build_cnn(), epochs=1)


TRAININGS = {
    "lesson 4": lambda: train_cnn(IMAGES, LABELS, epochs=1),
    "lesson 5b": train_with_convolutions,
    "lesson 7": lambda: train_on_drawings(lambda text, rng: Style(), epochs=1),
    **{
        name: partial(train_a_rung, name)
        for name in ("+ warm-up and decay", "+ shifts and strokes", "LSTM along the columns")
    },
}


@pytest.fixture
def short_epochs(monkeypatch):
    monkeypatch.setattr(synthetic, "STEPS_PER_EPOCH", 1)
    monkeypatch.setattr(synthetic, "BATCH_SIZE", 4)


@pytest.fixture
def listed_gpu(monkeypatch):
    """TensorFlow lists a GPU that is not there, so that Keras compiles for it where it may."""
    card = namedtuple("Card", "device_type name")("GPU", "/physical_device:GPU:0")
    real = tf.config.list_physical_devices
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: real(kind) + [card] * (kind is None))


@pytest.mark.parametrize("training", TRAININGS)
def test_every_training_runs_where_a_gpu_is_listed(training, listed_gpu, short_epochs):
    _, history = TRAININGS[training]()
    assert np.isfinite(history.history["loss"]).all()


@pytest.mark.parametrize("training", TRAININGS)
def test_every_training_runs_in_half_precision(training, short_epochs):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model, history = TRAININGS[training]()
    finally:
        keras.config.set_dtype_policy("float32")
    assert np.isfinite(history.history["loss"]).all()
    probabilities = model.predict(IMAGES, verbose=0)
    assert probabilities.dtype == "float16"
    if probabilities.shape[2] == BLANK + 1:
        assert len(decode_ctc(probabilities, beam_width=5)) == 4
        assert all(isinstance(text, str) for text in decode_fixed_length(probabilities))


def test_another_order_of_axes_in_the_settings_changes_nothing():
    builders = [build_cnn, build_cnn_lstm_ctc, *(partial(build_recipe, r) for r in ABLATION.values())]

    def predict():
        keras.utils.set_random_seed(0)
        model, _ = train_a_rung("+ shifts and strokes")
        return [model.predict(IMAGES), *(build().predict(IMAGES) for build in builders)]

    expected = predict()
    keras.config.set_image_data_format("channels_first")
    try:
        found = predict()
    finally:
        keras.config.set_image_data_format("channels_last")
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("kind", ["the blank", "a gap"])
@pytest.mark.parametrize("train", [train_with_convolutions, partial(train_a_rung, "+ shifts and strokes")])
def test_a_training_refuses_it_in_the_same_line(train, kind):
    labels, (label, message) = LABELS.copy(), BAD_LABELS[kind]
    labels[2] = label
    with pytest.raises(ValueError, match=message) as caught:
        train(IMAGES, labels)
    assert "\n" not in str(caught.value)
