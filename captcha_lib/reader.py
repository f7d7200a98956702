"""Read image files with the recipe, and say how sure each reading is (lessons 8 and 9)."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import h5py
import keras
import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from captcha_lib.ctc import beam_search, decode_ctc, text_probability
from captcha_lib.dataset import encode_image, find_files, stream_dataset
from captcha_lib.family import COURSE, Family
from captcha_lib.files import list_paths
from captcha_lib.fonts import DEJAVU_BOLD, find_fonts
from captcha_lib.generator import sample_style
from captcha_lib.recipe import build_recipe, train_recipe
from captcha_lib.samples import read_samples
from captcha_lib.sources import is_synthetic, locate_samples
from captcha_lib.synthetic import stream_captchas
from captcha_lib.workspace import load_or_train, save_model

BATCH_SIZE = 64  # of images that are read
TRAINING_BATCH, EPOCHS = 32, 30
LEAST_STEPS, MOST_STEPS = 1_500, 6_000


def decode_fixed_length(probabilities, family=COURSE):
    """Return the texts in softmax outputs (n, 50, 20), of five letters each wherever the model can be read so.

    The best class of each column, as `decode_ctc` has it; where that gives another length than the family's, the most
    probable text of a fitting one among those that a beam search keeps. Taught in lesson 8.
    """

    def fits(text):
        return family.shortest <= len(text) <= family.longest

    texts = decode_ctc(probabilities, alphabet=family.alphabet)
    odd = [number for number, text in enumerate(texts) if not fits(text)]
    top = min(50, 2 * probabilities.shape[1])  # a very narrow image has fewer texts than 50
    beams = beam_search(probabilities[odd], 50, top, family.alphabet) if odd else []
    for number, found in zip(odd, beams):
        texts[number] = next(filter(fits, found), texts[number])
    return texts


def read_batch(model, images, family=COURSE):
    """Return the texts in images (n, 200, 50, 1) of 0..1, and how probable each is to the model: float64 (n,), 0..1.

    Taught in lesson 8.
    """
    probabilities = model.predict_on_batch(images)
    texts = decode_fixed_length(probabilities, family)
    return texts, text_probability(probabilities, texts, family)


def read_captcha(model, path, family=COURSE):
    """Return the text of one image file, read by a model from `build_recipe`.

    Raises FileNotFoundError or ValueError for a file that is not a captcha image, ValueError for a model without CTC.
    Taught in lesson 8.
    """
    image = encode_image(path, family=family)
    return decode_fixed_length(model.predict_on_batch(image[np.newaxis]), family)[0]


def read_captchas(model, paths, family=COURSE):
    """Return a table of image files: columns `file, text, confidence` (0..1), one row a path in the order given.

    Raises FileNotFoundError or ValueError for a file that is not a captcha image, ValueError for a model without CTC.
    Used in lesson 8.
    """
    paths = list_paths(paths)
    texts, confidences = [], []
    for start in range(0, len(paths), BATCH_SIZE):
        batch = paths[start : start + BATCH_SIZE]
        images = np.array([encode_image(path, family=family) for path in batch])
        read, confidence = read_batch(model, images, family)
        texts += read
        confidences += list(confidence)
    return pd.DataFrame({"file": map(str, paths), "text": texts, "confidence": confidences})


def count_epochs(images):
    """Return how many passes over so many images the recipe is trained for: few images are passed more often."""
    steps = -(-images // TRAINING_BATCH)
    return max(1, round(np.clip(EPOCHS * steps, LEAST_STEPS, MOST_STEPS) / steps))


@dataclass(frozen=True)
class Reader:
    """A trained model and the family of images that it reads.

    `held_out` is what a training kept for its score: a table of files, true labels, readings and confidences.
    """

    model: keras.Model
    family: Family = COURSE
    held_out: pd.DataFrame | None = None
    seconds: float = 0

    @classmethod
    def train(cls, folder, resize=None, seed=0):
        """Return a reader trained on nine tenths of the labelled images in a folder, a random tenth held out.

        The family is what `Family.of` finds, with images of several sizes made to fit `resize`, a width and a height.
        Files are read as they are needed, so there may be any number of them. Raises what `Family.of`, `read_samples`
        and `stream_dataset` raise. Taught in lesson 9.
        """
        family = Family.of(folder, resize)
        samples = read_samples(folder, family)
        learn, held_out = train_test_split(samples, test_size=0.1, random_state=seed)
        started = time.perf_counter()
        batches = stream_dataset(learn, TRAINING_BATCH, seed=seed, family=family)
        model, _ = train_recipe(batches, epochs=count_epochs(len(learn)), seed=seed, family=family)
        seconds = time.perf_counter() - started
        readings = read_captchas(model, find_files(held_out), family)
        readings.insert(1, "label", list(held_out["label"]))
        return cls(model, family, readings, seconds)

    def read(self, paths):
        """Return a table of image files as `read_captchas` does: columns `file, text, confidence` (0..1)."""
        return read_captchas(self.model, paths, self.family)

    def save(self, file):
        """Write the reader to a file, its family with it. Raises what `written_beside` raises."""
        save_model(self.model, self.seconds, file, family=json.dumps(asdict(self.family)))

    @classmethod
    def load(cls, file):
        """Return the reader that `save` wrote to a file. Raises FileNotFoundError, or ValueError for another file."""
        if not Path(file).exists():
            raise FileNotFoundError(f"{file} does not exist: expected a file that `train --save` has written")
        try:
            with h5py.File(file) as kept:
                family, seconds = Family(**json.loads(kept.attrs["family"])), float(kept.attrs["training_seconds"])
            model = build_recipe(family=family)
            model.load_weights(file)
        except (OSError, KeyError, TypeError, ValueError, RuntimeError):
            raise ValueError(f"{file} holds no reader: expected a file that `train --save` has written") from None
        return cls(model, family, seconds=seconds)


def list_doubtful_labels():
    """Return a table of the real set's files whose label is probably wrong: columns `file, label, shows`.

    They were found out of fold (lesson 8) and then looked at. No label is changed by it.
    """
    return pd.read_csv(Path(__file__).with_name("doubtful_labels.txt"))


def load_reader():
    """Return a trained model for the images that `locate_samples` finds, its weights kept for the next time.

    Where there is only the synthetic set, it is trained on drawings in random styles, which read further than one.
    """
    folder = locate_samples()
    if is_synthetic(folder):
        fonts = [DEJAVU_BOLD, *find_fonts()]
        batches = stream_captchas(lambda text, rng: sample_style(text, rng, fonts))
        name = f"reader_{len(fonts)}_fonts"
    else:
        batches, name = stream_dataset(read_samples(folder), 32, seed=0), "reader"
    return load_or_train(name, folder, build_recipe, lambda: train_recipe(batches))[0]
