import keras
import numpy as np
import onnx
import pytest
from keras import layers

from captcha_lib.export import export_onnx, halve_weights
from captcha_lib.family import COURSE, Family
from captcha_lib.reader import Reader
from captcha_lib.recipe import Recipe, build_recipe

NARROW = Family("0123456789+", 2, 3, 64, 24)


def build(recipe, family):
    """An untrained model with weights, biases and running means like those of a trained one."""
    keras.utils.set_random_seed(1)
    model = build_recipe(recipe, family)
    rng = np.random.default_rng(0)
    model.set_weights([array + rng.uniform(0, 0.1, array.shape) for array in model.get_weights()])
    return model


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("family", [COURSE, NARROW])
def test_outputs_are_keras_own(family, recurrent, half):
    model = build(Recipe(recurrent=recurrent), family)
    reader = Reader.from_model(model, family, half=half)
    for number in (1, 5):
        images = np.random.default_rng(number).random((number, family.width, family.height, 1), "float32")
        expected, found = model.predict_on_batch(images), reader.predict_on_batch(images)
        assert found.dtype == np.float32 and found.shape == expected.shape == (
            number,
            family.columns,
            expected.shape[2],
        )
        np.testing.assert_allclose(found, expected, atol=3e-3 if half else 2e-6)


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
