"""Execute the lessons: the commands behind `make course`, `make test`, `make notebooks` and `make results`."""

import argparse
import ast
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib

import jupytext
import nbformat
import pandas as pd
from digests import LIBRARY, PROJECT, digest_code, find_parts
from jupytext.combine import combine_inputs_with_outputs
from measured import MEASURED, describe_measurement, digest_measured, read_table, write_table
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbclient.output_widget import OutputWidget
from tqdm import tqdm
from translations import write_translations

from captcha_lib import locate_samples, read_samples
from captcha_lib.files import digest, list_images
from captcha_lib.sources import REAL_SET_DIGEST

NOTEBOOKS = PROJECT / "notebooks"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def list_twins():
    """Return the text twins of all lessons in their order."""
    return sorted(NOTEBOOKS.glob("[0-9][0-9]*_*.py"))


def number(twin):
    """Return the number of a lesson as its readers know it: 5a for 05a_lstm."""
    return twin.stem.split("_")[0].lstrip("0")


def list_wanted():
    """Return the twins of the lessons that $LESSONS names, such as "1 5b"; of all where it is empty.

    Stops with one line for a name that no lesson has.
    """
    twins = {number(twin): twin for twin in list_twins()}
    wanted = os.environ.get("LESSONS", "").split() or list(twins)
    if unknown := [name for name in wanted if name not in twins]:
        sys.exit(f"there is no lesson {unknown[0]}: expected some of {' '.join(twins)} in LESSONS")
    return [twin for name, twin in twins.items() if name in wanted]


def read_twin(twin):
    """Return the notebook that a twin describes; cells that its .ipynb has already keep their ids."""
    notebook = jupytext.read(twin, fmt="py:percent")
    built = twin.with_suffix(".ipynb")
    if built.exists():
        notebook = combine_inputs_with_outputs(notebook, nbformat.read(built, as_version=4))
    for cell in notebook.cells:
        cell.metadata = {"tags": cell.metadata["tags"]} if "tags" in cell.metadata else {}
    return notebook


class SilentOutput(OutputWidget):
    """Take what a slider's function shows, without telling the kernel: that can miss the next reply (nbclient #312)."""

    def sync_state(self):
        """Send nothing; no state of a widget is kept in a notebook anyway."""


def execute(notebook, name, log, folder=NOTEBOOKS, kernel="python3"):
    """Execute a notebook in place, with a progress bar over its cells; return how many seconds it took.

    What its kernel writes past the notebook, such as TensorFlow's start-up notes, goes to the open file `log`.
    """
    started = time.perf_counter()
    with tqdm(total=len(notebook.cells), desc=name, unit="cell", file=sys.stdout, mininterval=1) as bar:
        client = NotebookClient(
            notebook,
            timeout=900,
            kernel_name=kernel,
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": str(folder)}},
            on_cell_complete=lambda **_: bar.update(),
        )
        client.widget_registry["@jupyter-widgets/output"]["OutputModel"] = SilentOutput
        client.execute(stderr=log)
        bar.update(bar.total - bar.n)
    return time.perf_counter() - started


def execute_all(twins, output, read, write):
    """Execute lessons in order, with outputs going to the folder `output`; return a table of their times."""
    os.environ["CAPTCHA_OUTPUT"] = str(output)
    # With this set a kernel does not catch what TensorFlow's C++ parts print, here and under nbval alike.
    os.environ["PYTEST_CURRENT_TEST"] = "lessons"
    times = []
    output.mkdir(parents=True, exist_ok=True)
    with open(output / "kernels.log", "w", encoding="utf-8") as log:
        for twin in twins:
            notebook = read(twin)
            try:
                seconds = execute(notebook, twin.stem, log)
            except CellExecutionError as error:
                sys.exit(f"{twin.stem} stopped:\n{error}")
            times.append({"lesson": twin.stem, "seconds": round(seconds)})
            write(notebook, twin.with_suffix(".ipynb"))
    return pd.DataFrame(times)


def locate_or_stop():
    """Return the folder of images, or stop with one line where it or a file name in it is wrong.

    The synthetic set is drawn here, so that its drawing does not show in a lesson's output.
    """
    try:
        folder = locate_samples()
        read_samples(folder)
        return folder
    except (OSError, ValueError) as error:
        sys.exit(str(error))


def locate_real_set():
    """Return the folder of the real data set, or stop with one line where CAPTCHA_DATA names no such folder."""
    folder = locate_or_stop()
    if digest(list_images(folder)) != REAL_SET_DIGEST:
        sys.exit("not the 1,070 images of the real data set: name their folder in CAPTCHA_DATA")
    return folder


