"""Find the captcha images, read them, and tabulate their labels (lessons 1 and 2)."""

import hashlib
import os
import sys
import warnings
from pathlib import Path

import pandas as pd
from PIL import Image, ImageOps, UnidentifiedImageError

from captcha_lib.alphabet import ALPHABET, LABEL_LENGTH, check_label
from captcha_lib.fonts import HEIGHT, WIDTH
from captcha_lib.generator import drawing_version, write_samples
from captcha_lib.workspace import (
    cache_folder,
    copy_images,
    digest,
    find_images,
    is_captcha,
    list_images,
    say,
)

KAGGLE_INPUT = Path("/kaggle/input")
DRIVE = Path("/content/drive/MyDrive")
KAGGLE_OWNER, KAGGLE_SET = "fournierp", "captcha-version-2-images"
REAL_SET_DIGEST = "0e8c79ec8715aa1a6596596de675a7f7bea2adb354f4bb84afd8583eb6b332da"


def locate_samples(path=None):
    """Return the folder of images to use, and print in one line which source it is and how many it holds.

    Tried in this order: `path` (a folder or a zip); $CAPTCHA_DATA (the same, or the word `embedded`); Kaggle's
    input folder; a mounted Drive, copied into the cache once; an earlier download; the embedded look-alike set, drawn
    once into the cache. From Kaggle on, a place that cannot be used is named in a line and passed over.
    Raises FileNotFoundError, PermissionError or ValueError where `path` or $CAPTCHA_DATA names no captcha images,
    OSError where the embedded set cannot be written.
    """
    wanted = path or os.environ.get("CAPTCHA_DATA")
    if wanted and str(wanted) != "embedded":
        source = "the path given" if path else "the path in CAPTCHA_DATA"
        folder = find_images(Path(os.path.expanduser(wanted)))
    else:
        source, folder = _search_usual_places() if not wanted else (None, None)
        if folder is None:
            source, folder = "the embedded look-alike set", _draw_embedded_set()
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


def embedded_folder():
    """Return where the look-alike set of this version of the generator is kept; it need not exist yet."""
    return cache_folder() / f"embedded-{drawing_version()}"


def is_embedded(folder):
    """Return whether a folder is the look-alike set that `locate_samples` draws, whatever the folder is called."""
    return embedded_folder().exists() and embedded_folder().samefile(folder)


def _draw_embedded_set():
    folder = embedded_folder()
    try:
        return folder if folder.exists() else write_samples(folder)
    except FileExistsError:
        return folder  # another run has drawn it in the meantime
    except OSError as error:
        raise type(error)(
            f"the look-alike set has no place: {error}, or name a folder of images in CAPTCHA_DATA"
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
            "CAPTCHA_DATA, or go on with the embedded look-alike set"
        ) from error
    files = list_images(find_images(fetched))
    if digest(files) != REAL_SET_DIGEST:
        raise ValueError(
            f"{fetched} is not the published data set of 1,070 images: remove that folder and try again"
        )
    return copy_images(folder.name, {file.name: file.read_bytes for file in files})


def list_paths(paths):
    """Return paths, such as a list or what `glob` gives, as a list; one path alone makes a list of one."""
    return [paths] if isinstance(paths, (str, bytes, os.PathLike)) else list(paths)


def read_image(file):
    """Return a captcha file as a Pillow image of 200 x 50 pixels as a viewer shows it, its channels of 8 bits as stored.

    It is turned upright as its EXIF data say; one with transparent pixels is laid on white and becomes RGBA. Of an
    animation it is the first picture. Raises FileNotFoundError, or ValueError for a folder, a file that is no
    image or cut short, an image of another size or with more than 8 bits a channel.
    """
    try:
        with warnings.catch_warnings():
            # Pillow warns of huge images, and of EXIF data that are cut short. Here every size but one is an error,
            # found before a pixel is read, and such data say nothing.
            warnings.simplefilter("ignore")
            with Image.open(file) as image:
                if sorted(image.size) == sorted((WIDTH, HEIGHT)):
                    ImageOps.exif_transpose(image, in_place=True)
                if image.size != (WIDTH, HEIGHT):
                    found = f"{image.width} x {image.height}"
                    raise ValueError(
                        f"{file} is {found} pixels: expected {WIDTH} x {HEIGHT}, resize it first"
                    )
                if image.mode.startswith(("I", "F")):
                    raise ValueError(
                        f"{file} has more than 8 bits a channel: expected 8, convert it first"
                    )
                image.load()
                if image.has_transparency_data:
                    layer = image.convert("RGBA")
                    if layer.getchannel("A").getextrema()[0] < 255:
                        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), layer)
                return image
    except FileNotFoundError:
        raise FileNotFoundError(f"{file} does not exist: expected a PNG or JPEG file") from None
    except UnidentifiedImageError:
        raise ValueError(f"{file} is no image: expected a PNG or JPEG file") from None
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        kind = "is a folder" if os.path.isdir(file) else f"cannot be read ({error})"
        raise ValueError(f"{file} {kind}: expected a complete PNG or JPEG file") from None


def read_samples(folder):
    """Return a table of all images in `folder`, one row a file in the order of their names.

    Columns: `file_name, extension, label, label_size, c1 .. c5`. The folder is kept in `samples.attrs["folder"]`.
    Raises ValueError for a label that is not five characters of the alphabet, or two files with one label;
    FileNotFoundError for a folder without images. Taught in lesson 2.
    """
    files = list_images(folder)
    if not files:
        raise FileNotFoundError(f"{folder} holds no images: expected files such as 2g7nm.png in it")
    samples = pd.DataFrame({"file_name": [file.name for file in files]})
    samples["extension"] = [file.suffix[1:].lower() for file in files]
    samples["label"] = [check_label(file.stem) for file in files]
    samples["label_size"] = samples["label"].str.len()
    for position in range(LABEL_LENGTH):
        samples[f"c{position + 1}"] = samples["label"].str[position]
    twins = samples.loc[samples["label"].duplicated(keep=False), "file_name"]
    if len(twins):
        raise ValueError(
            f"{twins.iloc[0]} and {twins.iloc[1]} carry one label: expected one file a label"
        )
    samples.attrs["folder"] = str(folder)
    return samples


def count_characters(samples):
    """Return how often each of the 19 characters stands in the labels: columns `character, count`.

    A character that no label shows is counted 0. Taught in lesson 2.
    """
    characters = samples[[f"c{position + 1}" for position in range(LABEL_LENGTH)]].melt()["value"]
    counts = characters.value_counts().reindex(list(ALPHABET), fill_value=0)
    return counts.rename_axis("character").reset_index(name="count")
