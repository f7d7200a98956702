"""The pictures that several lessons draw (lessons 1 and 4)."""

import os
from itertools import zip_longest

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns

from captcha_lib.files import list_paths
from captcha_lib.images import open_image
from captcha_lib.workspace import output_folder, written_beside


def use_course_style():
    """Set one look for all figures: no grid, and colours that colour-blind readers can tell apart."""
    sns.set_theme(style="ticks", palette="colorblind", font_scale=0.9, rc={"figure.dpi": 80})


def save_figure(figure, name, dpi=120):
    """Write a figure as `name`.png where this run's figures are kept, with `dpi` dots an inch: 200 for print."""
    with written_beside(output_folder("figures") / f"{name}.png") as unfinished:
        figure.savefig(unfinished, dpi=dpi, metadata={"Software": None})


def show_images(files, columns=4):
    """Return a figure with a grid of image files, each titled with its name and array shape. Taught in lesson 1."""
    files = list_paths(files)
    rows = -(-len(files) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(2.4 * columns, rows), layout="constrained", squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for ax, file in zip(axes.flat, files):
        pixels = np.asarray(open_image(file))
        ax.imshow(pixels)
        ax.set_title(f"{os.path.basename(file)} {pixels.shape}")
    return figure


def mark_mistakes(reading, truth):
    """Return a reading with the true character under each one that is wrong, "-" where none should be.

    Taught in lesson 4.
    """
    pairs = zip_longest(reading, truth, fillvalue="-")
    return f"{reading:5}\n" + "".join(" " if read == true else true for read, true in pairs)


def show_readings(images, readings, truths, columns=5):
    """Return a figure with a grid of encoded images (200, 50, 1), each with its marked reading. Taught in lesson 4."""
    rows = -(-len(images) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(1.9 * columns, 1.1 * rows), layout="constrained", squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for ax, image, reading, truth in zip(axes.flat, images, readings, truths):
        ax.imshow(image[:, :, 0].T, cmap="gray", vmin=0, vmax=1)
        color = "black" if reading == truth else "C3"
        ax.set_title(mark_mistakes(reading, truth), family="monospace", color=color)
    return figure


def plot_history(history, *names):
    """Return a figure with one panel a name, such as 'loss': its course over the epochs. Taught in lesson 4."""
    figure, axes = plt.subplots(1, len(names), figsize=(4.5 * len(names), 3), layout="constrained", squeeze=False)
    for ax, name in zip(axes.flat, names):
        epochs = range(1, len(history[name]) + 1)
        ax.plot(epochs, history[name], label="training")
        ax.plot(epochs, history[f"val_{name}"], "--", label="held out")
        ax.set(xlabel="epoch", ylabel=name)
        ax.legend()
    return figure
