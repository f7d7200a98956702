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
from measuring import measure_once
from tqdm import tqdm

from captcha_lib import build_dataset, encode_image, exact_match, locate_samples, render_captchas
from captcha_lib.cnn import train_cnn
from captcha_lib.ctc import decode_ctc
from captcha_lib.family import decode_label
from captcha_lib.fonts import DEJAVU_BOLD, find_fonts, mean_width
from captcha_lib.generator import Style, sample_label, sample_style
from captcha_lib.samples import read_samples
from captcha_lib.synthetic import train_on_drawings

CODE = digest_measured("sim_to_real")
BENCH = PROJECT / "build" / "bench" / CODE  # figures of other code stay apart
PEER = "captcha==0.7.1"
FONTS = [DEJAVU_BOLD, *find_fonts()]


def one_style(text, rng):
    """The style of the synthetic set."""
    return Style()


def random_style_of_one_font(text, rng):
    return sample_style(text, rng, [DEJAVU_BOLD])


def one_style_of_many_fonts(text, rng):
    """The embedded set's size, place and mean width of letters, in any of the fonts."""
    font = FONTS[int(rng.random() * len(FONTS))]
    return Style(font, width=Style.width * mean_width(DEJAVU_BOLD) / mean_width(font))


def random_style_of_many_fonts(text, rng):
    return sample_style(text, rng, FONTS)


# What is drawn: how, in how many epochs of 30 batches of 64, with which seeds.
VARIANTS = {
    "1 font, 1 style": (one_style, 20, [0]),
    "1 font, random styles": (random_style_of_one_font, 20, [0]),
    "13 fonts, 1 style": (one_style_of_many_fonts, 20, [0]),
    "13 fonts, random styles": (random_style_of_many_fonts, 20, [0, 1, 2]),
    "13 fonts, random styles, longer": (random_style_of_many_fonts, 30, [0, 1, 2]),
}


def measure_sim_to_real(folder):
    """Exact match on the 1,040 real PNG of models that were trained on drawings alone."""
    samples = read_samples(folder).query("extension == 'png'")
    images = np.array([encode_image(folder / name) for name in samples["file_name"]])

    def measure(drawn, seed):
        draw_style, epochs, _ = VARIANTS[drawn]
        started = time.perf_counter()
        model, _ = train_on_drawings(draw_style, epochs, seed)
        seconds = time.perf_counter() - started
        readings = decode_ctc(model.predict(images, batch_size=130, verbose=0))
        exact = exact_match(readings, list(samples["label"]))
        return {"exact match (%)": round(100 * exact, 1), "training (s)": round(seconds)}

    keys = [{"drawn": name, "seed": seed} for name in VARIANTS for seed in VARIANTS[name][2]]
    return measure_once(BENCH / "sim_to_real.csv", keys, measure)


def measure_cnn(real, embedded):
    """Exact match of the CNN of lesson 4 on its own test images, of three splits of either set."""

    def measure(images, seed):
        folder = {"real": real, "embedded": embedded}[images]
        x_train, x_test, y_train, y_test = build_dataset(folder, crop=True, seed=42 + seed)
        model, _ = train_cnn(x_train, y_train, seed=seed)
        predicted = model.predict(x_test, verbose=0).argmax(axis=-1)
        exact = exact_match(*(list(map(decode_label, rows)) for rows in (predicted, y_test)))
        return {"exact match (%)": round(100 * exact, 1)}

    keys = [{"images": images, "seed": seed} for seed in range(3) for images in ("real", "embedded")]
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
    embedded = locate_samples("synthetic")
    sim_to_real = measure_sim_to_real(real)
    by_variant = sim_to_real.groupby("drawn", sort=False)
    exact = by_variant["exact match (%)"]
    summary = pd.DataFrame(
        {
            "seeds": by_variant.size(),
            "median, exact match (%)": exact.median(),
            "lowest": exact.min(),
            "highest": exact.max(),
            "training (s)": by_variant["training (s)"].median().astype(int),
        }
    ).reset_index()
    write_table("sim_to_real", summary, CODE)
    stamps()
    cnn = measure_cnn(real, embedded).groupby("images")["exact match (%)"].mean()
    speed = measure_speed()
    best = summary.iloc[-1]
    goals = [
        ("exact match (%) on 1,040 real PNG, median of seeds", best.iloc[2], 93, 97.6),
        ("its spread over the seeds (points)", best["highest"] - best["lowest"], 3, 1),
        (
            "CNN of lesson 4, real and embedded apart (points)",
            abs(cnn["real"] - cnn["embedded"]),
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
