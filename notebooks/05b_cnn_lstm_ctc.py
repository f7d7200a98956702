# %% [markdown]
# # Lesson 5b: Read a sequence with CTC
#
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/captcha-course/captcha-course/blob/v0.1.0/notebooks/05b_cnn_lstm_ctc.ipynb)
# [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/captcha-course/captcha-course/blob/v0.1.0/notebooks/05b_cnn_lstm_ctc.ipynb)
# [![Open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/captcha-course/captcha-course/v0.1.0?labpath=notebooks/05b_cnn_lstm_ctc.ipynb)
# <!-- end of badges -->
#
# ## What you'll do
#
# Train the model of lesson 5a, which runs along the image and finds the letters by itself, wherever they stand.
#
# ## What you'll learn
#
# - Explain how CTC learns from a label without knowing where its letters are, and compute its loss by hand.
# - Recognise the plateau on which so many CTC trainings die, explain its height, and leave it.
# - Reuse layers that another model has trained.
# - Decode 50 answers into a text, greedily and with a beam, and see where each letter was read.
# - Look into the gates of a trained LSTM.
#
# ## What you'll need
#
# Lesson 5a for the LSTM, and lesson 4, which saves the CNN; without it this lesson trains one first. Reading takes
# about 45 minutes; all cells together run in one to four minutes on two cores.

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
# Whole images, as in lesson 5a:

# %%
from captcha_lib.dataset import build_dataset
from captcha_lib.family import ALPHABET, check_numbers, decode_label

x_train, x_test, y_train, y_test = build_dataset(samples_folder)
print("training:", x_train.shape, y_train.shape, " test:", x_test.shape, y_test.shape)

# %% [markdown]
# ## The alignment problem
#
# The model of lesson 5a gives 50 answers, one a column. A label says *which* five letters are in an image, not *where*.
# Who tells the model which column should say what? Nobody. **CTC** (connectionist temporal classification) asks for
# less. Each column may say a character or the **blank**, written `-` here. That is the twentieth class. Then a fixed
# rule makes a text of the 50 answers: *merge repeats, then drop blanks*.

# %%
from itertools import groupby


def collapse(alignment):
    return "".join(character for character, _ in groupby(alignment) if character != "-")


for alignment in ["--22--g-77nn-m--", "2-g-7-n--------m", "dddmyyg", "d-dmyyg"]:
    print(f"{alignment:18} -> {collapse(alignment)}")

# %% [markdown]
# The first two say the same, at different speeds. The last two show what the blank is for: without it, `dd` would
# always melt into one `d`. That is not rare:

# %%
labels = [decode_label(row) for row in [*y_train, *y_test]]
doubled_labels = [text for text in labels if collapse(text) != text]
print(
    f"labels with a doubled letter: {len(doubled_labels) / len(labels):.1%}, such as {doubled_labels[0]}"
)
print("what would be read without a blank:", collapse(doubled_labels[0]))

# %% [markdown]
# Run on the real images, lesson 2 counts 21 %. Could the space between letters do the blank's work, as in a printed
# line? Here letters touch. And a blank does not mean "empty paper". It means **"I have nothing new to say"**.
#
# **Check.** What does `--nn-n-n4-4ww--` collapse to?
#
# <details><summary>Answer</summary>
#
# `nnn44w`. Merge first: `-n-n-n4-4w-`. Then drop the blanks.
# </details>
#
# ## Count the alignments
#
# Every way of writing a text along the columns is an **alignment**. For two letters in four columns we can list them
# all. Watch how many there are:

# %%
import math
from itertools import product

import matplotlib.pyplot as plt
import numpy as np

alignments = [text for text in map("".join, product("23-", repeat=4)) if collapse(text) == "23"]
print(len(alignments), "of", 3**4, "strings collapse to 23:")
print(" ".join(alignments))

# %%
from captcha_lib.show import use_course_style

use_course_style()
figure, ax = plt.subplots(figsize=(7, 2), layout="constrained")
grid = np.array([["23-".index(character) for character in text] for text in alignments])
ax.imshow(grid.T, cmap="cividis", aspect="auto")
for (number, column), value in np.ndenumerate(grid):
    color = "black" if value == 2 else "white"
    ax.text(number, column, "23-"[value], ha="center", va="center", color=color)
ax.set(xlabel="alignment", ylabel="column", yticks=range(4), xticks=[])
plt.show()

# %%
print("alignments without any blank:", (grid != 2).all(axis=1).sum())
print("by formula, 2 letters in 4 columns:", math.comb(4 + 2, 2 * 2))
print(f"5 different letters in 50 columns:  {math.comb(50 + 5, 2 * 5):,}")

# %% [markdown]
# CTC does not care which of them the model uses. Each column $t$ gives the class $k$ a probability $y_t(k)$. The
# probability of one alignment is a product over its columns. The **probability of the text** is the sum over all its
# alignments:
#
# $$p(\text{text}) = \sum_{\text{alignments}} \; \prod_t y_t(k_t)$$
#
# We give four columns some probabilities for `2`, `3` and the blank, and sum by hand:

# %%
y = np.array([[0.6, 0.1, 0.3], [0.3, 0.3, 0.4], [0.1, 0.5, 0.4], [0.1, 0.2, 0.7]])


def alignment_probability(text):
    return math.prod(y[t, "23-".index(character)] for t, character in enumerate(text))


