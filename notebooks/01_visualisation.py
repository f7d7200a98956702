# %% [markdown]
# # Lesson 1: Look at the images
#
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/captcha-course/captcha-course/blob/v1.0.0/notebooks/01_visualisation.ipynb)
# [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/captcha-course/captcha-course/blob/v1.0.0/notebooks/01_visualisation.ipynb)
# [![Open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/captcha-course/captcha-course/v1.0.0?labpath=notebooks/01_visualisation.ipynb)
# <!-- end of badges -->
#
# ## What you'll do
#
# Open a folder of CAPTCHA images and find out, with a few pictures and counts, what makes them hard to read.
#
# ## What you'll learn
#
# - Read an image file into an array, and say what each number of its shape means.
# - Say how the arrays of PNG and JPEG files differ in this set.
# - Read a histogram of grey levels.
# - Name the three obstacles in these images, and put a number on each.
# - Say what it costs to cut the margins off.
#
# ## What you'll need
#
# Some Python and a little NumPy. Reading takes about 25 minutes; all cells together run in half a minute on two cores.
#
# The real images were made in 2013 by Rodrigo Wilhelmy and Horacio Rosas, to be studied. That is what we use them for.
# Where they are not at hand, the course draws a synthetic set like them. Reading other people's CAPTCHAs to get past
# them is not what this course is for.

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

url = "https://github.com/captcha-course/captcha-course/archive/refs/tags/v1.0.0.zip"
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
from captcha_lib.files import list_images

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

from captcha_lib.images import open_image

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

from captcha_lib.files import list_paths


def show_images(files, columns=4):
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


# %% [markdown]
# The text of each image is its file's name. Cover the names with your hand: can you read all eight?

# %%
from captcha_lib.show import save_figure, use_course_style

use_course_style()
figure = show_images(files)
save_figure(figure, "eight_images")
plt.show()
print([np.asarray(open_image(file)).shape[2] for file in files], "numbers a pixel")

# %% [markdown]
# The text of an image is called its **label**. In the synthetic set the program that drew an image also wrote its name,
# so each label is right. Of the real set nobody can promise that: lesson 8 lists labels that look wrong.
#
# Here is the first image again, larger. Compare the letters in the middle with those at the ends:

# %%
figure, ax = plt.subplots(figsize=(8, 2.6), layout="constrained")
ax.imshow(first)
ax.set(title=files[0].name, xlabel="column (pixels)", ylabel="row (pixels)")
plt.show()

# %% [markdown]
# Three things are in the way: the grey background, two dark lines across, and striped edges in the middle. We take them
# one by one. First we need to know what the numbers of a pixel say.
#
# ## Four channels or three
#
# The PNG files have four numbers a pixel, the JPEG files have three. Each of these numbers is a **channel**. The first
# three are red, green and blue. A PNG can have a fourth, *alpha*, which says how solid the pixel is: 0 is clear as
# glass, 255 is solid. JPEG has no such thing. What do the channels hold? (`convert` makes four of them in any case.)

# %%
all_files = list_images(samples_folder)
channels = np.array([np.asarray(open_image(file).convert("RGBA")) for file in all_files])
is_png = np.array([file.suffix.lower() == ".png" for file in all_files])
is_grey = (channels[..., :3] == channels[..., :1]).all(axis=(1, 2, 3))
is_solid = (channels[..., 3] == 255).all(axis=(1, 2))
print(f"red, green and blue are equal in all pixels of {is_grey.sum():,} of {len(is_grey):,} files")
print(f"alpha is 255 in all pixels of {is_solid[is_png].sum():,} of {is_png.sum():,} PNG files")

# %% [markdown]
# A surprise: the three colours are copies of one another, and alpha never changes. Equal red, green and blue make grey.
# So one channel of a PNG tells us all, 10,000 of its 40,000 numbers. From here on we keep the first channel of every
# PNG, as one array with an axis for the image:

# %%
grey = channels[is_png, :, :, 0]
example = channels[all_files.index(files[0]), :, :, 0]  # the image that we saw larger
print(grey.shape, f"{grey.nbytes / 1e6:.0f} MB")

# %% [markdown]
# ## How dark are they?
#
# A **histogram** counts how many pixels have each grey level, from 0 (black) to 255 (white). We draw it twice, the
# second time with an axis that ends 20 times lower:

# %%
INK = 128
counts, levels = np.histogram(grey, bins=64, range=(0, 256))
figure, axes = plt.subplots(1, 2, figsize=(8, 2.8), layout="constrained")
for ax, zoom in zip(axes, (1, 20)):
    ax.stairs(counts / 1e3, levels, fill=True)
    ax.axvline(INK, color="C1", linestyle="--", label="limit for ink, 128")
    ax.set(xlabel="grey level (0 black, 255 white)", ylim=(0, 1.05 * counts.max() / 1e3 / zoom))
axes[0].set_ylabel("pixels (thousands)")
axes[0].legend(loc="upper center")
plt.show()

# %%
print(f"below 64:   {(grey < 64).mean():.1%} of the pixels")
print(f"64 to 191:  {((grey >= 64) & (grey < 192)).mean():.1%}")
print(f"192 and up: {(grey >= 192).mean():.1%}")

# %% [markdown]
# Two heaps of pixels: ink on the left, background on the right. In the left picture there seems to be next to nothing
# between them, but together the bars from 64 to 191 hold 9.4 % of all pixels. From here on **ink** means a grey level
# below 128, the middle between the heaps.
#
# ## Obstacle one: the gradient
#
# The background is not white. What does it look like without letters? We take the lightest value that each pixel ever
# has. Letters leave nearly every pixel free in some image, so what is left is the background:

# %%
background = grey.max(axis=0)
figure, ax = plt.subplots(figsize=(7, 2.2), layout="constrained")
picture = ax.imshow(background, cmap="gray", vmin=0, vmax=255)
ax.set(xlabel="column (pixels)", ylabel="row (pixels)")
figure.colorbar(picture, label="grey level")
plt.show()

# %%
print("top left:", background[0, 0], " bottom right:", background[-1, -1])
spot = np.unravel_index(background.argmin(), background.shape)
print(f"darkest: {background[spot]}, in row {spot[0]} and column {spot[1]}")
print(f"below 192: {(background < 192).sum()} of {background.size:,} pixels")

# %% [markdown]
# It runs from a light grey to white. The same level, 200, is background on the left, and on the right it is darker than
# everything around it. (In the synthetic set two small dark spots are left near column 40. The first letter stands
# there, and no image leaves these few pixels free.) Still, this obstacle does little harm: hardly a pixel of the
# background is below 192, and our limit for ink is 128.
#
# ## Obstacle two: the strokes
#
# Two dark lines run through each image, one short and thick on the left, one long and thin. We call them the
# **strokes**. An old way to read text is to cut the picture at the gaps between the letters. Five letters should give
# five pieces of ink that hang together. SciPy finds such pieces with a function that is called `label` as well; it
# gives the pixels of each piece one number.
#
# How many pieces will the example give, five or more? And how large is the largest?

# %%
from scipy import ndimage

pieces, number = ndimage.label(example < INK)
sizes = np.bincount(pieces.ravel())[1:]  # the first count is the background's
largest = pieces == sizes.argmax() + 1
others = (pieces > 0) & ~largest
figure, ax = plt.subplots(figsize=(8, 2.6), layout="constrained")
ax.imshow(largest, cmap="gray_r")
ax.plot(*np.nonzero(others)[::-1], "o", color="C1", fillstyle="none", label="all other pieces")
ax.set(title="the largest piece", xlabel="column (pixels)", ylabel="row (pixels)")
ax.legend()
plt.show()
print(f"{number} pieces, of {np.sort(sizes)[::-1]} pixels")
inked = np.nonzero(largest.any(axis=0))[0]
print(f"the largest reaches from column {inked[0]} to column {inked[-1]}")

# %% [markdown]
# Neither five pieces nor letters: one piece reaches through all five letters, along the long stroke, and the others are
# crumbs of one to three pixels. Perhaps our limit for ink is a bad one. We try six limits on all images, and count
# pieces in two ways: all of them, and the **large** ones of at least 60 pixels, for a crumb is no letter.


# %%
def count_pieces(image, limit=INK, smallest=60):
    pieces, number = ndimage.label(image < limit)
    sizes = np.bincount(pieces.ravel())[1:]
    return (sizes >= smallest).sum()


for limit in (8, 16, 32, 64, 128, 160):
    five = sum(count_pieces(image, limit, smallest=1) == 5 for image in grey)
    large = sum(count_pieces(image, limit) == 5 for image in grey)
    print(f"limit {limit:3}: {five:2} images of five pieces, {large:3} of five large pieces")

