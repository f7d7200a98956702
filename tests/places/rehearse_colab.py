"""The lessons as Colab and Kaggle open them: each alone on a new machine, with Colab's versions (`make test-colab`).

The machine is a stand-in: /content, /kaggle, the Drive and the internet are those of `machine.sh` and of this file.
$LESSONS names the lessons to execute ("1 2 5b"), all of them where it is empty; $CAPTCHA_DATA the images on the Drive
and among the inputs, else they are drawn. Executed copies go to build/colab.
"""

import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import nbformat
import pytest
from execute import execute, list_twins, list_wanted, read_addresses, write_notebook  # from notebooks/
from nbclient.exceptions import CellExecutionError

from captcha_lib import locate_samples
from captcha_lib.files import list_images

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
PYTHON = PROJECT / ".venv-colab/bin/python"
MACHINE = HERE / "machine.sh"
LESSONS = [twin.with_suffix(".ipynb") for twin in list_wanted()]
REPOSITORY, TAG = read_addresses()
PROJECT_ZIP = f"{REPOSITORY.split('/')[-1]}-{TAG.removeprefix('v')}.zip"
REAL = "1,070 files, 1,040 PNG and 30 JPEG"


@pytest.fixture(scope="session", autouse=True)
def a_machine_can_be_made(tmp_path_factory):
    probe = [MACHINE, tmp_path_factory.mktemp("probe"), "/", "sh", "-c", "command -v curl && command -v unzip"]
    if subprocess.run(probe, capture_output=True).returncode:
        needed = "an ordinary user may mount folders (unshare --user --mount), with curl and unzip"
        pytest.exit(f"this needs a Linux on which {needed}", 1)


def freeze():
    return subprocess.run([PYTHON, "-m", "pip", "freeze"], capture_output=True, text=True).stdout


@pytest.fixture(scope="session", autouse=True)
def nothing_preinstalled_is_changed():
    """Before and after: the versions in the environment are those that Colab published."""
    published = (HERE / "colab_requirements.txt").read_text().splitlines()
    assert freeze().splitlines() == [line for line in published if not line.startswith("#")]
    before = freeze()
    yield
    assert freeze() == before


@pytest.fixture(scope="session")
def sources(tmp_path_factory):
    """The images as a folder that holds them twice, and as a zip of it; the project as a folder and as a zip of it."""
    folder = tmp_path_factory.mktemp("sources")
    archive = folder / "archive"
    for place in ("samples", "samples/samples"):
        (archive / place).mkdir(parents=True)
        for file in list_images(locate_samples()):
            shutil.copy(file, archive / place)
    shutil.make_archive(folder / "captcha-version-2-images", "zip", archive)
    tracked = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True)
    with zipfile.ZipFile(folder / PROJECT_ZIP, "w") as opened:
        for name in tracked.stdout.splitlines():
            opened.write(PROJECT / name, f"{PROJECT_ZIP.removesuffix('.zip')}/{name}")
    shutil.unpack_archive(folder / PROJECT_ZIP, folder)
    return folder


