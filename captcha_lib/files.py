"""Find the image files of a folder, and the text that each of them shows (lessons 1, 2 and 9)."""

import csv
import hashlib
import os
import unicodedata
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, UnidentifiedImageError

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg"}
LABELS = "labels.csv"


def list_names(folder):
    """Return the names of the image files that lie directly in `folder`, sorted. A million names take about 80 MB."""
    with os.scandir(folder) as entries:
        shown = (entry for entry in entries if not entry.name.startswith("."))
        images = (entry for entry in shown if Path(entry.name).suffix.lower() in IMAGE_SUFFIXES)
        return sorted(entry.name for entry in images if entry.is_file())


def list_images(folder):
    """Return the image files that lie directly in `folder`, as Paths in the order of their names."""
    return [Path(folder, name) for name in list_names(folder)]


def list_paths(paths):
    """Return paths, such as a list or what `glob` gives, as a list; one path alone makes a list of one."""
    return [paths] if isinstance(paths, (str, bytes, os.PathLike)) else list(paths)


def digest(files):
    """Return the SHA-256, as 64 hexadecimal digits, over the names and contents of files in byte order of names."""
    total = hashlib.sha256()
    for file in sorted(files, key=lambda file: os.fsencode(file.name)):
        total.update(os.fsencode(file.name) + hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


@contextmanager
def named_errors(file):
    """Make one line, with the file's name, of what Pillow says to a file that it cannot read.

    For a `with` block. It raises FileNotFoundError, or ValueError for a folder or a file that is no image or cut short.
    """
    try:
        yield
    except FileNotFoundError:
        raise FileNotFoundError(f"{file} does not exist: expected a PNG or JPEG file") from None
    except UnidentifiedImageError:
        raise ValueError(f"{file} is not an image: expected a PNG or JPEG file") from None
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        kind = "is a folder" if os.path.isdir(file) else f"cannot be read ({error})"
        raise ValueError(f"{file} {kind}: expected a complete PNG or JPEG file") from None


def read_labels(files):
    """Return the text of each of a folder's image files, in their order, in Unicode's composed form (NFC).

    The texts come from a table `labels.csv` beside the files, with the columns `file_name` and `label`; without one
    they are the files' names without their endings. Raises ValueError for a table that cannot be read, names a file
    twice or one that is not there, or lacks one of these files; and for two file names with one text. Used in lesson 2.
    """
    table = files[0].with_name(LABELS) if files else None
    if table and table.exists():
        labels = _read_table(table)
        unknown = labels.keys() - {file.name for file in files}
        if unknown:
            raise ValueError(
                f"{table} names {min(unknown)!r}, which is no image beside it: expected one row for each image"
            )
        for file in files:
            if file.name not in labels:
                raise ValueError(f"{table} has no row for {file.name}: expected one row for each image")
        return [unicodedata.normalize("NFC", labels[file.name]) for file in files]
    names = {}
    for file in files:
        text = unicodedata.normalize("NFC", file.stem)
        if text in names:
            raise ValueError(
                f"{names[text]} and {file.name} carry one label: expected one file a label, or a {LABELS} beside them"
            )
        names[text] = file.name
    return list(names)


def write_labels(folder, names, texts):
    """Write the texts of a folder's images into its labels.csv, as `read_labels` reads it. Used in lesson 9."""
    with open(Path(folder, LABELS), "w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([("file_name", "label"), *zip(names, texts)])


def _read_table(table):
    """Return the labels of a table as a dict of texts by file name."""
    expected = "expected lines such as 001.png,12+7=? under a first line file_name,label"
    try:
        with open(table, encoding="utf-8-sig", newline="") as opened:
            rows = list(csv.reader(opened, strict=True))
    except (csv.Error, UnicodeError) as error:
        raise ValueError(f"{table} is no table in UTF-8 ({error}): {expected}") from None
    titles, *rows = [row for row in rows if row] or [[]]
    if not {"file_name", "label"} <= set(titles):
        found = f"has the columns {', '.join(titles)}" if titles else "is empty"
        raise ValueError(f"{table} {found}: {expected}")
    texts = {}
    for row in rows:
        if len(row) != len(titles):
            raise ValueError(
                f"{table} has {len(row)} values where {len(titles)} belong, in the line of {row[0]}: expected "
                "quotation marks around a text with a comma"
            )
        name, text = row[titles.index("file_name")], row[titles.index("label")]
        if name in texts:
            raise ValueError(f"{table} names {name!r} twice: expected one row for each image")
        texts[name] = text
    return texts
