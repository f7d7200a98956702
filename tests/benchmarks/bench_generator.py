"""Measure what lesson 7 and docs/results.md say of drawn images: `CAPTCHA_DATA=<the real images> make bench`.

Each figure is kept in build/bench as soon as it is measured: an interrupted run goes on where it stopped.
"""

import os
import subprocess
import sys
import time

import numpy as np
import pandas as pd
from digests import PROJECT
from execute import locate_real_set, stamps
from measured import digest_measured, write_table
from measuring import choose_workers, measure_once
from tqdm import tqdm

from captcha_lib import build_dataset, encode_image, exact_match, locate_samples, render_captchas
from captcha_lib.cnn import train_cnn
from captcha_lib.ctc import build_cnn_lstm_ctc
from captcha_lib.decoding import decode_ctc
from captcha_lib.family import decode_label
from captcha_lib.fonts import DEJAVU_BOLD, OTHER_BOLD, Font, find_fonts, mean_width
from captcha_lib.generator import Style, sample_label, sample_style
from captcha_lib.samples import read_samples
from captcha_lib.synthetic import train_on_drawings
from captcha_lib.workspace import written_beside

CODE = digest_measured("sim_to_real")
BENCH = PROJECT / "build" / "bench" / CODE  # figures of other code stay apart
PEER = "captcha==0.7.1"
FONTS = [DEJAVU_BOLD, *find_fonts()]
# No training draws these, so that what is chosen on them is not chosen on the real images.
LEFT_OUT = [Font(DEJAVU_BOLD.file.with_name(name)) for name in OTHER_BOLD]
SEEDS = (0, 1, 2)


def one_style(text, rng):
    """The style of the synthetic set."""
    return Style()


def random_style_of_one_font(text, rng):
    return sample_style(text, rng, [DEJAVU_BOLD])


def one_style_of_many_fonts(text, rng):
    """The synthetic set's size, place and mean width of letters, in any of the fonts."""
    font = FONTS[int(rng.random() * len(FONTS))]
    return Style(font, width=Style.width * mean_width(DEJAVU_BOLD) / mean_width(font))


def random_style_of_many_fonts(text, rng):
    return sample_style(text, rng, FONTS)


# What is drawn: how, and in how many epochs of 30 batches of 64.
VARIANTS = {
    "1 font, 1 style": (one_style, 8),
    "1 font, random styles": (random_style_of_one_font, 8),
    "13 fonts, 1 style": (one_style_of_many_fonts, 8),
    "13 fonts, random styles": (random_style_of_many_fonts, 8),
    "13 fonts, random styles, longer": (random_style_of_many_fonts, 20),
}
KEYS = [{"drawn": drawn, "seed": seed} for drawn in VARIANTS for seed in SEEDS]


def name_weights(drawn, seed):
    """Where the weights of one training are kept until the real images are read."""
    return BENCH / f"{list(VARIANTS).index(drawn)}_{seed}.weights.h5"


def draw_left_out(count=1040):
    """Images in random styles of the fonts that no training draws, and their texts."""
    rng = np.random.default_rng(1)
    texts = [sample_label(rng) for _ in range(count)]
    images = render_captchas(texts, rng, [sample_style(text, rng, LEFT_OUT) for text in texts])
    return images.transpose(0, 2, 1)[..., np.newaxis].astype("float32") / 255, texts


def score(model, images, texts):
    """Exact match in percent."""
    readings = decode_ctc(model.predict(images, batch_size=130, verbose=0))
    return round(100 * exact_match(readings, texts), 1)


def measure_left_out():
    """Train every variant with every seed, keep the weights, and score each on the fonts left out."""
    images, texts = draw_left_out()

    def measure(drawn, seed):
        draw_style, epochs = VARIANTS[drawn]
        started = time.perf_counter()
        model, _ = train_on_drawings(draw_style, epochs, seed)
        seconds = time.perf_counter() - started
        with written_beside(name_weights(drawn, seed)) as unfinished:
            model.save_weights(unfinished)
        return {"fonts left out (%)": score(model, images, texts), "training (s)": round(seconds)}

    return measure_once(BENCH / "left_out.csv", KEYS, measure, **choose_workers())


def choose(left_out):
    """The variant with the best median on the fonts left out; of equals the first, which is the simpler one."""
    return left_out.groupby("drawn", sort=False)["fonts left out (%)"].median().idxmax()


