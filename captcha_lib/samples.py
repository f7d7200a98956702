"""Open image files, and tabulate their labels (lessons 1 and 2)."""

import warnings

import pandas as pd
from PIL import Image, ImageOps

from captcha_lib.family import ALPHABET, COURSE, LABEL_LENGTH, check_label
from captcha_lib.files import list_images, named_errors, read_labels


def open_image(file, family=COURSE):
    """Return a captcha file as a Pillow image of 200 x 50 pixels, as a viewer shows it, in the 8-bit channels it has.

    It is turned upright as its EXIF data say; one with transparent pixels is laid on white and becomes RGBA. Of an
    animation it is the first picture. For a family that is resized, an image of any size is made to fit: its
    proportions stay, and what is left over is filled with white. Raises FileNotFoundError, or ValueError for a folder,
    a file that is no image or cut short, an image of another size or with more than 8 bits a channel.
    """
    size = (family.width, family.height)
    with named_errors(file), warnings.catch_warnings():
        # Pillow warns of huge images, and of EXIF data that are cut short. Here every size but one is an error,
        # found before a pixel is read, and such data say nothing.
        warnings.simplefilter("ignore")
        with Image.open(file) as image:
            if family.resized or sorted(image.size) == sorted(size):
                ImageOps.exif_transpose(image, in_place=True)
            if image.size != size and not family.resized:
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
                    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), layer)
            if image.size != size:
                if image.mode not in ("L", "RGBA"):
                    image = image.convert("RGB")  # a palette's numbers have no mean
                image = ImageOps.pad(image, size, Image.Resampling.BILINEAR, color="white")
            return image


def read_samples(folder, family=COURSE):
    """Return a table of all images in `folder`, one row a file in the order of their names.

    Columns: `file_name, extension, label, label_size, c1 .. c5`. The folder is kept in `samples.attrs["folder"]`.
    Raises ValueError for a label that is not five characters of the alphabet, FileNotFoundError for a folder without
    images, and what `read_labels` raises. Taught in lesson 2.
    """
    files = list_images(folder)
    if not files:
        raise FileNotFoundError(f"{folder} holds no images: expected files such as 2g7nm.png in it")
    samples = pd.DataFrame({"file_name": [file.name for file in files]})
    samples["extension"] = [file.suffix[1:].lower() for file in files]
    samples["label"] = [check_label(text, family) for text in read_labels(files)]
    samples["label_size"] = samples["label"].str.len()
    for position in range(family.longest):
        samples[f"c{position + 1}"] = samples["label"].str[position]
    samples.attrs["folder"] = str(folder)
    return samples


def count_characters(samples):
    """Return how often each of the 19 characters stands in the labels: columns `character, count`.

    A character that no label shows is counted 0. Taught in lesson 2.
    """
    characters = samples[[f"c{position + 1}" for position in range(LABEL_LENGTH)]].melt()["value"]
    counts = characters.value_counts().reindex(list(ALPHABET), fill_value=0)
    return counts.rename_axis("character").reset_index(name="count")
