"""The convolutional network that reads five letters at five fixed places (lesson 4)."""

import re
import sys
from contextlib import contextmanager

import keras
import tensorflow as tf
from keras import layers
from tqdm import tqdm
from tqdm.keras import TqdmCallback

from captcha_lib.family import ALPHABET, HEIGHT, LABEL_LENGTH, WIDTH, check_numbers


def extract_features(image):
    """Return what the two convolutions find in an image tensor (batch, 200, 50, 1): maps (batch, 50, 12, 64).

    Taught in lesson 4.
    """
    maps = image
    for number, filters in enumerate((32, 64), start=1):
        maps = layers.Conv2D(
            filters,
            3,
            padding="same",
            data_format="channels_last",
            activation="relu",
            kernel_initializer="he_normal",
            name=f"Conv{number}",
        )(maps)
        maps = layers.MaxPooling2D(2, data_format="channels_last", name=f"pool{number}")(maps)
    return maps


def letter_heads(maps):
    """Return five heads, one for each fifth of the maps (batch, 50, height, channels): probabilities (batch, 5, 19).

    All five share their weights. Taught in lesson 4.
    """
    fifths = layers.Reshape((LABEL_LENGTH, -1))(maps)
    hidden = layers.Dense(256, activation="relu")(fifths)
    hidden = layers.Dense(64, activation="relu")(hidden)
    return layers.Dense(len(ALPHABET), activation="softmax")(hidden)


def build_cnn():
    """Return the CNN of the notes from which this course grew: images (n, 200, 50, 1) in, probabilities (n, 5, 19) out.

    It has 2,002,835 parameters. Taught in lesson 4.
    """
    image = keras.Input((WIDTH, HEIGHT, 1), name="image")
    return keras.Model(image, letter_heads(extract_features(image)), name="cnn")


def show_progress():
    """Return a Keras callback that draws one progress bar over the epochs of a training."""
    return TqdmCallback(verbose=0, tqdm_class=tqdm, file=sys.stdout)


@contextmanager
def plain_errors():
    """Turn the error that TensorFlow wraps around a Python function's own into a ValueError of one line.

    For a `with` block, or as a decorator of a function.
    """
    try:
        yield
    except tf.errors.OpError as error:
        said = re.search(r"\b\w+Error: (.+)", error.message)
        if not said:
            raise
        raise ValueError(said[1]) from None


def train_cnn(x_train, y_train, epochs=30, seed=0):
    """Return a trained CNN and the history of its training.

    `x_train` are cropped images (n, 200, 50, 1), `y_train` their labels (n, 5), both from `build_dataset`; batches are
    of 32. The last tenth is held out, and only scored after each epoch. Raises what `check_numbers` raises. Taught in
    lesson 4.
    """
    check_numbers(y_train, least=0)
    keras.utils.set_random_seed(seed)
    model = build_cnn()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(
        x_train,
        y_train,
        batch_size=32,
        epochs=epochs,
        validation_split=0.1,
        verbose=0,
        callbacks=[show_progress()],
    )
    return model, history
