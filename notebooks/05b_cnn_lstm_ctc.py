# %% [markdown]
# # Lesson 5b: Read a sequence with CTC
#
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/captcha-course/captcha-course/blob/v1.0.0/notebooks/05b_cnn_lstm_ctc.ipynb)
# [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/captcha-course/captcha-course/blob/v1.0.0/notebooks/05b_cnn_lstm_ctc.ipynb)
# [![Open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/captcha-course/captcha-course/v1.0.0?labpath=notebooks/05b_cnn_lstm_ctc.ipynb)
# <!-- end of badges -->
#
# ## What you'll do
#
# Train the model of lesson 5a, which runs along the image and finds the letters by itself, wherever they stand.
#
# ## What you'll learn
#
# - Explain how CTC learns from a label without knowing where its letters are, and compute its loss in a plain loop.
# - Say what CTC assumes, and which class its blank is.
# - Recognise the plateau on which CTC trainings stand still, explain its height, and measure what leads off it.
# - Reuse layers that another model has trained.
# - Decode 50 answers into a text, greedily and with a beam, and see where each letter was read.
# - Look into the gates of a trained LSTM.
#
# ## What you'll need
#
# Lesson 5a for the LSTM, and lesson 4, which saves the CNN; without it this lesson trains one first. Reading takes
# about 55 minutes; all cells together run in three to ten minutes on two cores.

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
# Whole images:

# %%
from captcha_lib.dataset import build_dataset
from captcha_lib.family import ALPHABET, check_numbers, decode_label

x_train, x_test, y_train, y_test = build_dataset(samples_folder)
print("training:", x_train.shape, y_train.shape, " test:", x_test.shape, y_test.shape)

# %% [markdown]
# ## The alignment problem
#
# The model of lesson 5a gives 50 answers, one for each column. A label says *which* five letters are in an image, not
# *where*. Who tells the model which column should say what? Nobody. **CTC** (connectionist temporal classification)
# asks for less. Each column may say a character or the **blank**, written `-` here. That is the twentieth class. Then a
# fixed rule makes a text of the 50 answers: *merge repeats, then drop blanks*.

# %%
from itertools import groupby


def collapse(alignment):
    return "".join(character for character, _ in groupby(alignment) if character != "-")


for alignment in ["--22--g-77nn-m--", "2-g-7-n--------m", "dddmyyg", "d-dmyyg"]:
    print(f"{alignment:18} -> {collapse(alignment)}")

# %% [markdown]
# The first two give the same text, at different speeds. The last two show what the blank is for: without it, `dd` would
# always become one `d`. How often does that matter?

# %%
labels = [decode_label(row) for row in [*y_train, *y_test]]
doubled_labels = [text for text in labels if collapse(text) != text]
share = len(doubled_labels) / len(labels)
print(f"labels with a doubled letter: {share:.1%}, such as {doubled_labels[0]}")
print("what would be read without a blank:", collapse(doubled_labels[0]))

# %% [markdown]
# A blank does not mean "empty paper": in these images the letters touch. It means **"I have nothing new to say"**.
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
# all. Guess how many:

# %%
from itertools import product


def list_alignments(text, columns):
    strings = map("".join, product(dict.fromkeys(text + "-"), repeat=columns))
    return [string for string in strings if collapse(string) == text]


alignments = list_alignments("23", 4)
print(len(alignments), "of", 3**4, "strings collapse to 23:")
print(" ".join(alignments))

# %% [markdown]
# Five letters in 50 columns are too many to list, but not to count. $T$ columns have $T + 1$ edges: one before, one
# after, the others between. Each letter begins at one edge and ends at a later one. The next may begin where it ends.
# So $L$ different letters choose $2L$ edges, and an edge may be taken twice, by an end and the next beginning. Now
# raise both edges of the second letter by one, of the third by two, and so on. Then no number is taken twice, and there
# are $T + L$ numbers to choose from. So we ask how many ways there are to choose $2L$ out of $T + L$:

# %%
import math

for text, columns in [("2", 3), ("23", 4), ("23", 6), ("234", 6)]:
    counted = len(list_alignments(text, columns))
    formula = math.comb(columns + len(text), 2 * len(text))
    print(f"{text:3} in {columns} columns: {counted} counted, {formula} by formula")
print(f"5 different letters in 50 columns: {math.comb(50 + 5, 2 * 5):,}")

# %% [markdown]
# CTC does not care which of them the model uses. Each column $t$ gives the class $k$ a probability $y_t(k)$. An
# alignment names one class for each column: we write $k_t$ for the class that it names at column $t$. How probable is
# it? CTC multiplies, and that is an assumption, **conditional independence**: once the image is known, what one column
# says tells nothing more about what another says. And because two alignments cannot both happen, the **probability of
# the text** is the sum over all its alignments:
#
# $$p(\text{text}) = \sum_{\text{alignments}} \; \prod_t y_t(k_t)$$
#
# We give four columns some probabilities for `2`, `3` and the blank, and add up by hand:

# %%
import numpy as np

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
# One: `2-2`. Between equal letters the blank is not a choice. (The formula counts texts without equal neighbours.)
# </details>
#
# ## The forward recursion
#
# Nobody can list 29 billion alignments. But think of them as **walks**. Write the letters with a blank before, between
# and behind them: `-2-3-`. These are the **states** $z_0, \ldots, z_4$. From column to column a walk may *stay*, *move*
# to the next state, or *jump* over a blank between two *different* letters. Here are all ways into the second letter:

# %%
import matplotlib.pyplot as plt

from captcha_lib.show import use_course_style

