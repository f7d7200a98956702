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
    workspace,
)
from captcha_lib.cnn import train_cnn
from captcha_lib.ctc import ctc_forward, set_blank_bias, train_cnn_lstm_ctc
from captcha_lib.family import BLANK


def random_columns(count, times, sharpness=1.0, seed=0):
    """Softmax outputs (count, times, 20); the sharper, the surer."""
    scores = np.random.default_rng(seed).normal(size=(count, times, 20)) * sharpness
    return (np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)).astype("float32")


def layers_of(model):
    return [(type(layer).__name__, tuple(layer.output.shape[1:])) for layer in model.layers]


# Architectures


def test_the_cnn_is_the_one_of_the_notes():
    model = build_cnn()
    assert model.count_params() == 2_002_835
    assert layers_of(model) == [
        ("InputLayer", (200, 50, 1)),
        ("Conv2D", (200, 50, 32)),
        ("MaxPooling2D", (100, 25, 32)),
        ("Conv2D", (100, 25, 64)),
        ("MaxPooling2D", (50, 12, 64)),
        ("Reshape", (5, 7680)),
        ("Dense", (5, 256)),
        ("Dense", (5, 64)),
        ("Dense", (5, 19)),
    ]
    for name in ("Conv1", "Conv2"):
        settings = model.get_layer(name).get_config()
        assert (
            settings["kernel_size"] == (3, 3)
            and settings["padding"] == "same"
            and settings["activation"] == "relu"
        )
        assert settings["kernel_initializer"]["class_name"] == "HeNormal"
    assert [layer.get_config()["activation"] for layer in model.layers[-3:]] == [
        "relu",
        "relu",
        "softmax",
    ]


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
    assert (
        dropout.rate == 0.2 and first.forward_layer.dropout == second.forward_layer.dropout == 0.25
    )
    assert [layer.name for layer in model.layers[:5]] == [
        layer.name for layer in build_cnn().layers[:5]
    ]


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
            total += np.prod(
                [columns[0, time, key] for time, key in enumerate(alignment)], dtype=float
            )
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
    (expected,), _ = tf.nn.ctc_greedy_decoder(
        np.log(columns).transpose(1, 0, 2), np.full(64, 50), blank_index=BLANK
    )
    texts = decode_ctc(columns)
    assert texts == texts_of(expected, 64)
    assert len(set(map(len, texts))) > 3


def test_beam_search_agrees_with_tensorflow():
    columns = random_columns(8, 12, sharpness=2)
    (expected,), _ = tf.nn.ctc_beam_search_decoder(
        np.log(columns).transpose(1, 0, 2), np.full(8, 12), beam_width=20
    )
    assert decode_ctc(columns, beam_width=20) == texts_of(expected, 8)


def test_beam_search_adds_up_alignments_where_greedy_does_not():
    """Two columns, blank 0.6 and `2` 0.4: `--` is the best alignment (0.36), `2` the best text (0.64)."""
    columns = np.full((1, 2, 20), 1e-9)
    columns[:, :, [0, BLANK]] = 0.4, 0.6
    assert decode_ctc(columns) == [""]
    assert decode_ctc(columns, beam_width=5) == ["2"]


# Training


def test_training_the_cnn_learns_and_is_repeatable(drawn_set):
    x, _, y, _ = build_dataset(drawn_set, crop=True)
    model, history = train_cnn(x, y, epochs=12)
    _, again = train_cnn(x, y, epochs=12)
    assert history.history["loss"][-1] < history.history["loss"][0] - 0.3
    np.testing.assert_allclose(history.history["loss"], again.history["loss"], rtol=1e-3)
    assert model.predict(x[:2], verbose=0).shape == (2, 5, 19)


def test_an_untrained_model_can_expect_blanks(drawn_set):
    x, _, y, _ = build_dataset(drawn_set)
    keras.utils.set_random_seed(0)
    model = build_cnn_lstm_ctc()
    before = float(np.mean(ctc_loss(y, model.predict(x, verbose=0))))
    set_blank_bias(model)
    columns = model.predict(x, verbose=0)
    assert columns[..., BLANK].mean() == pytest.approx(0.9, abs=0.03)
    assert float(np.mean(ctc_loss(y, columns))) == pytest.approx(16.4, abs=0.5) and before > 100


def test_training_the_cnn_lstm_ctc_leaves_the_convolutions_alone(drawn_set):
    x, _, y, _ = build_dataset(drawn_set)
    cnn = build_cnn()
    model, history = train_cnn_lstm_ctc(x, y, cnn, epochs=2)
    for name in ("Conv1", "Conv2"):
        for copied, original in zip(
            model.get_layer(name).get_weights(), cnn.get_layer(name).get_weights()
        ):
            np.testing.assert_array_equal(copied, original)
    assert set(history.history) >= {"loss", "val_loss"} and history.history["loss"][0] < 30


# Keeping models


def test_a_model_is_trained_once_for_each_set_of_images(drawn_set, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CAPTCHA_OUTPUT", str(tmp_path / "out"))
    trained = build_cnn()
    model, seconds = workspace.load_or_train("cnn", drawn_set, build_cnn, lambda: (trained, None))
    assert (
        capsys.readouterr().out
        == "No cnn is saved for these images yet: training one here takes a few minutes\n"
    )
    again, same = workspace.load_or_train(
        "cnn", drawn_set, build_cnn, lambda: pytest.fail("it is saved")
    )
    assert capsys.readouterr().out == "" and seconds == same
    for one, other in zip(again.get_weights(), trained.get_weights()):
        np.testing.assert_array_equal(one, other)
    folder = tmp_path / "others"
    folder.mkdir()
    (folder / "2g7nm.png").write_bytes((drawn_set / "2g7nm.png").read_bytes())
    assert workspace.model_file("cnn", folder) != workspace.model_file("cnn", drawn_set)
