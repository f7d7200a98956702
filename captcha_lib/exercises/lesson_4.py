"""The exercises of lesson 4, on the CNN's parameters, how sure it is, and a smaller one."""

import numpy as np

from captcha_lib.exercises import Exercise, Where
from captcha_lib.family import ALPHABET, HEIGHT, LABEL_LENGTH, WIDTH


def exercise_1():
    """How many weights and biases has the first dense layer after a third pooling?"""
    return Exercise(
        right=256 * (5 * 6 * 64 + 1),
        nearly={
            "each of the 256 outputs has a bias, too": 256 * 5 * 6 * 64,
            "a strip is a fifth of the 25 columns": 256 * (25 * 6 * 64 + 1),
            "how many values has a strip, and how many outputs has the layer?": 5 * 6 * 64,
        },
        wrong=[64 * (3 * 3 * 32 + 1), 256 * (10 * 12 * 64 + 1)],
    )


def exercise_2():
    """How sure is a model of each captcha, as the product of the five highest probabilities?"""
    probabilities = np.random.default_rng(0).dirichlet(np.ones(len(ALPHABET)), (3, LABEL_LENGTH))
    return Exercise(
        right=lambda p: p.max(axis=-1).prod(axis=-1),
        nearly={
            "one number for each captcha": lambda p: p.max(axis=-1).prod(),
            "the product, not the mean": lambda p: p.max(axis=-1).mean(axis=-1),
            "first the highest of the 19, then the product": lambda p: p.prod(axis=-1).max(axis=-1),
        },
        wrong=[lambda p: p.max(axis=1).prod(axis=-1)],
        cases=[(probabilities,)],
    )


def exercise_3():
    """A CNN with a third pooling, not trained yet."""
    # Keras takes seconds to load, and the other exercises do without it.
    import keras

    from captcha_lib.cnn import build_cnn, extract_features, letter_heads

    def build(before=(), after=(), heads=letter_heads):
        image = maps = keras.Input((WIDTH, HEIGHT, 1))
        for step in (*before, extract_features, *after, heads):
            maps = step(maps)
        return keras.Model(image, maps)

    def kinds(model):
        return [type(layer).__name__ for layer in getattr(model, "layers", [])]

    pool = keras.layers.MaxPooling2D(2, data_format="channels_last")
    right = build(after=[pool])

    def is_right(model):
        return kinds(model) == kinds(right) and model.count_params() == right.count_params()

    return Exercise(
        right=Where(is_right, [right]),
        nearly={
            "there is no third pooling in it": Where(
                lambda model: kinds(model).count("MaxPooling2D") == 2, [build_cnn()]
            ),
            "the third pooling comes after `extract_features`": Where(
                lambda model: kinds(model) != kinds(right) and sorted(kinds(model)) == sorted(kinds(right)),
                [build(before=[pool])],
            ),
            "`letter_heads` comes last": Where(
                lambda model: kinds(model) == kinds(right)[:-4], [build(after=[pool], heads=lambda maps: maps)]
            ),
        },
        wrong=[right.output_shape, build(after=[keras.layers.MaxPooling2D((2, 1), data_format="channels_last")])],
    )
