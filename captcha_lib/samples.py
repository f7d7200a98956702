"""Tabulate the labels of image files (lesson 2)."""

import pandas as pd

from captcha_lib.family import ALPHABET, COURSE, LABEL_LENGTH, check_label
from captcha_lib.files import list_images, read_labels


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
