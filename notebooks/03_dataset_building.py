# %% [markdown]
# # Lesson 3: Build a data set
#
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/captcha-course/captcha-course/blob/v0.1.0/notebooks/03_dataset_building.ipynb)
# [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/captcha-course/captcha-course/blob/v0.1.0/notebooks/03_dataset_building.ipynb)
# [![Open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/captcha-course/captcha-course/v0.1.0?labpath=notebooks/03_dataset_building.ipynb)
# <!-- end of badges -->
#
# ## What you'll do
#
# Turn a folder of images into four arrays: images and labels for training, images and labels for the test.
#
# ## What you'll learn
#
# - Translate characters to numbers and back.
# - Encode an image step by step, and check every step with a picture.
# - Split a data set so that everybody gets the same split, and prove that nothing leaks from one part into the other.
# - Stream images from disk when they do not fit into memory.
#
# ## What you'll need
#
# Lessons 1 and 2. Reading takes about 20 minutes; all cells together run in half a minute on two cores.

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
# ## Characters to numbers
#
# A network works on numbers. The number of a character is its place in the alphabet, counted from 0:

# %%
from captcha_lib.family import ALPHABET, COURSE, HEIGHT, WIDTH, check_label

print(ALPHABET, len(ALPHABET))
print("2 is number", ALPHABET.index("2"), "and n is number", ALPHABET.index("n"))

# %% [markdown]
# The alphabet is a *string* on purpose. A Python `set` of the same characters may come in another order tomorrow, and a
# model saved today would then read gibberish. `check_label` refuses what is not a label before we translate. Try what it
# lets pass: each of the 128 characters of ASCII as the last of five, and labels of other lengths:

# %%
def passes(text):
    try:
        return check_label(text) == text
    except ValueError:
        return False


print("characters that pass:", sum(passes("2g7n" + chr(code)) for code in range(128)))
print("lengths that pass:", [length for length in range(9) if passes(length * "2")])

# %% [markdown]
# Nineteen characters and one length. What does pass becomes numbers:

# %%
import numpy as np


def encode_label(text, family=COURSE):
    return np.array([family.alphabet.index(character) for character in check_label(text, family)])


# %% [markdown]
# The way back takes any length, because lesson 5b has a model that may find four letters or six:


# %%
def decode_label(indices, alphabet=ALPHABET):
    for index in indices:
        if not 0 <= index < len(alphabet):
            raise ValueError(
                f"no character has the number {index}: expected 0 to {len(alphabet) - 1}"
            )
    return "".join(alphabet[index] for index in indices)


# %%
print(encode_label("2g7nm"))
print(decode_label(encode_label("2g7nm")))

# %% [markdown]
# There and back again. Many of the bugs people report with captcha models are one number off right here. So we do
# not trust one example, we check every label we have:

# %%
from captcha_lib.samples import open_image, read_samples

samples = read_samples(samples_folder)
survived = sum(decode_label(encode_label(label)) == label for label in samples["label"])
print(f"{survived:,} of {len(samples):,} labels survive the way there and back")

# %% [markdown]
# ## One image, step by step
#
# We take the first PNG and do one thing at a time, with a picture after each. Step one, **open**. The picture is one of
# `show_images` from lesson 1, which writes the array's shape above it:

# %%
import matplotlib.pyplot as plt

from captcha_lib.show import show_images, use_course_style

use_course_style()
samples = samples[samples["extension"] == "png"]
path = samples_folder / samples["file_name"].iloc[0]
image = open_image(path)
figure = show_images(path, columns=2)
plt.show()

# %%
print(image.mode, image.size, "shown as", figure.axes[0].get_title())

# %% [markdown]
# Pillow says *width, height*; NumPy says *rows, columns*. Mixing these up is the second classic.
#
# Step two, **grey**. Lesson 1 showed that the three colours are equal and alpha is empty, so nothing is lost. `"L"` is
# Pillow's name for one channel of grey:

# %%
grey = np.asarray(image.convert("L"))
plt.figure(figsize=(5, 1.5))
plt.imshow(grey, cmap="gray", vmin=0, vmax=255)
plt.show()