use_course_style()
figure, axes = plt.subplots(1, 2, figsize=(6.4, 3), layout="constrained", sharey=True)
for ax, text in zip(axes, ["23", "22"]):
    states = f"-{text[0]}-{text[1]}-"
    for t, s in product(range(2), range(5)):
        circle = {"boxstyle": "circle", "facecolor": "white", "edgecolor": "black"}
        ax.text(t, s, states[s], ha="center", va="center", family="monospace", bbox=circle)
    for start, name in [(3, "stay"), (2, "move"), (1, "jump")]:
        if name != "jump" or states[1] != states[3]:
            arrow = {"arrowstyle": "-|>", "color": "black", "shrinkA": 12, "shrinkB": 12}
            ax.annotate("", (1, 3), (0, start), arrowprops=arrow)
            ax.text(0.25, start + (3 - start) * 0.25 - 0.1, name, ha="center", va="bottom")
    ax.set(title=f"into the last letter of {text}", xlim=(-0.4, 1.4), ylim=(4.6, -0.6))
    ax.set(xticks=(0, 1), xticklabels=("column t - 1", "column t"), yticks=range(5))
axes[0].set_ylabel("state s")
plt.show()
for text in ("23", "22"):
    print(f"{text} in four columns: {len(list_alignments(text, 4))} alignments")

# %% [markdown]
# On the right, a jump would write `22` without a blank, and that collapses to `2`.
#
# Now the idea. Walks that are in the same state at the same column have the same future. So we need not tell them
# apart: one number for all of them will do. Let $\alpha_t(s)$ be the probability of **all walks that are in state $s$
# at column $t$**, added up. We take one by hand, for the text `23`: state 3, the letter `3`, at column 2, the third
# one. First as a list, then from the three states that lead into it:

# %%
beginnings = [text for text in list_alignments("23", 3) if text[-1] == "3"]
by_list = sum(map(alignment_probability, beginnings))
print("walks that are at the 3 at column 2:", *beginnings, f" together {by_list:.3f}")
stayed = alignment_probability("23")
moved = alignment_probability("2-")
jumped = alignment_probability("22") + alignment_probability("-2")
arriving = stayed + moved + jumped
print(f"at column 1: {stayed:.2f} at the 3, {moved:.2f} at the blank, {jumped:.2f} at the 2")
print(f"({stayed:.2f} + {moved:.2f} + {jumped:.2f}) x {y[2, 1]} = {arriving * y[2, 1]:.3f}")

# %% [markdown]
# What arrives, times what the column itself says. That is the whole **forward recursion**:
#
# $$\alpha_t(s) = y_t(z_s)\,\bigl(\alpha_{t-1}(s) + \alpha_{t-1}(s-1) + [\text{if a jump is allowed}]\;\alpha_{t-1}(s-2)\bigr)$$
#
# A walk starts in one of the first two states and ends in one of the last two. As a plain loop, for one image:

# %%
def walk_forward(y, z):
    alpha = np.zeros((len(y), len(z)))
    alpha[0, :2] = y[0, z[:2]]
    for t in range(1, len(y)):
        for s in range(len(z)):
            arriving = alpha[t - 1, s]
            if s >= 1:
                arriving += alpha[t - 1, s - 1]
            if s >= 2 and z[s] != z[s - 2]:  # two blanks are equal, too
                arriving += alpha[t - 1, s - 2]
            alpha[t, s] = y[t, z[s]] * arriving
    return alpha


z = [2, 0, 2, 1, 2]  # -2-3-, as columns of y
alpha = walk_forward(y, z)
print("alpha, one line for each column, one number for each state:")
print(alpha.round(3))
print(f"the last two of the last line: {alpha[-1, -2:].sum():.4f}, by hand {by_hand:.4f}")

# %% [markdown]
# Find the 0.345 in it. For five letters in 50 columns the loop fills 550 places instead of listing 29 billion walks.
#
# The library does it for several images at once. The loop over columns stays. The loop over states becomes a sum of
# whole arrays, each shifted by one state more. (`check_columns` and `check_numbers` refuse what is not an output of our
# model, and a number that no character has.)

# %%
from captcha_lib.decoding import check_columns

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
together = ctc_forward(tiny, [[0, 1]])[0]
print(f"largest difference from the loop: {np.abs(together - alpha).max():.3f}")
try:
    ctc_forward(tiny, [[0, BLANK]])  # a label cannot hold the blank
except ValueError as error:
    print(error)

# %% [markdown]
# The states and columns make a **lattice**. From its other end the same recursion gives $\beta_t(s)$, everything that
# can still follow. Together they tell how likely it is, *given the text*, that the walk is in a state:
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
# Here is the lattice with $\gamma$ in its nodes. The thin lines are all steps that a walk may take; a dot is a state
# that no walk can pass at that column. The thick line is the walk of the best alignment:

# %%
from captcha_lib.diagrams import plot_lattice
from captcha_lib.show import save_figure

written = [len(collapse(best[: t + 1])) for t in range(4)]
walk = [2 * count - (character != "-") for count, character in zip(written, best)]
figure, ax = plt.subplots(figsize=(5.4, 3.2), layout="constrained")
plot_lattice(ax, "23", gamma[0], walk)
save_figure(figure, "ctc_lattice", dpi=200)
plt.show()
print("the walk of", best, "through the states:", walk)
print("gamma of its states:   ", *(f"{gamma[0, t, s]:.2f}" for t, s in enumerate(walk)))
print("largest of each column:", *(f"{largest:.2f}" for largest in gamma[0].max(axis=1)))
print("thin lines, one for each step that a walk may take:", len(ax.lines) - 1)

