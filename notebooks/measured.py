"""Write and read the measured tables, which say in comments at their top what they were measured with."""

import os
import platform
import re
import subprocess
from contextlib import suppress
from datetime import date
from importlib import metadata
from itertools import takewhile
from pathlib import Path

import pandas as pd
from digests import LIBRARY, PROJECT, digest_code, find_parts

from captcha_lib.workspace import written_beside

TABLES = PROJECT / "figures" / "tables"
BENCHMARKS = PROJECT / "tests" / "benchmarks"
RECIPE = "make bench", [BENCHMARKS / "bench_recipe.py"]
LADDER = "make bench", [BENCHMARKS / "bench_ladder.py"]
# How each table is measured, and the Python files whose part of the library it measures.
MEASURED = {
    "results": ("make results", [LIBRARY / f"{name}.py" for name in ("cnn", "ctc", "dataset", "recipe", "score")]),
    "choices": ("make bench", [BENCHMARKS / "bench_choices.py"]),
    "recipe": LADDER,
    "recipe_leave_one_out": LADDER,
    "recipe_measures": RECIPE,
    "cross_validation": RECIPE,
    "cross_validation_folds": RECIPE,
    "misread": RECIPE,
    "engines": RECIPE,
    "sim_to_real": ("make bench", [BENCHMARKS / "bench_generator.py"]),
    "other_kaptcha": ("make bench", [BENCHMARKS / "bench_own_images.py"]),
    "own_images": ("make bench", [BENCHMARKS / "bench_own_images.py"]),
    "reader": ("make bench", [BENCHMARKS / "shipped_reader.py"]),
    "drawings_alone": ("make bench", [BENCHMARKS / "shipped_reader.py"]),
    "cluster": ("make bench", [BENCHMARKS / "bench_cluster.py"]),
}


def digest_measured(name):
    """Return the digest of the part of the library that a table measures, as it is today."""
    return digest_code(find_parts(*MEASURED[name][1]))


def write_table(name, table, code):
    """Write a DataFrame as figures/tables/NAME.csv, with what it was measured with as comments above it.

    `code` is what `digest_measured` gave when the measurement began.
    """
    stamp = {"command": MEASURED[name][0], "date": date.today(), "commit": _describe_commit()}
    stamp["Python"] = platform.python_version()
    stamp |= {title: metadata.version(title) for title in ("TensorFlow", "Keras", "NumPy")}
    stamp |= {"processor": _describe_processor(), "code": code}
    with (
        written_beside(TABLES / f"{name}.csv") as unfinished,
        open(unfinished, "w", encoding="utf-8", newline="") as file,
    ):
        file.writelines(f"# {key}: {value}\n" for key, value in stamp.items())
        table.to_csv(file, index=False, lineterminator="\n")


def _describe_commit():
    git = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    with suppress(OSError):
        return subprocess.run(git, cwd=PROJECT, capture_output=True, text=True).stdout.strip() or "not recorded"
    return "not recorded"


def _describe_processor():
    with suppress(OSError, TypeError):  # Linux on Intel and AMD; other systems have no such file or no such line
        return re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())[1] + f", {os.cpu_count()} cores"
    return f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"


def read_table(name):
    """Return a measured table as a DataFrame of texts."""
    return pd.read_csv(TABLES / f"{name}.csv", comment="#", dtype=str, keep_default_na=False)


def read_stamp(name):
    """Return what a table says that it was measured with, as a dict of texts."""
    lines = (TABLES / f"{name}.csv").read_text(encoding="utf-8").splitlines()
    stamp = takewhile(lambda line: line.startswith("# "), lines)
    return dict(line.removeprefix("# ").split(": ", 1) for line in stamp)


def describe_measurement(name):
    """Return a line of Markdown: what a table was measured with, and whether the code has changed since."""
    stamp = read_stamp(name)
    command, day, commit, code = (stamp.pop(key) for key in ("command", "date", "commit", "code"))
    versions = "; ".join(f"{key}: {value}" for key, value in stamp.items())
    line = f"Measured by `{command}` on {day} at commit {commit}. {versions}."
    return line if code == digest_measured(name) else f"{line} Older than the code it measures."