# %% [markdown]
# At the best of these limits, 16, one image in nine falls into five large pieces: 115 of 1,040. A program that cuts at
# the gaps first and reads afterwards has lost the others before it has read a letter. (And five large pieces need not
# be five letters.) The course has two other ways. Lesson 4 cuts without looking for gaps, into five equal strips.
# Lesson 5b does not cut at all.
#
# ## Obstacle three: the fuzzy edges
#
# Where do the crumbs come from? The larger picture showed stripes at the edges of the middle letters. We want a number
# for them. A clean letter is several pixels wide. So we call a pixel **lone** if it is ink and its left and right
# neighbours are not, or the other way round; or the same with the pixels above and below.
#
# The image `c4mcm` has the letter `c` twice, in the first and in the fourth place. We put a cross on every lone pixel.
# Which `c` will have more?


# %%
def find_lone(images):
    ink = images < INK
    inner = ink[..., 1:-1, 1:-1]
    sideways = (inner != ink[..., 1:-1, :-2]) & (inner != ink[..., 1:-1, 2:])
    upright = (inner != ink[..., :-2, 1:-1]) & (inner != ink[..., 2:, 1:-1])
    return np.pad(sideways | upright, [(0, 0)] * (images.ndim - 2) + [(1, 1), (1, 1)])


c4mcm = channels[all_files.index(files[3]), :, :, 0]
lone = find_lone(c4mcm)
figure, axes = plt.subplots(1, 2, figsize=(7, 4.4), layout="constrained")
for ax, place, start in zip(axes, ("first", "fourth"), (29, 102)):
    ax.imshow(c4mcm, cmap="gray", alpha=0.5)
    ax.plot(*np.nonzero(lone)[::-1], "x", color="black", markersize=6)
    ax.set(xlim=(start - 0.5, start + 19.5), ylim=(47, 13), title=f"c in the {place} place")
    ax.set(xlabel="column (pixels)", ylabel="row (pixels)")
    print(f"{place} place: {lone[13:48, start : start + 20].sum()} lone pixels")
plt.show()

# %% [markdown]
# On the left most crosses are where the strokes meet the letter. On the right they follow the edge of the letter
# itself: a comb of light and dark teeth, one pixel wide. Where a dark tooth touches no other ink, it is a crumb. It is
# the same letter: does the comb depend on the place? A map over all images tells. How often is each pixel a lone one?
# The circles are 20, 40 and 60 pixels from the centre:

# %%
all_lone = find_lone(grey)
figure, ax = plt.subplots(figsize=(8, 2.6), layout="constrained")
picture = ax.imshow(100 * all_lone.mean(axis=0), cmap="gray_r")
for radius in (20, 40, 60):
    ax.add_patch(plt.Circle((100, 25), radius, fill=False, color="C1", linestyle="--"))
ax.set(xlabel="column (pixels)", ylabel="row (pixels)")
figure.colorbar(picture, label="lone pixel\n(% of the images)")
plt.show()

# %%
rows, columns = np.mgrid[:50, :200]
distance = np.hypot(columns - 100, rows - 25)
for radius in (0, 20, 40, 60):
    ring = (distance >= radius) & (distance < radius + 20)
    share = all_lone[:, ring].sum() / (grey[:, ring] < INK).sum()
    print(f"{radius:2} to {radius + 19} from the centre: {100 * share:4.1f} lone for 100 of ink")

# %% [markdown]
# It does. The comb is strongest at the centre of the image and nearly gone from 40 pixels on. Lesson 7 shows what
# leaves such a trace: each image was bent along rings around its centre, and the rings are finer than the pixels. So
# one letter comes in many forms, clean at the ends and with a comb in the middle. Lesson 4 looks at small
# neighbourhoods of pixels instead of single pixels.
#
# ## Where the letters stand
#
# Much of each image is empty. May we cut the margins off? The mean of all images shows where letters ever are, and the
# curve below it how many pixels of ink each column has. The dashed lines enclose columns 25 to 149:

# %%
ink = grey < INK
by_column = ink.sum(axis=1)  # for each image, the pixels of ink in each column
figure, axes = plt.subplots(2, 1, figsize=(7, 4), sharex=True, layout="constrained")
axes[0].imshow(grey.mean(axis=0), cmap="gray", aspect="auto")
axes[1].plot(by_column.mean(axis=0))
axes[0].set(ylabel="row (pixels)")
axes[1].set(xlabel="column (pixels)", ylabel="ink (pixels),\nmean of all images", ylim=(0, None))
for ax in axes:
    ax.axvline(24.5, color="C1", linestyle="--")
    ax.axvline(149.5, color="C1", linestyle="--")