# %%
print(grey.shape, grey.dtype, "from", grey.min(), "to", grey.max())

# %% [markdown]
# Step three, **float between 0 and 1**. Networks learn best from numbers of moderate size. The picture must not change,
# only its scale:

# %%
pixels = grey.astype("float32") / 255
plt.figure(figsize=(5, 1.5))
plt.imshow(pixels, cmap="gray", vmin=0, vmax=1)
plt.colorbar()
plt.show()

# %%
print(pixels.shape, pixels.dtype, f"from {pixels.min():.2f} to {pixels.max():.2f}")

# %% [markdown]
# Step four, **crop**. Columns 25 to 149 hold the letters; the rest is mostly stroke. In Python the end of a slice is
# not included, so we write 150:

# %%
cropped = pixels[:, 25:150]
plt.figure(figsize=(5, 1.5))
plt.imshow(cropped, cmap="gray", vmin=0, vmax=1)
plt.show()

# %%
print(cropped.shape)

# %% [markdown]
# Step five, **resize** to 50 x 200 again, so that cropped and whole images have one shape. *Bilinear* means that a new
# pixel between two old ones gets their weighted mean:

# %%
from PIL import Image

resized = Image.fromarray(np.ascontiguousarray(cropped)).resize(
    (200, 50), Image.Resampling.BILINEAR
)
resized = np.asarray(resized)
plt.figure(figsize=(5, 1.5))
plt.imshow(resized, cmap="gray", vmin=0, vmax=1)
plt.show()

# %%
print(resized.shape, f"mean before {cropped.mean():.3f}, after {resized.mean():.3f}")

# %% [markdown]
# Only the crop is stretched; the mean grey stays almost what it was.
#
# Step six, **transpose**: rows and columns change places. This looks like nonsense, and it is the most important step:

# %%
turned = resized.T
plt.figure(figsize=(1.5, 4))
plt.imshow(turned, cmap="gray", vmin=0, vmax=1)
plt.ylabel("time (columns of the image)")
plt.show()

# %%
print(turned.shape, "-> with a channel axis:", turned[:, :, np.newaxis].shape)

# %% [markdown]
# We read from left to right, so the width of the image is our **time**. Networks that read sequences expect time on the
# first axis. After the transpose, `turned[0]` is the leftmost column of the image, the first thing a reader meets.
#
# ## All steps in one function
#
# These are the same steps, with the crop as a choice. These functions are `captcha_lib.dataset.crop_image` and
# `encode_image`:

# %%
CROP = slice(25, 150)


def crop_image(pixels):
    cropped = Image.fromarray(np.ascontiguousarray(pixels[:, CROP]))
    return np.asarray(cropped.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR))


def encode_image(path, crop=False, family=COURSE):
    pixels = np.asarray(open_image(path, family).convert("L"), dtype="float32") / 255
    if crop:
        pixels = crop_image(pixels)
    return pixels.T[:, :, np.newaxis]


# %%
print("values unlike those by hand:", (encode_image(path, crop=True)[:, :, 0] != turned).sum())

# %% [markdown]
# And what if a file is not an image? The message should say which file, and what would be right:

# %%
import tempfile
from pathlib import Path

with tempfile.TemporaryDirectory() as folder:
    broken = Path(folder) / "2g7nm.png"
    broken.write_text("I am a text file")
    try:
        encode_image(broken)
    except ValueError as error:
        print(str(error).replace(folder, "..."))

# %% [markdown]
# ## The whole set, split in two
#
# A model is judged on images it has never seen. So we put every tenth image aside before any training. Which ones?
# A random tenth, but the *same* random tenth for everybody: `random_state=42` fixes the choice. That works only
# because the files come in the order of their names. The same choice from another order is another split.
#
# JPEG files stay out, as in the notes this course grew from: 30 files of a second format would make every result harder to explain.

# %%
from sklearn.model_selection import train_test_split


def build_dataset(folder, crop=False, seed=42, family=COURSE):
    samples = read_samples(folder, family)
    samples = samples[samples["extension"] == "png"]
    if len(samples) < 2:
        raise ValueError(f"{folder} holds {len(samples)} PNG files: expected two or more to split")
    files = [Path(folder) / name for name in samples["file_name"]]
    x = np.array([encode_image(file, crop, family) for file in files])
    y = np.array([encode_label(label, family) for label in samples["label"]])
    return train_test_split(x, y, test_size=0.1, random_state=seed)


