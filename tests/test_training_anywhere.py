"""Training with a GPU listed, in half precision, under other settings of Keras, and with labels that are none."""

import subprocess
import sys
from collections import namedtuple
from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf

from captcha_lib import (
    build_cnn,
    build_cnn_lstm_ctc,
    ctc_loss,
    decode_ctc,
    read_captcha,
    stream_dataset,
    synthetic,
    train_recipe,
)
from captcha_lib.cnn import plain_errors, train_cnn
from captcha_lib.ctc import ctc_forward, interleave_blanks, text_probability, train_cnn_lstm_ctc
from captcha_lib.family import BLANK, check_numbers
from captcha_lib.generator import Style
from captcha_lib.reader import decode_fixed_length
from captcha_lib.recipe import ABLATION, build_recipe, shuffle_batches
from captcha_lib.samples import read_samples
from captcha_lib.synthetic import train_on_drawings

RNG = np.random.default_rng(0)
IMAGES, LABELS = RNG.random((4, 200, 50, 1), "float32"), RNG.integers(0, 19, (4, 5))


def train_a_rung(name, images=IMAGES, labels=LABELS):
    return train_recipe(shuffle_batches(images, labels), ABLATION[name], epochs=1)


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
    monkeypatch.setattr(
        tf.config, "list_physical_devices", lambda kind=None: real(kind) + [card] * (kind is None)
    )


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


# Labels


def random_columns(count, times):
    scores = np.random.default_rng(0).normal(size=(count, times, 20))
    return (np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)).astype("float32")


def test_texts_of_different_lengths_in_one_batch_lose_as_they_do_alone():
    columns = random_columns(3, 12)
    texts = [[0, 12, 5, 14, 13], [3, 3], [18]]
    padded = np.array([text + [-1] * (5 - len(text)) for text in texts])
    alone = [
        float(ctc_loss(np.array([text]), columns[i : i + 1])[0]) for i, text in enumerate(texts)
    ]
    np.testing.assert_allclose(ctc_loss(padded, columns), alone, rtol=1e-6)
    np.testing.assert_allclose(ctc_loss(padded.astype("float32"), columns), alone, rtol=1e-6)


BAD_LABELS = {
    "the blank": ([0, 12, 5, 14, 19], "labels hold 19: expected numbers 0 to 18, or -1 as padding"),
    "far off": ([0, 99, 5, 14, 13], "labels hold 99"),
    "below": ([0, 12, 5, 14, -2], "labels hold -2"),
    "no number": ([0, 12, np.nan, 14, 13], "labels hold nan"),
    "a gap": ([0, 12, -1, 14, 13], "-1 before or instead of its letters: expected it behind them"),
    "padding first": ([-1, 0, 12, 5, 14], "-1 before or instead of its letters"),
    "half a number": ([0, 12, 3.5, 14, 13], "labels hold 3.5"),
    "empty": ([-1, -1, -1, -1, -1], "-1 before or instead of its letters"),
}


@pytest.mark.parametrize("kind", BAD_LABELS)
def test_a_label_that_is_none_is_refused_in_one_line(kind):
    label, message = BAD_LABELS[kind]
    with pytest.raises(ValueError, match=message) as caught:
        ctc_loss(np.array([[0, 1, 2, 3, 4], label]), random_columns(2, 50))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["the blank", "a gap"])
@pytest.mark.parametrize(
    "train", [train_with_convolutions, partial(train_a_rung, "+ shifts and strokes")]
)
def test_a_training_refuses_it_in_the_same_line(train, kind):
    labels, (label, message) = LABELS.copy(), BAD_LABELS[kind]
    labels[2] = label
    with pytest.raises(ValueError, match=message) as caught:
        train(IMAGES, labels)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "labels, told",
    [
        (np.zeros((4, 5, 19)), r"\(4, 5, 19\)"),
        (np.zeros(4), r"float64 of shape \(4,\)"),
        (np.array([list("2g7nm")]), r"<U1 of shape \(1, 5\)"),
    ],
)
def test_labels_that_are_no_rows_of_numbers_are_refused(labels, told):
    with pytest.raises(ValueError, match=f"^labels are .*{told}: expected numbers, a row for each"):
        check_numbers(labels)


