"""Read image files with the recipe, and say how sure each reading is (lesson 8)."""

from pathlib import Path

import keras
import numpy as np
import pandas as pd
from keras import ops

from captcha_lib.alphabet import LABEL_LENGTH, decode_label, encode_label
from captcha_lib.ctc import BLANK, ctc_forward, decode_ctc
from captcha_lib.dataset import encode_image, stream_dataset
from captcha_lib.fonts import DEJAVU_BOLD, find_fonts
from captcha_lib.generator import random_style
from captcha_lib.recipe import build_recipe, train_recipe
from captcha_lib.samples import is_embedded, list_paths, locate_samples, read_samples
from captcha_lib.sim_to_real import stream_captchas
from captcha_lib.workspace import load_or_train


def decode_five_letters(probabilities, beam_width=50):
    """Return the texts in softmax outputs (n, 50, 20), of five letters each wherever the model can be read so.

    The best class of each column, as `decode_ctc` has it; where that gives another length, the most probable text of
    five letters among those that a beam search keeps. Taught in lesson 8.
    """
    texts = decode_ctc(probabilities)
    odd = [number for number, text in enumerate(texts) if len(text) != LABEL_LENGTH]
    if odd:
        scores = ops.log(ops.cast(probabilities[odd], "float32") + keras.config.epsilon())
        times = np.full(len(odd), probabilities.shape[1])
        found, _ = ops.ctc_decode(
            scores, times, "beam_search", beam_width, top_paths=beam_width, mask_index=BLANK
        )
        for number, beams in zip(odd, np.asarray(found).transpose(1, 0, 2)):
            beams = [beam[beam >= 0] for beam in beams]
            fives = [decode_label(beam) for beam in beams if len(beam) == LABEL_LENGTH]
            texts[number] = fives[0] if fives else texts[number]
    return texts


def text_probability(probabilities, texts):
    """Return how probable each text is, over all its alignments: float64 (n,), 0 for texts of no five letters.

    `probabilities` are softmax outputs (n, 50, 20). Taught in lesson 6.
    """
    fives = np.array([len(text) == LABEL_LENGTH for text in texts], dtype=bool)
    numbers = [encode_label(text) for text in np.array(texts)[fives]]
    alpha = ctc_forward(probabilities[fives], np.reshape(numbers, (-1, LABEL_LENGTH)).astype(int))
    sums = np.zeros(len(texts))
    sums[fives] = alpha[:, -1, -2:].sum(axis=1)
    return sums


def read_images(model, images):
    """Return the texts in images (n, 200, 50, 1) of 0..1, and how probable each is to the model: float64 (n,), 0..1.

    Taught in lesson 8.
    """
    probabilities = model.predict_on_batch(images)
    texts = decode_five_letters(probabilities)
    return texts, text_probability(probabilities, texts)


def read_captcha(model, path):
    """Return the text of one image file, read by a model from `build_recipe`.

    Raises FileNotFoundError or ValueError for a file that is no captcha image, ValueError for a model without CTC.
    Taught in lesson 8.
    """
    probabilities = model.predict_on_batch(encode_image(path)[np.newaxis])
    return decode_five_letters(probabilities)[0]


def read_captchas(model, paths, batch_size=64):
    """Return a table of image files: columns `file, text, confidence` (0..1), one row a path in the order given.

    Raises FileNotFoundError or ValueError for a file that is no captcha image, ValueError for a model without CTC.
    Taught in lesson 8.
    """
    paths = list_paths(paths)
    texts, confidences = [], []
    for start in range(0, len(paths), batch_size):
        images = [encode_image(path) for path in paths[start : start + batch_size]]
        read, confidence = read_images(model, np.array(images))
        texts += read
        confidences += list(confidence)
    return pd.DataFrame({"file": map(str, paths), "text": texts, "confidence": confidences})


def read_doubtful_labels():
    """Return a table of the real set's files whose label is probably wrong: columns `file, label, shows`.

    They were found out of fold (lesson 8) and then looked at. No label is changed by it.
    """
    return pd.read_csv(Path(__file__).with_name("doubtful_labels.txt"))


def load_reader():
    """Return a trained model for the images that `locate_samples` finds, its weights kept for the next time.

    Where there is only the look-alike set, it is trained on drawings in random styles, which read further than one.
    """
    folder = locate_samples()
    if is_embedded(folder):
        fonts = [DEJAVU_BOLD, *find_fonts()]
        batches = stream_captchas(lambda text, rng: random_style(text, rng, fonts))
        name = f"reader_{len(fonts)}_fonts"
    else:
        batches, name = stream_dataset(read_samples(folder), 32, seed=0), "reader"
    return load_or_train(name, folder, build_recipe, lambda: train_recipe(batches))[0]
