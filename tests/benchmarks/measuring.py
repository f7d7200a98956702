"""What the benchmarks share: figures that outlive an interruption, and the check of the images."""

import sys

import pandas as pd

from captcha_lib import locate_samples
from captcha_lib.samples import digest, list_images
from captcha_lib.sources import REAL_SET_DIGEST
from captcha_lib.workspace import written_beside


def locate_real_set():
    """Return the folder of the real data set, or stop with one line where CAPTCHA_DATA names no such folder."""
    folder = locate_samples()
    if digest(list_images(folder)) != REAL_SET_DIGEST:
        sys.exit("not the 1,070 images of the real data set: name their folder in CAPTCHA_DATA")
    return folder


def measure_once(file, keys, function):
    """Return the table that the CSV `file` holds, with rows for each of `keys`.

    Missing ones are measured by `function(**key)`, which returns one row or a list of rows, and kept at once.
    """
    table = pd.read_csv(file) if file.exists() else pd.DataFrame(columns=list(keys[0]))
    for key in keys:
        if not (table[list(key)] == pd.Series(key)).all(axis=1).any():
            print(f"{file.stem}: {', '.join(f'{title} {value}' for title, value in key.items())}")
            rows = function(**key)
            rows = [key | row for row in (rows if isinstance(rows, list) else [rows])]
            table = pd.concat([table, pd.DataFrame(rows)], ignore_index=True)
            with written_beside(file) as unfinished:
                table.to_csv(unfinished, index=False)
    return table
