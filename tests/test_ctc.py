import subprocess
import sys
from itertools import groupby, product

import keras
import numpy as np
import pytest
import tensorflow as tf

from captcha_lib import (
    build_cnn,
    build_cnn_lstm_ctc,
    build_dataset,
    ctc_loss,
    decode_ctc,
    decode_label,
    train_recipe,
)
from captcha_lib.ctc import set_blank_bias, train_cnn_lstm_ctc, warm_up_and_decay
from captcha_lib.decoding import ctc_forward, interleave_blanks, text_probability
from captcha_lib.family import BLANK, check_numbers
from captcha_lib.reader import read_captcha
from captcha_lib.recipe import ABLATION, build_recipe, shuffle_batches


def random_columns(count, times, sharpness=1.0, seed=0):
    """Softmax outputs (count, times, 20); the sharper, the surer."""
    scores = np.random.default_rng(seed).normal(size=(count, times, 20)) * sharpness
    return (np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)).astype("float32")


def layers_of(model):
    return [(type(layer).__name__, tuple(layer.output.shape[1:])) for layer in model.layers]


def test_the_cnn_lstm_ctc_is_the_one_of_the_notes():
    model = build_cnn_lstm_ctc()
    assert model.count_params() == 432_596
    assert layers_of(model)[4:] == [
        ("MaxPooling2D", (50, 12, 64)),
        ("Reshape", (50, 768)),
        ("Dense", (50, 64)),
        ("Dropout", (50, 64)),
        ("Bidirectional", (50, 256)),
        ("Bidirectional", (50, 128)),
        ("Dense", (50, 20)),
    ]
    dropout, first, second = model.layers[7:10]
    assert dropout.rate == 0.2 and first.forward_layer.dropout == second.forward_layer.dropout == 0.25
    assert [layer.name for layer in model.layers[:5]] == [layer.name for layer in build_cnn().layers[:5]]


# The loss


def fits(label, times):
    """Two equal neighbours need a blank between them."""
    return times >= len(label) + sum(one == two for one, two in zip(label, label[1:]))


LABELS = [(0,), (0, 1), (3, 3), (18, 0), (2, 2, 7)]


@pytest.mark.parametrize(
    "label, times",
    [(label, times) for label, times in product(LABELS, (2, 3, 4, 5)) if fits(label, times)],
)
def test_loss_and_recursion_are_the_sum_over_all_alignments(label, times):
    columns = random_columns(1, times, seed=times)
    total = 0.0
    for alignment in product({*label, BLANK}, repeat=times):
        if tuple(key for key, _ in groupby(alignment) if key != BLANK) == label:
            total += np.prod([columns[0, time, key] for time, key in enumerate(alignment)], dtype=float)
    loss = ctc_loss(np.array([label]), columns)
    assert float(loss[0]) == pytest.approx(-np.log(total), abs=1e-4)
    alpha = ctc_forward(columns, [label])
    assert alpha.shape == (1, times, 2 * len(label) + 1)
    assert alpha[0, -1, -2:].sum() == pytest.approx(total, rel=1e-6)


def test_the_recursion_counts_walks_to_every_state():
    """With probability 1 for everything, alpha is the number of walks: by hand for `22` and `23` in four columns."""
    walks = ctc_forward(np.ones((2, 4, 20)), [[0, 0], [0, 1]])
    assert walks[0].astype(int).tolist() == [
        [1, 1, 0, 0, 0],
        [1, 2, 1, 0, 0],
        [1, 3, 3, 1, 0],
        [1, 4, 6, 4, 1],
    ]
    assert walks[1].astype(int).tolist() == [
        [1, 1, 0, 0, 0],
        [1, 2, 1, 1, 0],
        [1, 3, 3, 4, 1],
        [1, 4, 6, 10, 5],
    ]


