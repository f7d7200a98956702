# %% [markdown]
# # Lesson 1: Look at the images
#
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/captcha-course/captcha-course/blob/v0.1.0/notebooks/01_visualisation.ipynb)
# [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/captcha-course/captcha-course/blob/v0.1.0/notebooks/01_visualisation.ipynb)
# [![Open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/captcha-course/captcha-course/v0.1.0?labpath=notebooks/01_visualisation.ipynb)
# <!-- end of badges -->
#
# ## What you'll do
#
# Open a folder of CAPTCHA images and find out, with a few pictures and counts, what makes them hard to read.
#
# ## What you'll learn
#
# - Read an image file into an array, and say what each number of its shape means.
# - Tell a PNG from a JPEG by looking at the pixels alone.
# - Read a histogram of grey levels.
# - Name the three obstacles in these images, and say which of them hurts a human and which hurts a machine.
#
# ## What you'll need
#
# Some Python and a little NumPy. Reading takes about 15 minutes; all cells together run in half a minute on two cores.
#
# The images were made in 2013 by Rodrigo Wilhelmy and Horacio Rosas, to be studied. That is what we use them for.
# Reading other people's CAPTCHAs to get past them is not what this course is for.

# %% [markdown]
# ## Set-up
#
# Two cells, the same in every lesson. The first is for Colab, and for you only if your Google Drive holds images, in a
# folder or a zip called `captcha-version-2-images`, or a zip of this course: it mounts your Drive. Google will ask you,
# and it can only ask for all of it, to read and to write. The course opens such images and this zip, nothing else, and
# writes nothing there. Skip the cell or say no: you will see an error, and the lesson goes on.

# %%
if "google.colab" in str(get_ipython()):  # Kaggle and your own Jupyter have no Drive
    mount = "from google.colab import drive\ndrive.mount('/content/drive')"
    get_ipython().run_cell(mount)  # an error inside it does not stop the lesson

# %% [markdown]
# The second finds the course's library where a notebook was opened without it, as in Colab and Kaggle: among Kaggle's
# inputs, on your Drive, else on the internet. The line with `!` goes to the shell, which names a zip that it cannot
# open. Then the cell finds a folder of images and tells you which one it took. Without the real images it draws a
# synthetic set, beside which the words of the lesson were written; with the real ones your numbers differ a little.

# %%
import sys
from glob import glob
from importlib.util import find_spec

url = "https://github.com/captcha-course/captcha-course/archive/refs/tags/v0.1.0.zip"
zips = glob("/content/drive/MyDrive/captcha-course*.zip")
zips += glob("/kaggle/input/**/captcha-course*.zip", recursive=True)
sys.path += ["..", *glob("/kaggle/input/**/captcha_lib/..", recursive=True)]  # .. in a clone
for file in [*sorted(zips), "course.zip"]:  # the last comes from the internet
    if not find_spec("captcha_lib"):
        # !test "{file}" != course.zip || curl -fsSLo course.zip {url}; unzip -qo "{file}" -d course
        sys.path += glob("course/**/captcha_lib/..", recursive=True)
from captcha_lib import locate_samples  # not found? Go online, or bring captcha-course*.zip along

samples_folder = locate_samples()

# %% [markdown]
# ## Eight images
#
# Let us look before we count. We pick eight files, four of each format, by their names. (A folder of your own will not
# have them, so we fall back on its first eight.)

# %%
from captcha_lib.samples import list_images

names = ["2g7nm.png", "34pcn.png", "bny23.png", "c4mcm.png"]
names += ["3c7de.jpg", "nxf2c.jpg", "pcmcc.jpg", "yge7c.jpg"]
files = [samples_folder / name for name in names if (samples_folder / name).exists()]
files = files or list_images(samples_folder)[:8]
print(len(files), "files")

# %% [markdown]
# To show them we need each file as an array. `open_image` opens a file with Pillow and refuses anything that is no
# complete image of 200 x 50 pixels:

# %%
import numpy as np

from captcha_lib.samples import open_image

first = np.asarray(open_image(files[0]))
print(files[0].name, first.shape, first.dtype)

# %% [markdown]
# The shape reads: 50 rows, 200 columns, 4 numbers for each pixel. `uint8` says that each number lies between 0 and 255.
#
# Now a function that shows a whole grid. Later lessons import it from `captcha_lib.show`; this is all there is to it.
# (`list_paths` makes a list of whatever names files: one path, a list, or what `glob` gives.)

# %%
import os

import matplotlib.pyplot as plt

from captcha_lib.samples import list_paths


def show_images(files, columns=4):
    files = list_paths(files)
    rows = -(-len(files) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(2.4 * columns, rows), layout="constrained")
    for ax in axes.flat:
        ax.axis("off")
    for ax, file in zip(axes.flat, files):
        pixels = np.asarray(open_image(file))
        ax.imshow(pixels)
        ax.set_title(f"{os.path.basename(file)} {pixels.shape}")
    return figure


# %% [markdown]
# Can you read all eight before you look at the titles? Most people can.

# %%
from captcha_lib.show import save_figure, use_course_style