# %% [markdown]
# (Three of the 18 thin lines lie under the thick one.)
#
# At column 1 the best walk goes through the blank, though the `2` above it is darker. Why? In a node the probabilities
# of all its walks add up. The best walk is the most probable one *alone*.
#
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
# throughout and with a gradient. It asks for *logits*, what goes into a softmax, and we hand it logarithms of
# probabilities. That is allowed: it applies a softmax, and probabilities have the sum 1 already, so they come out as
# they were. We tell it where the blank is. And the labels go in as a *sparse* tensor, which may hold rows of different
# lengths: -1 fills up the shorter texts of an array, and `padding=-1` takes it out again. (The line above the function
# gives it a name by which Keras would find it in a model that is saved whole. We save weights alone.)

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
# By list, by our loop, by TensorFlow: four columns, then 50 random ones:

# %%
by_tensorflow = float(ctc_loss(np.array([[0, 1]]), tiny.astype("float32"))[0])
print(f"list {-np.log(by_hand):.4f}, loop {-np.log(alpha[-1, -2:].sum()):.4f}, ", end="")
print(f"TensorFlow {by_tensorflow:.4f}")
logits = np.random.default_rng(0).normal(size=(32, 50, 20)).astype("float32")
outputs = np.asarray(ops.softmax(logits))
by_recursion = -np.log(ctc_forward(outputs, y_test[:32])[:, -1, -2:].sum(axis=1))
losses = np.asarray(ctc_loss(y_test[:32], outputs))
print("losses of random columns:", losses[:4].round(1), "...")
print(f"largest difference between the two: {np.abs(by_recursion - losses).max():.3f}")
again = ops.log_softmax(np.log(outputs))
print(f"a second softmax changes the logarithms by {np.abs(again - np.log(outputs)).max():.3f}")

# %% [markdown]
# Labels of different lengths fit into one batch. Each has the loss that it has alone:

# %%
batch = np.array([[0, 12, 5, 14, 13], [9, 9, -1, -1, -1], [18, -1, -1, -1, -1]])
in_batch = np.asarray(ctc_loss(batch, outputs[:3]))
for row, loss, columns in zip(batch, in_batch, outputs):
    label = row[row >= 0]
    alone = float(ctc_loss(label[np.newaxis], columns[np.newaxis])[0])
    print(f"{decode_label(label):5} in the batch {loss:.2f}, alone {alone:.2f}")
no_room = ctc_forward(outputs[:1, :2], [[9, 9]])[0, -1, -2:].sum()
print("probability of dd in two columns:", no_room)

# %% [markdown]
# The last line shows a limit. **What CTC assumes**:
#
# - Given the image, the columns are independent of each other.
# - The text runs in the order of the columns, from left to right.
# - There are at least as many columns as letters, and one more for each pair of equal neighbours. A text that does not
#   fit has the probability 0.
#
# **Check.** The model is perfectly sure and right. What is the loss?
#
# <details><summary>Answer</summary>
#
# Zero: the probability of the text is 1, and $-\log 1 = 0$.
# </details>
#
# ## Which class is the blank?
#
# For us it is the last one. Keras takes the *first*, unless it is told. No error says so. Here is an output that is
# sure of `2-g-77-n-m-`, read by Keras' own decoder, first as it comes:

# %%
classes = ALPHABET + "-"
sure = np.eye(20)[[[classes.index(character) for character in "2-g-77-n-m-"]]]
for note, blank in [("the first class, as it comes", 0), ("the last class, as ours", BLANK)]:
    (found,), _ = ops.ctc_decode(np.log(sure + 1e-7), [11], mask_index=blank)
    text = "".join(classes[number] for number in np.asarray(found[0]) if number >= 0)
    print(f"blank is {note}: {text}")

# %% [markdown]
# It took `2`, our class 0, for a blank, and our blank for a letter. A loss that is told the wrong blank still looks
# like any other loss. Keras has its own, `keras.losses.CTC`, with the blank first. To mend it we move our blank to the
# front, and each letter up by one:

# %%
keras_ctc = keras.losses.CTC(reduction="none")
unmended = keras_ctc(y_test[:4], logits[:4])
mended = keras_ctc(y_test[:4] + 1, np.roll(logits[:4], 1, axis=-1))
for name, values in [("ours", losses[:4]), ("Keras', as it comes", unmended), ("mended", mended)]:
    print(f"{name:20}", np.round(values, 1))

# %% [markdown]
# **Check.** How would you find this mistake in a training of your own?
#
# <details><summary>Answer</summary>
#
# As above: give an output that is sure of a known text to the loss and to the decoder. The loss must be near 0, and the
# text must come back.
# </details>
#
# ## What each column is told
#
# What does the loss ask of column $t$? Add up $\gamma_t(s)$ over all states that show the class $k$. That is the share
# of the column that the label asks for. The gradient with respect to what goes *into* the softmax is the difference
# between what the model says and what it is asked for:
#
# $$\frac{\partial \text{loss}}{\partial\,\text{input}_t(k)} = y_t(k) - \sum_{s:\,z_s = k} \gamma_t(s)$$
#
# We compare it with TensorFlow's, for the first label of the test and a model that has learned nothing: each class gets
# 1/20 in every column.


# %%
def wanted_shares(probabilities, labels):
    return ctc_states(probabilities, labels) @ np.eye(20)[interleave_blanks(labels)]


uniform = np.full((1, 50, 20), 1 / 20, "float32")
wanted = wanted_shares(uniform, y_test[:1])
inputs = tf.zeros((1, 50, 20))
with tf.GradientTape() as tape:
    tape.watch(inputs)
    loss = ctc_loss(y_test[:1], tf.nn.softmax(inputs))
