"""Open image files, and make arrays of them (lessons 1 and 3)."""

import warnings

import numpy as np
from PIL import Image, ImageOps

from captcha_lib.family import COURSE, HEIGHT, WIDTH
from captcha_lib.files import named_errors

CROP = slice(25, 150)  # the columns where the course's letters stand: lesson 3


def open_image(file, family=COURSE):
    """Return a captcha file as a Pillow image of 200 x 50 pixels, as a viewer shows it, in the 8-bit channels it has.

    It is turned upright as its EXIF data say; one with transparent pixels is laid on white and becomes RGBA. Of an
    animation it is the first picture. For a family that is resized, an image of any size is made to fit: its
    proportions stay, and what is left over is filled with white. Raises FileNotFoundError, or ValueError for a folder,
    a file that is no image or cut short, an image of another size, or a grey one of more than 8 bits (Pillow rounds
    those in colour).
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


def crop_image(pixels):
    """Return columns 25..149 of pixels (50, 200), where the letters stand, stretched over the whole width: float32.

    Taught in lesson 3.
    """
    cropped = Image.fromarray(np.ascontiguousarray(pixels[:, CROP]))
    return np.asarray(cropped.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR))


def encode_image(path, crop=False, family=COURSE):
    """Return one image as float32, shape (200, 50, 1), 0 black .. 1 white; axis 0 is time, the image's width.

    `crop=True` does what `crop_image` does, which goes with the course's images alone.
    Raises FileNotFoundError or ValueError for what `open_image` cannot read. Taught in lesson 3.
    """
    pixels = np.asarray(open_image(path, family).convert("L"), dtype="float32") / 255
    if crop:
        pixels = crop_image(pixels)
    return pixels.T[:, :, np.newaxis]
