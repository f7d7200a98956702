import keras
import numpy as np
import pytest

from captcha_lib.lstm import run_lstm


@pytest.mark.parametrize("inputs, units, times", [(1, 1, 1), (3, 5, 7), (200, 16, 50)])
def test_it_computes_what_keras_computes(inputs, units, times):
    keras.utils.set_random_seed(times)
    rng = np.random.default_rng(times)
    columns = rng.normal(size=(times, inputs)).astype("float32")
    layer = keras.layers.LSTM(units, return_sequences=True, return_state=True)
    layer.build((1, times, inputs))
    layer.set_weights([rng.normal(scale=0.3, size=array.shape) for array in layer.get_weights()])
    outputs, _, cells = layer(columns[np.newaxis])
    paths = run_lstm(columns, *layer.get_weights())
    assert all(path.shape == (times, units) for path in paths.values())
    np.testing.assert_allclose(paths["h"], outputs[0], atol=1e-5)
    np.testing.assert_allclose(paths["c"][-1], cells[0], atol=1e-5)


def test_the_paths_are_those_of_the_formulas():
    """One cell whose gates and candidate are set by their biases alone: i, f, g, o in Keras' order."""
    bias = np.array([0.5, -1.0, 2.0, 1.5])
    paths = run_lstm(np.zeros((3, 1)), np.zeros((1, 4)), np.zeros((1, 4)), bias)
    i, f, o = (1 / (1 + np.exp(-value)) for value in (0.5, -1.0, 1.5))
    g, c = np.tanh(2.0), 0
    for step in range(3):
        c = f * c + i * g
        expected = {"f": f, "i": i, "g": g, "o": o, "c": c, "h": o * np.tanh(c)}
        assert {name: path[step, 0] for name, path in paths.items()} == pytest.approx(expected)
