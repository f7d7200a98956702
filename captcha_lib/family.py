"""What the images of a set have in common, and their texts as numbers (lessons 3 and 9)."""

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image

from captcha_lib.files import list_images, named_errors, read_labels
from captcha_lib.workspace import say

LEAST_HEIGHT = 15  # the recipe's strides and its pooling make one row of 15 or 16 pixels
LEAST_IMAGES = 20


@dataclass(frozen=True)
class Family:
    """What the images of a set have in common: which characters, how many of them, and a size in pixels.

    The number of a character is its place in `alphabet`. A text has `shortest` to `longest` of them. With `resized`,
    images of other sizes are made to fit. Raises ValueError for what no set of images can have in common, or where
    the images are too small to be read.
    """

    alphabet: str
    shortest: int
    longest: int
    width: int
    height: int
    resized: bool = False

    def __post_init__(self):
        twice = [character for character, count in Counter(self.alphabet).items() if count > 1]
        if twice or len(self.alphabet) < 2:
            found = f"holds {twice[0]!r} twice" if twice else f"is {self.alphabet!r}"
            raise ValueError(f"the alphabet {found}: expected two characters or more, each once")
        if not 1 <= self.shortest <= self.longest:
            raise ValueError(f"texts of {self.shortest} to {self.longest} characters: expected 1 or more")
        if self.height < LEAST_HEIGHT:
            raise ValueError(
                f"images {self.width} x {self.height} pixels are too low to be read: expected a height of "
                f"{LEAST_HEIGHT} or more, for example by resize=({4 * self.width}, {4 * self.height})"
            )
        if self.columns < self.longest:
            raise ValueError(_describe_lack(f"a text of {self.longest} characters", self.longest, self))

    @property
    def columns(self):
        """How many columns the recipe reads in an image of this width: one for every 4 pixels."""
        return (self.width + 1) // 4

    @classmethod
    def of(cls, folder, resize=None):
        """Return the family of the labelled images in a folder, and say in a line what it is.

        The alphabet is in the order of Unicode's numbers. With `resize`, a width and a height in pixels, images of any
        sizes will do: each is made to fit. Raises FileNotFoundError for a folder without images, ValueError for a label
        or an image that `read_labels` or Pillow cannot read, for fewer than 20 images, for one text only, for images of
        several sizes without `resize`, and where a text needs more columns than the images have. Taught in lesson 9.
        """
        from tqdm import tqdm  # here, because a reader knows its family

        folder = Path(folder)
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder} is no folder: expected one with images and their labels")
        files = list_images(folder)
        if len(files) < LEAST_IMAGES:
            inside = next((place.name for place in sorted(folder.iterdir()) if place.is_dir()), None)
            mend = f"; folders in it, such as {inside}, are not looked into" if inside else ""
            raise (ValueError if files else FileNotFoundError)(
                f"{folder} holds {len(files)} images: expected {LEAST_IMAGES} or more to learn from, better some "
                f"hundreds, all directly in it{mend}"
            )
        texts = read_labels(files)
        if len(set(texts)) == 1:
            raise ValueError(f"all images in {folder} show {texts[0]!r}: expected more than one text to learn from")
        empty = [file for file, text in zip(files, texts) if not text]
        if empty:
            raise ValueError(f"{empty[0]} has an empty label: expected one character or more")
        bar = tqdm(files, "measuring images", leave=False, delay=2)  # for thousands of them
        sizes = Counter(map(_measure, bar))
        if len(sizes) > 1 and not resize:
            (width, height), (other, another) = [size for size, _ in sizes.most_common(2)]
            raise ValueError(
                f"{folder} holds images of {len(sizes)} sizes, such as {width} x {height} and {other} x {another} "
                f"pixels: expected one size, or resize=({width}, {height}) to make all fit"
            )
        lengths = list(map(len, texts))
        alphabet = "".join(sorted(set("".join(texts))))
        family = cls(alphabet, min(lengths), max(lengths), *(resize or sizes.popitem()[0]), resized=bool(resize))
        for text in texts:
            check_label(text, family)
        say(f"{folder}: {len(files):,} images of {family}")
        return family

    def __str__(self):
        lengths = f"{self.shortest}" if self.shortest == self.longest else f"{self.shortest} to {self.longest}"
        fit = ", made to fit" if self.resized else ""
        return (
            f"{self.width} x {self.height} pixels{fit}, with {lengths} out of {len(self.alphabet)} characters: "
            f"{self.alphabet}"
        )


