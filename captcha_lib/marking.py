"""Mark the exercises in students' notebooks: `python -m captcha_lib mark FOLDER` (docs/teaching.md).

Each notebook is executed in processes of its own, in a copy, and stopped where it runs too long or grows too large.
"""

import json
import os
import re
import shutil
import sys
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from subprocess import DEVNULL
from tempfile import TemporaryDirectory

import nbformat
import psutil
from nbclient import NotebookClient

import captcha_lib.exercises

VERDICTS = {"right": "right", "nearly": "nearly", "not right yet": "wrong", "no answer yet": "missing"}
# Goes before a student's cells: what `check` says is kept in a file that the notebook does not know.
RECORD = """
def record_checks(file):
    import contextlib, io, json
    from captcha_lib import exercises

    check = exercises.check

    def check_and_record(number, answer, *given):
        told = io.StringIO()
        try:
            with contextlib.redirect_stdout(told):
                check(number, answer, *given)
        finally:
            line = told.getvalue() or "not right yet"
            with open(file, "a", encoding="utf-8") as marks:
                marks.write(json.dumps([number, line.split(":")[0].strip()]) + "\\n")
        print(line, end="")

    exercises.check = check_and_record


record_checks({file!r})
del record_checks
"""


def list_exercises(notebook):
    """Return the numbers of all exercises of the lesson that a notebook's title names, such as "8.1".

    Raises ValueError where its first cell has no such title.
    """
    title = re.match(r"# \D*(\d+[ab]?)", notebook.cells[0].source if notebook.cells else "")  # in any language
    lessons = {module.name.removeprefix("lesson_") for module in iter_modules(captcha_lib.exercises.__path__)}
    if not title or title[1] not in lessons:
        raise ValueError("its first cell names no lesson: expected a title such as '# Lesson 8: ...'")
    names = sorted(vars(import_module(f"captcha_lib.exercises.lesson_{title[1]}")))
    return [name.replace("exercise_", f"{title[1]}.") for name in names if name.startswith("exercise_")]


def execute_marked(file, marks):
    """Execute a notebook, whatever is raised in it, and keep what `check` says in the file `marks`."""
    notebook = nbformat.read(file, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(RECORD.format(file=str(marks))))
    NotebookClient(
        notebook,
        timeout=None,
        kernel_name="python3",
        allow_errors=True,
        resources={"metadata": {"path": Path(file).parent}},
    ).execute()


def mark_notebook(file, minutes=20, gigabytes=8):
    """Return a student's verdicts, a dict such as {"8.1": "right"}, and a remark where something was in the way.

    A verdict is right, nearly, wrong or missing: no answer, or no check of it. Files that the notebook writes beside
    itself are dropped.
    """
    try:
        verdicts = dict.fromkeys(list_exercises(nbformat.read(file, as_version=4)), "missing")
    except Exception as error:  # whatever a file holds that should be a notebook
        reason = str(error).splitlines()[0] if isinstance(error, ValueError) else type(error).__name__
        return {}, f"no lesson ({reason})"
    with TemporaryDirectory(ignore_cleanup_errors=True) as place:
        folder, marks = Path(place) / "student" / "notebooks", Path(place) / "marks.json"
        folder.mkdir(parents=True)
        copy, library = shutil.copy(file, folder), Path(captcha_lib.exercises.__file__).parents[2]
        environment = os.environ | {"CAPTCHA_OUTPUT": str(folder / "build"), "MPLBACKEND": "agg"}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(library), os.environ.get("PYTHONPATH")]))
        command = [sys.executable, "-m", "captcha_lib.marking", copy, marks]
        process = psutil.Popen(command, env=environment, cwd=folder, stdout=DEVNULL, stderr=DEVNULL)
        remark = _watch(process, time.monotonic() + 60 * minutes, gigabytes * 1e9)
        if remark:
            remark = remark.format(minutes=minutes, gigabytes=gigabytes)
        elif process.returncode:
            remark = "its kernel died"
        if marks.exists():
            told = dict(map(json.loads, marks.read_text(encoding="utf-8").splitlines()))
            verdicts |= {number: VERDICTS.get(told[number], "wrong") for number in verdicts if number in told}
    return verdicts, remark


def _watch(process, end, most):
    """Wait until a process ends; stop it, and all that it has started, after a time or beyond a size in bytes."""
    remark = ""
    while process.poll() is None and not remark:
        time.sleep(0.2)
        used = 0
        for one in (started := _list_processes(process)):
            with suppress(psutil.Error):  # it has ended in the meantime
                used += one.memory_info().rss
        if time.monotonic() > end:
            remark = "stopped after {minutes:g} minutes"
        elif used > most:
            remark = "stopped at {gigabytes:g} GB of memory"
    if remark:
        for one in started:
            with suppress(psutil.Error):
                one.kill()
        process.wait()
    return remark


def _list_processes(process):
    try:
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return [process]


def mark_folder(folder, minutes=20, gigabytes=8):
    """Yield for each notebook in a folder and those below its name there, its verdicts and a remark, once it is marked.

    Raises FileNotFoundError where there is none.
    """
    files = [file for file in sorted(Path(folder).rglob("*.ipynb")) if ".ipynb_checkpoints" not in file.parts]
    if not files:
        raise FileNotFoundError(
            f"{folder} holds no notebooks: expected students' .ipynb files in it, or in folders in it"
        )
    for file in files:
        yield file.relative_to(folder).as_posix(), *mark_notebook(file, minutes, gigabytes)


if __name__ == "__main__":
    execute_marked(*sys.argv[1:])
