"""The CNN-LSTM-CTC model that reads a text of any length (lessons 5a and 5b)."""

import math

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from keras.optimizers.schedules import CosineDecay

from captcha_lib.cnn import extract_features, plain_errors, show_progress
from captcha_lib.decoding import check_columns
from captcha_lib.family import ALPHABET, BLANK, HEIGHT, WIDTH, check_numbers


def build_cnn_lstm_ctc():
    """Return the CNN-LSTM-CTC model: images (n, 200, 50, 1) in, probabilities (n, 50, 20) out.

    It is that of the notes from which this course grew, and has 432,596 parameters. Taught in lesson 5a.
    """
    image = keras.Input((WIDTH, HEIGHT, 1), name="image")
    columns = layers.Reshape((50, 768), name="columns")(extract_features(image))
    sequence = layers.Dense(64, activation="relu")(columns)
    sequence = layers.Dropout(0.2)(sequence)
    for units in (128, 64):
        lstm = layers.LSTM(units, return_sequences=True, dropout=0.25)
        sequence = layers.Bidirectional(lstm)(sequence)
    classes = layers.Dense(len(ALPHABET) + 1, activation="softmax")(sequence)
    return keras.Model(image, classes, name="cnn_lstm_ctc")


@keras.saving.register_keras_serializable("captcha_lib")
def ctc_loss(y_true, y_pred, blank=BLANK):
    """Return -log of the probability of each true text, summed over all its alignments: float32 (batch,).

    `y_true` holds character numbers 0..18, (batch, label length), a shorter label padded with -1; `y_pred` softmax
    outputs (batch, time, 20). XLA cannot compile it: compile models with `jit_compile=False`. Raises what
    `check_columns` and `check_numbers` raise. Source: Graves et al. (2006). Taught in lesson 5b.
    """
    check_columns(y_pred, blank)
    labels = tf.numpy_function(lambda y: check_numbers(y, blank=blank), [y_true], tf.int32)
    labels = tf.RaggedTensor.from_tensor(tf.ensure_shape(labels, [None, None]), padding=-1)
    log_probabilities = ops.log(ops.cast(y_pred, "float32") + keras.config.epsilon())
    times = ops.full((ops.shape(y_pred)[0],), ops.shape(y_pred)[1], "int32")
    return tf.nn.ctc_loss(
        labels.to_sparse(), log_probabilities, None, times, logits_time_major=False, blank_index=blank
    )


@keras.saving.register_keras_serializable("captcha_lib")
class CTCLoss(keras.losses.Loss):
    """`ctc_loss` with the blank of any family, in a form that Keras can save with a model.

    `blank` is the number of the blank's class, the last one. Used in lesson 8.
    """

    def __init__(self, blank, **settings):
        super().__init__(**settings)
        self.blank = blank

    def call(self, y_true, y_pred):  # noqa: D102 (Keras says what it is)
        return ctc_loss(y_true, y_pred, self.blank)

    def get_config(self):  # noqa: D102
        return super().get_config() | {"blank": self.blank}


def set_blank_bias(model):
    """Set the last layer's bias so that an untrained model gives the blank about 0.9 in every column.

    Training then starts where the blank plateau would have ended. Taught in lesson 5b.
    """
    weights, bias = model.layers[-1].get_weights()
    bias[-1] = np.log(9 * (len(bias) - 1))
    model.layers[-1].set_weights([weights, bias])


def warm_up_and_decay(peak_rate, steps):
    """Return a learning rate that rises to `peak_rate` over a tenth of `steps`, then falls to 0 along half a cosine.

    `steps` is the number of batches in the whole training. Taught in lesson 5b.
    """
    rising = steps // 10
    falling = steps - rising  # CosineDecay counts its decay_steps from the peak on
    return CosineDecay(peak_rate / 30, falling, warmup_target=peak_rate, warmup_steps=rising)


def copy_convolutions(source, target):
    """Copy the weights of the two convolutions from one model to another. Taught in lesson 5b."""
    for name in ("Conv1", "Conv2"):
        target.get_layer(name).set_weights(source.get_layer(name).get_weights())


@plain_errors()
def train_cnn_lstm_ctc(x_train, y_train, cnn, epochs=15, seed=0):
    """Return a trained CNN-LSTM-CTC and the history of its training.

    The convolutions are copied from a trained `cnn` and stay as they are; a tenth of the training images is held
    out to stop early. `x_train` are whole images (n, 200, 50, 1), `y_train` their labels (n, 5), both from
    `build_dataset`. Raises what `ctc_loss` raises. Taught in lesson 5b.
    """
    keras.utils.set_random_seed(seed)
    model = build_cnn_lstm_ctc()
    set_blank_bias(model)
    copy_convolutions(cnn, model)
    columns = model.get_layer("columns").output
    features = keras.Model(model.input, columns).predict(x_train, verbose=0)
    reader = keras.Model(columns, model.output)
    batches = math.ceil(int(0.9 * len(x_train)) / 16)
    rate = warm_up_and_decay(3e-3, epochs * batches)
    reader.compile(keras.optimizers.Adam(rate), loss=ctc_loss, jit_compile=False)
    stop_early = keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)
    history = reader.fit(
        features,
        y_train,
        batch_size=16,
        epochs=epochs,
        validation_split=0.1,
        verbose=0,
        callbacks=[stop_early, show_progress()],
    )
    return model, history
