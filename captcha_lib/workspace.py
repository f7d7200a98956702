"""Where outputs and trained models are kept, whole or not at all (all lessons)."""

import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import sys
import time
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from captcha_lib.files import LABELS, digest, list_images

NO_ROOM = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", None)}


def say(text):
    """Print a line; what the console cannot show, such as a letter in a file's name, is escaped."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding))


say_once = cache(say)


def cache_folder():
    """Return the user's cache folder of this project as a Path; it need not exist yet."""
    from platformdirs import user_cache_path  # here, because reading an image needs no cache

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
    raise PermissionError(f"{folder} cannot be written to: name a folder that you may write to in CAPTCHA_OUTPUT")


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


def model_file(name, samples_folder):
    """Return where the weights of a model trained on this folder's images are kept.

    The digest of the images, and of their labels.csv, is part of the path: a model is never taken for one that was
    trained on others.
    """
    files, table = list_images(samples_folder), Path(samples_folder, LABELS)
    return output_folder("models") / digest(files + [table] * table.exists())[:8] / f"{name}.weights.h5"


def describe_shape(model):
    """Return eight hexadecimal digits that two models share if, names aside, their layers are set and joined alike."""
    text = json.dumps(model.get_config(), default=str)
    for number, layer in enumerate(model.layers):
        text = re.sub(f'"{re.escape(layer.name)}"(?!:)', str(number), text)  # a setting may have a layer's name
    text = re.sub(r'("name": "\w+?)_\d+(?=")', r"\1", text)  # of the model, and of layers inside layers
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def save_model(model, seconds, file):
    """Write a Keras model's weights to `file`, with its shape and how many seconds its training took.

    Raises ValueError for a name that does not end in `.weights.h5`, and what `written_beside` raises.
    """
    import h5py  # here, because reading an image needs no weights file

    if not str(file).endswith(".weights.h5"):
        raise ValueError(f"{file} is no name for weights: expected one that ends in .weights.h5")
    with written_beside(file) as unfinished:
        # A disk that is full must say so here: HDF5 would crash the process.
        unfinished.write_bytes(bytes(8 * model.count_params() + 200_000))
        model.save_weights(unfinished)
        with h5py.File(unfinished, "a") as kept:
            kept.attrs.update(shape=describe_shape(model), training_seconds=round(seconds, 1))


def _load_model(model, file):
    """Give a model the weights that a file keeps for its shape; return the seconds of their training, else None."""
    import h5py

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
