"""Put the site into build/site: the page that reads images in a browser (`make site`)."""

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import onnxruntime

from captcha_lib.files import list_images, read_labels
from captcha_lib.generator import write_samples
from captcha_lib.workspace import written_beside

PROJECT = Path(__file__).resolve().parent.parent
BUILD = PROJECT / "build"
PAGE = PROJECT / "docs/reader"
READER = PROJECT / "captcha_lib/reader.onnx"
RUNTIME = "onnxruntime-web-1.30.0"
RUNTIME_DIGEST = "d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71"
# The entry that knows WebAssembly alone; the package is ten times as large.
RUNTIME_FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
LICENCE_FILES = ("LICENSE", "ThirdPartyNotices.txt")  # the package for browsers lacks them, the one for Python has them


def fetch_runtime():
    """Return a folder with the files of ONNX Runtime that a browser needs, taken from npm once.

    Raises RuntimeError where npm is missing or fails, or brings other files than this page was tested with.
    """
    folder = BUILD / RUNTIME
    if folder.exists():
        return folder
    npm = shutil.which("npm")
    if not npm:
        raise RuntimeError("npm is missing: install Node.js, which brings it, from https://nodejs.org, and try again")
    with written_beside(folder) as unfinished:
        unfinished.mkdir(parents=True)
        package = unfinished.parent / f"{RUNTIME}.tgz"
        command = [npm, "pack", RUNTIME.replace("web-", "web@"), "--pack-destination", package.parent]
        told = subprocess.run(command, capture_output=True, text=True)
        if told.returncode:
            lines = [line for line in told.stderr.splitlines() if line.strip()]
            reason = lines[0] if lines else f"exit status {told.returncode}"
            raise RuntimeError(f"npm did not bring {RUNTIME} ({reason}): look at the network, and try again")
        if hashlib.sha256(package.read_bytes()).hexdigest() != RUNTIME_DIGEST:
            raise RuntimeError(f"npm brought another {RUNTIME} than was tested: expected SHA-256 {RUNTIME_DIGEST}")
        with tarfile.open(package) as packed:
            for name in RUNTIME_FILES:
                (unfinished / name).write_bytes(packed.extractfile(f"package/dist/{name}").read())
    return folder


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


def main():
    """Build the site; return the exit status."""
    site = BUILD / "site"
    try:
        build_reader_page(site / "reader", READER)
    except (OSError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    size = sum(file.stat().st_size for file in site.rglob("*") if file.is_file())
    place = site.relative_to(PROJECT)
    print(f"{place}: {size / 1e6:.1f} MB")
    print(f"To look at it: python -m http.server -d {place}, then http://localhost:8000/reader/")
    return 0


if __name__ == "__main__":
    sys.exit(main())
