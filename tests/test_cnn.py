import numpy as np
import pytest
import tensorflow as tf

from captcha_lib import (
    build_cnn,
    build_dataset,
)
from captcha_lib.cnn import plain_errors, train_cnn


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
        assert settings["kernel_size"] == (3, 3) and settings["padding"] == "same" and settings["activation"] == "relu"
        assert settings["kernel_initializer"]["class_name"] == "HeNormal"
    assert [layer.get_config()["activation"] for layer in model.layers[-3:]] == [
        "relu",
        "relu",
        "softmax",
    ]


# Training


def test_training_the_cnn_learns_and_is_repeatable(drawn_set):
    x, _, y, _ = build_dataset(drawn_set, crop=True)
    model, history = train_cnn(x, y, epochs=12)
    _, again = train_cnn(x, y, epochs=12)
    assert history.history["loss"][-1] < history.history["loss"][0] - 0.3
    np.testing.assert_allclose(history.history["loss"], again.history["loss"], rtol=1e-3)
    assert model.predict(x[:2], verbose=0).shape == (2, 5, 19)


RNG = np.random.default_rng(0)


IMAGES, LABELS = RNG.random((4, 200, 50, 1), "float32"), RNG.integers(0, 19, (4, 5))


@pytest.mark.parametrize("odd, learned", [(17, True), (18, False)])
def test_the_last_tenth_is_held_out_and_no_more(odd, learned):
    """Black images, all with one label but for one: its mistake is counted in the part to which it belongs."""
    y = np.zeros((20, 5), int)
    y[odd] = 5
    _, history = train_cnn(np.zeros((20, 200, 50, 1), "float32"), y, epochs=1)
    shares = {name: history.history[name][0] for name in ("accuracy", "val_accuracy")}
    assert shares == pytest.approx({"accuracy": 17 / 18 if learned else 1, "val_accuracy": 1 if learned else 1 / 2})


def test_five_heads_take_no_padding():
    for number in (-1, 19):
        with pytest.raises(ValueError, match=f"^labels hold {number}: expected numbers 0 to 18$"):
            train_cnn(IMAGES, np.full((4, 5), number), epochs=1)


def test_other_errors_of_tensorflow_stay_as_they_are():
    with pytest.raises(tf.errors.OpError), plain_errors():
        tf.debugging.assert_equal(1, 2)