by_hand = sum(alignment_probability(text) for text in alignments)
best = max(alignments, key=alignment_probability)
print(f"the best single alignment is {best}: {alignment_probability(best):.4f}")
print(f"all {len(alignments)} together:                {by_hand:.4f}")

# %% [markdown]
# **Check.** How many alignments has the text `22` in three columns?
#
# <details><summary>Answer</summary>
#
# One: `2-2`. Between equal letters the blank is not a choice.
# </details>
#
# ## The forward recursion
#
# Nobody can list 29 billion alignments. But think of them as **walks**. Write the letters with a blank before, between
# and behind them: `-2-3-`. These are the **states** $z_0 \ldots z_4$. A walk starts in one of the first two and ends in
# one of the last two. From column to column it may stay, go on by one, or jump over a blank between two *different*
# letters.
#
# Walks that are in the same state at the same column have the same future. So we need not tell them apart. Let
# $\alpha_t(s)$ be the probability of all walks that are in state $s$ at column $t$, summed. Then
#
# $$\alpha_t(s) = y_t(z_s)\,\bigl(\alpha_{t-1}(s) + \alpha_{t-1}(s-1) + [\text{if a jump is allowed}]\;\alpha_{t-1}(s-2)\bigr)$$
#
# That is all, and it is the **forward recursion**. For several images at once, `n` of them (`check_columns` and
# `check_numbers` refuse what is not an output of our model, and a number that no character has):

# %%
from captcha_lib.ctc import check_columns

BLANK = len(ALPHABET)


def interleave_blanks(labels, blank=BLANK):
    labels = check_numbers(labels, least=0, blank=blank)
    states = np.full((len(labels), 2 * labels.shape[1] + 1), blank)
    states[:, 1::2] = labels
    return states


def ctc_forward(probabilities, labels, blank=BLANK):
    check_columns(probabilities, blank)
    states = interleave_blanks(labels, blank)
    y = np.take_along_axis(probabilities.astype("float64"), states[:, np.newaxis], axis=2)
    may_skip = states[:, 2:] != states[:, :-2]  # from letter to letter, unless they are the same
    alpha = np.zeros_like(y)
    alpha[:, 0, :2] = y[:, 0, :2]
    for t in range(1, y.shape[1]):
        arriving = alpha[:, t - 1].copy()
        arriving[:, 1:] += alpha[:, t - 1, :-1]
        arriving[:, 2:] += may_skip * alpha[:, t - 1, :-2]
        alpha[:, t] = arriving * y[:, t]
    return alpha


# %%
tiny = np.zeros((1, 4, 20))
tiny[0, :, [0, 1, BLANK]] = y.T  # the classes of 2, 3 and the blank
alpha = ctc_forward(tiny, [[0, 1]])
print("alpha, one line a column, one number a state:")
print(alpha[0].round(3))
print(f"the last two of the last line: {alpha[0, -1, -2:].sum():.4f}, by hand {by_hand:.4f}")

# %% [markdown]
# A few additions instead of a list. The states and columns make a **lattice**. From its other end the same recursion
# gives $\beta_t(s)$, everything that can still follow. Together they tell how likely it is, *given the text*, that the
# walk passes through a state:
#
# $$\gamma_t(s) = \frac{\alpha_t(s)\,\beta_t(s)}{y_t(z_s)\;p(\text{text})}$$
#
# (We divide by $y_t(z_s)$ because both hold it.) No second function is needed: reading backwards is reading the
# reversed text in reversed columns.


# %%
def ctc_states(probabilities, labels):
    labels = np.asarray(labels)
    alpha = ctc_forward(probabilities, labels)
    beta = ctc_forward(probabilities[:, ::-1], labels[:, ::-1])[:, ::-1, ::-1]
    y = np.take_along_axis(probabilities, interleave_blanks(labels)[:, np.newaxis], axis=2)
    text = alpha[:, -1:, -2:].sum(axis=2, keepdims=True)
    return alpha * beta / np.maximum(y, 1e-30) / text  # where y is 0, alpha is 0 as well


gamma = ctc_states(tiny, [[0, 1]])
print("gamma, summed over the states of each column:", gamma.sum(axis=2).round(6))

# %% [markdown]
# Here is the lattice: dark nodes are likely. The thick line is the walk of the best alignment, the thin ones are all
# steps that are allowed:

# %%
from captcha_lib.diagrams import plot_lattice
from captcha_lib.show import save_figure

written = [len(collapse(best[: t + 1])) for t in range(4)]
walk = [2 * count - (character != "-") for count, character in zip(written, best)]
figure, ax = plt.subplots(figsize=(5.4, 3.2), layout="constrained")
plot_lattice(ax, "23", gamma[0], walk)
save_figure(figure, "ctc_lattice", dpi=200)
plt.show()

# %%
print("the walk of", best, "through the states:", walk)
print("gamma of its states:", np.round([gamma[0, t, s] for t, s in enumerate(walk)], 2))

# %% [markdown]
# **Check.** Why does no line lead from the first `-` to the second `-`?
#
# <details><summary>Answer</summary>
#
# It would jump over the `2`, and the text would lose a letter. Only blanks may be left out.
# </details>
#
# ## The loss
#
# The loss is minus the logarithm of the text's probability. TensorFlow computes it as we did, but with logarithms
# throughout and with a gradient. We tell it where the blank is, because such functions disagree: for some it is the
# first class, for others the last. And the labels go in as a *sparse* tensor, which takes a faster way than a dense
# one. Texts of different lengths fit into one array if -1 fills up the shorter ones: `padding=-1` takes it out again.
# (`check_numbers` lets such padding pass, and refuses a number without a character.) The line above the function gives
# it a name that Keras saves with a model.