gradient = np.asarray(tape.gradient(loss, inputs))
difference = np.abs(gradient - (uniform - wanted)).max()
print(f"largest gradient {np.abs(gradient).max():.2f}, off the formula by {difference:.3f} at most")

# %%
gamma = ctc_states(uniform, y_test[:1])[0]
figure, ax = plt.subplots(figsize=(6, 2.8), layout="constrained")
ax.plot(wanted[0, :, BLANK], color="black", linewidth=2, label="the blank")
for place, style in enumerate(["-", "--", "-.", ":", "-"]):
    name = f"letter {place + 1}, {decode_label(y_test[0])[place]}"
    ax.plot(gamma[:, 2 * place + 1], style, color=f"C{place}", label=name)
ax.axhline(1 / 20, color="0.5", linewidth=0.8, label="said of each class")
ax.set(xlabel="column", ylabel="share asked for", ylim=(0, 1))
ax.legend(ncols=2, fontsize="small", loc="upper center")
plt.show()
letters = gamma[:, 1::2].max(axis=1)
blank = wanted[0, :, BLANK]
print("columns in which the blank is asked for most:", (blank > letters).sum(), "of 50")
print(f"mean share of the blank: {blank.mean():.2f}, where the model says {1 / 20}")

# %% [markdown]
# Any letter might be almost anywhere. So each is asked for a little, in a broad hump. But the **blank** has a place
# before, between and behind the letters of every text, and here it is asked for most in all columns. So the first thing
# that CTC teaches should be "blank"; the next section tries it.
#
# **Check.** In which columns can the first letter never be?
#
# <details><summary>Answer</summary>
#
# In the last four: four more letters must follow. Each doubled letter of the text adds one column.
# </details>
#
# ## The plateau
#
# Now we train the model for three epochs, as the notes did from which this course grew: Adam with a rate of 0.001,
# batches of 32. (`jit_compile=False`: on a machine with a GPU, Keras would hand the training to a compiler, XLA, that
# does not know this loss.)

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
said = stuck.predict(x_test, verbose=0).argmax(axis=-1)
print(f"columns that say blank: {(said == BLANK).mean():.0%}")
print(f"loss in the last epoch: {stuck_history.history['loss'][-1]:.1f}")

# %% [markdown]
# All columns, or nearly all, say "blank". The loss of the last epoch is about 16.3, and we shall see trainings stand
# still at this height: a **plateau**.
#
# Why 16.3? Suppose a model does not look at the image. It says blank with probability $q$ and shares the rest among the
# 19 characters, the same in every column. What is the best it can do? A hundred labels are enough to tell:


# %%
def answer_without_looking(q):
    answer = np.full(20, (1 - q) / 19, "float32")
    answer[BLANK] = q
    return np.broadcast_to(answer, (100, 50, 20))


choices = np.linspace(0.70, 0.98, 29)
heights = [np.mean(ctc_loss(y_train[:100], answer_without_looking(q))) for q in choices]
figure, ax = plt.subplots(figsize=(6, 2.8), layout="constrained")
ax.plot(choices, heights, label="without looking")
ax.axhline(stuck_history.history["loss"][-1], color="C1", linestyle="--", label="our stuck model")
ax.set(xlabel="q, the probability of the blank in every column", ylabel="CTC loss")
ax.legend()
plt.show()
print(f"lowest loss without looking: {min(heights):.1f}, at q = {choices[np.argmin(heights)]:.2f}")

# %% [markdown]
# The plateau is **the best score without looking at the image**. Five letters need at least five of the fifty columns,
# so about nine in ten should be blank: q = 0.90. (Our model is a little lower. Its loss is a mean over all labels, not
# over a hundred, and it need not share the rest equally.)
#
# Is there no gradient on the plateau? We ask the formula, for a hundred labels: once where an untrained model starts,
# once on the plateau. How long is the gradient of one image? And how long is the mean of all hundred, which a layer
# gets that gives every image the same answer?

# %%
for name, q in [("start", 1 / 20), ("plateau", 0.9)]:
    said = answer_without_looking(q)
    gradients = (said - wanted_shares(said, y_train[:100])).reshape(100, -1)
    one = np.linalg.norm(gradients, axis=1).mean()
    mean = np.linalg.norm(gradients.mean(axis=0))
    print(f"{name:8} one image {one:.2f}, mean of a hundred {mean:.2f}, ratio {mean / one:.2f}")

# %% [markdown]
# There is a gradient. Each image still asks for its letters. But each asks for others, and in the mean they cancel out:
# a hundred vectors that have nothing in common leave 1/√100 = 0.10 of one. Only a model that tells the images apart can
# follow them. At the start it is the other way round: four fifths of what an image asks for, all others ask for too. It
# is more blank, whatever the image shows.
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
# **The first idea: start on the plateau.** We set *one* number, the bias of the blank in the last layer, so that the
# untrained model already says blank with about 0.9. With softmax this takes $e^b / (e^b + 19) = 0.9$, so $b = \log(9
# \cdot 19)$. Then no step is spent on what all images share.


# %% tags=["within-1%"]
def set_blank_bias(model):
    weights, bias = model.layers[-1].get_weights()
    bias[-1] = np.log(9 * (len(bias) - 1))
    model.layers[-1].set_weights([weights, bias])


keras.utils.set_random_seed(0)
untrained = build_cnn_lstm_ctc()
for name in ("before", "after"):
    columns = untrained.predict(x_test[:32], verbose=0)
    loss = np.mean(ctc_loss(y_test[:32], columns))
    print(f"{name:6} blank {columns[..., BLANK].mean():.2f}, loss {loss:.1f}")
    set_blank_bias(untrained)

