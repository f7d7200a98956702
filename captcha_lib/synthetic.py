"""Training on drawn images alone, to read real ones (lesson 7)."""

import keras
import numpy as np
import tensorflow as tf

from captcha_lib.cnn import plain_errors, show_progress
from captcha_lib.ctc import build_cnn_lstm_ctc, ctc_loss, set_blank_bias, warm_up_and_decay
from captcha_lib.family import COURSE, encode_labels
from captcha_lib.generator import render_captchas, sample_label

BATCH_SIZE = 64
STEPS_PER_EPOCH = 30  # an epoch; drawn images have no end, so its length is a choice


def stream_captchas(draw_style, seed=0, family=COURSE):
    """Return an endless tf.data.Dataset of drawn batches: float32 images (64, 200, 50, 1) in 0..1, labels (64, 5).

    `draw_style(text, rng)` returns the Style of each image. No image comes twice; the same seed gives the same
    stream. Taught in lesson 7.
    """

    def draw(number):
        rng = np.random.default_rng([seed, number])
        texts = [sample_label(rng, family) for _ in range(BATCH_SIZE)]
        styles = [draw_style(text, rng) for text in texts]
        images = render_captchas(texts, rng, styles, family)
        pixels = images.transpose(0, 2, 1)[..., np.newaxis].astype("float32") / 255
        return pixels, encode_labels(texts, family)

    def draw_batch(number):
        images, labels = tf.numpy_function(draw, [number], (tf.float32, tf.int64))
        images = tf.ensure_shape(images, (BATCH_SIZE, family.width, family.height, 1))
        return images, tf.ensure_shape(labels, (BATCH_SIZE, family.longest))

    return tf.data.Dataset.counter().map(draw_batch).prefetch(2)


@plain_errors()
def train_on_drawings(draw_style, epochs=8, seed=0):
    """Return a CNN-LSTM-CTC trained on drawn images alone, and the history of its training.

    An epoch is 30 batches of `stream_captchas`, of which each step takes 16 images; four batches of another stream are
    held out. Taught in lesson 7.
    """
    keras.utils.set_random_seed(seed)
    model = build_cnn_lstm_ctc()
    set_blank_bias(model)
    steps = 4 * STEPS_PER_EPOCH  # of 16 images: 64 are drawn at once
    rate = warm_up_and_decay(3e-3, epochs * steps)
    model.compile(keras.optimizers.Adam(rate, clipnorm=5), loss=ctc_loss, jit_compile=False)
    history = model.fit(
        stream_captchas(draw_style, seed).rebatch(16),
        steps_per_epoch=steps,
        epochs=epochs,
        shuffle=False,
        validation_data=stream_captchas(draw_style, seed + 1000).take(4).cache(),
        verbose=0,
        callbacks=[show_progress()],
    )
    return model, history
