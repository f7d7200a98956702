"""What the benchmarks share: figures that outlive an interruption, and trainings on many processes or machines."""

import os
import sys
from functools import cache

import numpy as np
import pandas as pd
from joblib import Parallel, delayed, parallel_config
from sklearn.model_selection import KFold

from captcha_lib import encode_image, encode_label
from captcha_lib.samples import read_samples
from captcha_lib.workspace import written_beside


def measure_once(file, keys, function, **where):
    """Return the table that the CSV `file` holds, with rows for each of `keys`.

    Missing ones are measured by `function(**key)`, which returns one row or a list of rows, and kept at once. That is
    done one after the other, or where `choose_workers` says.
    """
    table = pd.read_csv(file) if file.exists() else pd.DataFrame(columns=list(keys[0]))
    missing = [key for key in keys if not (table[list(key)] == pd.Series(key)).all(axis=1).any()]
    work = (delayed(_measure)(file.stem, key, function) for key in missing)
    with parallel_config(**({"n_jobs": 1} | where)):
        for rows in Parallel(return_as="generator_unordered")(work):
            table = pd.concat([table, pd.DataFrame(rows)], ignore_index=True)
            with written_beside(file) as unfinished:
                table.to_csv(unfinished, index=False)
    return pd.DataFrame(keys).merge(table)  # in the order of the keys, whenever each was measured


def _measure(name, key, function):
    print(f"{name}: {', '.join(f'{title} {value}' for title, value in key.items())}", file=sys.stderr)
    rows = function(**key)
    return [key | row for row in (rows if isinstance(rows, list) else [rows])]


def choose_workers():
    """Return where trainings run: on the workers of the Dask scheduler that $SCHEDULER names, else $JOBS at once here.

    Stops with a line where no scheduler answers. Where several are trained at once, none gets more than one thread.
    """
    address, jobs = os.environ.get("SCHEDULER"), int(os.environ.get("JOBS") or 1)
    if not address:
        if jobs > 1:
            os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
        return {"n_jobs": jobs}
    from distributed import Client

    try:
        Client(address, timeout=10)
    except (OSError, ValueError):
        sys.exit(f"no scheduler answers at {address}: expected the address that `dask scheduler` prints in SCHEDULER")
    return {"backend": "dask"}


class RealSet:
    """The 1,040 PNG in name order: whole and cropped images, numbers and texts of the labels."""

    def __init__(self, folder):
        samples = read_samples(folder)
        png = samples[samples["extension"] == "png"]
        jpg = samples[samples["extension"] != "png"]
        self.folder = folder
        self.names, self.labels = np.array(png["file_name"]), np.array(png["label"])
        self.numbers = np.array([encode_label(label) for label in self.labels])
        self.whole = np.array([encode_image(folder / name) for name in self.names])
        self.cropped = np.array([encode_image(folder / name, crop=True) for name in self.names])
        self.jpg_labels = list(jpg["label"])
        self.jpg = np.array([encode_image(folder / name) for name in jpg["file_name"]])

    def __reduce__(self):
        return open_real_set, (self.folder,)  # a worker opens the images once, instead of getting them with each task


@cache
def open_real_set(folder):
    return RealSet(folder)


def split_folds(seed):
    """Return the ten folds of the 1,040 PNG under a seed, as pairs of image numbers: to learn from, and to test."""
    return list(KFold(10, shuffle=True, random_state=seed).split(np.zeros(1040)))


FOLDS = split_folds(42)
HALF = np.random.default_rng(2026).permutation(1040)[:520]  # of the PNG, by which settings are chosen