# %%
import keras
import tensorflow as tf
from keras import ops


@keras.saving.register_keras_serializable("captcha_lib")
def ctc_loss(y_true, y_pred, blank=BLANK):
    check_columns(y_pred, blank)
    labels = tf.numpy_function(lambda y: check_numbers(y, blank=blank), [y_true], tf.int32)
    labels = tf.RaggedTensor.from_tensor(tf.ensure_shape(labels, [None, None]), padding=-1)
    log_probabilities = ops.log(ops.cast(y_pred, "float32") + keras.config.epsilon())
    times = ops.full((ops.shape(y_pred)[0],), ops.shape(y_pred)[1], "int32")
    return tf.nn.ctc_loss(
        labels.to_sparse(),
        log_probabilities,
        None,
        times,
        logits_time_major=False,
        blank_index=blank,
    )


# %% [markdown]
# By brute force, by our recursion, by TensorFlow. First the tiny case, then five letters in 50 random columns:

# %%
print(f"brute force: {-np.log(by_hand):.4f}")
print(f"recursion:   {-np.log(alpha[0, -1, -2:].sum()):.4f}")
print(f"ctc_loss:    {float(ctc_loss(np.array([[0, 1]]), tiny.astype('float32'))[0]):.4f}")

# %%
scores = np.random.default_rng(0).normal(size=(8, 50, 20))
random_columns = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
by_recursion = -np.log(ctc_forward(random_columns, y_test[:8])[:, -1, -2:].sum(axis=1))
by_tensorflow = np.asarray(ctc_loss(y_test[:8], random_columns.astype("float32")))
print("eight losses:", by_recursion.round(1))
print(f"largest difference from TensorFlow's: {np.abs(by_recursion - by_tensorflow).max():.3f}")

# %% [markdown]
# **Check.** The model is perfectly sure and right. What is the loss?
#
# <details><summary>Answer</summary>
#
# Zero: the probability of the text is 1, and $-\log 1 = 0$.
# </details>
#
# ## What each column is told
#
# What does this loss say to column $t$? Sum $\gamma_t(s)$ over all states that show the class $k$. That is the share of
# the column that the label asks for. The gradient with respect to what goes *into* the softmax is the difference
# between what the model says and what it should say:
#
# $$\frac{\partial \text{loss}}{\partial\,\text{input}_t(k)} = y_t(k) - \sum_{s:\,z_s = k} \gamma_t(s)$$
#
# TensorFlow's gradient, to compare. The image is the first of the test, the model is one that has learned nothing: each
# class gets 1/20 in every column.

# %%
uniform = np.full((1, 50, 20), 1 / 20, "float32")
gamma = ctc_states(uniform, y_test[:1])
wanted = gamma @ np.eye(20)[interleave_blanks(y_test[:1])]
inputs = tf.zeros((1, 50, 20))
with tf.GradientTape() as tape:
    tape.watch(inputs)
    loss = ctc_loss(y_test[:1], tf.nn.softmax(inputs))
gradient = np.asarray(tape.gradient(loss, inputs))
difference = np.abs(gradient - (uniform - wanted)).max()
print(f"largest gradient {np.abs(gradient).max():.2f}, off the formula by {difference:.3f} at most")

# %%
figure, axes = plt.subplots(2, 1, figsize=(6, 3.9), layout="constrained", sharex=True)
axes[0].imshow(gamma[0].T, cmap="gray_r", aspect="auto", vmin=0)
text = decode_label(y_test[0])
axes[0].set(ylabel="state", yticks=range(11), yticklabels="-" + "".join(f"{c}-" for c in text))
axes[1].plot(wanted[0, :, BLANK], label="the blank")
for character, line in zip(dict.fromkeys(text), ("--", ":", "-.", "--", ":")):
    axes[1].plot(wanted[0, :, ALPHABET.index(character)], line, label=character)
axes[1].axhline(1 / 20, color="black", linewidth=0.8)
axes[1].set(xlabel="column", ylabel="share asked for")
axes[1].legend(ncols=3, fontsize="small")
plt.show()

# %%
others = np.delete(wanted[0], BLANK, axis=1).max(axis=1)
print(
    "columns in which the blank is asked for most:", (wanted[0, :, BLANK] > others).sum(), "of 50"
)
print(f"mean share of the blank: {wanted[0, :, BLANK].mean():.2f}, where the model says {1 / 20}")

# %% [markdown]
# The thin line is what the model says of every class. Above, the walks spread over the whole lattice: any letter might
# be almost anywhere. So each letter gets a little, in a broad hump that differs from image to image. But the **blank**
# stands between all letters, in every image, and is asked for in nearly every column. That is why the first thing that
# CTC teaches is "blank".
#
# **Check.** In which columns can the first letter never be?
#
# <details><summary>Answer</summary>
#
# In the last four: four more letters must follow. With a doubled letter among them, in the last five.
# </details>
#
# ## The plateau
#
# Now we train it as the notes did from which this course grew: Adam with a rate of 0.001, batches of 32. Three epochs
# will do to see what happens. They take half a minute. (`jit_compile=False`, because on a machine with a GPU Keras
# would hand the training to a compiler, XLA, that does not know this loss.)

# %% tags=["nbval-ignore-output"]
from captcha_lib.cnn import show_progress
from captcha_lib.ctc import build_cnn_lstm_ctc