# %% [markdown]
# **The second idea: transfer learning.** The CNN of lesson 4 has the same two convolutions, with the same names, and
# has learned to tell letters apart. We copy their weights. If lesson 4 has not run on these images yet, a CNN is
# trained here:

# %% tags=["nbval-ignore-output"]
from captcha_lib.cnn import build_cnn, plain_errors, train_cnn
from captcha_lib.workspace import load_or_train


def copy_convolutions(source, target):
    for name in ("Conv1", "Conv2"):
        target.get_layer(name).set_weights(source.get_layer(name).get_weights())


def train_lesson_4():
    x_cropped, _, y, _ = build_dataset(samples_folder, crop=True)
    return train_cnn(x_cropped, y)


cnn, cnn_seconds = load_or_train("cnn", samples_folder, build_cnn, train_lesson_4)
print(f"a CNN that was trained for {cnn_seconds:.0f} seconds")

# %% [markdown]
# The learning rate climbs to its peak in a tenth of all steps and then falls to 0 along a cosine. (`CosineDecay` counts
# its steps from the peak on.)


# %%
from keras.optimizers.schedules import CosineDecay


def warm_up_and_decay(peak_rate, steps):
    rising = steps // 10
    falling = steps - rising  # CosineDecay counts its decay_steps from the peak on
    return CosineDecay(peak_rate / 30, falling, warmup_target=peak_rate, warmup_steps=rising)


rate = warm_up_and_decay(3e-3, 200)
for step in (0, 20, 110, 200):
    print(f"step {step:3}: rate {float(rate(step)):.4f}")

# %% [markdown]
# Which of the two does it? We try neither, the bias, the transfer, and both. **All else is equal**: the same seed,
# batches of 16, this rate with a peak of 0.003, five epochs. The convolutions stay as they are, random or copied. So
# what they say about an image is computed *once*, and only the layers behind them are trained. A fifth training has
# both, but the rate and the batches of the notes. The last tenth of the training images is held out and scored. The
# test images play no part in this.


# %%
trained_on = int(0.9 * len(x_train))
batches = math.ceil(trained_on / 16)


def start_model(bias, transfer):
    keras.utils.set_random_seed(0)
    model = build_cnn_lstm_ctc()
    if bias:
        set_blank_bias(model)
    if transfer:
        copy_convolutions(cnn, model)
    return model


def train_briefly(model, rate, batch_size):
    columns = model.get_layer("columns").output
    features = keras.Model(model.input, columns).predict(x_train, verbose=0)
    reader = keras.Model(columns, model.output)  # the second half of `model`: the same layers
    reader.compile(keras.optimizers.Adam(rate), loss=ctc_loss, jit_compile=False)
    options = {"batch_size": batch_size, "epochs": 5, "validation_split": 0.1, "verbose": 0}
    return reader.fit(features, y_train, **options).history["val_loss"]


# %% tags=["nbval-ignore-output"]
from tqdm import tqdm

tf.get_logger().setLevel("ERROR")  # else it warns that we build many models
arms = {
    "neither": start_model(bias=False, transfer=False),
    "bias": start_model(bias=True, transfer=False),
    "transfer": start_model(bias=False, transfer=True),
    "both": start_model(bias=True, transfer=True),
    "both, as in the notes": start_model(bias=True, transfer=True),
}
courses = {}
for name, arm in tqdm(arms.items(), file=sys.stdout):
    rate, batch_size = warm_up_and_decay(3e-3, 5 * batches), 16
    if name == "both, as in the notes":
        rate, batch_size = 0.001, 32
    courses[name] = train_briefly(arm, rate, batch_size)

# %% [markdown]
# First those that stay on the plateau:

# %% tags=["within-0.2"]
from captcha_lib.score import exact_match

held_out, truths = x_train[trained_on:], [decode_label(row) for row in y_train[trained_on:]]


def count_right(model):
    said = model.predict(held_out, verbose=0).argmax(axis=-1)
    readings = [collapse("".join(classes[number] for number in row)) for row in said]
    return round(exact_match(readings, truths) * len(truths))


figure, ax = plt.subplots(figsize=(6, 3.2), layout="constrained")
for (name, course), style in zip(courses.items(), ("o-", "s--", "^-.", "D:", "v-")):
    ax.plot(range(1, 6), course, style, label=name)
ax.axhline(16.3, color="black", linewidth=0.8, label="the plateau")
ax.set(xlabel="epoch", ylabel="CTC loss, held out", xticks=range(1, 6), ylim=(0, None))
ax.legend(fontsize="small", loc="lower left")
plt.show()
for name in ("neither", "bias", "transfer"):
    print(f"{name:8} loss {courses[name][-1]:.1f}, {count_right(arms[name])} read right")

# %% tags=["within-1"]
for name in ("both", "both, as in the notes"):
    print(f"{name:21} loss {courses[name][-1]:.1f}")

# %% tags=["within-12"]
for name in ("both", "both, as in the notes"):
    print(f"{name:21} {count_right(arms[name])} of {len(truths)} read right")

# %% [markdown]
# Only the two **together** leave the plateau in five epochs, and then the model reads. With the rate and the batches of
# the notes they leave it, too, but more slowly. (Would the bias alone do if random convolutions could learn? This table
# does not say.)
#
# But all of them stand on the plateau at some time: some fall onto it, the others begin there. Why does that matter?
# Look at what the last layer gets. How much does it differ from image to image (the standard deviation over the images
# held out, mean over columns and cells)?


# %% tags=["within-0.03"]
def spread(model):
    below = keras.Model(model.input, model.layers[-1].input)
    return below.predict(held_out, verbose=0).std(axis=0).mean()


