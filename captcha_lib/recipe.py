"""From the CNN of lesson 4 to the best model of the course, one change at a time (lesson 8)."""

import time
from dataclasses import dataclass, replace

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from captcha_lib.cnn import letter_heads, plain_errors, show_progress
from captcha_lib.ctc import CTCLoss, set_blank_bias, warm_up_and_decay
from captcha_lib.decoding import decode_ctc
from captcha_lib.family import COURSE, HEIGHT, LABEL_LENGTH, WIDTH, decode_label
from captcha_lib.fonts import FULL
from captcha_lib.generator import draw_strokes, fit_width
from captcha_lib.score import exact_match
from captcha_lib.synthetic import STEPS_PER_EPOCH

# Each convolution: how many maps, the side of its window, how far it moves on along the width and the height, and how
# many places are pooled after it; where that is one, nothing is.
PLAIN = ((32, 3, (1, 1), (2, 2)), (64, 3, (1, 1), (2, 2)))
STRIDED = ((32, 6, (2, 2), (2, 2)), (48, 3, (1, 2), (1, 1)), (64, 3, (1, 2), (1, 1)))


@dataclass(frozen=True)
class Recipe:
    """The changes to the CNN of lesson 4, each made or not. The defaults are the best model of the course.

    Most switches turn several things at once; the table in lesson 8 says why they go together.
    """

    normalised: bool = True  # batch normalisation behind every convolution, which then needs no bias
    strided: bool = True  # windows that move on instead of poolings, a larger first one, a third convolution
    decayed: bool = True  # a rate that rises to four times that of lesson 4 and falls to 0, with AdamW and clipping
    ctc: bool = True  # each column is read, instead of five heads: a convolution along the columns, dropout, blank bias
    augmented: bool = True  # shifts, and strokes on top
    recurrent: bool = False  # an LSTM along the columns, instead of a convolution


BASELINE = Recipe(normalised=False, strided=False, decayed=False, ctc=False, augmented=False)
# Lesson 8's way from the one to the other, a switch at a time, and one that was tried on top.
ABLATION = {
    "CNN of lesson 4": BASELINE,
    "+ batch normalisation": replace(BASELINE, normalised=True),
    "+ strided layers": replace(BASELINE, normalised=True, strided=True),
    "+ warm-up and decay": Recipe(ctc=False, augmented=False),
    "+ CTC instead of five heads": Recipe(augmented=False),
    "+ shifts and strokes": Recipe(),
    "LSTM along the columns": Recipe(recurrent=True),
}


def build_recipe(recipe=Recipe(), family=COURSE):
    """Return an untrained model: images (n, 200, 50, 1) in, probabilities (n, 50, 20) out, or (n, 5, 19) without CTC.

    The default has 169,172 parameters. Taught in lesson 8.
    """

    def activate(maps):
        if recipe.normalised:
            maps = layers.BatchNormalization(momentum=0.9)(maps)
        return layers.ReLU()(maps)

    order, bias = "channels_last", not recipe.normalised  # the normalisation has a bias of its own
    settings = {"padding": "same", "data_format": order, "use_bias": bias}
    maps = image = keras.Input((family.width, family.height, 1), name="image")
    for filters, size, stride, pool in STRIDED if recipe.strided else PLAIN:
        maps = layers.Conv2D(filters, size, stride, kernel_initializer="he_normal", **settings)(maps)
        if pool != (1, 1):
            maps = layers.MaxPooling2D(pool, data_format=order)(maps)
        maps = activate(maps)
    if not recipe.ctc:
        return keras.Model(image, letter_heads(maps))
    columns = layers.Reshape((maps.shape[1], maps.shape[2] * maps.shape[3]))(maps)
    if recipe.recurrent:
        columns = layers.Bidirectional(layers.LSTM(64, return_sequences=True))(columns)
    else:
        columns = activate(layers.Conv1D(128, 5, **settings)(columns))
    columns = layers.Dropout(0.2)(columns)
    classes = len(family.alphabet) + 1  # the last one is the blank
    return keras.Model(image, layers.Dense(classes, activation="softmax")(columns))


def augment(batches, seed=0, family=COURSE):
    """Return the tf.data.Dataset `batches` with each image shifted by up to 6 x 4 pixels, and strokes drawn on half.

    For images of another size both grow with it. Taught in lesson 8.
    """
    settings = {"fill_mode": "nearest", "interpolation": "nearest", "data_format": "channels_last"}
    # The arrays have the width first, where Keras expects the height.
    shift = layers.RandomTranslation(6 / WIDTH, 4 / HEIGHT, seed=seed, dtype="float32", **settings)
    heights = np.random.default_rng(seed).random((500, 2, 4)) * HEIGHT
    strokes = draw_strokes(heights, width=fit_width(family))
    light = 1 - strokes.transpose(2, 0, 1)[..., np.newaxis] / FULL
    # 500 pairs of strokes, and 500 times none: a chance of one half. A tensor, because a NumPy array would become
    # part of the graph and be copied for every batch.
    light = ops.convert_to_tensor(np.concatenate([light, np.ones_like(light)]), "float32")
    light = ops.image.resize(light, (family.width, family.height), data_format="channels_last")
    chance = keras.random.SeedGenerator(seed)

    def vary(images, labels):
        picked = keras.random.randint(ops.shape(images)[:1], 0, light.shape[0], seed=chance)
        return shift(images) * ops.take(light, picked, axis=0), labels

    return batches.map(vary).prefetch(2)