keras.utils.set_random_seed(0)
stuck = build_cnn_lstm_ctc()
stuck.compile(keras.optimizers.Adam(0.001), loss=ctc_loss, jit_compile=False)
stuck_history = stuck.fit(
    x_train, y_train, batch_size=32, epochs=3, verbose=0, callbacks=[show_progress()]
)

# %% tags=["within-2%"]
best = stuck.predict(x_test, verbose=0).argmax(axis=-1)
print(f"columns that say blank: {(best == BLANK).mean():.0%}")
print(f"loss in the last epoch: {stuck_history.history['loss'][-1]:.1f}")

# %% [markdown]
# The loss drops fast and then stands still near 16.3. All columns, or nearly all, say "blank". People have waited ten
# epochs at this point, and their early stopping ended the training: not one captcha right.
#
# Why 16.3? Suppose a model does not look at the image at all. It says blank with probability $q$ and shares the rest
# among the 19 characters, the same in every column. What is the best it can do? A hundred labels are enough to tell:


# %%
def loss_of_not_looking(q):
    answer = np.full(20, (1 - q) / 19, "float32")
    answer[BLANK] = q
    outputs = np.broadcast_to(answer, (100, 50, 20))
    return float(np.mean(ctc_loss(y_train[:100], outputs)))


choices = np.arange(0.70, 0.99, 0.01)
losses = [loss_of_not_looking(q) for q in choices]

# %%
figure, ax = plt.subplots(figsize=(6, 2.8), layout="constrained")
ax.plot(choices, losses)
ax.axhline(stuck_history.history["loss"][-1], color="C1", linestyle="--", label="our stuck model")
ax.set(xlabel="q, the probability of the blank in every column", ylabel="CTC loss")
ax.legend()
plt.show()

# %%
print(f"lowest loss without looking: {min(losses):.1f}, at q = {choices[np.argmin(losses)]:.2f}")

# %% [markdown]
# There it is. The plateau is **the best score without looking at the image**. Fifty columns share five letters, so nine
# columns in ten should be blank: q = 0.90. (The model can get a little lower than this curve, if it also learns that
# `n` is frequent.) And on the plateau the gradient asks for what the model says already. We take the formula once more,
# with q = 0.90 in every column, and a hundred labels:

# %%
answer = np.full(20, 0.1 / 19, "float32")
answer[BLANK] = 0.9
outputs = np.broadcast_to(answer, (100, 50, 20))
gamma = ctc_states(outputs, y_train[:100])
wanted = (gamma @ np.eye(20)[interleave_blanks(y_train[:100])]).mean(axis=(0, 1))
print(f"the blank: said {answer[BLANK]:.2f}, asked for {wanted[BLANK]:.2f}")
print(f"the others, each: said {answer[0]:.4f}, asked for {wanted[:BLANK].mean():.4f}")

# %% [markdown]
# The difference is gone. What is left differs from image to image, and cancels out over a batch as long as the layers
# below do not look.
#
# An untrained model starts far above: each class gets 1/20. All its first steps push in one direction, towards the
# blank, through every layer it has, and say nothing about the image.
#
# **Check.** Would the plateau be higher or lower if the labels had ten letters instead of five?
#
# <details><summary>Answer</summary>
#
# Higher. Not looking, each letter costs about the same, so twice the letters cost nearly twice as much.
# </details>
#
# ## Leaving it
#
# Two changes, and both are cheap.
#
# **First: start where the plateau ends.** We set *one* number, the bias of the blank in the last layer, so that the
# untrained model already says blank with about 0.9. With softmax this takes $e^b / (e^b + 19) = 0.9$, so $b = \log(9
# \cdot 19)$.


# %%
def set_blank_bias(model):
    weights, bias = model.layers[-1].get_weights()
    bias[-1] = np.log(9 * (len(bias) - 1))
    model.layers[-1].set_weights([weights, bias])


# %% tags=["within-1%"]
keras.utils.set_random_seed(0)
model = build_cnn_lstm_ctc()
images, labels = x_test[:32], y_test[:32]
before = model.predict(images, verbose=0)
set_blank_bias(model)
after = model.predict(images, verbose=0)
for name, columns in [("before", before), ("after", after)]:
    loss = np.mean(ctc_loss(labels, columns))
    print(f"{name:6} blank {columns[..., BLANK].mean():.2f}, loss {loss:.1f}")

# %% [markdown]
# **Second: transfer learning.** The CNN of lesson 4 has the same two convolutions, with the same names, and it has
# already learned to see the shapes of letters. We copy their weights and leave them as they are. What the convolutions
# say about an image then never changes, so we compute it *once* for all images and train only the rest on it. That is
# fast, and the LSTMs get something sensible to look at from the first step on.


# %%
def copy_convolutions(source, target):
    for name in ("Conv1", "Conv2"):
        target.get_layer(name).set_weights(source.get_layer(name).get_weights())


# %% [markdown]
# Lesson 4 has left its weights behind. If it has not run on these images yet, a CNN is trained here:

# %% tags=["nbval-ignore-output"]
from captcha_lib.cnn import build_cnn, plain_errors, train_cnn
from captcha_lib.workspace import load_or_train


def train_lesson_4():
    x_cropped, _, y, _ = build_dataset(samples_folder, crop=True)
    return train_cnn(x_cropped, y)


cnn, cnn_seconds = load_or_train("cnn", samples_folder, build_cnn, train_lesson_4)
print(f"a CNN that was trained for {cnn_seconds:.0f} seconds")

