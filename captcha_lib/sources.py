"""Where images come from: a folder, a zip, Kaggle, a Drive, a download, or the synthetic set (all lessons)."""

import hashlib
import os
import re
import sys
import zipfile
import zlib
from functools import partial
from lzma import LZMAError
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from captcha_lib.family import ALPHABET, LABEL_LENGTH
from captcha_lib.files import IMAGE_SUFFIXES, digest, list_images
from captcha_lib.generator import DRAWING_VERSION, write_samples
from captcha_lib.workspace import cache_folder, say, written_beside

KAGGLE_INPUT = Path("/kaggle/input")
DRIVE = Path("/content/drive/MyDrive")
KAGGLE_OWNER, KAGGLE_SET = "fournierp", "captcha-version-2-images"
REAL_SET_DIGEST = "0e8c79ec8715aa1a6596596de675a7f7bea2adb354f4bb84afd8583eb6b332da"


def locate_samples(path=None):
    """Return the folder of images to use, and print in one line which source it is and how many it holds.

    Tried in this order: `path` (a folder or a zip); $CAPTCHA_DATA (the same, or the word `synthetic`); Kaggle's
    input folder; a mounted Drive, copied into the cache once; an earlier download; the synthetic set, drawn
    once into the cache. From Kaggle on, a place that cannot be used is named in a line and passed over.
    Raises FileNotFoundError, PermissionError or ValueError where `path` or $CAPTCHA_DATA names no captcha images,
    OSError where the synthetic set cannot be written.
    """
    wanted = path or os.environ.get("CAPTCHA_DATA")
    if wanted and str(wanted) not in ("synthetic", "embedded"):  # the latter until version 0.1
        source = "the path given" if path else "the path in CAPTCHA_DATA"
        folder = find_images(Path(os.path.expanduser(wanted)))
    else:
        source, folder = _search_usual_places() if not wanted else (None, None)
        if folder is None:
            source, folder = "the synthetic set", _draw_synthetic_set()
    files = list_images(folder)
    png = sum(file.suffix.lower() == ".png" for file in files)
    print(f"Images from {source}: {len(files):,} files, {png:,} PNG and {len(files) - png:,} JPEG")
    return folder


def _search_usual_places():
    places = [
        ("Kaggle's input folder", KAGGLE_INPUT.parent, [KAGGLE_INPUT.name]),
        ("Google Drive", DRIVE, ["DataSet/captcha/samples/samples", f"{KAGGLE_SET}*"]),
        ("an earlier download", cache_folder(), ["downloaded"]),
    ]
    for source, top, patterns in places:
        try:
            for place in [found for pattern in patterns for found in sorted(top.glob(pattern))]:
                folder = _try_place(place)
                if folder:
                    return source, folder
        except OSError as error:  # the mount of a Drive may have died
            say(f"Not used: {error}")
    _print_advice()
    return None, None


def _try_place(place):
    """Return the folder of captcha images in one of the usual places, copied from a Drive, or None if it has none."""
    try:
        folder = find_images(place)
        return _copy_from_drive(folder) if DRIVE in folder.parents else folder
    except FileNotFoundError:
        return None  # Kaggle's input folder may hold other data sets only
    except (OSError, ValueError) as error:
        say(f"Not used: {error}")


def is_captcha(file):
    """Return whether a path's name is that of a captcha image: its text and an image suffix, such as 2g7nm.png."""
    label = re.fullmatch(f"[{ALPHABET}]{{{LABEL_LENGTH}}}", file.stem)
    return bool(label) and file.suffix.lower() in IMAGE_SUFFIXES


def _copy_from_drive(folder):
    """Return a local copy of a folder's captcha images: from Drive each file takes a moment, in every epoch anew."""
    inside = sorted(file for file in folder.iterdir() if file.is_file())
    images = {file.name: file.read_bytes for file in inside if is_captcha(file)}
    others = len(inside) - len(images)
    if others:
        say(f"{others:,} other files in {folder} stay there: no captcha image has such a name")
    names = os.fsencode("\n".join([str(folder), *images]))
    return copy_images(f"drive-{hashlib.sha256(names).hexdigest()[:8]}", images)


