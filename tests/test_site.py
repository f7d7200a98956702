import json
import re
import sys
import tarfile

import nbformat
import pytest
from execute import PROJECT  # from notebooks/
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from captcha_lib.files import list_images

sys.path.insert(0, str(PROJECT / "docs"))
import build_site  # noqa: E402

SOURCES = list(build_site.PAGE.iterdir())


@pytest.fixture
def runtime(tmp_path, monkeypatch):
    """A stand-in for what npm brings."""
    folder = tmp_path / "runtime"
    folder.mkdir()
    for name in build_site.RUNTIME_FILES:
        (folder / name).write_text(name)
    monkeypatch.setattr(build_site, "fetch_runtime", lambda: folder)


def test_a_page_holds_all_that_it_asks_for(runtime, tmp_path):
    (tmp_path / "any.onnx").write_text("a reader")
    page = tmp_path / "site/reader"
    for _ in range(2):  # the second one replaces the first
        build_site.build_reader_page(page, tmp_path / "any.onnx")
        (page / "of_before.txt").touch()
    build_site.build_reader_page(page, tmp_path / "any.onnx")
    assert [folder.name for folder in page.parent.iterdir()] == ["reader"] and not (page / "of_before.txt").exists()
    assert (page / "reader.onnx").read_text() == "a reader"
    examples = json.loads((page / "examples.json").read_text(encoding="utf-8"))
    assert [page / example["file"] for example in examples] == list_images(page / "examples") and len(examples) == 48
    assert all(f"/{example['text']}." in example["file"] for example in examples)
    for file in page.glob("*.js"):
        for name in re.findall(r'from "(.+)"', file.read_text(encoding="utf-8")):
            assert (page / name).exists(), name
    for name in re.findall(r'(?:src|href)="([\w./-]+)"', (page / "index.html").read_text(encoding="utf-8")):
        assert (page / name).exists(), name


def test_without_npm_a_line_says_what_to_do_and_the_rest_is_built(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(build_site, "PROJECT", tmp_path)
    monkeypatch.setattr(build_site, "BUILD", tmp_path / "build")
    monkeypatch.setattr(build_site, "build_pages", lambda folder: folder.mkdir(parents=True))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert build_site.main() == 1
    told = capsys.readouterr()
    assert told.out.startswith("build/site: 0.0 MB") and told.err == (
        "npm is missing: install Node.js, which brings it, from https://nodejs.org, and try again\n"
    )
    assert [file.name for file in (tmp_path / "build").iterdir()] == ["site"]


def test_a_lesson_of_the_site_says_what_its_pictures_show_and_where_its_sliders_are():
    slider = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "interactive(children=..."}
    cells = [
        new_markdown_cell("A first paragraph.\n\nThe **ink** of `2g7nm`,\nunder water:"),
        new_code_cell("show()", outputs=[new_output("display_data", {"image/png": "iVBO", "text/plain": "<Figure>"})]),
        new_code_cell("slide()", outputs=[new_output("display_data", slider)]),
    ]
    lesson = build_site.read_lesson(
        nbformat.writes(new_notebook(cells=cells, metadata={"language_info": {"name": "python"}}))
    )
    _, picture, sliders = lesson.cells
    assert picture.metadata["mystnb"] == {"image": {"alt": "Figure. The ink of 2g7nm, under water:"}}
    assert picture.outputs[0].data["image/png"] == "iVBO"
    (shown,) = sliders.outputs[0].data.items()
    assert shown[0] == "text/plain" and "In the notebook" in shown[1]


def test_npm_that_fails_or_brings_something_else_is_named(tmp_path, monkeypatch):
    def bring(command, **_):
        with tarfile.open(command[-1] / f"{build_site.RUNTIME}.tgz", "w"):
            pass
        return build_site.subprocess.CompletedProcess(command, 0)

    def fail(command, **_):
        return build_site.subprocess.CompletedProcess(command, 1, stderr="\nnpm error network\nnpm error more\n")

    monkeypatch.setattr(build_site, "BUILD", tmp_path)
    monkeypatch.setattr(build_site.shutil, "which", lambda name: name)
    monkeypatch.setattr(build_site.subprocess, "run", bring)
    with pytest.raises(RuntimeError, match="npm brought another onnxruntime-web-1.30.0 than was tested"):
        build_site.fetch_runtime()
    monkeypatch.setattr(build_site.subprocess, "run", fail)
    with pytest.raises(RuntimeError, match=r"npm did not bring onnxruntime-web-1.30.0 \(npm error network\): look at"):
        build_site.fetch_runtime()
    assert not list(tmp_path.iterdir())


def test_a_missing_reader_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="none.onnx is missing: expected a reader file"):
        build_site.build_reader_page(tmp_path / "page", tmp_path / "none.onnx")


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: file.name)
def test_the_page_names_no_other_place(file):
    addresses = set(re.findall(r"https?://[^\s\"'`)]+", file.read_text(encoding="utf-8")))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # a name, not an address


def test_the_page_names_the_runtime_it_is_built_with():
    text = (build_site.PAGE / "index.html").read_text(encoding="utf-8")
    assert f"ONNX Runtime Web {build_site.RUNTIME.rsplit('-', 1)[1]}," in text