def test_the_recursion_agrees_with_tensorflow_on_whole_captchas():
    columns, labels = random_columns(8, 50), np.random.default_rng(1).integers(0, 19, (8, 5))
    labels[0] = 7
    alpha = ctc_forward(columns, labels)
    assert alpha.dtype == "float64"
    by_recursion = -np.log(alpha[:, -1, -2:].sum(axis=1))
    np.testing.assert_allclose(by_recursion, ctc_loss(labels, columns), rtol=1e-4)


def test_texts_that_do_not_fit_have_no_probability_and_empty_ones_all_blanks():
    columns = random_columns(2, 4)
    assert ctc_forward(columns, [[3, 3, 3], [1, 2, 1]])[0, -1, -2:].sum() == 0
    empty = ctc_forward(columns, np.zeros((2, 0), int))[:, -1, -2:].sum(axis=1)
    np.testing.assert_allclose(empty, columns[..., BLANK].prod(axis=1), rtol=1e-6)


def test_the_loss_agrees_with_the_one_of_keras_on_whole_captchas():
    columns, labels = random_columns(8, 50), np.random.default_rng(1).integers(0, 19, (8, 5))
    expected = keras.ops.ctc_loss(
        labels.astype("int32"),
        np.log(columns),
        np.full(8, 5, "int32"),
        np.full(8, 50, "int32"),
        mask_index=BLANK,
    )
    loss = ctc_loss(labels, columns)
    assert loss.shape == (8,)
    np.testing.assert_allclose(loss, expected, rtol=1e-4)


# Decoding


def one_hot(classes, surest=0.9):
    columns = np.full((1, len(classes), 20), (1 - surest) / 19)
    columns[0, range(len(classes)), classes] = surest
    return columns


def test_repeats_are_merged_and_blanks_dropped():
    b = BLANK
    assert decode_ctc(one_hot([b, 0, 0, b, 12, 5, 5, b, 14, 13])) == ["2g7nm"]
    assert decode_ctc(one_hot([9, 9, 13, 18, 18, 12])) == ["dmyg"]
    assert decode_ctc(one_hot([9, b, 9, 13, 18, 12])) == ["ddmyg"]
    assert decode_ctc(one_hot([b, b, b])) == [""]


def texts_of(sparse, count):
    dense = tf.sparse.to_dense(sparse, default_value=-1).numpy()
    assert len(dense) == count
    return [decode_label(row[row >= 0]) for row in dense]


def test_greedy_decoding_agrees_with_tensorflow():
    columns = random_columns(64, 50, sharpness=2)
    columns[:, :, BLANK] *= 5
    (expected,), _ = tf.nn.ctc_greedy_decoder(np.log(columns).transpose(1, 0, 2), np.full(64, 50), blank_index=BLANK)
    texts = decode_ctc(columns)
    assert texts == texts_of(expected, 64)
    assert len(set(map(len, texts))) > 3


def test_beam_search_agrees_with_tensorflow():
    columns = random_columns(8, 12, sharpness=2)
    (expected,), _ = tf.nn.ctc_beam_search_decoder(np.log(columns).transpose(1, 0, 2), np.full(8, 12), beam_width=20)
    assert decode_ctc(columns, beam_width=20) == texts_of(expected, 8)


def test_beam_search_adds_up_alignments_where_greedy_does_not():
    """Two columns, blank 0.6 and `2` 0.4: `--` is the best alignment (0.36), `2` the best text (0.64)."""
    columns = np.full((1, 2, 20), 1e-9)
    columns[:, :, [0, BLANK]] = 0.4, 0.6
    assert decode_ctc(columns) == [""]
    assert decode_ctc(columns, beam_width=5) == ["2"]


def test_an_untrained_model_can_expect_blanks(drawn_set):
    x, _, y, _ = build_dataset(drawn_set)
    keras.utils.set_random_seed(0)
    model = build_cnn_lstm_ctc()
    before = float(np.mean(ctc_loss(y, model.predict(x, verbose=0))))
    set_blank_bias(model)
    columns = model.predict(x, verbose=0)
    assert columns[..., BLANK].mean() == pytest.approx(0.9, abs=0.03)
    assert float(np.mean(ctc_loss(y, columns))) == pytest.approx(16.4, abs=0.5) and before > 100