plt.show()

# %%
print(f"columns 25 to 149 hold {by_column[:, 25:150].sum() / ink.sum():.1%} of all ink")
print("columns 24 to 32:", by_column[:, 24:33].mean(axis=0).round(1), "pixels of ink")

# %% [markdown]
# On the left the cut looks safe. The ink falls, stays near 7 up to column 28, and rises behind it: there the first
# letters begin. On the right they end at no fixed column. What does a cut behind column 149 cost? There the only other
# ink is one thin stroke, so a column with more ink than that belongs to a letter:

# %%
right = by_column[:, 150:]
heights = np.bincount(right.ravel())
print("pixels of ink in a column:", *[f"{height:6}" for height in range(8)])
print("columns of all images:    ", *[f"{count:6,}" for count in heights[:8]], " ...")
cut = (right > 4).any(axis=1)
print(f"images whose last letter is cut: {cut.sum()} of {len(grey):,}")
lost = (right[right > 4] - 2).sum() / cut.sum()  # two pixels are the stroke's
print(f"each loses {lost:.0f} pixels of ink")

# %% [markdown]
# A stroke fills two pixels of a column, now and then three or four; more is a letter. So the crop to columns 25 to 149
# cuts a letter in 68 of 1,040 images, one in 15: always the last letter, and 59 pixels of it on average. In return the
# rest may be drawn 1.6 times as wide. Lesson 3 offers this crop as a choice.
#
# ## Exercises
#
# Put your answer into the first cell of each exercise and run the second: it says *right*, *nearly* and what is
# missing, or *not right yet*. It never gives the answer away; the solution below it does, when you unfold it.
#
# **1.** In how many of the 200 columns does no image have any ink?

# %%
answer = None  # your number

# %%
from captcha_lib.exercises import check

check("1.1", answer, grey)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = (~(grey < 128).any(axis=(0, 1))).sum()
# ```
#
# 35 columns: 17 on the left and 18 on the right. `any` over the images and the rows leaves one truth value a column.
#
# </details>
#
# **2.** What share of all ink lies in the lower half of the images, rows 25 to 49? Set `answer` to a number between 0
# and 1.

# %%
answer = None  # your number

# %%
check("1.2", answer, grey)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# by_row = (grey < 128).sum(axis=(0, 2))
# answer = by_row[25:].sum() / by_row.sum()
# ```
#
# 0.62: sum over the images and the columns, and one number for each row is left.
#
# </details>
#
# **3.** Can we change the images so that cutting works? `ndimage.grey_closing(image, (size, size))` makes every dark
# part light into which a square of `size` x `size` pixels does not fit: thin strokes go, thick letters stay. Write
# `count_five(images, size)`: close each image and return how many of them then give exactly five large pieces at the
# limit 128. `count_pieces` is yours to use. Then try the sizes 2 to 5 on `grey`.


# %%
def count_five(images, size):
    return None


# %%
check("1.3", count_five, grey)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def count_five(images, size):
#     closed = [ndimage.grey_closing(image, (size, size)) for image in images]
#     return sum(count_pieces(image) == 5 for image in closed)
#
#
# print([count_five(grey, size) for size in (2, 3, 4, 5)])
# ```
#
# 13, 388, 634 and 132 of 1,040. It helps much. Still four images in ten fail before a letter is read: with size 4, 319
# have more than five large pieces and 87 fewer. And we chose the size on the images that we counted: expect a bit less
# on new ones.
# </details>
#
# ## In this notebook you
#
# - read image files into arrays, and can say what `(50, 200, 4)` means;
# - told PNG from JPEG by the number of channels, and found that one channel is enough;
# - read a histogram with a heap of ink, a heap of background and little between them;
# - met the gradient, the strokes and the fuzzy edges, each with a number;
# - know what the crop to columns 25 to 149 costs.
#
# ## Sources
#
# - Wilhelmy, R. and Rosas, H. (2013), *captcha dataset*: the images. Kaggle offers them as
#   `fournierp/captcha-version-2-images`.
# - Pillow's handbook, chapter *Concepts*: what the modes RGBA, RGB and L mean.
# - SciPy's `ndimage` tutorial, part *Morphology*: what a closing does.
#
# ## The way on
#
# Lesson 2, `02_character_distribution`, leaves the pixels and counts the letters. One of them stands out.
