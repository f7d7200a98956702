"""Measure what two workers of a Dask cluster on this machine save: `CAPTCHA_DATA=<the real images> make bench`.

Every process has one core and trains with one thread, as in a cross-validation with a worker a core.
"""

import os
import time
from itertools import cycle, islice

import pandas as pd
from distributed import Client, LocalCluster
from execute import locate_real_set, stamps
from joblib import Parallel, delayed, parallel_config
from measured import digest_measured, write_table
from measuring import open_real_set
from sklearn.model_selection import KFold

from captcha_lib.files import list_images
from captcha_lib.reader import Reader, read_in_batches, read_in_parallel
from captcha_lib.recipe import shuffle_batches, train_recipe

CODE = digest_measured("cluster")
FOLDS, EPOCHS, IMAGES, REPETITIONS = 4, 4, 10_000, 3


def train_fold(real, fold):
    """One short training of a cross-validation; returns how many images it learned from."""
    train, _ = list(KFold(FOLDS, shuffle=True, random_state=42).split(real.whole))[fold]
    train_recipe(shuffle_batches(real.whole[train], real.numbers[train], seed=fold), epochs=EPOCHS, seed=fold)
    return len(train)


def cross_validate(real):
    return sum(Parallel()(delayed(train_fold)(real, fold) for fold in range(FOLDS)))


def read_alone(reader, files):
    return sum(1 for _ in read_in_batches(reader, files))


def read_together(reader, files):
    return sum(1 for _ in read_in_parallel(reader, files))


def take_core(number):
    """Keep this thread, and those that it will start, on one of the cores, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[number]})


def measure(real, files):
    """Return the seconds of each job in one process and on two workers, in turn."""
    os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
    rows, reader = [], Reader.load()
    settings = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0", "silence_logs": 50}
    with LocalCluster(**settings) as cluster, Client(cluster) as client:
        # TensorFlow's pipelines have threads of their own: without this, one process uses more than one core.
        for core, worker in enumerate(client.scheduler_info()["workers"]):
            client.submit(take_core, core, workers=worker).result()
        take_core(0)
        for repetition in range(REPETITIONS + 1):
            for job, alone, together in (
                (f"{FOLDS} trainings of {EPOCHS} epochs", cross_validate, cross_validate),
                (f"{IMAGES:,} files read", read_alone, read_together),
            ):
                what = (real,) if alone is cross_validate else (reader, files)
                row = {"job": job, "repetition": repetition}
                started = time.perf_counter()
                alone(*what)
                row["one process (s)"] = time.perf_counter() - started
                started = time.perf_counter()
                with parallel_config("dask"):
                    together(*what)
                rows.append(row | {"two workers (s)": time.perf_counter() - started})
                print(rows[-1])
    return pd.DataFrame(rows).query("repetition > 0")  # the first one starts TensorFlow


def main():
    folder = locate_real_set()
    files = list(islice(cycle(map(str, list_images(folder))), IMAGES))
    table = measure(open_real_set(folder), files)
    table["times faster"] = table["one process (s)"] / table["two workers (s)"]
    table = table.groupby("job", sort=False).median().drop(columns="repetition").round(2).reset_index()
    print(table.to_string(index=False))
    write_table("cluster", table, CODE)
    stamps()


if __name__ == "__main__":
    import bench_cluster  # by its name, so that workers find its functions

    bench_cluster.main()
