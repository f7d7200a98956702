"""The CNN-LSTM-CTC model that reads a text of any length (lesson 5)."""

import keras
import numpy as np
from keras import layers, ops

from captcha_lib.alphabet import ALPHABET, decode_label
from captcha_lib.cnn import find_shapes, show_progress

BLANK = len(ALPHABET)  # the last class; every CTC function is told so, for their defaults disagree


def build_cnn_lstm_ctc():
    """Return the CNN-LSTM-CTC model of the original notes: images (n, 200, 50, 1) in, probabilities (n, 50, 20) out.

    It has 432,596 parameters. Taught in lesson 5.
    """
    image = keras.Input((200, 50, 1), name="image")
    columns = layers.Reshape((50, 768), name="columns")(find_shapes(image))
    sequence = layers.Dense(64, activation="relu")(columns)
    sequence = layers.Dropout(0.2)(sequence)
    for units in (128, 64):
        lstm = layers.LSTM(units, return_sequences=True, dropout=0.25)
        sequence = layers.Bidirectional(lstm)(sequence)
    classes = layers.Dense(len(ALPHABET) + 1, activation="softmax")(sequence)
    return keras.Model(image, classes, name="cnn_lstm_ctc")


def ctc_loss(y_true, y_pred):
    """Return -log of the probability of each true text, summed over all its alignments: float32 (batch,).

    `y_true` holds character numbers 0..18, (batch, label length); `y_pred` softmax outputs (batch, time, 20).
    Source: Graves et al. (2006). Taught in lesson 5.
    """
    log_probabilities = ops.log(y_pred + keras.config.epsilon())
    label_lengths = ops.full((ops.shape(y_true)[0],), ops.shape(y_true)[1], "int32")
    times = ops.full((ops.shape(y_pred)[0],), ops.shape(y_pred)[1], "int32")
    return ops.ctc_loss(ops.cast(y_true, "int32"), log_probabilities, label_lengths, times, mask_index=BLANK)


def decode_ctc(probabilities, beam_width=None):
    """Return the texts in softmax outputs (n, time, 20): the best class of each column, repeats merged, blanks dropped.

    With a `beam_width` the most probable text that a beam search of that width finds, instead. Taught in lesson 5.
    """
    if beam_width:
        times = np.full(len(probabilities), probabilities.shape[1])
        scores = ops.log(ops.convert_to_tensor(probabilities) + keras.config.epsilon())
        found, _ = ops.ctc_decode(scores, times, "beam_search", beam_width=beam_width, mask_index=BLANK)
        return [decode_label(text[text >= 0]) for text in np.asarray(found)[0]]
    best = np.argmax(probabilities, axis=-1)
    changed = np.diff(best, axis=1, prepend=-1) != 0
    return [decode_label(row[keep]) for row, keep in zip(best, changed & (best != BLANK))]