@pytest.mark.parametrize(
    "batches",
    [
        [(IMAGES, LABELS)],
        tf.data.Dataset.from_tensors(IMAGES),
        shuffle_batches(IMAGES, ["2g7nm"] * 4),
        shuffle_batches(IMAGES, np.zeros((4, 5, 19))),
        shuffle_batches(IMAGES[:, :100], LABELS),
        shuffle_batches(IMAGES, LABELS).unbatch(),
    ],
)
def test_what_are_no_batches_of_images_and_labels_is_refused_in_one_line(batches):
    with pytest.raises(
        ValueError, match="^batches are .*: expected a tf.data.Dataset such"
    ) as caught:
        train_recipe(batches)
    assert "\n" not in str(caught.value)


def test_five_heads_take_no_padding():
    for number in (-1, 19):
        with pytest.raises(ValueError, match=f"^labels hold {number}: expected numbers 0 to 18$"):
            train_cnn(IMAGES, np.full((4, 5), number), epochs=1)


def test_states_of_a_lattice_take_no_padding():
    with pytest.raises(ValueError, match="labels hold -1: expected numbers 0 to 18$"):
        interleave_blanks([[0, -1]])
    assert interleave_blanks([[0, 18]]).tolist() == [[19, 0, 19, 18, 19]]
    assert check_numbers([[0, -1]]).tolist() == [[0, -1]]


# Models


def test_a_whole_model_is_loaded_where_the_library_is_imported(tmp_path):
    model, _ = train_a_rung("+ shifts and strokes")
    model.save(tmp_path / "whole.keras")
    np.save(tmp_path / "images.npy", IMAGES)
    np.save(tmp_path / "expected.npy", model.predict(IMAGES, verbose=0))
    program = """
import sys, keras, numpy as np, captcha_lib.ctc
model = keras.models.load_model(sys.argv[1] + "/whole.keras")
images, expected = (np.load(sys.argv[1] + f"/{name}.npy") for name in ("images", "expected"))
np.testing.assert_allclose(model.predict(images, verbose=0), expected, atol=1e-5)
assert model.loss is captcha_lib.ctc.ctc_loss and model.optimizer.iterations.numpy() == 1
"""
    subprocess.run([sys.executable, "-c", program, tmp_path], check=True)


def test_a_model_with_five_heads_is_not_decoded_as_if_it_had_a_blank(drawn_set):
    five_heads = build_recipe(ABLATION["CNN of lesson 4"])
    message = r"probabilities have shape \(1, 5, 19\): expected \(images, columns, 20\), the last"
    with pytest.raises(ValueError, match=message):
        read_captcha(five_heads, drawn_set / "2g7nm.png")
    with pytest.raises(ValueError, match=r"shape \(50, 20\)"):
        decode_ctc(random_columns(1, 50)[0])
    five = np.full((1, 5, 19), 1 / 19)
    for use in (
        lambda: ctc_loss([[0]], five),
        lambda: ctc_forward(five, [[0]]),
        lambda: text_probability(five, ["2g7nm"]),
        lambda: text_probability(five, [""]),
    ):
        with pytest.raises(ValueError, match=r"probabilities have shape \(., 5, 19\)"):
            use()


# What a function says inside a stream


def test_a_file_that_is_spoiled_during_a_training_is_named_in_one_line(tmp_path, drawn_set):
    for file in sorted(drawn_set.iterdir())[:4]:
        (tmp_path / file.name).write_bytes(file.read_bytes())
    stream = stream_dataset(read_samples(tmp_path), 2)
    (tmp_path / "2g7nm.png").write_text("hello")
    message = f"^{tmp_path}.2g7nm.png is no image: expected a PNG or JPEG file$"
    with pytest.raises(ValueError, match=message):
        train_recipe(stream, epochs=1)


def test_a_style_that_does_not_fit_is_named_in_one_line(short_epochs):
    with pytest.raises(ValueError, match="^'.....' is too wide for 200 pixels at size 40.*fit$"):
        train_on_drawings(lambda text, rng: Style(start=150), epochs=1)


def test_other_errors_of_tensorflow_stay_as_they_are():
    with pytest.raises(tf.errors.OpError), plain_errors():
        tf.debugging.assert_equal(1, 2)


@pytest.mark.parametrize(
    "batches, told",
    [
        (shuffle_batches(IMAGES, LABELS).filter(lambda *_: True), "do not say how many they are"),
        (shuffle_batches(IMAGES, LABELS).take(0), "hold no images"),
    ],
)
def test_batches_of_no_known_number_are_refused(batches, told):
    with pytest.raises(ValueError, match=f"^the batches {told}: expected one or more.*is lost$"):
        train_recipe(batches)
    known = batches.apply(tf.data.experimental.assert_cardinality(1))
    if told != "hold no images":
        model, _ = train_recipe(known, epochs=1)
        assert model.optimizer.iterations.numpy() == 1
