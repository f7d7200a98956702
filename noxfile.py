"""Columns of versions that the project is tested in, each a session in an environment of its own (`make matrix`)."""

import re
import shutil
import sys
from pathlib import Path

import nox

nox.options.default_venv_backend = "uv"
nox.options.error_on_missing_interpreters = True

VERSIONS = {
    "locked": ["--constraint", "requirements.lock"],
    "oldest": ["--resolution", "lowest-direct"],
    "newest": ["--upgrade"],
}
COLUMNS = [("3.11", "locked"), ("3.12", "locked"), ("3.13", "locked")]
COLUMNS += [("3.11", "oldest"), ("3.13", "newest")]


@nox.session
@nox.parametrize("python, versions", COLUMNS, ids=[f"{python}-{versions}" for python, versions in COLUMNS])
def test(session, versions):
    """`make test` with one Python and the locked, the oldest admitted or the newest versions."""
    session.install(*VERSIONS[versions], "--editable", ".[test]")
    session.run("make", "test", f"BIN={session.bin}", "READY=", external=True)


@nox.session(python="3.13")
def base(session):
    """What a reader takes: the package as it is published, without its extras, reads drawn images."""
    session.install(".")
    place = session.create_tmp()
    shutil.rmtree(Path(place, "drawn"), ignore_errors=True)
    session.chdir(place)
    draw = "from captcha_lib import write_samples; write_samples('drawn', png=20, jpg=0)"
    session.run(sys.executable, "-c", draw, external=True)
    read = session.run("python", "-m", "captcha_lib", "read", "drawn", silent=True)
    wrong = [line for line in read.splitlines() if Path(line.split("\t")[0]).stem != line.split("\t")[1]]
    assert len(read.splitlines()) == 20 and len(wrong) <= 1, read
    session.run("python", "-c", "import tensorflow", success_codes=[1], silent=True)


@nox.session(python="3.12")
def conda(session):
    """What environment.yml has pip install, in a fresh environment, and lesson 1 in it."""
    text = Path("environment.yml").read_text(encoding="utf-8")
    assert f"python={session.python}\n" in text
    session.install(*" ".join(re.findall(r"^      - (.+)$", text, re.MULTILINE)).split())
    lesson = "notebooks/01_visualisation.ipynb"
    session.run("jupyter", "execute", lesson, env={"CAPTCHA_DATA": "synthetic"})