for name in ("bias", "transfer", "both"):
    before = spread(start_model(bias=name != "transfer", transfer=name != "bias"))
    print(f"{name:8} before training {before:.3f}, after it {spread(arms[name]):.3f}")

# %% [markdown]
# This fits one explanation. With the transfer alone, the last layer gets nearly the same from each image in the end,
# and cannot follow what single images ask for. With both, the spread has grown. With the bias alone, random
# convolutions tell less apart, and even that is lost, without a fall. But we measured only before and after: whether
# the fall takes the spread away, or the time on the plateau, these numbers do not say.
#
# What else is not as in the notes? The rate, and the batches: 16 images instead of 32 give twice as many steps an
# epoch. The fifth training shows what these two do together, not each. And copied convolutions are not trained on,
# which saves time.
#
# The library trains in this way, for 15 epochs. When the loss on the tenth held out has not improved for five of them,
# it stops, and the best weights come back. (`plain_errors` makes one line of a hundred if the images or labels are
# wrong.)


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
    batches = math.ceil(int(0.9 * len(x_train)) / 16)
    rate = warm_up_and_decay(3e-3, epochs * batches)
    reader.compile(keras.optimizers.Adam(rate), loss=ctc_loss, jit_compile=False)
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


# %% tags=["nbval-ignore-output"]
import time

started = time.perf_counter()
model, history = train_cnn_lstm_ctc(x_train, y_train, cnn)
seconds = time.perf_counter() - started
print(f"{seconds:.0f} seconds")

# %% tags=["within-0.2"]
from captcha_lib.show import plot_history
from captcha_lib.workspace import model_file, save_model

save_model(model, seconds, model_file("cnn_lstm_ctc", samples_folder))
figure = plot_history(history.history, "loss")
figure.axes[0].axhline(16.3, color="black", linestyle=":", label="the plateau")
figure.axes[0].legend()
plt.show()
print(f"lowest loss on images held out: {min(history.history['val_loss']):.1f}")

# %% [markdown]
# **Check.** Which lines of `train_cnn_lstm_ctc` keep the convolutions as they are?
#
# <details><summary>Answer</summary>
#
# Those that compute `features` and build `reader`: `fit` gets finished columns, and `reader` begins behind the
# convolutions.
# </details>
#
# ## From columns to text
#
# For each column take the likeliest class, then `collapse`. That is **greedy decoding**. It finds the best *alignment*.
# We want the best *text*, and that is not the same. Two columns are enough to see it:

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
# `beam_width` of them at each column. Of each beginning it keeps two numbers: how probable it is so far with a blank at
# its end, and how probable with its last letter there. The same letter again makes the text longer after a blank only;
# after the letter it is a repeat, and the text stays as it is:


# %%
from collections import defaultdict
from heapq import nlargest


def beam_search(probabilities, beam_width, top_paths=1, alphabet=ALPHABET):
    found = []
    for columns in np.asarray(probabilities).tolist():
        beam = {"": (1, 0)}
        for *letters, blank in columns:
            likely = [pair for pair in zip(alphabet, letters) if pair[1] > 1e-6]
            grown = defaultdict(lambda: [0, 0])
            for text, (in_blank, in_letter) in beam.items():
                grown[text][0] += (in_blank + in_letter) * blank
                for letter, share in likely:
                    if text[-1:] == letter:
                        grown[text][1] += in_letter * share
                        grown[text + letter][1] += in_blank * share
                    else:
                        grown[text + letter][1] += (in_blank + in_letter) * share
            beam = dict(nlargest(beam_width, grown.items(), lambda item: sum(item[1])))
        found.append(list(beam)[:top_paths])
    return found


# %% [markdown]
# Both ways to decode in one function. Greedily, a column counts where its class differs from the one before and is not
# the blank:


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


print("greedy:", decode_ctc(two_columns), " beam of 5:", decode_ctc(two_columns, beam_width=5))
print("the four columns that we added up by hand:", *decode_ctc(tiny), *decode_ctc(tiny, beam_width=5))

# %% [markdown]
# On the four columns both ways read `23`. And what is `check_columns` for? The five heads of lesson 4 give
# probabilities as well, but of 19 classes: no blank. Read as columns, of two equal neighbours only one would be left,
# without an error:

# %%
try:
    decode_ctc(np.full((104, 5, 19), 1 / 19))
except ValueError as error:
    print(error)

# %% [markdown]
# Does a beam help our model? We try the test images, and the same under strong noise. **Mended** is an image that
# greedy decoding reads wrong and the beam right; **broken** is the opposite:

# %% tags=["within-4"]
truths = [decode_label(row) for row in y_test]
noise = np.random.default_rng(0).normal(0, 0.4, x_test.shape)
noisy = np.clip(x_test + noise, 0, 1).astype("float32")
probabilities, unsure = (np.asarray(model(x, training=False)) for x in (x_test, noisy))
for name, outputs in [("clean", probabilities), ("noisy", unsure)]:
    greedy = np.array(decode_ctc(outputs)) == truths
    for width in (2, 50):
        beam = np.array(decode_ctc(outputs, width)) == truths
        mended, broken = (beam & ~greedy).sum(), (greedy & ~beam).sum()
        print(f"{name}, a beam of {width:2}: {mended} mended, {broken} broken")

# %% [markdown]
# Hardly an image differs, so there is next to nothing to count. We have not shown that a beam helps this model. So we
# stay with greedy decoding.
#
# **Check.** How wide must a beam be to be sure of the best text?
#
# <details><summary>Answer</summary>
#
# As wide as there are beginnings of texts. A narrower one may drop a beginning that would have won later.
# </details>
#
# ## Where each letter was read
#
# What do the 50 columns of one image say? Below, dark is probable, and the blank is the last row. A triangle marks the
# column in which each letter begins, above the image:

# %% tags=["within-5"]
first = probabilities[0].argmax(axis=-1)
spikes = np.flatnonzero((np.diff(first, prepend=-1) != 0) & (first != BLANK))
figure, axes = plt.subplots(
    2, 1, figsize=(6, 4.2), layout="constrained", height_ratios=(1, 2), sharex=True
)
pixels = {"cmap": "gray", "vmin": 0, "vmax": 1, "extent": (-0.5, 49.5, 50, 0), "aspect": "auto"}
axes[0].imshow(x_test[0, :, :, 0].T, **pixels)
axes[0].axis("off")
axes[0].scatter(spikes, [-4] * len(spikes), marker="v", color="black", clip_on=False)
for column in spikes:
    axes[0].text(column, -10, ALPHABET[first[column]], ha="center", family="monospace")
axes[0].text(49.5, -10, f"true: {truths[0]}", ha="right", family="monospace")
axes[1].imshow(probabilities[0].T, cmap="gray_r", aspect="auto", vmin=0, vmax=1)
axes[1].set(xlabel="column", ylabel="class", yticks=range(20), yticklabels=[*ALPHABET, "-"])
axes[1].tick_params(axis="y", labelsize=7)
plt.show()
print("columns that say blank:", (first == BLANK).sum(), "of 50")

# %% tags=["within-2"]
print("columns from one spike to the next:", np.diff(spikes).min(), "or more")

# %% [markdown]
# Each letter is a short **spike**; in between there is blank. How firm is this choice? Before training the walks spread
# over many states. In how many columns does one state have more than 0.9 of $\gamma$ now?

# %% tags=["within-10"]
for name, outputs in [("before", uniform), ("after", probabilities[:1])]:
    sure = (ctc_states(outputs, y_test[:1])[0].max(axis=-1) > 0.9).sum()
    print(f"{name:6} training: {sure} of 50 columns are sure of their state")

# %% [markdown]
# The model has chosen an alignment, though no label ever named one. Step along yourself, with the slider, where widgets
# run:


# %% tags=["nbval-ignore-output"]
from ipywidgets import interact


def show_column(column=24):
    figure, axes = plt.subplots(1, 2, figsize=(7, 2.1), layout="constrained")
    axes[0].imshow(x_test[0, :, :, 0].T, **pixels)
    axes[0].axvspan(column - 0.5, column + 0.5, facecolor="none", edgecolor="black", linewidth=2)
    axes[0].axis("off")
    said = "".join([*ALPHABET, "-"][number] for number in first[: column + 1])
    axes[0].set_title(f"read {collapse(said)}, true {truths[0]}", family="monospace")
    axes[1].bar(range(20), probabilities[0, column])
    axes[1].set(title=f"column {column}", ylim=(0, 1), xlabel="class", ylabel="probability")
    axes[1].set_xticks(range(20), [*ALPHABET, "-"])
    plt.show()
    print(said)


show_column()
slider = interact(show_column, column=(0, 49))

# %% [markdown]
# **Check.** The LSTMs look both ways. Must a spike stand on its letter at all?
#
# <details><summary>Answer</summary>
#
# No. The loss asks for the right order, nothing else. Spikes may come late or early.
# </details>
#
# ## Inside the trained LSTM
#
# The LSTM in NumPy of lesson 5a runs the trained ones, too. The model has two bidirectional pairs; of each we take the
# LSTM that goes from left to right.

# %%
from keras import layers

from captcha_lib.lstm import run_lstm

pairs = [layer for layer in model.layers if isinstance(layer, layers.Bidirectional)]
forget = []  # for each pair, an array (images, columns): the forget gate, mean of all cells
for pair in pairs:
    weights = [np.asarray(weight) for weight in pair.forward_layer.weights]
    tapped = keras.Model(model.input, [pair.input, pair.output])(x_test, training=False)
    inputs, by_keras = map(np.asarray, tapped)
    paths = [run_lstm(columns, *weights) for columns in inputs]
    forget.append(np.array([path["f"].mean(axis=1) for path in paths]))
    cells = weights[1].shape[0]
    difference = np.abs(paths[0]["h"] - by_keras[0, :, :cells]).max()
    print(f"{cells} cells, largest difference from Keras' layer: {difference:.3f}")

# %% [markdown]
# The **forget gate** says how much of its memory a cell keeps: 1 is all, 0 is nothing. What does it do where a letter
# is read? Guess: will a cell keep more, or less, in the column before a spike? And in the column after it? We take all
# spikes of all test images, and compare with the mean between the first and the last spike of the same image:

# %%
best = probabilities.argmax(axis=-1)
begins = (np.diff(best, axis=1, prepend=-1) != 0) & (best != BLANK)
offsets = np.arange(-2, 3)


def gate_around_spikes(gates):
    around, in_text = [], []
    for gate, begin in zip(gates[begins.any(axis=1)], begins[begins.any(axis=1)]):
        places = np.flatnonzero(begin)
        around.append(gate[np.clip(places[:, np.newaxis] + offsets, 0, 49)].mean(axis=0))
        in_text.append(gate[places[0] : places[-1] + 1].mean())
    return np.array(around), np.array(in_text)


measured = [gate_around_spikes(gates) for gates in forget]
figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
for (around, in_text), style, name, dots in zip(
    measured, ("o-", "s--"), ("first", "second"), (":", "-.")
):
    (line,) = ax.plot(offsets, around.mean(axis=0), style, label=f"{name} pair, around a spike")
    ax.axhline(in_text.mean(), color=line.get_color(), linestyle=dots, label="its mean in the text")
