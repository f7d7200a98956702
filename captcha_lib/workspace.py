"""Where things stand: images, caches, outputs, trained models (all lessons)."""

import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import sys
import time
import zipfile
import zlib
from contextlib import contextmanager, suppress
from functools import cache, partial
from lzma import LZMAError
from pathlib import Path, PurePosixPath

import h5py
from platformdirs import user_cache_path
from tqdm import tqdm

from captcha_lib.alphabet import ALPHABET, LABEL_LENGTH

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg"}
NO_ROOM = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", None)}


def say(text):
    """Print a line; what the console cannot show, such as a letter in a file's name, is escaped."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding))


say_once = cache(say)


def cache_folder():
    """Return the user's cache folder of this project as a Path; it need not exist yet."""
    return user_cache_path("captcha_lib", appauthor=False)


def output_folder(kind):
    """Return the folder for outputs of one kind ('figures', 'models'), made if missing.

    It lies in $CAPTCHA_OUTPUT, else in `build` beside the nearest pyproject.toml, else in `build` here; where that
    may not be written to, in the cache, which is said in a line. Raises PermissionError where $CAPTCHA_OUTPUT, or the
    cache, may not be written to.
    """
    wanted, kept = os.environ.get("CAPTCHA_OUTPUT"), cache_folder() / "outputs"
    root = Path(os.path.expanduser(wanted)) if wanted else _find_project() / "build"
    for place in (root,) if wanted else (root, kept):
        folder = place / kind
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            if os.access(folder, os.W_OK):
                if place == kept:
                    say_once(f"{root} cannot be written to: outputs go to {kept}")
                return folder
    raise PermissionError(
        f"{folder} cannot be written to: name a folder that you may write to in CAPTCHA_OUTPUT"
    )


def _find_project():
    here = Path.cwd()
    projects = (place for place in (here, *here.parents) if (place / "pyproject.toml").is_file())
    return next(projects, here)


@contextmanager
def written_beside(target):
    """Yield a path beside `target`, for a file or a folder, that takes its name once the block ends without an error.

    A file at `target` is replaced; a folder that another run has filled there in the meantime stays, and this one is
    dropped. Raises PermissionError where nothing can be made there, OSError where the block raises one.
    """
    target = Path(target)
    place = target.with_name(f".{secrets.token_hex(4)}-{target.name}")
    try:
        place.mkdir(parents=True)
    except OSError as error:
        raise PermissionError(
            f"{target} cannot be made ({error.strerror}): expected a place that you may write to"
        ) from None
    unfinished = place / target.name
    try:
        yield unfinished
        try:
            unfinished.replace(target)
        except OSError:
            if not (unfinished.is_dir() and target.is_dir()):
                raise
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error).splitlines()[0]
        if error.filename and place not in Path(error.filename).parents:
            reason += f": {error.filename}"
        mend = "make room there, and try" if error.errno in NO_ROOM else "try"
        raise OSError(f"{target} cannot be finished ({reason}): {mend} again") from None
    finally:
        shutil.rmtree(place, ignore_errors=True)


def list_images(folder):
    """Return the image files that lie directly in `folder`, as Paths in the order of their names."""
    files = (file for file in Path(folder).iterdir() if file.suffix.lower() in IMAGE_SUFFIXES)
    shown = (file for file in files if not file.name.startswith(".") and file.is_file())
    return sorted(shown, key=lambda file: file.name)