def write_notebook(notebook, file, **metadata):
    """Write a notebook beside `file`, then let it take the name; `metadata` goes into it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    notebook.metadata = nbformat.from_dict(METADATA | metadata)  # the kernel adds its Python version
    unfinished = file.with_suffix(".unfinished")
    nbformat.write(notebook, unfinished)
    unfinished.replace(file)


def course():
    """Execute copies of the lessons wanted under build/course, and print the tables of those that measure something."""
    folder = locate_or_stop()
    output = PROJECT / "build" / "course"
    shutil.rmtree(output, ignore_errors=True)
    times = execute_all(
        list_wanted(),
        output,
        read=lambda twin: nbformat.read(twin.with_suffix(".ipynb"), as_version=4),
        write=lambda notebook, file: write_notebook(notebook, output / file.name),
    )
    (output / "tables").mkdir(exist_ok=True)
    (output / "tables" / "images.sha256").write_text(digest(list_images(folder)))
    files = [output / "tables" / f"{name}.csv" for name in ("results", "recipe", "drawings_alone")]
    tables = {file.stem: pd.read_csv(file) for file in files if file.exists()}
    if "results" in tables and "recipe" in tables:
        tables["results"] = pd.concat([tables["results"], tables.pop("recipe")], ignore_index=True)
        tables["results"].to_csv(files[0], index=False)
    for table in (times, *tables.values()):
        print(f"\n{table.to_string(index=False)}")
    print("\nExecuted lessons, figures and tables: build/course")
    return tables.get("results")


def digest_lesson(twin):
    """Return the digest of a lesson's code, and of the library and the exercises that it uses."""
    exercises = LIBRARY.glob(f"exercises/lesson_{number(twin)}.py")  # found by its number, not by an import
    own = {(twin, ""): [ast.parse(twin.read_bytes())]}
    return digest_code(own | find_parts(twin, *exercises))


def write_built(notebook, file, code):
    """Write a lesson's .ipynb, with the digest of the code that its outputs come from."""
    write_notebook(notebook, file, captcha_course={"code": code})


def keep_outputs(twin, code):
    """Return whether the outputs in a lesson's .ipynb come from the code with this digest; if so, renew its prose.

    A file in which no cell has changed is not written. Which of the two it was is said in a line.
    """
    file = twin.with_suffix(".ipynb")
    if not file.exists():
        return False
    built, new = nbformat.read(file, as_version=4), read_twin(twin)
    old_code, new_code = ([cell.source for cell in n.cells if cell.cell_type == "code"] for n in (built, new))
    if built.metadata.get("captcha_course") != {"code": code} or old_code != new_code:
        return False
    if new.cells == built.cells:
        print(f"{twin.stem}: unchanged")
    else:
        write_built(new, file, code)
        print(f"{twin.stem}: its code is unchanged, the new prose stands around the kept outputs")
    return True


def rebuild():
    """Rebuild the .ipynb of lessons from their twins, executed on the synthetic set, and the pictures in use.

    These are the lessons in $LESSONS; where it is empty, those whose code, or the library that they use, has changed.
    """
    os.environ["CAPTCHA_DATA"] = "synthetic"
    locate_or_stop()
    write_addresses()
    stamps()
    output = PROJECT / "build" / "notebooks"
    codes = {twin.with_suffix(".ipynb"): digest_lesson(twin) for twin in list_twins()}
    twins = list_wanted()
    if not os.environ.get("LESSONS"):
        twins = [twin for twin in twins if not keep_outputs(twin, codes[twin.with_suffix(".ipynb")])]
        # Lessons take the models that others have left here: these must not come from older code.
        shutil.rmtree(output, ignore_errors=True)
    execute_all(twins, output, read_twin, write=lambda notebook, file: write_built(notebook, file, codes[file]))
    write_translations(list_badges, write_notebook)
    files = [PROJECT / "README.md", *(PROJECT / "docs").glob("*.md"), *list_twins()]
    texts = [file.read_text(encoding="utf-8") for file in files]
    for figure in (output / "figures").glob("*.png"):
        if any(f"figures/{figure.name}" in text for text in texts):
            shutil.copy(figure, PROJECT / "figures" / figure.name)


def compare():
    """Re-execute every lesson on the synthetic set with nbval: each output must be the stored one."""
    output = PROJECT / "build" / "test"
    shutil.rmtree(output, ignore_errors=True)
    os.environ |= {"CAPTCHA_DATA": "synthetic", "CAPTCHA_OUTPUT": str(output)}
    locate_or_stop()
    options = ["--nbval", "--nbval-current-env", "--durations=5", "-p", "no:cacheprovider"]
    sys.exit(subprocess.call([sys.executable, "-m", "pytest", *options, str(NOTEBOOKS)]))


