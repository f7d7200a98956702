# %% [markdown]
# # Lesson 4: Train a convolutional network
#
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/captcha-course/captcha-course/blob/v0.1.0/notebooks/04_cnn.ipynb)
# [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/captcha-course/captcha-course/blob/v0.1.0/notebooks/04_cnn.ipynb)
# [![Open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/captcha-course/captcha-course/v0.1.0?labpath=notebooks/04_cnn.ipynb)
# <!-- end of badges -->
#
# ## What you'll do
#
# Build a network of two convolutions, train it for 30 epochs, and let it read captchas it has never seen.
#
# ## What you'll learn
#
# - Say what a convolution does to an image, with one worked out by hand.
# - Build a model in Keras layer by layer, and account for each of its parameters.
# - Read training curves, and recognise a model that learns its examples by heart.
# - Score readings by character and by captcha, and explain why the two differ so much.
#
# ## What you'll need
#
# Lesson 3 for the arrays. Reading takes about 25 minutes; training takes one to five minutes on two cores, the rest
# half a minute.

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
# ## The data
#
# The arrays of lesson 3, **cropped** this time: this network needs the letters to fill the image.

# %%
from captcha_lib.dataset import build_dataset

x_train, x_test, y_train, y_test = build_dataset(samples_folder, crop=True)
print("training:", x_train.shape, y_train.shape, " test:", x_test.shape, y_test.shape)

# %% [markdown]
# ## One convolution by hand
#
# A **convolution** looks at a small window of the image, here 3 x 3 pixels, multiplies each pixel by a weight, and adds
# up. Then the window moves on by one pixel. The nine weights decide what it finds. These find edges that run upright:

# %%
import numpy as np
from scipy.ndimage import correlate

weights = np.array([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]])
image = x_test[0, :, :, 0].T
edges = correlate(image, weights, mode="nearest")

# %%
import matplotlib.pyplot as plt

from captcha_lib.show import use_course_style

use_course_style()
figure, axes = plt.subplots(1, 2, figsize=(9, 1.7), layout="constrained")
axes[0].imshow(image, cmap="gray", vmin=0, vmax=1)
axes[0].set_title("the image")
axes[1].imshow(edges, cmap="PuOr", vmin=-3, vmax=3)
axes[1].set_title("what the window finds: brighter or darker to the right")
for ax in axes:
    ax.axis("off")
plt.show()

# %%
flat = (np.abs(edges) < 0.1).mean()
print(f"the window finds nothing in {flat:.0%} of the places")

# %% [markdown]
# The gradient of the background is gone, and the upright parts of letters shine. We chose these nine weights; a network
# finds its own. It gets 32 windows in the first layer and 64 in the second, and training decides what each looks for.
#
# Between the layers, **max pooling** keeps the largest of each 2 x 2 values. The maps get smaller, and it no longer
# matters whether an edge was one pixel further left. The fuzzy edges of lesson 1 hurt less.

# %%
import keras
from keras import layers


def extract_features(image):
    maps = image
    for number, filters in enumerate((32, 64), start=1):
        maps = layers.Conv2D(
            filters,
            3,
            padding="same",
            data_format="channels_last",
            activation="relu",
            kernel_initializer="he_normal",
            name=f"Conv{number}",
        )(maps)
        maps = layers.MaxPooling2D(2, data_format="channels_last", name=f"pool{number}")(maps)
    return maps


# %% [markdown]
# `relu` sets negative values to 0: "no such shape here" is all we want to know. `same` pads the border, so that only
# the pooling shrinks the maps. `channels_last` says that the maps stand on the last axis, as the grey values of our
# arrays do. `he_normal` picks random first weights of a size that suits `relu`.
#
# ## From maps to five letters
#
# Two poolings make a quarter of 200 x 50: the maps have 50 x 12 places, 64 values each. Time comes first, so **a
# reshape to five rows cuts the image into five upright strips**, ten places of time each:

# %%
print("one fifth:", 50 // 5, "x", 12, "x", 64, "=", 10 * 12 * 64, "values")

# %% [markdown]
# Each strip then goes through the same three dense layers, the last of which gives 19 probabilities, one a character.
# The -1 in `Reshape` stands for whatever is left over, 7,680 here:

# %%
from captcha_lib.family import ALPHABET, HEIGHT, LABEL_LENGTH, WIDTH, decode_label


def letter_heads(maps):
    fifths = layers.Reshape((LABEL_LENGTH, -1))(maps)
    hidden = layers.Dense(256, activation="relu")(fifths)
    hidden = layers.Dense(64, activation="relu")(hidden)
    return layers.Dense(len(ALPHABET), activation="softmax")(hidden)


def build_cnn():
    image = keras.Input((WIDTH, HEIGHT, 1), name="image")
    return keras.Model(image, letter_heads(extract_features(image)), name="cnn")


# %%
model = build_cnn()
for layer in model.layers:
    kind, shape = type(layer).__name__, str(layer.output.shape)
    print(f"{kind:13} {shape:21} {layer.count_params():>9,} parameters")
print(f"{'together':35} {model.count_params():>9,} parameters")

# %% [markdown]
# Where are the two million? Not in the convolutions: 32 windows of 9 weights and a bias make 320. Nearly all sit in the
# one dense layer that looks at 7,680 values at once.
#
# Is a cut into five fair? Let us look where it cuts:

# %%
figure, axes = plt.subplots(1, 3, figsize=(9, 1.4), layout="constrained")
for ax, place in zip(axes, (0, 1, 2)):
    ax.imshow(x_test[place, :, :, 0].T, cmap="gray", vmin=0, vmax=1)
    for border in (40, 80, 120, 160):
        ax.axvline(border, color="C1", linestyle="--")
    ax.set_title(decode_label(y_test[place]))
    ax.axis("off")
plt.show()

# %%
print("a strip is 40 columns of the cropped image,", 125 // 5, "columns of the original")

# %% [markdown]
# A crude cut. It works because the letters stand at nearly the same places in every image, and because a window sees a
# little beyond the border. It fails where widths add up differently: after two `m` the next letter stands further right
# than after two `f`. The strips stay where they are, and a border runs right through a letter. Keep that in mind when
# we look at the mistakes.
#
# ## Train
#
# The **loss** says how surprised the model is by the truth: minus the logarithm of the probability it gave to the right
# character. A model that knows nothing gives each of the 19 characters the same probability. Its loss is:

# %%
print(f"{-np.log(1 / len(ALPHABET)):.2f}")

# %% [markdown]
# Training shows the model 32 images at a time and moves each weight a little, in the direction that lowers the loss.
# The optimiser *Adam* decides how little. Once through all images is one **epoch**. The test images are only watched:
# no weight moves because of them. (`check_numbers` refuses labels that hold anything but the numbers of characters.)

# %%
from captcha_lib.cnn import show_progress
from captcha_lib.family import check_numbers


def train_cnn(x_train, y_train, validation_data=None, epochs=30, seed=0):
    check_numbers(y_train, least=0)
    keras.utils.set_random_seed(seed)
    model = build_cnn()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(
        x_train,
        y_train,
        batch_size=32,
        epochs=epochs,
        validation_data=validation_data,
        verbose=0,
        callbacks=[show_progress()],
    )
    return model, history


# %% [markdown]
# Now it takes one to five minutes. Watch `accuracy` (on training images) and `val_accuracy` (on test images) climb:

# %% tags=["nbval-ignore-output"]
import time

started = time.perf_counter()
model, history = train_cnn(x_train, y_train, validation_data=(x_test, y_test))
seconds = time.perf_counter() - started
print(f"{seconds:.0f} seconds")

# %% [markdown]
# We keep the weights and the time for lessons 5 and 6. Only the weights: `build_cnn` is the rest of the model. You may
# change `build_cnn` above and run this again: a lesson that finds weights of another shape here trains its own CNN.

# %%
from captcha_lib.workspace import model_file, save_model

save_model(model, seconds, model_file("cnn", samples_folder))
print(f"{model.count_params() * 4 / 1e6:.0f} MB of weights saved")

# %% [markdown]
# ## The curves
#
# One panel for the loss, one for the accuracy, each with two lines:


# %%
def plot_history(history, *names):
    figure, axes = plt.subplots(
        1, len(names), figsize=(4.5 * len(names), 3), layout="constrained", squeeze=False
    )
    for ax, name in zip(axes.flat, names):
        epochs = range(1, len(history[name]) + 1)
        ax.plot(epochs, history[name], label="training")
        ax.plot(epochs, history[f"val_{name}"], "--", label="held out")
        ax.set(xlabel="epoch", ylabel=name, ylim=(0, None))
        ax.legend()
    return figure


# %%
from captcha_lib.show import save_figure

figure = plot_history(history.history, "loss", "accuracy")
save_figure(figure, "cnn_curves")
plt.show()

# %% tags=["within-0.1"]
last = {name: values[-1] for name, values in history.history.items()}
print(f"loss on training images {last['loss']:.2f}, on test images {last['val_loss']:.2f}")
print(f"accuracy on training images {last['accuracy']:.2f}")

# %% [markdown]
# On its training images the model is nearly perfect. On images it has not seen the loss stops falling early. The gap
# between the lines has a name, **overfitting**: with two million parameters for 936 images, the model has begun to
# learn the images by heart. More images would help. More epochs would not.
#
# ## Ten readings
#
# For each strip the model gives 19 probabilities; we take the likeliest character:

# %%
probabilities = model.predict(x_test, verbose=0)
predicted = probabilities.argmax(axis=-1)
print(probabilities.shape, "->", predicted.shape)
sums = probabilities.sum(axis=-1)
print("each strip's probabilities add up to", np.unique(sums.round(4)))

# %% [markdown]
# Two small functions mark each wrong letter with a caret and show the images in a grid:

# %%
from itertools import zip_longest


def mark_mistakes(reading, truth):
    pairs = zip_longest(reading, truth, fillvalue=" ")
    return f"{reading:5}\n" + "".join(" " if read == true else "^" for read, true in pairs)


print(mark_mistakes("2g7nw", "2g7nm"))


# %%
def show_readings(images, readings, truths, columns=5):
    rows = -(-len(images) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(1.9 * columns, 1.1 * rows), layout="constrained"
    )
    for ax in axes.flat:
        ax.axis("off")
    for ax, image, reading, truth in zip(axes.flat, images, readings, truths):
        ax.imshow(image[:, :, 0].T, cmap="gray", vmin=0, vmax=1)
        color = "black" if reading == truth else "C3"
        ax.set_title(mark_mistakes(reading, truth), family="monospace", color=color)
    return figure


# %% [markdown]
# The first ten test images with what the model read:

# %%
readings = [decode_label(row) for row in predicted]
truths = [decode_label(row) for row in y_test]
figure = show_readings(x_test[:10], readings[:10], truths[:10])
plt.show()

# %% tags=["within-3"]
wrong = sum(reading != truth for reading, truth in zip(readings[:10], truths[:10]))
print(wrong, "of the ten read wrong")

# %% [markdown]
# ## Two scores
#
# How good is that? There are two honest answers. **Character accuracy** is the share of characters that are right.
# **Exact match** is the share of captchas without any mistake. Both are short, and `check_pairs` refuses readings and
# truths that do not pair up:

# %%
from captcha_lib.score import check_pairs


def character_accuracy(predicted, truth):
    check_pairs(predicted, truth)
    hits = sum(read == true for pair in zip(predicted, truth) for read, true in zip(*pair))
    return float(hits / sum(len(label) for label in truth))


def exact_match(predicted, truth):
    check_pairs(predicted, truth)
    return float(np.mean([list(read) == list(true) for read, true in zip(predicted, truth)]))


# %% tags=["within-3"]
characters = character_accuracy(readings, truths)
print(f"character accuracy {characters:.0%}")

# %% tags=["within-15"]
exact = exact_match(readings, truths)
print(f"exact match {exact:.0%}")
print(f"if mistakes fell on letters by chance, exact match would be {characters**5:.0%}")

# %% [markdown]
# More than nine characters in ten are right, and clearly fewer captchas. That is what five letters do: *all* of them
# must be right, and 0.93 multiplied by itself five times is only about 0.7. The true figure tends to be a little
# better, because mistakes keep company: an image with one bad letter often has two.
#
# Both scores were measured on 104 images. One image more or less is almost a whole per cent, so digits behind the point
# would say nothing. Lesson 6a says how sure such figures are.
#
# ## Which place is hardest?

# %% tags=["within-8"]
by_place = (predicted == y_test).mean(axis=0)
print("accuracy at places 1 to 5:", *(f"{share:.0%}" for share in by_place))

# %% [markdown]
# The later the place, the worse, by and large. The first letter has the thick stroke across it and is read well all the
# same: it always stands where its strip is. Where a later letter stands depends on the widths of all letters before it.
#
# Is it really the cut? Then texts of unusual length should suffer. A column with seven dark pixels or more belongs to a
# letter, for the strokes are thinner. The last such column is where a text ends:

# %%
dark = (x_test[..., 0] < 0.5).sum(axis=2)
end = np.array([np.flatnonzero(columns >= 7).max() for columns in dark])
third = np.digitize(end, np.percentile(end, [33, 67]))
print("short, middle and long texts:", np.bincount(third))

# %% tags=["within-20"]
right = (predicted == y_test).all(axis=1)
for number, name in enumerate(["short", "middle", "long"]):
    print(f"{name:6} texts: {right[third == number].mean():.0%} exact")

# %% [markdown]
# In most trainings the middle third is read best and the short one worst. In short texts the last letters stand left of
# the strips that wait for them, in long ones right of them. So the cut, not the letters, is what holds this model back.
#
# ## Exercises
#
# The cell below each answer says *right*, *nearly* and what is missing, or *not right yet*.
#
# **1.** How many weights and biases has `Conv2`? It has 64 windows of 3 x 3 places, and each place has as many values
# as `Conv1` has windows. Work it out, then compare with the table above.

# %%
answer = None  # your number

# %%
from captcha_lib.exercises import check

check("4.1", answer)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = 64 * (3 * 3 * 32 + 1)
# ```
#
# Each of the 64 windows has 9 x 32 weights and one bias: 18,496 together.
# </details>
#
# **2.** Write `sureness(probabilities)`: for each captcha, the product of the five highest probabilities. Such a number
# tells which readings to trust.


# %%
def sureness(probabilities):
    return None


# %%
check("4.2", sureness)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def sureness(probabilities):
#     return probabilities.max(axis=-1).prod(axis=-1)
# ```
#
# `max` over the 19 characters, then `prod` over the five places. Sort by it, and the mistakes gather at the low end.
# </details>
#
# ## In this notebook you
#
# - worked out a convolution by hand, and saw it wipe away the gradient;
# - built the CNN layer by layer, and found nearly all of its 2,002,835 parameters in one dense layer;
# - read the curves of a model that overfits;
# - scored its readings: over nine characters in ten, and clearly fewer captchas.
#
# ## Sources
#
# - keras.io, developer guide *The Functional API*: how layers are put together.
# - Kingma, D. P. and Ba, J. (2015), *Adam: A Method for Stochastic Optimization*: the optimiser.
# - He, K. et al. (2015), *Delving Deep into Rectifiers*: where `he_normal` comes from.
#
# ## The way on
#
# Lesson 5 drops the crude cut. It has two parts: `05a_lstm` builds a memory that walks along the image, and
# `05b_cnn_lstm_ctc` trains a model with it, a fifth as large, that finds the letters by itself.