# %% [markdown]
# The learning rate climbs to 0.003 in a tenth of all steps and then falls along a cosine:


# %%
from keras.optimizers.schedules import CosineDecay


def warm_up_and_decay(peak_rate, steps):
    return CosineDecay(
        peak_rate / 30, steps, warmup_target=peak_rate, warmup_steps=steps // 10
    )


# %% [markdown]
# The rest is craft. No step may be longer than 5 (`clipnorm`). A tenth of the *training* images is held out: when
# the loss on it has not improved for five epochs, training stops, and the best weights come back. The test images play
# no part in this. The line above the function, `plain_errors`, makes one line of a hundred if something is wrong with
# the images or the labels.


# %%
@plain_errors()
def train_cnn_lstm_ctc(x_train, y_train, cnn, epochs=15, seed=0):
    keras.utils.set_random_seed(seed)
    model = build_cnn_lstm_ctc()
    set_blank_bias(model)
    copy_convolutions(cnn, model)
    columns = model.get_layer("columns").output
    features = keras.Model(model.input, columns).predict(x_train, verbose=0)
    reader = keras.Model(columns, model.output)
    rate = warm_up_and_decay(3e-3, epochs * len(x_train) // 16)
    reader.compile(keras.optimizers.Adam(rate, clipnorm=5), loss=ctc_loss, jit_compile=False)
    stop_early = keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)
    history = reader.fit(
        features,
        y_train,
        batch_size=16,
        epochs=epochs,
        validation_split=0.1,
        verbose=0,
        callbacks=[stop_early, show_progress()],
    )
    return model, history


# %% [markdown]
# `reader` is the second half of `model` and shares its layers. Training the one trains the other.

# %% tags=["nbval-ignore-output"]
import time

started = time.perf_counter()
model, history = train_cnn_lstm_ctc(x_train, y_train, cnn)
seconds = time.perf_counter() - started
print(f"{seconds:.0f} seconds")

# %%
from captcha_lib.show import plot_history
from captcha_lib.workspace import model_file, save_model

save_model(model, seconds, model_file("cnn_lstm_ctc", samples_folder))
figure = plot_history(history.history, "loss")
figure.axes[0].axhline(16.3, color="C3", linestyle=":")
plt.show()

# %% [markdown]
# The dotted line is the plateau. In numbers:

# %% tags=["within-0.3"]
print(f"lowest loss on images held out: {min(history.history['val_loss']):.2f}")

# %% tags=["within-2"]
print("epochs with a training loss above 15:", sum(loss > 15 for loss in history.history["loss"]))

# %% [markdown]
# The model starts on the plateau and leaves it within a few epochs.
#
# **Check.** Why are the convolutions not trained on, in `train_cnn_lstm_ctc`?
#
# <details><summary>Answer</summary>
#
# Because `fit` never sees them: it gets the finished columns. That saves time, and keeps the first pushes
# of CTC, all towards the blank, away from layers that can see.
# </details>
#
# ## The loss as a layer
#
# Our notes, and the well-known example on keras.io, put the loss *into* the model: a last layer that gets the labels as
# a second input and calls `add_loss`. It is called an **endpoint layer**. (`run_eagerly` builds no graph, which would
# not be worth it for a look at two batches.)


# %%
from keras import layers


class CTCLayer(layers.Layer):
    def call(self, y_true, y_pred):
        self.add_loss(ctc_loss(y_true, y_pred))
        return y_pred


keras.utils.set_random_seed(0)
plain = build_cnn_lstm_ctc()
set_blank_bias(plain)
plain.compile("adam", loss=ctc_loss, run_eagerly=True)
label = keras.Input((5,), name="label")
endpoint = keras.Model([plain.input, label], CTCLayer()(label, plain.output))
endpoint.compile("adam", run_eagerly=True)

# %%
for count in (16, 32):
    images, labels = x_test[:count], y_test[:count]
    as_function = plain.evaluate(images, labels, batch_size=count, verbose=0)
    as_layer = endpoint.evaluate([images, labels], batch_size=count, verbose=0)
    print(f"batch of {count}: loss function {as_function:.0f}, layer {as_layer:.0f}, ", end="")
    print(f"{as_layer / as_function:.0f} times as much")

# %% [markdown]
# The same model, the same images, and sixteen times the loss. Keras 2 took the *mean* of what `add_loss` got. Keras 3
# takes the **sum** over the batch. People who followed the old example saw a plateau near 250 and did not recognise
# it. And a gradient sixteen times as long meets `clipnorm` sooner. One `ops.mean` inside the layer mends it.
#
# And a second trap:

# %%
try:
    endpoint.predict(x_test[:2], verbose=0)
except ValueError:
    print("an error: 1 input given,", len(endpoint.inputs), "expected")
print("names with ctc in keras.backend:", [name for name in dir(keras.backend) if "ctc" in name])

# %% [markdown]
# To *read* an image, the endpoint model wants its label first. So the example has to cut a second model out of it. (It
# also used `keras.backend.ctc_batch_cost`, which Keras 3 no longer has.) A plain loss function has none of this: that
# is why the course takes one.
#
# **Check.** What does the endpoint model report if the last batch of an epoch has 8 images instead of 16?
#
# <details><summary>Answer</summary>
#
# A loss half as large for it, though nothing got better. With a mean it would not matter.
# </details>
#
# ## From columns to text
#
# For each column take the likeliest class, then apply the rule: merge repeats, drop blanks. That is **greedy
# decoding**. It is what `collapse` does, and in NumPy a column counts where its class differs from the one before and
# is not the blank.
#
# Greedy decoding finds the best *alignment*. We want the best *text*, and that is not the same. Two columns are enough
# to see it:

# %%
two_columns = np.full((1, 2, 20), 1e-9)
two_columns[0, :, [0, BLANK]] = [[0.4, 0.4], [0.6, 0.6]]  # 2 and the blank
sums = {}
for text in map("".join, product("2-", repeat=2)):
    share = math.prod(0.4 if character == "2" else 0.6 for character in text)
    sums[collapse(text)] = sums.get(collapse(text), 0) + share
    print(f"{text}: {share:.2f} -> {collapse(text)!r}")
print("together:", {text: round(total, 2) for text, total in sums.items()})

# %% [markdown]
# The best alignment is `--`, with 0.36, and reads nothing. But three others read `2`, and together they have 0.64.
# **Beam search** follows several beginnings at once, adds up those that give the same text, and keeps the best
# `beam_width` of them at each column. Keras has it, and gives the `top_paths` best texts of each image:


# %%
def beam_search(probabilities, beam_width, top_paths=1, alphabet=ALPHABET):
    times = np.full(len(probabilities), probabilities.shape[1])
    scores = ops.log(ops.cast(probabilities, "float32") + keras.config.epsilon())
    found, _ = ops.ctc_decode(
        scores, times, "beam_search", beam_width, top_paths, mask_index=len(alphabet)
    )
    found = np.asarray(found).transpose(1, 0, 2)
    return [[decode_label(text[text >= 0], alphabet) for text in texts] for texts in found]


# %% [markdown]
# Both ways to decode in one function. `check_columns` refuses the output of a model like that of lesson 4, which has no
# blank, and would make nonsense here:


# %%
def decode_ctc(probabilities, beam_width=None, alphabet=ALPHABET):
    blank = len(alphabet)
    check_columns(probabilities, blank)
    if beam_width:
        return [texts[0] for texts in beam_search(probabilities, beam_width, alphabet=alphabet)]
    best = np.argmax(probabilities, axis=-1)
    changed = np.diff(best, axis=1, prepend=-1) != 0
    shown = changed & (best != blank)
    return [decode_label(row[keep], alphabet) for row, keep in zip(best, shown)]


# %%
print("greedy:", decode_ctc(two_columns), " beam of 5:", decode_ctc(two_columns, beam_width=5))

# %% [markdown]
# Does that help our model? On the test images as they are, and on the same images under so much noise that the model is
# no longer sure:

# %% tags=["within-0.3"]
import pandas as pd

from captcha_lib.score import character_accuracy, exact_match

truths = [decode_label(row) for row in y_test]
noise = np.random.default_rng(0).normal(0, 0.4, x_test.shape)
noisy = np.clip(x_test + noise, 0, 1).astype("float32")
probabilities, unsure = (np.asarray(model(x, training=False)) for x in (x_test, noisy))
rows = []
for width in (None, 1, 2, 5, 10, 50, 100):
    started = time.perf_counter()
    exact = [exact_match(decode_ctc(p, width), truths) for p in (probabilities, unsure)]
    milliseconds = 1000 * (time.perf_counter() - started) / (2 * len(truths))
    rows.append({"beam width": width or "greedy", "clean": exact[0], "noisy": exact[1]})
    rows[-1]["time an image (ms)"] = milliseconds
beams = pd.DataFrame(rows).set_index("beam width").round(3)
print(beams[["clean", "noisy"]])

# %% tags=["within-0.03"]
gain = beams["noisy"] - beams.loc["greedy", "noisy"]
print(f"gained on noisy images: {gain[2]:.3f} by a beam of 2, {gain[100]:.3f} by one of 100")

# %% tags=["nbval-ignore-output"]
beams["time an image (ms)"]

# %% [markdown]
# Where every column is sure, there is one good alignment, and greedy decoding finds it. Where the columns doubt, a
# narrow beam may mend a reading or two, and a wide one mostly costs time. We stay with greedy.
#
# **Check.** How wide must a beam be to be sure of the best text?
#
# <details><summary>Answer</summary>
#
# As wide as there are beginnings of texts. Any narrower beam may drop one that would have won later. Above, a beam of 2
# lost little.
# </details>
#
# ## Where each letter was read
#
# What do the 50 columns of one image say? Dark is probable; the blank is the last row. In the image, a line marks the
# column in which each letter was read:

# %%
first = probabilities[0].argmax(axis=-1)
spikes = np.flatnonzero((np.diff(first, prepend=-1) != 0) & (first != BLANK))
figure, axes = plt.subplots(
    2, 1, figsize=(6, 4.2), layout="constrained", height_ratios=(1, 2), sharex=True
)
axes[0].imshow(
    x_test[0, :, :, 0].T, cmap="gray", vmin=0, vmax=1, extent=(-0.5, 49.5, 50, 0), aspect="auto"
)
axes[0].axis("off")
for column in spikes:
    axes[0].axvline(column, color="C1", linewidth=2)
    axes[0].text(column, -3, ALPHABET[first[column]], color="C3", ha="center")
axes[1].imshow(probabilities[0].T, cmap="gray_r", aspect="auto", vmin=0, vmax=1)
axes[1].set(xlabel="column", ylabel="class", yticks=range(20), yticklabels=[*ALPHABET, "-"])
axes[1].tick_params(axis="y", labelsize=7)
save_figure(figure, "ctc_columns")
plt.show()