use_course_style()
figure = show_images(files)
save_figure(figure, "eight_images")
plt.show()

# %%
for file in files:
    print(file.name, np.asarray(open_image(file)).shape)

# %% [markdown]
# The name of each file is the text in it. Somebody typed those names, one by one: they are our **labels**.
#
# ## Four channels or three
#
# The PNG files have four numbers a pixel, the JPEG files have three. The first three are red, green and blue. A PNG can
# carry a fourth, *alpha*, which says how solid the pixel is. JPEG has no such thing. What do these channels hold?
# (`convert` makes sure that we get these four, whatever a folder of your own may hold.)

# %%
rgba = np.asarray(open_image(files[0]).convert("RGBA"))
red, green, blue, alpha = np.moveaxis(rgba, -1, 0)
print(f"red equals green in {(red == green).sum():,} of {red.size:,} pixels")
print(f"red equals blue in  {(red == blue).sum():,} of {red.size:,} pixels")
print("alpha holds only:", np.unique(alpha))

# %% [markdown]
# A surprise: three of the four channels are copies of one another, and the fourth says nothing. Equal red, green and
# blue make grey. So 10,000 of the 40,000 numbers tell us everything. Is that true of all files?

# %%
all_files = list_images(samples_folder)
pixels = [np.asarray(open_image(file).convert("RGB")) for file in all_files]
grey_files = sum((image == image[..., :1]).all() for image in pixels)
print(f"{grey_files:,} of {len(pixels):,} files are grey in every pixel")

# %% [markdown]
# From here on, one channel is enough. We keep the first one of every PNG, as one array with an axis for the image:

# %%
is_png = [file.suffix.lower() == ".png" for file in all_files]
grey = np.array(pixels)[is_png, :, :, 0]
print(grey.shape, f"{grey.nbytes / 1e6:.0f} MB")

# %% [markdown]
# ## How dark are they?
#
# A **histogram** counts how many pixels have each grey level, from 0 (black) to 255 (white):

# %%
figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
ax.hist(grey.ravel(), bins=64, range=(0, 256))
ax.set(xlabel="grey level (0 black, 255 white)", ylabel="pixels", yscale="log")
plt.show()

# %%
share = {
    "ink (below 64)": (grey < 64).mean(),
    "in between": ((grey >= 64) & (grey < 186)).mean(),
    "background (186 and more)": (grey >= 186).mean(),
}
for name, value in share.items():
    print(f"{name:26} {value:.0%} of the pixels")

# %% [markdown]
# Two heaps, ink on the left and background on the right. Note that the vertical axis is logarithmic: without that the
# space between the heaps would look empty. It is not. Those pixels are the edges, and they are where the trouble is.
#
# ## Obstacle one: the gradient
#
# The background is not white. It runs from a middle grey to white. We take the lightest value that each pixel
# ever has in all the images. Letters cover hardly any pixel every time, so what is left is the background:

# %%
background = grey.max(axis=0)
figure, ax = plt.subplots(figsize=(7, 2.2), layout="constrained")
picture = ax.imshow(background, cmap="gray", vmin=0, vmax=255)
ax.set(xlabel="column (pixels)", ylabel="row (pixels)")
figure.colorbar(picture, label="grey level")
plt.show()

# %%
print("top left:", background[0, 0], " bottom right:", background[-1, -1])

# %% [markdown]
# Your eye did not even notice. A machine that compares a pixel with its left neighbour does: it finds "something" in
# every column. Still, this is the mildest of the three. The background stays far lighter than any ink.
#
# ## Obstacle two: the strokes
#
# Two dark lines run through each image, one short and thick on the left, one long and thin. An old way to read text is
# to cut the picture at the gaps between letters. Let us try it: call every pixel below 128 ink, and count the pieces
# of ink that hang together.

# %%
from scipy.ndimage import label

pieces = np.array([label(image < 128)[1] for image in grey])
print("pieces in the first image:", pieces[0])
print("images with exactly five pieces:", (pieces == 5).sum(), "of", len(grey))

# %% [markdown]
# Five letters should give five pieces. Almost never do they. Here is why, with every piece in its own colour:

# %%
labelled, count = label(grey[0] < 128)
figure, ax = plt.subplots(figsize=(7, 2.2), layout="constrained")
ax.imshow(np.where(labelled, labelled % 10 + 1, np.nan), cmap="tab10")
ax.set(xlabel="column (pixels)", ylabel="row (pixels)")
plt.show()

# %%
sizes = np.bincount(labelled.ravel())[1:]
print(f"{count} pieces; the largest holds {sizes.max() / sizes.sum():.0%} of the ink")

# %% [markdown]
# The long stroke ties the letters together into one piece, and what is left falls into crumbs. A human reads on,
# because we know what letters look like and take the line for a scratch. A machine that cuts before it reads is lost.
# It must learn to read *without* cutting. Lessons 4 and 5 do that.
#
# ## Obstacle three: the fuzzy edges
#
# Where do the crumbs come from? We follow single rows of pixels through the first image, count how often each crosses
# our limit from light to dark or back, and plot the row that crosses it most often:

# %%
crossings = np.abs(np.diff((grey[0] < 128).astype(int), axis=1)).sum(axis=1)
row = grey[0, crossings.argmax()]
figure, ax = plt.subplots(figsize=(7, 2.4), layout="constrained")
ax.plot(row, drawstyle="steps-mid")
ax.axhline(128, color="C1", linestyle="--", label="our limit for ink")
ax.set(xlabel="column (pixels)", ylabel="grey level")
ax.legend()
plt.show()

# %%
print("row", crossings.argmax(), "crosses the limit", crossings.max(), "times")

# %% [markdown]
# Five letters with a left and a right stroke each would make 20 crossings. Here is more. Somebody shook the letters as
# if they lay under moving water. The rings of that water are finer than the pixels, so a clean edge becomes a comb of
# light and dark. How strong is the comb in each column? We measure how much a pixel differs from the mean of its left
# and right neighbours, and average over all images:

# %%
values = grey.astype(float)
neighbours = (values[:, :, :-2] + values[:, :, 2:]) / 2
comb = np.abs(values[:, :, 1:-1] - neighbours).mean(axis=(0, 1))
figure, ax = plt.subplots(figsize=(7, 2.4), layout="constrained")
ax.plot(np.arange(1, 199), comb)
ax.set(xlabel="column (pixels)", ylabel="mean difference\n(grey levels)", ylim=(0, None))
plt.show()

# %%
for start in (30, 60, 90, 120):
    strength = comb[start - 1 : start + 29].mean()
    print(f"columns {start:3} to {start + 29:3}: {strength:.0f} grey levels")

# %% [markdown]
# The comb is strongest around the middle of the picture and fades to both sides. So the same letter looks different in
# the first place and in the third. Your eye blurs the comb away. A machine that compares pixels one by one cannot; it
# needs something that looks at small neighbourhoods. That something is a convolution, and it comes in lesson 4.
#
# ## Where the letters stand
#
# One last picture. The mean of all images shows where ink ever falls:

# %%
figure, ax = plt.subplots(figsize=(7, 2.2), layout="constrained")
ax.imshow(grey.mean(axis=0), cmap="gray")
ax.axvline(25, color="C1", linestyle="--")
ax.axvline(149, color="C1", linestyle="--")
ax.set(xlabel="column (pixels)", ylabel="row (pixels)")
plt.show()

# %%
darkness = (background - grey.mean(axis=0)).sum(axis=0)
print(f"columns 25 to 149 hold {darkness[25:150].sum() / darkness.sum():.0%} of all ink")

# %% [markdown]
# The dashed lines are columns 25 and 149. What lies outside is mostly stroke. We use that in lesson 3.
#
# ## Exercises
#
# Put your answer into the first cell of each exercise and run the second: it says *right*, *nearly* and what is
# missing, or *not right yet*. It never gives the answer away; the solution below it does, when you unfold it.
#
# **1.** Read it off the histogram: at which grey level does the heap of the background begin? Eight levels more or less
# do not matter.

# %%
answer = None  # your number

# %%
from captcha_lib.exercises import check

check("1.1", answer, grey)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# counts, levels = np.histogram(grey, bins=64, range=(0, 256))
# answer = levels[np.argmax(counts[1:] / counts[:-1]) + 1]
# ```
#
# Coming from the left, one bar is about ten times as high as the one before: at 192 the background begins.
# </details>
#
# **2.** What share of the ink lies in the lower half of the images, rows 25 to 49? Set `answer` to a number between 0
# and 1; `darkness` above shows the way.

# %%
answer = None  # your number

# %%
check("1.2", answer, grey)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# by_row = (background - grey.mean(axis=0)).sum(axis=1)
# answer = by_row[25:].sum() / by_row.sum()
# ```
#
# Sum over the columns (`axis=1`) instead of over the rows, then divide.
# </details>
#
# **3.** Does a lower limit for ink help? Write `count_pieces(image, limit)`: into how many pieces an image falls if
# every pixel *below* the limit is ink. Then count the images of five pieces at the limit 64.


# %%
def count_pieces(image, limit):
    return None


# %%
check("1.3", count_pieces, grey)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def count_pieces(image, limit):
#     return label(image < limit)[1]
#
#
# print(sum(count_pieces(image, 64) == 5 for image in grey))
# ```
#
# It hardly helps: wherever you put the limit, the strokes connect and the comb divides.
# </details>
#
# ## In this notebook you
#
# - read image files into arrays, and can say what `(50, 200, 4)` means;
# - told PNG from JPEG by their channels, and found that one channel says it all;
# - read a histogram with a heap of ink, a heap of background and the edges in between;
# - named the gradient, the strokes and the fuzzy edges, and saw what each does to a human and to a machine.
#
# ## Sources
#
# - Wilhelmy, R. and Rosas, H. (2013), *captcha dataset*: the images. Kaggle offers them as
#   `fournierp/captcha-version-2-images`.
# - Pillow's handbook, chapter *Concepts*: what the modes RGBA, RGB and L mean.
#
# ## The way on
#
# Lesson 2, `02_character_distribution`, leaves the pixels and counts the letters. One of them is twice as frequent as
# all the others.