def shuffle_batches(images, labels, seed=0):
    """Return a tf.data.Dataset of batches of 32 from two arrays, shuffled anew on each pass. Taught in lesson 8."""
    tf.random.set_seed(seed)  # the order of a shuffle depends on this one as well
    pairs = tf.data.Dataset.from_tensor_slices((images, labels))
    return pairs.shuffle(len(images), seed=seed).batch(32)


def compile_model(model, recipe, steps, family=COURSE):
    """Give a model its loss and its optimiser, whose rate peaks after a tenth of all `steps`. Taught in lesson 8."""
    if recipe.decayed:
        optimizer = keras.optimizers.AdamW(warm_up_and_decay(4e-3, steps), weight_decay=1e-4, clipnorm=5)
    else:
        optimizer = keras.optimizers.Adam(0.001)
    loss = CTCLoss(len(family.alphabet)) if recipe.ctc else "sparse_categorical_crossentropy"
    model.compile(optimizer, loss, jit_compile=False)


def count_batches(batches, family=COURSE):
    """Return how many batches a tf.data.Dataset of (images, labels) holds; None for one without end.

    Raises ValueError where it holds none, or does not know, as behind a `filter`, and for anything else.
    """
    kind = getattr(batches, "element_spec", type(batches).__name__)
    try:
        images, labels = kind
        fits = images.shape.is_compatible_with((None, family.width, family.height, 1))
        fits &= labels.shape.is_compatible_with((None, None)) and labels.dtype != tf.string
    except (AttributeError, TypeError, ValueError):
        fits = False
    if not fits:
        raise ValueError(
            f"batches are {kind}: expected a tf.data.Dataset such as `shuffle_batches` gives, of images "
            f"(n, {family.width}, {family.height}, 1) and of labels as rows of numbers"
        )
    number = int(batches.cardinality())
    if number == tf.data.INFINITE_CARDINALITY:
        return None
    if number < 1:
        told = "hold no images" if number == 0 else "do not say how many they are"
        raise ValueError(
            f"the batches {told}: expected one or more, their number set by "
            "`batches.apply(tf.data.experimental.assert_cardinality(number))` where it is lost"
        )
    return number


@plain_errors()
def train_recipe(batches, recipe=Recipe(), epochs=20, seed=0, callbacks=(), family=COURSE):
    """Return a trained model and the history of its training.

    `batches` is a tf.data.Dataset of (images, labels) batches, such as `shuffle_batches`, `stream_dataset` or
    `stream_captchas` give; an epoch is one pass, or 30 batches of a stream without end. Raises what `count_batches`,
    the functions of the batches and `ctc_loss` raise. Taught in lesson 8.
    """
    number = count_batches(batches, family)
    keras.utils.set_random_seed(seed)
    model = build_recipe(recipe, family)
    if recipe.ctc:
        set_blank_bias(model)
    compile_model(model, recipe, epochs * (number or STEPS_PER_EPOCH), family)
    history = model.fit(
        augment(batches, seed, family) if recipe.augmented else batches,
        epochs=epochs,
        steps_per_epoch=None if number else STEPS_PER_EPOCH,
        shuffle=False,
        verbose=0,
        callbacks=[show_progress(), *callbacks],
    )
    return model, history


class WatchScore(keras.callbacks.Callback):
    """Notes after each epoch of a training the seconds trained so far and the exact match on held-out images.

    `images` are (n, 200, 50, 1), `labels` their texts. `course` holds (seconds, share 0..1) pairs; the time that the
    scoring takes is not counted. Used in lesson 8.
    """

    def __init__(self, images, labels):
        super().__init__()
        self.images, self.labels = images, labels
        self.seconds, self.course = 0.0, []

    def on_epoch_begin(self, epoch, logs=None):  # noqa: D102 (Keras says what it is)
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):  # noqa: D102
        self.seconds += time.perf_counter() - self.started
        readings = decode_either(np.asarray(self.model(self.images, training=False)))
        self.course.append((self.seconds, exact_match(readings, self.labels)))


def decode_either(probabilities):
    """Return the texts in the output of five heads (n, 5, 19) or of CTC (n, 50, 20). Used in lesson 8."""
    if probabilities.shape[1] == LABEL_LENGTH:
        return [decode_label(row) for row in probabilities.argmax(axis=-1)]
    return decode_ctc(probabilities)
