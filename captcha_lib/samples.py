"""Find image files in a folder, open them, and tabulate their labels (lessons 1 and 2)."""

import hashlib
import os
import re
import warnings
from pathlib import Path

import pandas as pd
from PIL import Image, ImageOps, UnidentifiedImageError

from captcha_lib.family import ALPHABET, COURSE, LABEL_LENGTH, check_label

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg"}


def list_images(folder):
    """Return the image files that lie directly in `folder`, as Paths in the order of their names."""
    files = (file for file in Path(folder).iterdir() if file.suffix.lower() in IMAGE_SUFFIXES)
    shown = (file for file in files if not file.name.startswith(".") and file.is_file())
    return sorted(shown, key=lambda file: file.name)


def is_captcha(file):
    """Return whether a path's name is that of a captcha image: its text and an image suffix, such as 2g7nm.png."""
    label = re.fullmatch(f"[{ALPHABET}]{{{LABEL_LENGTH}}}", file.stem)
    return bool(label) and file.suffix.lower() in IMAGE_SUFFIXES


def digest(files):
    """Return the SHA-256, as 64 hexadecimal digits, over the names and contents of files in byte order of names."""
    total = hashlib.sha256()
    for file in sorted(files, key=lambda file: os.fsencode(file.name)):
        total.update(os.fsencode(file.name) + hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def list_paths(paths):
    """Return paths, such as a list or what `glob` gives, as a list; one path alone makes a list of one."""
    return [paths] if isinstance(paths, (str, bytes, os.PathLike)) else list(paths)


def open_image(file, family=COURSE):
    """Return a captcha file as a Pillow image of 200 x 50 pixels, as a viewer shows it, in the 8-bit channels it has.

    It is turned upright as its EXIF data say; one with transparent pixels is laid on white and becomes RGBA. Of an
    animation it is the first picture. Raises FileNotFoundError, or ValueError for a folder, a file that is no
    image or cut short, an image of another size or with more than 8 bits a channel.
    """
    size = (family.width, family.height)
    try:
        with warnings.catch_warnings():
            # Pillow warns of huge images, and of EXIF data that are cut short. Here every size but one is an error,
            # found before a pixel is read, and such data say nothing.
            warnings.simplefilter("ignore")
            with Image.open(file) as image:
                if sorted(image.size) == sorted(size):
                    ImageOps.exif_transpose(image, in_place=True)
                if image.size != size:
                    found = f"{image.width} x {image.height}"
                    raise ValueError(
                        f"{file} is {found} pixels: expected {family.width} x {family.height}, resize it first"
                    )
                if image.mode.startswith(("I", "F")):
                    raise ValueError(f"{file} has more than 8 bits a channel: expected 8, convert it first")
                image.load()
                if image.has_transparency_data:
                    layer = image.convert("RGBA")
                    if layer.getchannel("A").getextrema()[0] < 255:
                        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), layer)
                return image
    except FileNotFoundError:
        raise FileNotFoundError(f"{file} does not exist: expected a PNG or JPEG file") from None
    except UnidentifiedImageError:
        raise ValueError(f"{file} is not an image: expected a PNG or JPEG file") from None
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        kind = "is a folder" if os.path.isdir(file) else f"cannot be read ({error})"
        raise ValueError(f"{file} {kind}: expected a complete PNG or JPEG file") from None


def read_samples(folder, family=COURSE):
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
    samples["label"] = [check_label(file.stem, family) for file in files]
    samples["label_size"] = samples["label"].str.len()
    for position in range(family.longest):
        samples[f"c{position + 1}"] = samples["label"].str[position]
    twins = samples.loc[samples["label"].duplicated(keep=False), "file_name"]
    if len(twins):
        raise ValueError(f"{twins.iloc[0]} and {twins.iloc[1]} carry one label: expected one file a label")
    samples.attrs["folder"] = str(folder)
    return samples


def count_characters(samples):
    """Return how often each of the 19 characters stands in the labels: columns `character, count`.

    A character that no label shows is counted 0. Taught in lesson 2.
    """
    characters = samples[[f"c{position + 1}" for position in range(LABEL_LENGTH)]].melt()["value"]
    counts = characters.value_counts().reindex(list(ALPHABET), fill_value=0)
    return counts.rename_axis("character").reset_index(name="count")