# %% tags=["within-5"]
print("columns that say blank:", (first == BLANK).sum(), "of 50")
print("columns from one spike to the next:", np.diff(spikes).min(), "or more")

# %% [markdown]
# Each letter is a short spike; in between there is blank. Nobody told the model where the letters are. It found a place
# for each, and only for each. Three more images, and all of the test in a number:

# %%
figure, axes = plt.subplots(1, 3, figsize=(5.4, 1.1), layout="constrained")
best = probabilities.argmax(axis=-1)
begins = (np.diff(best, axis=1, prepend=-1) != 0) & (best != BLANK)
for ax, image, classes, begin in zip(axes, x_test[1:], best[1:], begins[1:]):
    places = np.flatnonzero(begin)
    ax.imshow(image[:, :, 0].T, cmap="gray", vmin=0, vmax=1)
    ax.vlines(4 * places + 2, 0, 49, color="C1")
    ax.set_title("  ".join(ALPHABET[classes[place]] for place in places))
    ax.axis("off")
plt.show()

# %% tags=["within-2%"]
x = 4 * np.nonzero(begins)[1] + 2
print(
    f"spikes between x = 20 and x = 160, where the text stands: {((x >= 20) & (x <= 160)).mean():.0%}"
)

# %% [markdown]
# And the lattice of this image? Before training the walks spread over all of it. Now:

# %%
gamma = ctc_states(probabilities[:1], y_test[:1])
figure, ax = plt.subplots(figsize=(6.4, 1.9), layout="constrained")
ax.imshow(gamma[0].T, cmap="gray_r", aspect="auto", vmin=0, vmax=1)
ax.set(xlabel="column t", ylabel="state", yticks=range(11))
ax.set_yticklabels("-" + "".join(f"{character}-" for character in decode_label(y_test[0])))
plt.show()

# %% tags=["within-10"]
before = ctc_states(uniform, y_test[:1])
for name, shares in [("before", before), ("after", gamma)]:
    sure = (shares[0].max(axis=-1) > 0.9).sum()
    print(f"{name:6} training: {sure} of 50 columns are sure of their state")

# %% [markdown]
# One dark line is left. The model has chosen an alignment, though no label ever named one.
#
# **Check.** The LSTMs look both ways. Must a spike then stand on its letter at all?
#
# <details><summary>Answer</summary>
#
# No. The loss asks for the right order, nothing else. Spikes may come late or early, and in speech they often do. Here
# the letter's own columns know best, so they speak.
# </details>
#
# ## Inside the trained LSTM
#
# Lesson 5a computed an LSTM in NumPy. The same function runs the trained layer: the one that goes from left to right in
# the first bidirectional pair. Its input is what the dense layer gives.

# %%
from captcha_lib.lstm import run_lstm

bidirectional = next(layer for layer in model.layers if isinstance(layer, layers.Bidirectional))
weights = [np.asarray(weight) for weight in bidirectional.forward_layer.weights]
below = keras.Model(model.input, [bidirectional.input, bidirectional.output])
inputs, by_keras = (np.asarray(array) for array in below(x_test[:1], training=False))
paths = run_lstm(inputs[0], *weights)
difference = np.abs(paths["h"] - by_keras[0, :, :128]).max()
print(f"{paths['h'].shape[1]} cells, largest difference from Keras' layer: {difference:.3f}")

# %% [markdown]
# Its gates over the 50 columns, under the image. Each line is one cell, every eighth of 128. They are sorted by the
# column in which their input gate is widest open:

# %%
names = {"f": "forget gate", "i": "input gate", "o": "output gate"}
figure, axes = plt.subplots(4, 1, figsize=(6, 4.8), layout="constrained", sharex=True)
axes[0].imshow(x_test[0, :, :, 0].T, cmap="gray", extent=(-0.5, 49.5, 50, 0), aspect="auto")
axes[0].vlines(spikes, 0, 50, color="C1")
axes[0].axis("off")
order = np.argsort(paths["i"].argmax(axis=0))[::8]
for ax, (symbol, name) in zip(axes[1:], names.items()):
    picture = ax.imshow(
        paths[symbol].T[order], cmap="cividis", aspect="auto", interpolation="nearest"
    )
    picture.set_clim(0, 1)
    ax.set(ylabel=f"{name} ${symbol}_t$\n(16 cells)", yticks=[])
axes[-1].set_xlabel("column t")
figure.colorbar(picture, ax=axes[1:], label="0 shut, 1 open")
plt.show()

# %% tags=["within-0.1"]
text_columns, margin = slice(spikes[0], spikes[-1] + 1), slice(42, 50)
for symbol, name in names.items():
    moving = np.abs(np.diff(paths[symbol], axis=0)).mean(axis=1)
    print(f"{name:11} moves {moving[text_columns].mean():.2f} a column in the text,", end=" ")
    print(f"{moving[margin].mean():.2f} right of it; mean {paths[symbol][text_columns].mean():.2f}")

# %% [markdown]
# Look at it from left to right. Right of the text hardly a gate moves: nothing comes in. In the text, stripes run down
# the picture, as one group of cells after the other opens its input gate. And look at the forget gates. They are darker
# there than the output gates, with bright bands between, as if this layer held on to a letter while it lasts, and
# dropped it for the next one. To carry news all the way through would be of no use here. The letters of a captcha do
# not depend on each other.
#
# Step along yourself. At each column: its place in the image, the class probabilities, the mean of the gates, and the
# text so far, as letters and below as classes.


