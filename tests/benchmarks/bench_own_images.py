"""Measure what lesson 9 and docs/results.md say of images that are not the course's: `make bench`.

Each figure is kept in build/bench as soon as it is measured: an interrupted run goes on where it stopped.
"""

import os
import random
import time

import captcha.image
import numpy as np
from digests import PROJECT
from execute import stamps
from joblib import Parallel, delayed
from measured import digest_measured, write_table
from measuring import measure_once
from PIL import Image
from scipy import ndimage

from captcha_lib.dataset import find_files
from captcha_lib.decoding import decode_together
from captcha_lib.family import COURSE, HEIGHT, Family, encode_labels
from captcha_lib.files import write_labels
from captcha_lib.fonts import DEJAVU_BOLD, find_fonts
from captcha_lib.generator import (
    composite,
    draw_background,
    draw_letters,
    draw_strokes,
    filter_matrix,
    render_captchas,
    ripple_map,
    sample_label,
    sample_style,
    warp,
)
from captcha_lib.images import encode_image
from captcha_lib.reader import count_epochs, read_captchas
from captcha_lib.recipe import Recipe, build_recipe, shuffle_batches, train_recipe
from captcha_lib.samples import read_samples
from captcha_lib.score import exact_match, wilson_interval
from captcha_lib.workspace import written_beside

CODE = digest_measured("own_images")
BENCH = PROJECT / "build" / "bench" / CODE  # figures of other code stay apart
FONTS = [DEJAVU_BOLD, *find_fonts()]
DRAWN_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CAPITALS = Family(DRAWN_LETTERS.replace("O", ""), 4, 6, 160, 60)  # as drawn, O and 0 hardly differ: lesson 9
DIGITS = Family("0123456789", 4, 4, 100, 30)
ARITHMETIC = Family("+-0123456789=?", 5, 7, 160, 50)
OTHER_KAPTCHA = Family(COURSE.alphabet, 5, 5, 240, 60)
NEW = 1000  # images that no training has seen


class Seeded(random.Random):
    """Stands in for the module `secrets`, with which the package `captcha` draws: the same images in every run."""

    randbelow = random.Random.randrange
    randbits = random.Random.getrandbits


def draw_with_package(count, seed):
    """Images by the package `captcha` as it comes, in colour, and their texts, with 0 for O."""
    rng = captcha.image.secrets = Seeded(seed)
    drawer = captcha.image.ImageCaptcha(CAPITALS.width, CAPITALS.height)
    for _ in range(count):
        text = "".join(rng.choices(DRAWN_LETTERS, k=rng.randint(CAPITALS.shortest, CAPITALS.longest)))
        yield drawer.generate_image(text), text.replace("O", "0")


def draw_ourselves(family, sample_text):
    """Images by the generator of lesson 7, in random styles, and their texts."""

    def draw(count, seed):
        rng = np.random.default_rng(seed)
        for _ in range(count):
            text = sample_text(rng)
            style = sample_style(text, rng, FONTS, family)
            yield Image.fromarray(render_captchas([text], rng, [style], family)[0]), text

    return draw


def sample_task(rng):
    """A sum or a difference of two numbers below 100, as arithmetic captchas ask for it."""
    first, second, sign = rng.random(3)
    return f"{int(100 * first)}{'+-'[int(2 * sign)]}{int(100 * second)}=?"


def draw_other_kaptcha(count, seed):
    """Images as Kaptcha draws them in another configuration, and their texts.

    A blurred shadow and ripples without water, four thin strokes instead of two thick ones, two other fonts, 240 x 60.
    """
    rng, ripples = np.random.default_rng(seed), filter_matrix(ripple_map(x_amplitude=4, y_amplitude=3))
    for _ in range(count):
        text = sample_label(rng, OTHER_KAPTCHA)
        letters = draw_letters([text], [sample_style(text, rng, FONTS[-2:], OTHER_KAPTCHA)])
        shadow = ndimage.gaussian_filter(ndimage.shift(letters, (4, 3, 0), order=0), (2, 2, 0)) // 2
        grey = composite(composite(draw_background(dark=230), warp(shadow, ripples)), warp(letters, ripples))
        for strokes in draw_strokes(rng.random((2, 2, 4)) * HEIGHT, widths=(1.5,) * 3).transpose(2, 0, 1):
            grey = composite(grey, strokes[..., np.newaxis])
        image = Image.fromarray(grey[..., 0].astype(np.uint8).T)
        yield image.resize((OTHER_KAPTCHA.width, OTHER_KAPTCHA.height), Image.Resampling.BILINEAR), text