def results():
    """Measure the results table on the real set, and show it in docs/results.md and the lessons."""
    locate_real_set()
    os.environ.pop("LESSONS", None)  # the table needs them all
    code = digest_measured("results")
    write_table("results", course(), code)
    stamps()


def stamps():
    """Show the measured tables in docs/results.md and the lessons, and in the former what each was measured with."""
    shown_in = PROJECT / "docs" / "results.md"
    for name in MEASURED:
        fill(shown_in, f"measured {name}", [describe_measurement(name)])
        for file, margin in [(shown_in, ""), *((twin, "# ") for twin in list_twins())]:
            if f"{margin}<!-- {name} -->\n" in file.read_text(encoding="utf-8"):
                fill_table(file, name, read_table(name), margin)


def fill_table(file, name, table, margin=""):
    """Put a DataFrame as a Markdown table between two comments of a file, `margin` before each of its lines."""
    rows = [table.columns, ["---"] * len(table.columns), *table.astype(str).values]
    fill(file, name, [f"| {' | '.join(row)} |" for row in rows], margin)


def fill(file, name, lines, margin=""):
    """Put lines between two comments of a file, `margin` before each of them; stop where it lacks the comments."""
    start, end = f"{margin}<!-- {name} -->\n", f"{margin}<!-- end of {name} -->\n"
    opening, found, rest = file.read_text(encoding="utf-8").partition(start)
    _, found_end, closing = rest.partition(end)
    if not found or not found_end:
        sys.exit(f"{file.name} lacks the lines {start.strip()} and {end.strip()}: put them where these lines belong")
    lines = "".join(f"{margin}{line}\n" for line in lines)
    file.write_text(f"{opening}{start}{lines}{end}{closing}", encoding="utf-8")


def read_addresses():
    """Return the repository's address and the tag of this version, as pyproject.toml has them."""
    with open(PROJECT / "pyproject.toml", "rb") as file:
        project = tomllib.load(file)["project"]
    return project["urls"]["Repository"], f"v{project['version']}"


def list_badges(notebook):
    """Return the badges that open a notebook in Colab, Kaggle and Binder, each as a line of Markdown."""
    repository, tag = read_addresses()
    name = repository.removeprefix("https://github.com/")
    path = f"notebooks/{notebook}"
    colab, kaggle = "https://colab.research.google.com", "https://kaggle.com"
    badges = {
        "Colab": (
            f"{colab}/assets/colab-badge.svg",
            f"{colab}/github/{name}/blob/{tag}/{path}",
        ),
        "Kaggle": (
            f"{kaggle}/static/images/open-in-kaggle.svg",
            f"{kaggle}/kernels/welcome?src={repository}/blob/{tag}/{path}",
        ),
        "Binder": (
            "https://mybinder.org/badge_logo.svg",
            f"https://mybinder.org/v2/gh/{name}/{tag}?labpath={path}",
        ),
    }
    return [f"[![Open in {place}]({image})]({address})" for place, (image, address) in badges.items()]


def write_addresses():
    """Write badges, and the project's address and version, into README, CITATION.cff, pyproject.toml and all twins."""
    fill(PROJECT / "README.md", "badges", list_badges(list_twins()[0].with_suffix(".ipynb").name))
    repository, tag = read_addresses()
    lines = [
        (PROJECT / "README.md", r"git clone \S+", f"git clone {repository}"),
        (PROJECT / "pyproject.toml", r"\(https://\S+/(raw|blob)/v\$", rf"({repository}/\1/v$"),
        (PROJECT / "CITATION.cff", "repository-code: .*", f"repository-code: {repository}"),
        (PROJECT / "CITATION.cff", "(?m)^version: .*", f"version: {tag.removeprefix('v')}"),
    ]
    for twin in list_twins():
        fill(twin, "badges", list_badges(twin.with_suffix(".ipynb").name), margin="# ")
        lines.append((twin, 'url = "https://.*"', f'url = "{repository}/archive/refs/tags/{tag}.zip"'))
        lines.append((twin, r"[\w.-]+\*\.zip", f"{repository.split('/')[-1]}*.zip"))
    for file, old, new in lines:
        file.write_text(re.sub(old, new, file.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    commands = {command.__name__: command for command in (course, rebuild, compare, results, stamps)}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=commands)
    commands[parser.parse_args().command]()
