from functools import cache

import keras
import numpy as np
import onnx
import pytest
from keras import layers
from onnx import numpy_helper

from captcha_lib.export import export_onnx, halve_weights, quantise
from captcha_lib.family import COURSE, Family
from captcha_lib.reader import Reader
from captcha_lib.recipe import Recipe, build_recipe

NARROW = Family("0123456789+", 2, 3, 64, 24)


@cache
def build(recipe, family):
    """An untrained model with biases and running means like those of a trained one."""
    keras.utils.set_random_seed(1)
    model = build_recipe(recipe, family)
    rng = np.random.default_rng(0)
    model.set_weights([array + rng.uniform(-0.05, 0.05, array.shape) for array in model.get_weights()])
    for _ in range(30):
        model(draw_noise(family, 8, seed=0), training=True)  # the running means settle
    return model


def draw_noise(family, number, seed):
    return np.random.default_rng(seed).random((number, family.width, family.height, 1), "float32")


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("family", [COURSE, NARROW])
def test_outputs_are_keras_own(family, recurrent, half):
    model = build(Recipe(recurrent=recurrent), family)
    reader = Reader.from_model(model, family, half=half)
    for number in (1, 5):
        images = draw_noise(family, number, seed=number)
        expected, found = model.predict_on_batch(images), reader.predict_on_batch(images)
        assert found.dtype == np.float32 and found.shape == expected.shape == (
            number,
            family.columns,
            expected.shape[2],
        )
        np.testing.assert_allclose(found, expected, atol=1e-3 if half else 2e-6)
        assert expected.std(axis=(0, 1)).min() > 0.004  # the columns differ


def test_half_the_bits_make_half_the_file():
    network = export_onnx(build(Recipe(), COURSE))
    whole, half = (len(one.SerializeToString()) for one in (network, halve_weights(network)))
    assert 0.5 < half / whole < 0.52
    assert whole == len(network.SerializeToString())  # what was given has not changed


def test_a_network_has_two_ends_with_names():
    network = export_onnx(build(Recipe(), COURSE))
    onnx.checker.check_model(network, full_check=True)
    assert [one.name for one in (*network.graph.input, *network.graph.output)] == ["image", "probabilities"]


def test_other_models_can_be_exported():
    image = keras.Input((6, 4, 1))
    model = keras.Model(image, layers.Dense(3)(layers.Reshape((6, 4))(image)))
    assert export_onnx(model).graph.output[0].name == "probabilities"


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("family", [COURSE, NARROW])
def test_8_bits_compute_nearly_the_same(family, recurrent):
    model = build(Recipe(recurrent=recurrent), family)
    images = draw_noise(family, 70, seed=1)
    expected = model.predict_on_batch(images)
    found = Reader.from_model(model, family, calibration=images[:40]).predict_on_batch(images)
    spread = np.abs(expected - expected.mean(axis=(0, 1))).mean()
    assert 0 < np.abs(found - expected).mean() < 0.1 * spread
    # An even grey does not show how large the numbers become.
    grey = Reader.from_model(model, family, calibration=np.full_like(images[:1], 0.3)).predict_on_batch(images)
    assert np.abs(grey - expected).mean() > 0.15 * spread


def test_all_convolutions_but_the_first_have_weights_of_7_bits():
    network = export_onnx(build(Recipe(), COURSE))
    before = network.SerializeToString()
    quantised = quantise(network, np.zeros((1, 200, 50, 1), "float32"))
    assert network.SerializeToString() == before  # what was given has not changed
    arrays = [numpy_helper.to_array(one) for one in quantised.graph.initializer]
    whole = [array for array in arrays if array.dtype == np.int8 and array.ndim > 2]
    assert [len(array) for array in whole] == [48, 64, 128]
    assert all(np.abs(array.astype(int)).max(axis=(1, 2, 3)[: array.ndim - 1]).min() in (63, 64) for array in whole)
    assert len(quantised.SerializeToString()) < 0.3 * len(before)