DIGITS_DRAWN = draw_ourselves(DIGITS, lambda rng: sample_label(rng, DIGITS))
ARITHMETIC_DRAWN = draw_ourselves(ARITHMETIC, sample_task)
# What the images are, how they are drawn, and how many there are to learn from.
PACKAGE = "package captcha, 160 x 60, 4 to 6 of 36"
KAPTCHA = "drawn as Kaptcha does in another configuration, 240 x 60"
SETS = {
    PACKAGE: (CAPITALS, draw_with_package, (100, 300, 1000, 2000, 3000, 10_000)),
    KAPTCHA: (OTHER_KAPTCHA, draw_other_kaptcha, (100, 300)),
    "drawn, 100 x 30, 4 digits": (DIGITS, DIGITS_DRAWN, (500,)),
    "drawn, 160 x 50, such as 12+7=?": (ARITHMETIC, ARITHMETIC_DRAWN, (2000,)),
}
RECIPE, LSTM, TWO = "the recipe", "an LSTM along the columns", "two with an LSTM, read together"


def fill(images, draw, count, seed):
    """Return a folder of drawn images with their labels.csv, made once."""
    folder = BENCH / f"{list(SETS).index(images)}_{count}_{seed}"
    if not folder.exists():
        with written_beside(folder) as unfinished:
            unfinished.mkdir()
            names, texts = [], []
            for number, (image, text) in enumerate(draw(count, seed)):
                names.append(f"{number:06}.png")
                texts.append(text)
                image.save(unfinished / names[-1])
            write_labels(unfinished, names, texts)
    return folder


def read_images(samples, family):
    """Return the images of a table as one array."""
    return np.array([encode_image(file, family=family) for file in find_files(samples)])


def train(learn, recipe, seed, family):
    """Return the weights of a network trained as `Reader.train` does, but with its images in memory."""
    batches = shuffle_batches(read_images(learn, family), encode_labels(learn["label"], family), seed)
    return train_recipe(batches, recipe, count_epochs(len(learn)), seed, family=family)[0].get_weights()


def measure(images, number, model):
    """Train one network, or for TWO two at once in two processes, on so many images of a set, and read new ones."""
    family, draw, _ = SETS[images]
    folder, new = fill(images, draw, number, seed=0), fill(images, draw, NEW, seed=1)
    assert Family.of(folder).alphabet in family.alphabet  # few images may lack a character
    learn, truths = read_samples(folder, family), read_samples(new, family)
    started = time.perf_counter()
    recipe = Recipe(recurrent=model != RECIPE)
    work = [delayed(train)(learn, recipe, seed, family) for seed in range(1 + (model == TWO))]
    networks = [build_recipe(recipe, family) for _ in work]
    for network, weights in zip(networks, Parallel(len(work))(work)):
        network.set_weights(weights)
    seconds = time.perf_counter() - started
    if model == TWO:
        parts = np.array_split(read_images(truths, family), 10)
        outputs = [[network.predict_on_batch(part) for network in networks] for part in parts]
        texts = [text for part in outputs for text in decode_together(part, family)]
    else:
        texts = list(read_captchas(networks[0], find_files(truths), family)["text"])
    share = exact_match(texts, truths["label"])
    low, high = wilson_interval(round(share * NEW), NEW)
    return {
        "exact match (%)": round(100 * share, 1),
        "95 % interval": f"{100 * low:.1f} to {100 * high:.1f}",
        "training (s)": round(seconds),
    }


def main():
    os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"  # so that a second network has its own
    keys = [
        {"images": name, "number": number, "model": RECIPE}
        for name, (_, _, numbers) in SETS.items()
        for number in numbers
    ]
    keys.append({"images": PACKAGE, "number": 2000, "model": LSTM})
    keys += [{"images": PACKAGE, "number": number, "model": TWO} for number in (2000, 10_000)]
    for name, kaptcha in (("other_kaptcha", True), ("own_images", False)):
        wanted = [key for key in keys if (key["images"] == KAPTCHA) == kaptcha]
        table = measure_once(BENCH / f"{name}.csv", wanted, measure).rename(columns={"number": "to learn from"})
        table = table.astype({"training (s)": int})
        print(f"\n{table.to_string(index=False)}")
        write_table(name, table, CODE)
    stamps()


if __name__ == "__main__":
    main()