class Machine:
    """A new machine in the folder `place`, on which one notebook is executed in an otherwise empty folder."""

    def __init__(self, place, folder, wheels, environment=None):
        self.place, self.folder = place, folder
        self.drive = place / "drive/MyDrive"
        self.inputs = place / "kaggle/input"
        (place / "content").mkdir()
        (place / "kaggle/working").mkdir(parents=True)
        packages = place / "lib/python3.13/site-packages"
        packages.mkdir(parents=True)
        self.environment = {
            "PATH": os.pathsep.join([str(PYTHON.parent), os.environ["PATH"]]),  # for `!pip`
            "PYTHONPATH": os.pathsep.join([str(HERE), str(packages)]),
            # What a lesson installs comes from a folder, and goes into one of this machine's own.
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(wheels),
            "PIP_PREFIX": str(place),
            "XDG_CACHE_HOME": str(place / "cache"),
            "CAPTCHA_DATA": "",
            "CAPTCHA_OUTPUT": "",
            "https_proxy": "http://127.0.0.1:9",  # no internet
            **(environment or {}),
        }
        self.first_line = "import google.colab"

    def mountable(self):
        """The folder at the top of a Drive that its owner lets Colab mount."""
        self.drive.mkdir(parents=True)
        self.environment["CAPTCHA_STAND_IN_DRIVE"] = str(self.drive.parent)
        return self.drive

    def execute(self, notebook):
        """Execute a notebook; return what it printed, stdout, stderr and errors, cell by cell."""
        kernel = self.place / "jupyter/kernels/stand_in"
        kernel.mkdir(parents=True)
        argv = [MACHINE, self.place, self.folder, PYTHON, "-m", "ipykernel_launcher"]
        argv += ["-f", "{connection_file}", f"--IPKernelApp.exec_lines={self.first_line}"]
        specification = {
            "argv": [str(argument) for argument in argv],
            "display_name": "stand-in",
            "language": "python",
            "env": self.environment,
        }
        (kernel / "kernel.json").write_text(json.dumps(specification))
        with pytest.MonkeyPatch.context() as patch, open(self.place / "log", "w") as log:
            patch.setenv("JUPYTER_PATH", str(self.place / "jupyter"))
            patch.delenv("KAGGLE_KERNEL_RUN_TYPE", raising=False)
            execute(notebook, self.place.name, log, folder=self.place, kernel="stand_in")
        write_notebook(notebook, PROJECT / f"build/colab/{self.place.name}.ipynb")
        return [
            "".join(output.get("text", output.get("evalue", "")) for output in cell.outputs)
            for cell in notebook.cells
            if cell.cell_type == "code"
        ]


@pytest.fixture(scope="session")
def wheels(tmp_path_factory):
    """A folder with the packages that lessons 9 and 10 install, for the Python of the stand-in."""
    folder = tmp_path_factory.mktemp("wheels")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
    command += ["--only-binary=:all:", "--python-version", "3.13"]
    distributed = re.search(r"^dask(==.+)$", freeze(), re.MULTILINE).expand(r"distributed\1")  # they go together
    command += ["captcha", "onnxruntime", "tf2onnx", "onnx<1.20", distributed, "sortedcontainers", "tblib", "zict"]
    subprocess.run(command, check=True)
    return folder


@pytest.fixture
def colab(tmp_path, wheels):
    machine = Machine(tmp_path, "/content", wheels)
    machine.first_line += "; type(get_ipython()).__module__ = 'google.colab._shell'"
    return machine


@pytest.fixture
def kaggle(tmp_path, wheels):
    return Machine(
        tmp_path,
        "/kaggle/working",
        wheels,
        {"KAGGLE_KERNEL_RUN_TYPE": "Interactive", "COLAB_RELEASE_TAG": "release-colab"},
    )


def read(lesson, cells=None):
    """A lesson without its outputs, or only its first cells."""
    notebook = nbformat.read(lesson, as_version=4)
    notebook.cells = notebook.cells[:cells]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    return notebook


def read_set_up():
    return read(list_twins()[0].with_suffix(".ipynb"), cells=5)


def warnings_in(notebook):
    streams = [out for cell in notebook.cells for out in cell.get("outputs", []) if "name" in out]
    return [out.text for out in streams if out.name == "stderr" and "Warning" in out.text]