# %%
def show_column(column=24):
    figure, axes = plt.subplots(
        1, 3, figsize=(8, 2.1), layout="constrained", width_ratios=(3, 3, 1)
    )
    axes[0].imshow(x_test[0, :, :, 0].T, cmap="gray", vmin=0, vmax=1)
    axes[0].axvspan(4 * column - 0.5, 4 * column + 3.5, color="C1", alpha=0.6)
    axes[0].axis("off")
    said = "".join([*ALPHABET, "-"][number] for number in first[: column + 1])
    axes[0].set_title(f"read so far: {collapse(said)}", family="monospace")
    axes[1].bar(range(20), probabilities[0, column])
    axes[1].set(title=f"column {column}", ylim=(0, 1), ylabel="probability")
    axes[1].set_xticks(range(20), [*ALPHABET, "-"])
    axes[2].bar(["f", "i", "o"], [paths[symbol][column].mean() for symbol in "fio"])
    axes[2].set(ylim=(0, 1), title="gates, mean")
    plt.show()
    print(said)


# %% tags=["nbval-ignore-output"]
show_column(int(spikes[2]))

# %%
said = "".join([*ALPHABET, "-"][number] for number in first[: spikes[2] + 1])
print("letters read at the third spike:", len(collapse(said)))

# %% [markdown]
# Where widgets run, a slider moves the column:

# %% tags=["nbval-ignore-output"]
from ipywidgets import interact

slider = interact(show_column, column=(0, 49))

# %% [markdown]
# **Check.** The picture shows the way from left to right. What would you expect of the other LSTM of the pair?
#
# <details><summary>Answer</summary>
#
# The same from the other side: still over the right margin, where it starts, and busy from the last letter on. Run
# `run_lstm` on `inputs[0][::-1]` with the weights of `bidirectional.backward_layer` to see it.
# </details>
#
# ## How good is it?

# %% tags=["within-5"]
readings = decode_ctc(probabilities)
exact = exact_match(readings, truths)
print(f"character accuracy {character_accuracy(readings, truths):.1%}")
print(f"exact match        {exact:.1%}")

# %%
from captcha_lib.show import show_readings

figure = show_readings(x_test[:10], readings[:10], truths[:10])
save_figure(figure, "ctc_readings")
plt.show()

# %% tags=["within-2"]
right = sum(reading == truth for reading, truth in zip(readings[:10], truths[:10]))
print(right, "of the ten are right")

# %% [markdown]
# And the doubled letters, which a careless merge would swallow?

# %% tags=["within-3"]
doubled = [i for i, text in enumerate(truths) if any(a == b for a, b in zip(text, text[1:]))]
right = sum(readings[i] == truths[i] for i in doubled)
print(f"{right} of {len(doubled)} captchas with a doubled letter in the test are read right")

# %% [markdown]
# The blank between them does its work. How sure such figures are, lesson 6a says.
#
# **Check.** Greedy decoding gave a text of four letters. What may have happened?
#
# <details><summary>Answer</summary>
#
# A letter never became the likeliest class of its column, or the blank between two equal letters did not. Nothing in
# CTC demands five letters; lesson 8 does.
# </details>
#
# ## Exercises
#
# The cell below each answer says *right*, *nearly* and what is missing, or *not right yet*.
#
# **1.** How many columns does a text of five letters need at least, if two neighbouring letters are the same?

# %%
answer = None  # your number

# %%
from captcha_lib.exercises import check

check("5b.1", answer)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = 6
# ```
#
# Five letters and one blank between the two equal ones: `2-2345`.
# </details>
#
# **2.** Write `find_spikes(probabilities)`: for the output of *one* image, shape `(50, 20)`, the list of columns in
# which a new letter begins.


# %%
def find_spikes(probabilities):
    return None


# %%
check("5b.2", find_spikes)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def find_spikes(probabilities):
#     best = probabilities.argmax(axis=-1)
#     changed = np.diff(best, prepend=-1) != 0
#     return list(np.flatnonzero(changed & (best != BLANK)))
# ```
#
# It is the second half of `decode_ctc`, with places instead of letters. Multiply by 4 to get pixels.
# </details>
#
# ## In this notebook you
#
# - collapsed alignments into texts, and summed over all of them: by brute force, by the forward recursion, by
#   TensorFlow;
# - read the gradient of CTC as what a column says, less what it is asked for;
# - explained the plateau at 16.3 as the score of not looking, and started training where it ends;
# - reused the convolutions of lesson 4;
# - decoded greedily and with a beam, saw where each letter was read, and looked into the gates of a trained LSTM.
#
# The lattice is kept for slides and handouts: `figures/ctc_lattice.png`.
#
# ## Sources
#
# - Graves, A. et al. (2006), *Connectionist Temporal Classification*: the paper behind the loss, its recursion and its
#   gradient.
# - Hannun, A. (2017), *Sequence Modeling with CTC*, distill.pub: the best pictures of alignments.
# - keras.io, *OCR model for reading Captchas*: the example our model resembles, with its endpoint layer.
# - keras.io, *Automatic Speech Recognition using CTC*: the same loss on sound.
#
# ## The way on
#
# Lesson 6a, `06a_scores`, puts both models into one table and says how sure the figures are. Lesson 6b looks at what
# they still get wrong.