def digest(files):
    """Return the SHA-256, as 64 hexadecimal digits, over the names and contents of files in byte order of names."""
    total = hashlib.sha256()
    for file in sorted(files, key=lambda file: os.fsencode(file.name)):
        total.update(os.fsencode(file.name) + hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def is_captcha(file):
    """Return whether a path's name is that of a captcha image: its text and an image suffix, such as 2g7nm.png."""
    label = re.fullmatch(f"[{ALPHABET}]{{{LABEL_LENGTH}}}", file.stem)
    return bool(label) and file.suffix.lower() in IMAGE_SUFFIXES


def find_images(place):
    """Return the folder of captcha images that `place` is or holds, at any depth; a zip is unpacked into the cache.

    Folders of other pictures, and those that may not be opened, are passed over; where no folder is left, a zip
    inside `place` will do, a bad one being named in a line and passed over. Raises FileNotFoundError where there are
    no captcha images, PermissionError where they may lie in a folder that may not be opened, ValueError for a `place`
    that is no zip or one that is cut short.
    """
    if not place.exists():
        raise FileNotFoundError(
            f"{place} does not exist: expected a folder of images, or a zip of one"
        )
    if place.is_file():
        return _unpack_images(place)
    folders, archives, refused = [place], [], None
    # Level by level: the public set holds its images twice, and only the outermost copy is wanted.
    for folder in folders:
        try:
            with os.scandir(folder) as entries:
                inside = {folder / entry.name: entry for entry in entries}
            files = [path for path in inside if inside[path].is_file()]
            if any(map(is_captcha, files)):
                return folder
            folders += sorted(path for path in inside if inside[path].is_dir(follow_symlinks=False))
            archives += sorted(path for path in files if path.suffix.lower() == ".zip")
        except OSError as error:
            refused = refused or f"{folder} cannot be opened ({error.strerror})"
    for archive in archives:
        try:
            return _unpack_images(archive)
        except FileNotFoundError:
            continue  # a zip of something else
        except (OSError, ValueError) as error:
            say(f"Not used: {error}")
    if refused:
        raise PermissionError(f"{refused}: expected captcha images in a folder that you may read")
    raise FileNotFoundError(
        f"{place} holds no captcha images: expected files such as 2g7nm.png in it"
    )


def _unpack_images(archive):
    """Return a folder in the cache with the images of a zip, each name once, whatever its folder in the zip."""
    try:
        with zipfile.ZipFile(archive) as opened:
            # Windows may have written backslashes between folders.
            members = {
                member: PurePosixPath(member.replace("\\", "/")) for member in opened.namelist()
            }
            images = {
                path.name: partial(opened.read, member)
                for member, path in reversed(members.items())
                if path.suffix.lower() in IMAGE_SUFFIXES
                and not path.name.startswith(".")
                and not member.endswith(("/", "\\"))
            }
            if not any(is_captcha(PurePosixPath(name)) for name in images):
                raise FileNotFoundError(
                    f"{archive} holds no captcha images: expected a zip of files such as 2g7nm.png"
                )
            return copy_images(f"unpacked-{digest([archive])[:8]}", images)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise OSError(f"{archive} cannot be unpacked: {error}") from None
    except (RuntimeError, UnicodeError) as error:
        raise ValueError(
            f"{archive} cannot be unpacked ({error}): expected a zip without a password, packed in the usual way"
        ) from None
    except (zipfile.BadZipFile, zlib.error, LZMAError, EOFError) as error:
        with open(archive, "rb") as opened:
            if opened.read(2) != b"PK":
                raise ValueError(
                    f"{archive} is no zip: expected a folder of images, or a zip of one"
                ) from None
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
            unfinished.mkdir()
            for file_name, read in tqdm(images.items(), "copying images", unit="file"):
                (unfinished / file_name).write_bytes(read())
    return folder


def model_file(name, samples_folder):
    """Return where the weights of a model trained on this folder's images are kept.

    The images' digest is part of the path: a model is never taken for one that was trained on other images.
    """
    return output_folder("models") / digest(list_images(samples_folder))[:8] / f"{name}.weights.h5"


def describe_shape(model):
    """Return eight hexadecimal digits that two models share if, names aside, their layers are set and joined alike."""
    text = json.dumps(model.get_config(), default=str)
    for number, layer in enumerate(model.layers):
        text = text.replace(f'"{layer.name}"', str(number))
    text = re.sub(
        r'("name": "\w+?)_\d+(?=")', r"\1", text
    )  # of the model, and of layers inside layers
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def save_model(model, seconds, file):
    """Write a Keras model's weights to `file`, with its shape and how many seconds its training took.

    Raises what `written_beside` raises.
    """
    with written_beside(file) as unfinished:
        # A disk that is full must say so here: HDF5 would crash the process.
        unfinished.write_bytes(bytes(8 * model.count_params() + 200_000))
        model.save_weights(unfinished)
        with h5py.File(unfinished, "a") as kept:
            kept.attrs.update(shape=describe_shape(model), training_seconds=round(seconds, 1))


def _load_model(model, file):
    """Give a model the weights that a file keeps for its very shape; return the seconds of their training, else None."""
    with suppress(OSError, KeyError, ValueError, RuntimeError), h5py.File(file) as kept:
        if kept.attrs["shape"] == describe_shape(model):
            model.load_weights(file)
            return float(kept.attrs["training_seconds"])


def load_or_train(name, samples_folder, build, train):
    """Return the model `name` of this folder's images and how many seconds its training took.

    `build()` makes the model; its weights come from where an earlier lesson saved them, else from `train()`,
    which returns a trained model and its history, and is announced in one line. Where a lesson's file is damaged, or
    holds a model of another shape, it stays as it is: what is trained here has its shape in its name.
    """
    model = build()
    saved = model_file(name, samples_folder)
    own = saved.with_name(f"{name}-{describe_shape(model)}.weights.h5")
    for file in (saved, own):
        seconds = _load_model(model, file)
        if seconds is not None:
            return model, seconds
    other = next((file for file in (saved, own) if file.exists()), None)
    found = f"{other} is damaged or holds another model"
    if other is None:
        found = f"No {name} is saved for these images yet"
    say(f"{found}: training one here takes a few minutes")
    started = time.perf_counter()
    model, _ = train()
    seconds = round(time.perf_counter() - started, 1)
    try:
        save_model(model, seconds, own)
    except OSError as error:
        say(f"Not kept: {error}")
    return model, seconds
