"""Put the site into build/site: lessons and pages, an EPUB of them, and the page that reads images (`make site`)."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import nbformat
import onnxruntime

from captcha_lib.files import list_images, read_labels
from captcha_lib.generator import write_samples
from captcha_lib.workspace import written_beside

PROJECT = Path(__file__).resolve().parent.parent
BUILD = PROJECT / "build"
PAGE = PROJECT / "docs/reader"
READER = PROJECT / "captcha_lib/reader.onnx"
RUNTIME = "onnxruntime-web-1.30.0"
# The entry that knows WebAssembly alone; the package is ten times as large.
RUNTIME_FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
SLIDERS = "application/vnd.jupyter.widget-view+json"
LICENCE_FILES = ("LICENSE", "ThirdPartyNotices.txt")  # the package for browsers lacks them, the one for Python has them


def fetch_package(package, digest, files):
    """Return a folder with files out of a package such as "axe-core-4.14.1", taken from npm once.

    Raises RuntimeError where npm is missing or fails, or brings another package than was tested, by its SHA-256.
    """
    folder = BUILD / package
    if folder.exists():
        return folder
    npm = shutil.which("npm")
    if not npm:
        raise RuntimeError("npm is missing: install Node.js, which brings it, from https://nodejs.org, and try again")
    with written_beside(folder) as unfinished:
        unfinished.mkdir(parents=True)
        packed = unfinished.parent / f"{package}.tgz"
        command = [npm, "pack", "@".join(package.rsplit("-", 1)), "--pack-destination", packed.parent]
        told = subprocess.run(command, capture_output=True, text=True)
        if told.returncode:
            lines = [line for line in told.stderr.splitlines() if line.strip()]
            reason = lines[0] if lines else f"exit status {told.returncode}"
            raise RuntimeError(f"npm did not bring {package} ({reason}): look at the network, and try again")
        if hashlib.sha256(packed.read_bytes()).hexdigest() != digest:
            raise RuntimeError(f"npm brought another {package} than was tested: expected SHA-256 {digest}")
        with tarfile.open(packed) as archive:
            for file in files:
                (unfinished / Path(file).name).write_bytes(archive.extractfile(f"package/{file}").read())
    return folder


def fetch_runtime():
    """Return a folder with the files of ONNX Runtime that a browser needs. Raises what `fetch_package` raises."""
    digest = "d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71"
    return fetch_package(RUNTIME, digest, [f"dist/{name}" for name in RUNTIME_FILES])


def build_reader_page(folder, reader):
    """Put the page that reads images into `folder`, with a reader file; what stood there before is replaced.

    Raises FileNotFoundError for a missing reader, and what `fetch_runtime` and `written_beside` raise.
    """
    if not Path(reader).exists():
        raise FileNotFoundError(f"{reader} is missing: expected a reader file, as `make reader` makes it")
    runtime = fetch_runtime()
    with written_beside(folder) as unfinished:
        shutil.copytree(PAGE, unfinished)
        shutil.copytree(runtime, unfinished / "onnxruntime-web")
        for name in LICENCE_FILES:
            shutil.copy(Path(onnxruntime.__file__).with_name(name), unfinished / "onnxruntime-web")
        shutil.copy(reader, unfinished / "reader.onnx")
        drawn = list_images(write_samples(unfinished / "examples", png=40, jpg=8, seed=1))
        examples = [{"file": f"examples/{file.name}", "text": text} for file, text in zip(drawn, read_labels(drawn))]
        (unfinished / "examples.json").write_text(json.dumps(examples, indent=0))
        shutil.rmtree(folder, ignore_errors=True)


def read_lesson(text):
    """Return a lesson as the site shows it: its pictures described in words, its sliders by where they move."""
    lesson = nbformat.reads(text, as_version=4)
    lesson.metadata.language_info.pygments_lexer = "ipython3"  # knows the line with `!`
    said = ""
    for cell in lesson.cells:
        if cell.cell_type == "markdown":
            said = " ".join(re.sub(r"[*`$#]|<[^>]*>", "", cell.source).strip().split("\n\n")[-1].split())
            continue
        cell.metadata["mystnb"] = {"image": {"alt": f"Figure. {said}"}}
        for output in cell.outputs:
            if SLIDERS in output.get("data", {}):
                output.data = {"text/plain": "[In the notebook, sliders here change the picture.]"}
    return lesson


def build_pages(folder):
    """Put the lessons and pages into `folder` as a web site, with an EPUB; what stood there before is replaced.

    Raises RuntimeError where Sphinx has anything to warn of; it says what on standard error.
    """
    from sphinx.cmd.build import build_main

    with written_beside(folder) as unfinished:
        for builder in ("html", "epub"):
            command = ["-q", "-W", "--keep-going", "-E", "-b", builder, "-c", str(PROJECT / "docs")]
            made = unfinished.with_name(builder)
            if build_main([*command, "-d", str(made.with_name("doctrees")), str(PROJECT), str(made)]):
                raise RuntimeError("the lessons and pages became no site: see Sphinx's warnings above")
        made.with_name("html").rename(unfinished)
        shutil.copy(unfinished / "README.html", unfinished / "index.html")
        (epub,) = made.glob("*.epub")
        epub.rename(unfinished / epub.name)
        shutil.rmtree(folder, ignore_errors=True)


def main():
    """Build the site; return the exit status: 1 where a part is missing, which a line then says."""
    site, status = BUILD / "site", 0
    for build, *what in ((build_pages, site), (build_reader_page, site / "reader", READER)):
        try:
            build(*what)
        except (OSError, RuntimeError) as error:
            print(error, file=sys.stderr)
            status = 1
    size = sum(file.stat().st_size for file in site.rglob("*") if file.is_file())
    place = site.relative_to(PROJECT)
    print(f"{place}: {size / 1e6:.1f} MB")
    print(f"To look at it: python -m http.server -d {place}, then http://localhost:8000")
    return status


if __name__ == "__main__":
    sys.exit(main())