# Every lesson in every place


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem)
def test_a_lesson_in_colab(lesson, colab, sources):
    shutil.copy(sources / "captcha-version-2-images.zip", colab.mountable())
    shutil.copy(sources / PROJECT_ZIP, colab.drive)
    notebook = read(lesson)
    mounted, set_up, *_ = colab.execute(notebook)
    assert mounted == "Mounted at /content/drive\n"
    assert f"Images from Google Drive: {REAL}\n" in set_up and "copying images: 100%" in set_up
    assert not warnings_in(notebook)
    assert {file.name for file in colab.drive.iterdir()} == {
        "captcha-version-2-images.zip",
        PROJECT_ZIP,
    }


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem)
@pytest.mark.parametrize("form", ["old", "new"])
def test_a_lesson_in_kaggle(lesson, form, kaggle, sources):
    owner = "datasets/owner" if form == "new" else ""
    kaggle.inputs.mkdir()
    images = kaggle.inputs / owner / "captcha-version-2-images"
    course = kaggle.inputs / owner / "captcha-course"
    course.parent.mkdir(parents=True, exist_ok=True)
    if form == "old":  # Kaggle unpacks what is uploaded as a zip
        shutil.copytree(sources / "archive", images)
        shutil.copytree(sources / PROJECT_ZIP.removesuffix(".zip"), course)
    else:
        shutil.copytree(sources / "archive", images / "archive")
        course.mkdir()
        shutil.copy(sources / PROJECT_ZIP, course)
    notebook = read(lesson)
    mounted, set_up, *_ = kaggle.execute(notebook)
    assert mounted == "" and set_up == f"Images from Kaggle's input folder: {REAL}\n"
    assert not warnings_in(notebook)


def test_a_clone_in_somebodys_own_jupyter(tmp_path, sources, wheels):
    machine = Machine(tmp_path, sources / PROJECT_ZIP.removesuffix(".zip") / "notebooks", wheels)
    machine.first_line = "pass"  # no google.colab
    mounted, set_up = machine.execute(read_set_up())
    assert mounted == "" and f"Images from the synthetic set: {REAL}\n" in set_up


# What can go wrong in the set-up


@pytest.fixture
def internet(tmp_path_factory):
    """A server on this machine that offers the project's zip under the path it has on the internet; its address."""
    folder = tmp_path_factory.mktemp("internet")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def online(internet, sources):
    """The set-up cells, in which the address of the project's zip is one that answers."""
    folder, address = internet
    path = f"{REPOSITORY.removeprefix('https://github.com/')}/archive/refs/tags/{TAG}.zip"
    (folder / path).parent.mkdir(parents=True)
    shutil.copy(sources / PROJECT_ZIP, folder / path)
    notebook = read_set_up()
    notebook.cells[4].source = notebook.cells[4].source.replace("https://github.com", address)
    return notebook


def test_without_a_drive_the_library_comes_from_the_tag_and_the_synthetic_set_serves(colab, online):
    mounted, set_up = colab.execute(online)
    assert mounted == "mount failed: credential propagation was unsuccessful"
    assert "run the cell that mounts it, then this one again" in set_up
    assert f"Images from the synthetic set: {REAL}\n" in set_up


@pytest.mark.parametrize("place", ["colab", "kaggle"])
def test_without_internet_and_without_the_project(place, request):
    with pytest.raises(CellExecutionError) as caught:
        request.getfixturevalue(place).execute(read_set_up())
    told = re.sub("\x1b\\[[0-9;]*m", "", str(caught.value))  # without colours
    assert "curl: (7) Failed to connect to 127.0.0.1" in told
    assert f"# not found? Go online, or bring {REPOSITORY.split('/')[-1]}*.zip along\n" in told
    assert "ModuleNotFoundError: No module named 'captcha_lib'" in told


def test_half_an_upload_of_the_project_is_passed_over(colab, sources, online):
    half = (sources / PROJECT_ZIP).read_bytes()[:-1000]
    (colab.mountable() / PROJECT_ZIP).write_bytes(half)
    _, set_up = colab.execute(online)
    assert f"[/content/drive/MyDrive/{PROJECT_ZIP}]\r\n  End-of-central-directory signature not found" in set_up
    assert f"Images from the synthetic set: {REAL}\n" in set_up