# %%
x_train, x_test, y_train, y_test = build_dataset(samples_folder)
arrays = {"x_train": x_train, "x_test": x_test, "y_train": y_train, "y_test": y_test}
for name, array in arrays.items():
    print(f"{name:7} {str(array.shape):19} {array.dtype}")

# %% [markdown]
# By habit `x` is what goes in and `y` what should come out. The cropped images in the same split:

# %%
x_train_cropped, x_test_cropped, y_train_cropped, y_test_cropped = build_dataset(
    samples_folder, crop=True
)
print("labels that the crop changes:", (y_test != y_test_cropped).any(axis=1).sum())
print(f"memory of the four image arrays: {2 * (x_train.nbytes + x_test.nbytes) / 1e6:.0f} MB")

# %% [markdown]
# A tenth is not much. Does each of the 19 characters still occur in it? `count_characters` of lesson 2 tells:

# %%
from captcha_lib.samples import count_characters

put_aside = samples[samples["label"].isin([decode_label(row) for row in y_test])]
counts = count_characters(put_aside)["count"]
print(f"the rarest character {counts.min()} times, the most frequent {counts.max()} times")
print(f"together {counts.sum()} characters of {len(y_test)} labels")

# %% [markdown]
# ## Look at what you built
#
# Never train on arrays you have not looked at. First and last of training and test, whole and cropped:

# %%
rows = [
    (x_train, y_train, "training"),
    (x_test, y_test, "test"),
    (x_train_cropped, y_train, "training, cropped"),
    (x_test_cropped, y_test, "test, cropped"),
]
figure, axes = plt.subplots(4, 2, figsize=(7, 5), layout="constrained")
for pair, (x, y, name) in zip(axes, rows):
    for ax, place in zip(pair, (0, -1)):
        ax.imshow(x[place, :, :, 0].T, cmap="gray", vmin=0, vmax=1)
        ax.set_title(f"{name} [{place}]: {decode_label(y[place])}")
        ax.axis("off")
plt.show()

# %%
print("first and last for training:", decode_label(y_train[0]), decode_label(y_train[-1]))
print("first and last for the test:", decode_label(y_test[0]), decode_label(y_test[-1]))

# %% [markdown]
# Does each picture show its title? If you ever see a picture under a wrong label, stop here: no training mends that.
#
# ## Nothing leaks
#
# If a test image were also in training, its score would be worth nothing. We check the labels, and then the pixels
# themselves, because a copy could hide under another name:

# %%
shared_labels = set(map(decode_label, y_train)) & set(map(decode_label, y_test))
seen = {image.tobytes() for image in x_train}
shared_images = sum(image.tobytes() in seen for image in x_test)
print("labels in both parts:", len(shared_labels))
print("images in both parts:", shared_images)

# %% [markdown]
# Zero and zero. Had we walked through the public archive's `samples/samples/` as well, most test images would have
# had a twin in training, and the model would have looked brilliant.
#
# ## The same as a stream
#
# Our images fit into memory. A hundred thousand would not: 10,000 pixels of 4 bytes each make 4 GB. A **stream** reads
# each image when it is needed and forgets it afterwards. TensorFlow's `tf.data` builds such streams from small parts.
#
# (TensorFlow may greet you with a few lines about oneDNN or CUDA. They are not errors: it tells which processor it
# found.)

# %%
import os

from captcha_lib.dataset import find_files


def stream_dataset(samples, batch_size, crop=False, seed=None, family=COURSE):
    import tensorflow as tf  # here, because tables and arrays are also of use without it

    files = find_files(samples)
    for file in files:
        open_image(file, family)
    labels = np.array([encode_label(label, family) for label in samples["label"]])
    # As bytes, because a path need not be UTF-8.
    stream = tf.data.Dataset.from_tensor_slices((list(map(os.fsencode, files)), labels))
    if seed is not None:
        tf.random.set_seed(seed)  # the order of a shuffle depends on this one as well
        stream = stream.shuffle(len(files), seed=seed)

    def read(path, label):
        image = tf.numpy_function(
            lambda name: encode_image(os.fsdecode(name), crop, family), [path], tf.float32
        )
        return tf.ensure_shape(image, (family.width, family.height, 1)), label

    return stream.map(read).batch(batch_size).prefetch(2)