def read_real_set(folder):
    """Exact match on the 1,040 real PNG of all trainings. For after the choice: nothing is decided on it."""
    samples = read_samples(folder).query("extension == 'png'")
    images = np.array([encode_image(folder / name) for name in samples["file_name"]])
    model = build_cnn_lstm_ctc()

    def measure(drawn, seed):
        model.load_weights(name_weights(drawn, seed))
        return {"exact match (%)": score(model, images, list(samples["label"]))}

    return measure_once(BENCH / "sim_to_real.csv", KEYS, measure)


def measure_sim_to_real(folder):
    """A row for each variant: its scores on the fonts left out, whether it is chosen by them, and the real set's."""
    left_out = measure_left_out()
    chosen = choose(left_out)
    table = left_out.merge(read_real_set(folder), on=["drawn", "seed"]).groupby("drawn", sort=False)
    exact = table["exact match (%)"]
    columns = {
        "seeds": table.size(),
        "fonts left out, median (%)": table["fonts left out (%)"].median(),
        "median, exact match (%)": exact.median(),
        "lowest": exact.min(),
        "highest": exact.max(),
        "training (s)": table["training (s)"].median().astype(int),
    }
    summary = pd.DataFrame(columns).reset_index()
    summary.insert(3, "chosen by it", np.where(summary["drawn"] == chosen, "yes", ""))
    return summary


def measure_cnn(real, synthetic):
    """Exact match of the CNN of lesson 4 on its own test images, of three splits of either set."""

    def measure(images, seed):
        folder = {"real": real, "synthetic": synthetic}[images]
        x_train, x_test, y_train, y_test = build_dataset(folder, crop=True, seed=42 + seed)
        model, _ = train_cnn(x_train, y_train, seed=seed)
        predicted = model.predict(x_test, verbose=0).argmax(axis=-1)
        exact = exact_match(*(list(map(decode_label, rows)) for rows in (predicted, y_test)))
        return {"exact match (%)": round(100 * exact, 1)}

    keys = [{"images": images, "seed": seed} for seed in range(3) for images in ("real", "synthetic")]
    return measure_once(BENCH / "cnn.csv", keys, measure)


def measure_speed():
    """Images a second on one core, ours and the peer's in turn, five times."""
    peers = BENCH / "peers"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade"]
    subprocess.run([*pip, "--target", str(peers), PEER], check=True)
    sys.path.append(str(peers))
    from captcha.image import ImageCaptcha

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {0})
    rng = np.random.default_rng(0)
    texts = [sample_label(rng) for _ in range(512)]
    peer = ImageCaptcha(200, 50)
    ways = {
        "ImageCaptcha.generate_image": lambda: [peer.generate_image(text) for text in texts],
        "render_captchas": lambda: render_captchas(texts, rng),
        "render_captchas, random styles": lambda: render_captchas(
            texts, rng, [random_style_of_many_fonts(text, rng) for text in texts]
        ),
    }
    rows = []
    for repetition in tqdm(range(6), desc="drawing speed"):
        for name, draw in ways.items():
            started = time.perf_counter()
            draw()
            speed = len(texts) / (time.perf_counter() - started)
            rows.append({"drawn by": name, "repetition": repetition, "images a second": speed})
    table = pd.DataFrame(rows).query("repetition > 0")  # the first one fills the caches
    table = table.groupby("drawn by", sort=False)["images a second"].median().round()
    return table.astype(int).to_frame().assign(ratio=(table / table.iloc[0]).round(1)).reset_index()


def main():
    real = locate_real_set()
    synthetic = locate_samples("synthetic")
    summary = measure_sim_to_real(real)
    write_table("sim_to_real", summary, CODE)
    stamps()
    cnn = measure_cnn(real, synthetic).groupby("images")["exact match (%)"].mean()
    speed = measure_speed()
    chosen = summary.query("`chosen by it` == 'yes'").iloc[0]
    goals = [
        ("exact match (%) on 1,040 real PNG, median of seeds, row chosen", chosen["median, exact match (%)"], 93, 97.6),
        ("its spread over the seeds (points)", chosen["highest"] - chosen["lowest"], 3, 1),
        (
            "CNN of lesson 4, real and synthetic apart (points)",
            abs(cnn["real"] - cnn["synthetic"]),
            8,
            3,
        ),
        (f"drawing in random styles on one core, times {PEER}", speed["ratio"].iloc[-1], 5, 10),
    ]
    goals = pd.DataFrame(goals, columns=["measure", "result", "must", "aim"])
    for table in (summary, cnn.round(1).reset_index(), speed, goals.round(1)):
        print(f"\n{table.to_string(index=False)}")


if __name__ == "__main__":
    main()