def test_half_an_upload_of_the_project_beside_a_whole_one(colab, sources):
    (colab.mountable() / PROJECT_ZIP).write_bytes((sources / PROJECT_ZIP).read_bytes()[:-1000])
    shutil.copy(sources / PROJECT_ZIP, colab.drive / f"{REPOSITORY.split('/')[-1]}-main (1).zip")
    _, set_up = colab.execute(read_set_up())
    assert "End-of-central-directory" in set_up and f"Images from the synthetic set: {REAL}\n" in set_up


def test_a_zip_of_the_project_with_backslashes(colab, sources):
    with (
        zipfile.ZipFile(sources / PROJECT_ZIP) as whole,
        zipfile.ZipFile(colab.mountable() / PROJECT_ZIP, "w") as windows,
    ):
        for name in whole.namelist():
            member = zipfile.ZipInfo()
            member.create_system = 0  # Windows
            member.filename = name.replace("/", "\\")
            windows.writestr(member, whole.read(name))
    _, set_up = colab.execute(read_set_up())
    assert f"Images from the synthetic set: {REAL}\n" in set_up


DEAD_DRIVE = """
import os

def dead(call):
    def answer(path=".", *rest, **more):
        if isinstance(path, (str, os.PathLike)) and os.fspath(path).startswith("/content/drive"):
            raise OSError(107, "Transport endpoint is not connected", os.fspath(path))
        return call(path, *rest, **more)
    return answer

for name in ("stat", "lstat", "scandir", "listdir"):
    setattr(os, name, dead(getattr(os, name)))
"""


def test_a_drive_whose_mount_has_died(colab, online):
    colab.mountable()
    online.cells.insert(3, nbformat.v4.new_code_cell(DEAD_DRIVE))
    *_, set_up = colab.execute(online)
    assert f"Images from the synthetic set: {REAL}\n" in set_up


def test_half_an_upload_of_the_images(colab, sources):
    shutil.copy(sources / PROJECT_ZIP, colab.mountable())
    half = (sources / "captcha-version-2-images.zip").read_bytes()[:-1000]
    (colab.drive / "captcha-version-2-images.zip").write_bytes(half)
    _, set_up = colab.execute(read_set_up())
    assert "Not used: /content/drive/MyDrive/captcha-version-2-images.zip is not a complete" in set_up
    assert f"Images from the synthetic set: {REAL}\n" in set_up


def test_a_drive_folder_of_images_and_a_thousand_other_files(colab, sources):
    shutil.copytree(sources / "archive/samples", colab.mountable() / "captcha-version-2-images")
    shutil.copy(sources / PROJECT_ZIP, colab.drive)
    for number in range(1000):
        (colab.drive / f"captcha-version-2-images/scan {number}.png").write_text("another file")
    _, set_up = colab.execute(read_set_up())
    assert set_up.startswith("1,000 other files in /content/drive/MyDrive/captcha-version-2-images")
    assert f"Images from Google Drive: {REAL}\n" in set_up


def test_kaggle_without_images(kaggle, sources):
    kaggle.inputs.mkdir()
    shutil.copytree(sources / PROJECT_ZIP.removesuffix(".zip"), kaggle.inputs / "captcha-course")
    _, set_up = kaggle.execute(read_set_up())
    assert "For the real images: Add Input, then fournierp/captcha-version-2-images\n" in set_up
    assert f"Images from the synthetic set: {REAL}\n" in set_up


@pytest.mark.parametrize("twin", list_twins()[:2], ids=lambda twin: twin.stem)
def test_the_first_lessons_without_tensorflow(twin, colab, sources):
    """As on Colab's TPU runtimes."""
    shutil.copy(sources / PROJECT_ZIP, colab.mountable())
    colab.first_line += "; import sys; sys.modules['tensorflow'] = None"
    _, set_up, *_ = colab.execute(read(twin.with_suffix(".ipynb")))
    assert "UserWarning: no TensorFlow here, as on Colab's TPUs: lessons 1 and 2 run" in set_up