# %% [markdown]
# Read the function from the bottom: `map` reads each file with the function you know, `batch` puts 32 of them
# together, `prefetch` prepares the next two batches while the network still works on this one.
#
# At the top, `find_files` makes paths of the table's names, and every file is read once before the stream starts. So a
# broken file is named at once, in one line. Inside a running stream it would come up later, among many lines of
# TensorFlow's own.

# %%
stream = stream_dataset(samples, batch_size=32)
images, labels = next(iter(stream))
print("one batch:", images.shape, labels.shape)
print("its first label:", decode_label(labels[0].numpy()))

# %% [markdown]
# Is it really the same data? We let the whole stream run past, and compare its images with the arrays in name order:

# %%
whole = np.concatenate([images for images, labels in stream])
by_name = np.array([encode_image(samples_folder / name) for name in samples["file_name"]])
print("images that differ:", (whole != by_name).any(axis=(1, 2, 3)).sum(), "of", len(whole))

# %% [markdown]
# With a `seed` the stream shuffles anew on every pass, as training wants it:

# %%
shuffled = stream_dataset(samples, batch_size=4, seed=0)
passes = [[decode_label(label) for label in next(iter(shuffled))[1].numpy()] for _ in range(2)]
print("labels in the first batch of both passes:", len(set(passes[0]) & set(passes[1])), "of 4")

# %% [markdown]
# Later lessons import what you have written here. Does the library's stream give the same, cropped and shuffled?

# %%
from captcha_lib import dataset, family


def gather(stream):
    images, labels = zip(*stream)
    return np.concatenate(images), np.concatenate(labels)


images, labels = gather(stream_dataset(samples, 260, True, 7))
their_images, their_labels = gather(dataset.stream_dataset(samples, 260, True, 7))
unlike = (images != their_images).any(axis=(1, 2, 3)).sum()
print("images unlike the library's:", unlike, "of", len(images))
texts = [family.decode_label(label) for label in their_labels]
unlike = sum(decode_label(label) != text for label, text in zip(labels, texts))
print("texts unlike the library's:", unlike, "of", len(texts))

# %% [markdown]
# ## Exercises
#
# The cell below each answer says *right*, *nearly* and what is missing, or *not right yet*.
#
# **1.** What is `decode_label([5, 0, 0, 6, 5])`? Work it out from the alphabet before you run anything.

# %%
answer = None  # a text of five characters

# %%
from captcha_lib.exercises import check

check("3.1", answer)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = "72287"
# ```
#
# Number 0 is `2`, number 5 is `7`, number 6 is `8`.
# </details>
#
# **2.** Write `columns_of(place)`: which columns of the original image does the letter at `place` (0 to 4) roughly
# occupy, if the five letters share columns 25 to 149 evenly? Return the first and the last column.


# %%
def columns_of(place):
    return None


# %%
check("3.2", columns_of)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def columns_of(place):
#     return 25 + 25 * place, 49 + 25 * place
# ```
#
# 125 columns for five letters make 25 each. Lesson 4 builds a network on exactly this rough guess.
# </details>
#
# ## In this notebook you
#
# - translated characters to numbers and back, and checked every label;
# - encoded an image in six steps, with a picture after each;
# - split the set by a fixed choice over sorted names, and proved that nothing leaks;
# - streamed the same images from disk, batch by batch.
#
# ## Sources
#
# - keras.io, *OCR model for reading Captchas*: the same encoding, transpose included, in a few lines.
# - scikit-learn user guide, *Cross-validation*: why one splits, and `train_test_split`.
# - tensorflow.org guide, *tf.data: Build TensorFlow input pipelines*: `map`, `batch` and `prefetch`.
#
# ## The way on
#
# Lesson 4, `04_cnn`, trains a first network on these arrays. It reads most letters and still misreads many captchas.