def _measure(file):
    """Return the width and the height of an image file as a viewer shows it, without reading its pixels."""
    with named_errors(file), Image.open(file) as image:
        turned = image.getexif().get(ExifTags.Base.Orientation, 1) > 4
        return image.size[::-1] if turned else image.size


def _describe_lack(text, needed, family):
    wide = 4 * needed
    return (
        f"{text} needs {needed} columns, and images {family.width} pixels wide have {family.columns}: expected images "
        f"{wide} pixels wide or wider, for example by resize=({wide}, {round(wide * family.height / family.width)})"
    )


COURSE = Family("2345678bcdefgmnpwxy", shortest=5, longest=5, width=200, height=50)
ALPHABET, LABEL_LENGTH = COURSE.alphabet, COURSE.longest
WIDTH, HEIGHT = COURSE.width, COURSE.height
# CTC's class between letters: the last one. TensorFlow and Keras default to different ones, so each call names it.
BLANK = len(ALPHABET)


def check_label(text, family=COURSE):
    """Return `text` if it is a label: five characters of `ALPHABET`, or those of another family.

    Raises ValueError for another length, a character that the family does not have, or one text too long for the
    family's images: CTC needs a column for each character, and one for the blank between two equal ones.
    """
    if not isinstance(text, str):
        raise ValueError(f"label {text!r} is not a text: expected one such as '2g7nm'")
    shortest, longest = family.shortest, family.longest
    if not shortest <= len(text) <= longest:
        expected = longest if shortest == longest else f"{shortest} to {longest}"
        raise ValueError(f"label {text!r} has {len(text)} characters: expected {expected}")
    for character in text:
        if character not in family.alphabet:
            raise ValueError(f"label {text!r} holds {character!r}: expected characters of '{family.alphabet}'")
    needed = len(text) + sum(first == second for first, second in pairwise(text))
    if needed > family.columns:
        raise ValueError(_describe_lack(f"label {text!r}", needed, family))
    return text


def check_numbers(labels, least=-1, blank=BLANK):
    """Return labels (n, length) as int32 if they hold character numbers below `blank`, or -1 behind a shorter text.

    With `least=0` this padding is refused as well. Raises ValueError for anything else, for padding before a letter,
    and for a label without letters.
    """
    labels = np.asarray(labels)
    if labels.ndim != 2 or labels.dtype.kind not in "iuf":
        raise ValueError(f"labels are {labels.dtype} of shape {labels.shape}: expected numbers, a row for each text")
    wrong = labels[~((labels >= least) & (labels < blank) & (labels % 1 == 0))]
    if wrong.size:
        padding = ", or -1 as padding behind a shorter text" if least < 0 else ""
        raise ValueError(f"labels hold {wrong[0]:g}: expected numbers 0 to {blank - 1}{padding}")
    padded = labels < 0
    if padded[:, :1].any() or (padded[:, :-1] & ~padded[:, 1:]).any():
        raise ValueError("a label holds -1 before or instead of its letters: expected it behind them")
    return labels.astype("int32")


def encode_label(text, family=COURSE):
    """Return the place of each character of `text` in the alphabet: int64, shape (length,), values 0..18.

    Raises what `check_label` raises. Taught in lesson 3.
    """
    return np.array([family.alphabet.index(character) for character in check_label(text, family)])


def encode_labels(texts, family=COURSE):
    """Return many texts as numbers: int64 (n, longest), -1 behind a shorter text.

    Raises what `check_label` raises. Used in lesson 3.
    """
    numbers = np.full((len(texts), family.longest), -1)
    for row, text in zip(numbers, texts):
        row[: len(text)] = encode_label(text, family)
    return numbers


def decode_label(indices, alphabet=ALPHABET):
    """Return the text of a sequence of character numbers, each 0..18; any length.

    Raises ValueError for a number outside the alphabet. Taught in lesson 3.
    """
    for index in indices:
        if not 0 <= index < len(alphabet):
            raise ValueError(f"no character has the number {index}: expected 0 to {len(alphabet) - 1}")
    return "".join(alphabet[index] for index in indices)
