"""Choose the recipe's settings on one half of the real set, as docs/results.md tells: `make bench`.

The other half, and all figures of the cross-validations, are read by bench_recipe.py alone, after the choice. Each
figure is kept in build/bench as soon as it is measured: an interrupted run goes on where it stopped.
"""

import time
from functools import partial
from itertools import product
from unittest.mock import patch

import keras
import numpy as np
import tensorflow as tf
from bench_generator import FONTS
from digests import PROJECT
from execute import locate_real_set, stamps
from measured import digest_measured, write_table
from measuring import HALF, choose_workers, measure_once, open_real_set
from sklearn.model_selection import KFold

from captcha_lib import recipe
from captcha_lib.decoding import decode_fixed_length
from captcha_lib.family import ALPHABET
from captcha_lib.generator import STROKE_WIDTHS, draw_strokes, sample_style
from captcha_lib.reader import list_doubtful_labels, read_batch, read_moved
from captcha_lib.recipe import augment, count_batches, shuffle_batches, train_recipe
from captcha_lib.synthetic import stream_captchas

CODE = digest_measured("choices")
BENCH = PROJECT / "build" / "bench" / CODE  # figures of other code stay apart
SEEDS, FOLDS = (0, 1, 2), 5
POOLED = ((32, 6, (2, 2), (2, 2)), (48, 3, (1, 1), (1, 2)), (64, 3, (1, 1), (1, 2)))
# How many drawn images stand beside the 32 real ones of each batch.
BESIDE = {"8 drawn images in each batch": 8, "16 drawn images in each batch": 16, "32 drawn images in each batch": 32}
# Where in doubt: by how many pixels an image is moved along the width and the height. `read_moved` does the eight ways.
FOUR = [(0, 0), (2, 0), (-2, 0), (0, 2), (0, -2)]
EIGHT = "moved eight ways where in doubt"
LOOKS = {
    "moved two ways by four pixels where in doubt": [(0, 0), (4, 0), (-4, 0)],
    "moved four ways by one pixel where in doubt": [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)],
    "moved four ways where in doubt": FOUR,
    "moved eight ways by one pixel where in doubt": list(product((-1, 0, 1), (-1, 0, 1))),
    "moved four ways, near and far, where in doubt": [*FOUR, (4, 0), (-4, 0), (0, 3), (0, -3)],
    EIGHT: None,
    "moved 14 ways where in doubt": list(product((-4, -2, 0, 2, 4), (-2, 0, 2))),
    "moved 24 ways where in doubt": list(product((-2, -1, 0, 1, 2), (-2, -1, 0, 1, 2))),
}
# Tried on top of the one that was chosen, after the choice.
OFTEN, THICKER, DISTILLED = "images with m or n twice as often", "thicker strokes", "three models distilled into one"
ON_TOP = {f"in doubt, and {change}": change for change in (OFTEN, THICKER, "32 drawn images in each batch", DISTILLED)}
AGAIN = "looked at again where in doubt"  # the models that do so in all ways
TRAINED = ["with strides", "pooled instead of strided", "averaged weights", AGAIN, *BESIDE, *ON_TOP]
# With the models that have strides.
READ_ONLY = ["moved four ways while reading", "three models, their probabilities averaged"]
# From the simplest on.
WAYS = [*TRAINED[:3], *LOOKS, *BESIDE, *ON_TOP, *READ_ONLY]


class AverageWeights(keras.callbacks.Callback):
    """Puts the running mean of the weights in the place of the last ones, once the training has ended."""

    def on_train_begin(self, logs=None):
        self.means = self.model.get_weights()

    def on_train_batch_end(self, batch, logs=None):
        # Keras' `use_ema` has this momentum, too; it leaves the running means of batch normalisation as they are.
        self.means = [0.99 * mean + 0.01 * new for mean, new in zip(self.means, self.model.get_weights())]

    def on_train_end(self, logs=None):
        self.model.set_weights(self.means)


def draw_beside(batches, count, seed):
    """Return the batches with so many drawn images behind the real ones of each."""
    drawn = stream_captchas(lambda text, rng: sample_style(text, rng, FONTS), seed).rebatch(count)
    pairs = tf.data.Dataset.zip(batches, drawn)
    mixed = pairs.map(lambda *both: tuple(tf.concat(parts, axis=0) for parts in zip(*both)))
    return mixed.apply(tf.data.experimental.assert_cardinality(count_batches(batches)))


def repeat_hard(images, numbers):
    """Return the arrays with each image twice whose label has an m or an n: most mistakes are one for the other."""
    hard = np.isin(numbers, [ALPHABET.index(letter) for letter in "mn"]).any(axis=1)
    return np.concatenate([images, images[hard]]), np.concatenate([numbers, numbers[hard]])