@pytest.mark.parametrize("steps", [5, 10, 95, 800])
def test_the_rate_rises_for_a_tenth_of_the_steps_and_ends_at_zero(steps):
    rates = [float(warm_up_and_decay(3e-3, steps)(step)) for step in range(steps + 1)]
    assert np.argmax(rates) == steps // 10 and max(rates) == pytest.approx(3e-3)
    assert rates[-1] == pytest.approx(0, abs=1e-9) and rates[-2] > 0
    if steps >= 10:
        assert rates[0] == pytest.approx(1e-4)


def test_the_rate_of_a_training_ends_at_zero_with_its_last_batch(drawn_set, monkeypatch):
    """Of 27 images the last tenth is held out: 24 are trained on, in two batches an epoch."""
    x, _, y, _ = build_dataset(drawn_set)
    counted = []
    monkeypatch.setattr(
        "captcha_lib.ctc.warm_up_and_decay", lambda rate, steps: counted.append(steps) or warm_up_and_decay(rate, steps)
    )
    steps = []
    monkeypatch.setattr(
        "captcha_lib.ctc.show_progress",
        lambda: keras.callbacks.LambdaCallback(on_train_batch_end=lambda *_, **__: steps.append(1)),
    )
    train_cnn_lstm_ctc(x, y, build_cnn(), epochs=2)
    assert len(x) == 27 and counted == [len(steps)] == [4]


def test_training_the_cnn_lstm_ctc_leaves_the_convolutions_alone(drawn_set):
    x, _, y, _ = build_dataset(drawn_set)
    cnn = build_cnn()
    model, history = train_cnn_lstm_ctc(x, y, cnn, epochs=2)
    for name in ("Conv1", "Conv2"):
        for copied, original in zip(model.get_layer(name).get_weights(), cnn.get_layer(name).get_weights()):
            np.testing.assert_array_equal(copied, original)
    assert set(history.history) >= {"loss", "val_loss"} and history.history["loss"][0] < 30


def test_the_probability_of_a_text_is_what_its_loss_says():
    columns = random_columns(6, 50)
    numbers = np.random.default_rng(2).integers(0, 19, (6, 5))
    numbers[0] = [9, 9, 13, 13, 13]  # like ddmmm: no blank between equal letters may be skipped
    texts = [decode_label(row) for row in numbers]
    loss = np.asarray(ctc_loss(numbers, columns), "float64")
    np.testing.assert_allclose(-np.log(text_probability(columns, texts)), loss, rtol=1e-3)


def test_texts_of_other_lengths_have_no_probability():
    columns = random_columns(3, 50)
    probabilities = text_probability(columns, ["4cpy", "2g7nm", "87mnym"])
    assert list(probabilities) == [0, text_probability(columns[1:2], ["2g7nm"])[0], 0]
    assert probabilities[1] > 0
    assert list(text_probability(columns[:1], ["4cpy"])) == [0]


RNG = np.random.default_rng(0)


IMAGES, LABELS = RNG.random((4, 200, 50, 1), "float32"), RNG.integers(0, 19, (4, 5))


def train_a_rung(name, images=IMAGES, labels=LABELS):
    return train_recipe(shuffle_batches(images, labels), ABLATION[name], epochs=1)


# Labels


def test_texts_of_different_lengths_in_one_batch_lose_as_they_do_alone():
    columns = random_columns(3, 12)
    texts = [[0, 12, 5, 14, 13], [3, 3], [18]]
    padded = np.array([text + [-1] * (5 - len(text)) for text in texts])
    alone = [float(ctc_loss(np.array([text]), columns[i : i + 1])[0]) for i, text in enumerate(texts)]
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
assert type(model.loss) is captcha_lib.ctc.CTCLoss and model.loss.blank == 19
assert model.optimizer.iterations.numpy() == 1
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
