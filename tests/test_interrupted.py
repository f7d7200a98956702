"""A run that is killed, wherever it is, leaves nothing that the next run trips over or takes for whole."""

import json
import os
import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this kills copies of a process")

# Python reports each file that is opened, made, renamed or removed. A copy of the process is killed just before the
# one of that number; a second copy then runs to its end.
PROGRAM = """
import json, os, shutil, signal, sys
from pathlib import Path

job, place, source = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
wanted = [int(number) for number in sys.argv[4:]]

import platformdirs

from captcha_lib import files, sources
from captcha_lib.generator import write_samples

platformdirs.user_cache_path = lambda *_, **__: place / "cache"
sources.KAGGLE_INPUT, sources.DRIVE = place / "kaggle", place / "drive"
sources.write_samples = lambda folder: write_samples(folder, png=5, jpg=1)
os.environ.pop("CAPTCHA_DATA", None)

def draw():
    assert len(files.list_images(sources.locate_samples())) == 6

def copy():
    copied = files.list_images(sources.locate_samples())
    assert files.digest(copied) == files.digest(files.list_images(Path(source)))

def unpack():
    unpacked = files.list_images(sources.locate_samples(source + ".zip"))
    assert files.digest(unpacked) == files.digest(files.list_images(Path(source)))

def train():
    os.environ["CAPTCHA_OUTPUT"] = str(place / "out")
    model, seconds = load_or_train("recipe", place / "images", build_recipe, lambda: (build_recipe(), None))
    assert model.count_params() == 169_172 and seconds >= 0

def save():
    reader.save(place / "own.onnx")
    assert Reader.load(place / "own.onnx").content == reader.content

if job == "train":
    from captcha_lib.recipe import build_recipe
    from captcha_lib.workspace import load_or_train
if job == "save":
    from captcha_lib.reader import Reader

    reader = Reader.load()

EVENTS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir"}

def run(moment, report=None):
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    count = 0
    def watch(event, arguments):
        nonlocal count
        if event in EVENTS and str(place) in str(arguments[0]):
            count += 1
            if count == moment:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(watch)
    status = 1
    try:
        globals()[job]()
        status = 0
    finally:
        if report:
            Path(report).write_text(str(count))
        os._exit(status)

def run_anew(moment, report=None):
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(source, place / "images")
    if job == "copy":
        shutil.copytree(source, sources.DRIVE / "captcha-version-2-images")
    return run(moment, report)

report = str(place) + ".count"
assert run_anew(0, report) == 0, "the undisturbed run failed"
total = int(Path(report).read_text())
moments = sorted({1 + (total - 1) * part // (wanted[0] - 1) for part in range(wanted[0])})
killed = [(run_anew(moment), run(0)) for moment in moments]
left = [path.name for path in (place / "out").rglob("*") if path.is_file()]
Path(report).write_text(json.dumps([total, moments, killed, left]))
"""


@pytest.mark.parametrize("job, kills", [("draw", 5), ("copy", 4), ("unpack", 4), ("train", 7), ("save", 3)])
def test_after_a_kill_the_next_run_succeeds_by_itself(job, kills, tmp_path, drawn_set):
    source, place = tmp_path / "samples", tmp_path / "place"
    source.mkdir()
    for file in sorted(drawn_set.iterdir())[:6]:
        (source / file.name).write_bytes(file.read_bytes())
    shutil.make_archive(str(source), "zip", source)
    command = [sys.executable, "-c", PROGRAM, job, str(place), str(source), str(kills)]
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    total, moments, statuses, left = json.loads((tmp_path / "place.count").read_text())
    assert total >= kills and len(moments) == kills
    for moment, (killed, after) in zip(moments, statuses):
        assert killed == 9, f"moment {moment} of {total} was never reached"
        assert after == 0, f"after a kill at moment {moment} of {total} the next run failed"
    if job == "train":
        assert sum(name.startswith("recipe-") for name in left) >= 1