ax.set(xlabel="columns from the spike", ylabel="forget gate, mean", ylim=(0, 1), xticks=offsets)
ax.legend(ncols=2, fontsize="small")
plt.show()

# %% [markdown]
# With 95 % intervals for the difference, over the images:

# %% tags=["within-0.06"]
for (around, in_text), name in zip(measured, ("first", "second")):
    print(f"{name} pair, mean in the text {in_text.mean():.2f}")
    for place, where in [(1, "one before"), (2, "at a spike"), (3, "one after")]:
        difference = around[:, place] - in_text
        half = 1.96 * difference.std(ddof=1) / math.sqrt(len(difference))
        low, high = difference.mean() - half, difference.mean() + half
        print(f"  {where} {around[:, place].mean():.2f}, difference {low:+.3f} to {high:+.3f}")

# %% [markdown]
# In both pairs the gate keeps less than its mean in the column before a spike, and more in the column after. Why the
# training chose this, the gate alone does not tell.
#
# **Check.** A forget gate is 0.3 in three columns one after the other. How much is left of what the cell held before?
#
# <details><summary>Answer</summary>
#
# 0.3 x 0.3 x 0.3 = 0.027 of it, on the direct path of lesson 5a.
# </details>
#
# ## How good is it?

# %% tags=["within-5"]
from captcha_lib.score import character_accuracy
from captcha_lib.show import show_readings

readings = decode_ctc(probabilities)
print(f"character accuracy {character_accuracy(readings, truths):.1%}")
print(f"exact match        {exact_match(readings, truths):.1%}")

# %% tags=["within-2"]
figure = show_readings(x_test[:10], readings[:10], truths[:10])
save_figure(figure, "ctc_readings")
plt.show()
right = sum(reading == truth for reading, truth in zip(readings[:10], truths[:10]))
print(right, "of the ten are right")

# %% [markdown]
# And the doubled letters?

# %% tags=["within-3"]
doubled = [i for i, text in enumerate(truths) if collapse(text) != text]
right = sum(readings[i] == truths[i] for i in doubled)
print(f"{right} of {len(doubled)} captchas with a doubled letter in the test are read right")

# %% [markdown]
# How sure such figures are, lesson 6a says.
#
# **Check.** Greedy decoding gave a text of four letters. What may have happened?
#
# <details><summary>Answer</summary>
#
# A letter never became the likeliest class of a column, or the blank between two equal letters did not. Nothing in CTC
# demands five letters.
# </details>
#
# ## Exercises
#
# The cell below each answer says *right*, *nearly* and what is missing, or *not right yet*.
#
# **1.** Change the recursion. Write `best_walk(y, z)`: the probability of the best *single* alignment, for one image.
# `y` and `z` are those of `walk_forward`. Where that one adds up what arrives, keep the largest instead.


# %%
def best_walk(y, z):
    return None


# %%
from captcha_lib.exercises import check

check("5b.1", best_walk)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def best_walk(y, z):
#     best = np.zeros((len(y), len(z)))
#     best[0, :2] = y[0, z[:2]]
#     for t in range(1, len(y)):
#         for s in range(len(z)):
#             start = s - 2 if s >= 2 and z[s] != z[s - 2] else max(s - 1, 0)
#             best[t, s] = y[t, z[s]] * best[t - 1, start : s + 1].max()
#     return best[-1, -2:].max()
# ```
#
# For our four columns and `-2-3-` it gives 0.084, the probability of `2-3-`. This is the Viterbi algorithm.
# </details>
#
# **2.** Train without a model and without an image. Give 50 columns inputs of their own, zeros at first, in a
# `tf.Variable` of shape `(1, 50, 20)`. Take 100 steps: subtract from them the gradient of `ctc_loss` behind a softmax,
# as in "What each column is told", for the label `2g7nm`, which is `[[0, 12, 5, 14, 13]]`. In how many of the 50
# columns is the blank the likeliest class then?

# %%
answer = None  # your number

# %%
check("5b.2", answer)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# from captcha_lib.ctc import ctc_loss  # the one above
#
# label = np.array([[0, 12, 5, 14, 13]])
# inputs = tf.Variable(tf.zeros((1, 50, 20)))
# for step in range(100):
#     with tf.GradientTape() as tape:
#         loss = ctc_loss(label, tf.nn.softmax(inputs))
#     inputs.assign_sub(tape.gradient(loss, inputs))
# answer = (inputs.numpy().argmax(axis=-1) == BLANK).sum()
# ```
#
# 44. Look after ten steps, too: all 50 columns say blank then. The blanks come first, the letters later, and no image
# was needed for either.
# </details>
#
# ## In this notebook you
#
# - added up all alignments of a text: as a list, in a plain loop, with TensorFlow;
# - said what CTC assumes, and mended a blank that was taken for a letter;
# - explained the plateau as the score of not looking, and measured what leads off it;
# - reused the convolutions of lesson 4;
# - decoded greedily and with a beam, and saw where each letter was read;
# - looked into the forget gates of a trained LSTM.
#
# The lattice is kept for slides: `figures/ctc_lattice.png`.
#
# ## Sources
#
# - Graves, A. et al. (2006), *Connectionist Temporal Classification*: the paper behind the loss, its recursion and its
#   gradient.
# - Hannun, A. (2017), *Sequence Modeling with CTC*, distill.pub: the best pictures of alignments.
# - keras.io, *OCR model for reading Captchas*: the example our model resembles.
#
# ## The way on
#
# Lesson 6a, `06a_scores`, puts both models into one table and says how sure the figures are. Lesson 6b looks at what
# they still get wrong.
