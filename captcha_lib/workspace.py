"""Where things stand: images, caches, outputs, trained models (all lessons)."""

import hashlib
import json
import os
import re
import shutil
import tempfile
import time
import zipfile
import zlib
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path, PurePosixPath

from platformdirs import user_cache_path
from tqdm import tqdm

from captcha_lib.alphabet import ALPHABET, LABEL_LENGTH

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg"}


def cache_folder():
    """Return the user's cache folder of this project as a Path; it need not exist yet."""
    return user_cache_path("captcha_lib", appauthor=False)


def output_folder(kind):
    """Return the folder for outputs of one kind ('figures', 'models'), made if missing.

    It lies in $CAPTCHA_OUTPUT, else in `build` beside the nearest pyproject.toml, else in `build` here.
    """
    here = Path.cwd()
    projects = (place for place in (here, *here.parents) if (place / "pyproject.toml").is_file())
    root = next(projects, here)
    folder = Path(os.environ.get("CAPTCHA_OUTPUT") or root / "build") / kind
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def written_beside(folder):
    """Yield an empty folder beside `folder` that takes its name once the block ends without an error.

    Where another run has filled `folder` in the meantime, that one stays and this one is dropped. Raises
    FileExistsError where `folder` exists already, PermissionError where it cannot be made.
    """
    folder = Path(folder)
    if folder.exists():
        raise FileExistsError(f"{folder} exists already: expected the name of a new folder")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise PermissionError(
            f"{folder} cannot be made ({error.strerror}): expected a place that you may write to"
        ) from None
    try:
        yield unfinished
        unfinished.chmod(0o755)  # mkdtemp shuts out every other user
        try:
            unfinished.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def list_images(folder):
    """Return the image files that lie directly in `folder`, as Paths in the order of their names."""
    files = (file for file in Path(folder).iterdir() if file.suffix.lower() in IMAGE_SUFFIXES)
    shown = (file for file in files if not file.name.startswith("."))
    return sorted(shown, key=lambda file: file.name)


def digest(files):
    """Return the SHA-256, as 64 hexadecimal digits, over the names and contents of files in byte order of names."""
    total = hashlib.sha256()
    for file in sorted(files, key=lambda file: file.name.encode()):
        total.update(file.name.encode() + hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def is_captcha(file):
    """Return whether a path's name is that of a captcha image: its text and an image suffix, such as 2g7nm.png."""
    label = re.fullmatch(f"[{ALPHABET}]{{{LABEL_LENGTH}}}", file.stem)
    return bool(label) and file.suffix.lower() in IMAGE_SUFFIXES


def find_images(place):
    """Return the folder of captcha images that `place` is or holds, at any depth; a zip is unpacked into the cache.

    Folders of other pictures are passed over; where no folder is left, a zip inside `place` will do. Raises
    FileNotFoundError where there are no captcha images, ValueError for a zip that is cut short.
    """
    if not place.exists():
        raise FileNotFoundError(
            f"{place} does not exist: expected a folder of images, or a zip of one"
        )
    if place.is_file():
        return _unpack_images(place)
    folders, archives = [place], []
    # Level by level: the public set holds its images twice, and only the outermost copy is wanted.
    for folder in folders:
        inside = sorted(folder.iterdir())
        if any(map(is_captcha, inside)):
            return folder
        folders += [found for found in inside if found.is_dir() and not found.is_symlink()]
        archives += [found for found in inside if found.suffix.lower() == ".zip"]
    for archive in archives:
        with suppress(FileNotFoundError):
            return _unpack_images(archive)
    raise FileNotFoundError(
        f"{place} holds no captcha images: expected files such as 2g7nm.png in it"
    )


def _unpack_images(archive):
    """Return a folder in the cache with the images of a zip, each name once, whatever its folder in the zip."""
    try:
        with zipfile.ZipFile(archive) as opened:
            images = {
                PurePosixPath(member).name: partial(opened.read, member)
                for member in reversed(opened.namelist())
                if PurePosixPath(member).suffix.lower() in IMAGE_SUFFIXES
                and not PurePosixPath(member).name.startswith(".")
            }
            if not any(is_captcha(PurePosixPath(name)) for name in images):
                raise FileNotFoundError(
                    f"{archive} holds no captcha images: expected a zip of files such as 2g7nm.png"
                )
            return copy_images(f"unpacked-{digest([archive])[:8]}", images)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        raise ValueError(
            f"{archive} is no complete zip ({error}): upload or fetch it again"
        ) from None


def copy_images(name, images):
    """Return the folder `name` in the cache, filled once, with a progress bar; half a copy is never left behind.

    `images` is a dict of file names, each with a function that returns the file's bytes.
    """
    folder = cache_folder() / name
    if not folder.exists():
        with written_beside(folder) as unfinished:
            for file_name, read in tqdm(images.items(), "copying images", unit="file"):
                (unfinished / file_name).write_bytes(read())
    return folder


def model_file(name, samples_folder):
    """Return where the weights of a model trained on this folder's images are kept.

    The images' digest is part of the path: a model is never taken for one that was trained on other images.
    """
    return output_folder("models") / digest(list_images(samples_folder))[:8] / f"{name}.weights.h5"


def save_model(model, seconds, file):
    """Write a Keras model's weights to `file`, and beside it how many seconds its training took."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f"unfinished-{file.name}")
    model.save_weights(unfinished)
    file.with_suffix(".json").write_text(json.dumps({"training_seconds": round(seconds, 1)}))
    unfinished.replace(file)


def load_or_train(name, samples_folder, build, train):
    """Return the model `name` of this folder's images and how many seconds its training took.

    `build()` makes the model; its weights come from where an earlier lesson saved them, else from `train()`,
    which returns a trained model and its history, and is announced in one line.
    """
    file = model_file(name, samples_folder)
    if not file.is_file():
        print(f"No {name} is saved for these images yet: training one here takes a few minutes")
        started = time.perf_counter()
        model, _ = train()
        save_model(model, time.perf_counter() - started, file)
    model = build()
    model.load_weights(file)
    return model, json.loads(file.with_suffix(".json").read_text())["training_seconds"]
