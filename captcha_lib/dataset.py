"""Arrays and streams of images with their labels (lesson 3)."""

import os
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

from captcha_lib.family import COURSE, encode_labels
from captcha_lib.images import encode_image, open_image
from captcha_lib.samples import read_samples


def build_dataset(folder, crop=False, seed=42, family=COURSE):
    """Return x_train, x_test, y_train, y_test of the PNG files in `folder`, split over their sorted names.

    Images are float32 (n, 200, 50, 1) in 0..1, with time on axis 1, labels int64 (n, 5) in 0..18: 936 for training
    and 104 for test of 1,040, each in random order, so that the last tenth of the training can serve for validation.
    JPEG files are left out. Raises ValueError for fewer than two PNG files, and what `read_samples` and
    `encode_image` raise. Taught in lesson 3.
    """
    samples = read_samples(folder, family)
    samples = samples[samples["extension"] == "png"]
    if len(samples) < 2:
        raise ValueError(f"{folder} holds {len(samples)} PNG files: expected two or more to split")
    files = [Path(folder) / name for name in samples["file_name"]]
    x = np.array([encode_image(file, crop, family) for file in files])
    y = encode_labels(samples["label"], family)
    return train_test_split(x, y, test_size=0.1, random_state=seed)


def find_files(samples):
    """Return the paths of a table's images, as a list; the table is one from `read_samples`, or some rows of one.

    Raises ValueError for what is not such a table, for one without rows, or one that does not say in
    `samples.attrs["folder"]` where they lie.
    """
    if not {"file_name", "label"} <= set(getattr(samples, "columns", ())):
        raise ValueError(
            f"this {type(samples).__name__} is not a table of images: expected one from read_samples, with the columns "
            "file_name and label"
        )
    if samples.empty:
        raise ValueError("the table names no images: expected one row or more")
    if "folder" not in samples.attrs:
        raise ValueError(
            "the table has lost the folder of its images, as by `merge` or a CSV file: expected it in "
            "samples.attrs['folder']"
        )
    return [Path(samples.attrs["folder"]) / name for name in samples["file_name"]]


def stream_dataset(samples, batch_size, crop=False, seed=None, family=COURSE):
    """Return a tf.data.Dataset of (images, labels) batches that holds only a few batches in memory at a time.

    `samples` is a table from `read_samples`, or some rows of one; a `seed` shuffles it anew on each pass. Batches
    are as in `build_dataset`; the last may be smaller. Every file is read once at the start, so that a bad one is
    named then. Raises what `find_files` and `encode_image` raise. Taught in lesson 3.
    """
    import tensorflow as tf  # here, because tables and arrays are also of use without it

    files = find_files(samples)
    for file in files:
        open_image(file, family)
    labels = encode_labels(samples["label"], family)
    # As bytes, because a path need not be UTF-8.
    stream = tf.data.Dataset.from_tensor_slices((list(map(os.fsencode, files)), labels))
    if seed is not None:
        tf.random.set_seed(seed)  # the order of a shuffle depends on this one as well
        stream = stream.shuffle(len(files), seed=seed)

    def read(path, label):
        image = tf.numpy_function(lambda name: encode_image(os.fsdecode(name), crop, family), [path], tf.float32)
        return tf.ensure_shape(image, (family.width, family.height, 1)), label

    return stream.map(read).batch(batch_size).prefetch(2)