def ask(teachers):
    """Return `augment` with what the teachers together make of each varied image in the place of its label."""

    def vary(*settings):
        def answer(images, _):
            return images, tf.add_n([teacher(images, training=False) for teacher in teachers]) / len(teachers)

        return augment(*settings).map(answer)

    return vary


def look_from(moves):
    """Return a function that does what `read_moved` does, with other moves, of up to four pixels."""

    def read(model, image):
        width, height = image.shape[:2]
        wide = np.pad(image, ((4, 4), (4, 4), (0, 0)), "edge")
        views = [wide[4 + x : 4 + x + width, 4 + y : 4 + y + height] for x, y in moves]
        return model.predict_on_batch(np.array(views)).mean(axis=0, keepdims=True)

    return read


def train(images, numbers, change, seed):
    if change == DISTILLED:
        teachers = [train(images, numbers, "with strides", seed + 10 * number) for number in (1, 2, 3)]
        loss = keras.losses.CategoricalCrossentropy()  # of each column
        with patch.multiple(recipe, augment=ask(teachers), CTCLoss=lambda blank: loss):
            return train(images, numbers, "with strides", seed)
    if change == THICKER:
        thick = partial(draw_strokes, widths=1.5 * np.array(STROKE_WIDTHS))
        with patch.object(recipe, "draw_strokes", thick):
            return train(images, numbers, "with strides", seed)
    if change == OFTEN:
        images, numbers = repeat_hard(images, numbers)
    batches = shuffle_batches(images, numbers, seed=seed)
    if change in BESIDE:
        batches = draw_beside(batches, BESIDE[change], seed)
    average = [AverageWeights()] if change == "averaged weights" else []
    stages = POOLED if change == "pooled instead of strided" else recipe.STRIDED
    with patch.object(recipe, "STRIDED", stages):
        return train_recipe(batches, seed=seed, callbacks=average)[0]


def measure_half(real):
    """Each image of the half read by models that were trained on the other four fifths of it."""
    whole, numbers, labels, names = (part[HALF] for part in (real.whole, real.numbers, real.labels, real.names))

    def measure(change, seed, fold):
        learn, held_out = list(KFold(FOLDS, shuffle=True, random_state=seed).split(HALF))[fold]
        started = time.perf_counter()
        model = train(whole[learn], numbers[learn], ON_TOP.get(change, change), seed)
        seconds = round(time.perf_counter() - started, 1)
        ways = {} if change == AGAIN else {change: decode_fixed_length(model.predict_on_batch(whole[held_out]))}
        looks = {AGAIN: LOOKS} | {way: {way: FOUR} for way in ON_TOP}
        for way, moves in looks.get(change, {}).items():
            with patch("captcha_lib.reader.read_moved", look_from(moves) if moves else read_moved):
                ways[way], _ = read_batch(model, whole[held_out])
        if change == "with strides":
            moved = np.concatenate([look_from(FOUR)(model, image) for image in whole[held_out]])
            ways[READ_ONLY[0]] = decode_fixed_length(moved)
            others = [train(whole[learn], numbers[learn], change, seed + 10 * more) for more in (1, 2)]
            each = [one.predict_on_batch(whole[held_out]) for one in (model, *others)]
            ways[READ_ONLY[1]] = decode_fixed_length(np.mean(each, axis=0))
        return [
            {"file": file, "label": label, "way": way, "reading": text, "training (s)": seconds}
            for way, texts in ways.items()
            for file, label, text in zip(names[held_out], labels[held_out], texts)
        ]

    keys = [
        {"change": change, "seed": seed, "fold": fold} for seed in SEEDS for fold in range(FOLDS) for change in TRAINED
    ]
    return measure_once(BENCH / "half.csv", keys, measure, **choose_workers())


def summarise(readings):
    """A row for each way: how many readings are wrong where the label is right, and which way the rule chooses."""
    shows = list_doubtful_labels().set_index("file")["shows"]
    truth = readings["file"].map(shows).fillna(readings["label"])
    readings = readings.assign(wrong=readings["reading"] != truth)
    table = readings.groupby("way").agg(readings=("wrong", "size"), mistakes=("wrong", "sum"))
    table = table.loc[WAYS]
    files = readings[readings["wrong"]].groupby("way")["label"].unique().str.join(" ")
    listed = table[~table.index.isin(ON_TOP)]
    simplest = (listed["mistakes"] <= listed["mistakes"].min() + listed["readings"] / 1000).idxmax()
    table["chosen"] = np.where(table.index == simplest, "yes", "")
    seconds = readings.groupby(["way", "seed", "fold"])["training (s)"].first().groupby("way").median()
    return table.assign(**{"training (s)": seconds, "images misread": files}).fillna("").reset_index()


def main():
    table = summarise(measure_half(open_real_set(locate_real_set())))
    print(f"\n{table.to_string(index=False)}")
    write_table("choices", table, CODE)
    stamps()


if __name__ == "__main__":
    main()