def _print_advice():
    # Kaggle before Colab: its machines are made from Colab's.
    if "KAGGLE_KERNEL_RUN_TYPE" in os.environ:
        print(f"For the real images: Add Input, then {KAGGLE_OWNER}/{KAGGLE_SET}")
    elif os.path.exists(DRIVE):  # False for a mount that has died
        print(f"For other images: put {KAGGLE_SET}, a folder or a zip, at the top of your Drive")
    elif "google.colab" in sys.modules:
        print("For images on your Drive: run the cell that mounts it, then this one again")


def synthetic_folder():
    """Return where the synthetic set of this version of the generator is kept; it need not exist yet."""
    return cache_folder() / f"synthetic-{DRAWING_VERSION}"


def _draw_synthetic_set():
    folder = synthetic_folder()
    try:
        return folder if folder.exists() else write_samples(folder)
    except FileExistsError:
        return folder  # another run has drawn it in the meantime
    except OSError as error:
        raise type(error)(
            f"the synthetic set has no place: {error}, or name a folder of images in CAPTCHA_DATA"
        ) from None


def download_samples():
    """Return the folder of the real data set, fetched once from Kaggle into the user's cache and verified.

    Raises ConnectionError where Kaggle cannot be reached, ValueError where what came is not the published set.
    """
    import kagglehub  # here, because it asks for its latest version when imported

    name, folder = f"{KAGGLE_OWNER}/{KAGGLE_SET}", cache_folder() / "downloaded"
    if folder.exists():
        return folder
    try:
        fetched = Path(kagglehub.dataset_download(name))
    except Exception as error:  # kagglehub lets the errors of several network layers through
        raise ConnectionError(
            f"{name} could not be fetched ({type(error).__name__}): unpack it by hand and name its folder in "
            "CAPTCHA_DATA, or go on with the synthetic set"
        ) from error
    files = list_images(find_images(fetched))
    if digest(files) != REAL_SET_DIGEST:
        raise ValueError(f"{fetched} is not the published data set of 1,070 images: remove that folder and try again")
    return copy_images(folder.name, {file.name: file.read_bytes for file in files})


def find_images(place):
    """Return the folder of captcha images that `place` is or holds, at any depth; a zip is unpacked into the cache.

    Folders of other pictures, and those that may not be opened, are passed over; where no folder is left, a zip
    inside `place` will do, a bad one being named in a line and passed over. Raises FileNotFoundError where there are
    no captcha images, PermissionError where they may lie in a folder that may not be opened, ValueError for a `place`
    that is not a zip, or is cut short.
    """
    if not place.exists():
        raise FileNotFoundError(f"{place} does not exist: expected a folder of images, or a zip of one")
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
    raise FileNotFoundError(f"{place} holds no captcha images: expected files such as 2g7nm.png in it")


def _unpack_images(archive):
    """Return a folder in the cache with the images of a zip, each name once, whatever its folder in the zip."""
    try:
        with zipfile.ZipFile(archive) as opened:
            # Windows may have written backslashes between folders.
            members = {member: PurePosixPath(member.replace("\\", "/")) for member in opened.namelist()}
            images = {
                path.name: partial(opened.read, member)
                for member, path in reversed(members.items())
                if path.suffix.lower() in IMAGE_SUFFIXES
                and not path.name.startswith(".")
                and not member.endswith(("/", "\\"))
            }
            if not any(is_captcha(PurePosixPath(name)) for name in images):
                raise FileNotFoundError(f"{archive} holds no captcha images: expected a zip of files such as 2g7nm.png")
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
                raise ValueError(f"{archive} is not a zip: expected a folder of images, or a zip of one") from None
        raise ValueError(f"{archive} is not a complete zip ({error}): upload or fetch it again") from None


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
