# %% [markdown]
# # Lesson 5: Read a sequence with CNN, LSTM and CTC
#
# ## What you'll do
#
# Train a model that runs along the image from left to right and finds the letters by itself, wherever they stand.
#
# ## What you'll learn
#
# - Turn an image into a sequence of columns.
# - Say what a recurrent layer remembers, and what the gates of an LSTM add.
# - Explain how CTC learns from a label without knowing where its letters are.
# - Recognise the plateau on which so many CTC trainings die, explain its height, and leave it.
# - Reuse layers that another model has trained.
#
# ## What you'll need
#
# Lesson 4, which saves the CNN; without it this lesson trains one first. Reading takes about 35 minutes; all cells
# together run in two to five minutes on two cores.

# %% [markdown]
# ## Set-up
#
# The same cell as in every lesson:

# %%
from captcha_lib import locate_samples
from captcha_lib.show import use_course_style

use_course_style()
samples_folder = locate_samples()

# %% [markdown]
# ## The data
#
# Whole images this time, not cropped. Where the letters start and end is now the model's business.

# %%
from captcha_lib.dataset import build_dataset

x_train, x_test, y_train, y_test = build_dataset(samples_folder)
print("training:", x_train.shape, y_train.shape, " test:", x_test.shape, y_test.shape)

# %% [markdown]
# ## Why a sequence?
#
# The CNN of lesson 4 cut each image into five strips and hoped that each strip would hold one letter. Nobody reads
# like that. We go along a line and notice when a letter begins and when it ends. So we cut much finer, into **50
# columns** of four pixels, and let the model decide which columns belong to which letter:

# %%
import matplotlib.pyplot as plt

from captcha_lib.alphabet import ALPHABET, decode_label

figure, axis = plt.subplots(figsize=(9, 2.4), layout="constrained")
axis.imshow(x_test[0, :, :, 0].T, cmap="gray", vmin=0, vmax=1)
for column in range(1, 50):
    axis.axvline(4 * column - 0.5, color="C1", linewidth=0.6)
axis.set(xlabel="x (pixels)", ylabel="y (pixels)", title=decode_label(y_test[0]))
plt.show()

# %%
print(f"{200 // 4} columns for {y_test.shape[1]} letters: at most {50 // 5} for each")

# %% [markdown]
# Where do these columns come from? The two convolutions and poolings of lesson 4 turn 200 x 50 pixels into 50 x 12 places
# with 64 values each. We read them as 50 steps of time, each with 12 x 64 = 768 values.
#
# ## A layer with a memory
#
# A **recurrent** layer (RNN) walks along the columns and carries a state $h$ with it. At each step it mixes what it sees,
# $x_t$, with what it remembers:
#
# $$h_t = \tanh(w\,x_t + u\,h_{t-1} + b)$$
#
# How long does it remember? We show it one signal at step 0 and then nothing, for three values of $u$:

# %%
import numpy as np

figure, axis = plt.subplots(figsize=(6, 2.6), layout="constrained")
memory = {}
for weight, style in [(0.5, "-"), (0.9, "--"), (1.0, ":")]:
    state = [np.tanh(1.0)]
    for step in range(49):
        state.append(np.tanh(weight * state[-1]))
    memory[weight] = state
    axis.plot(state, style, label=f"u = {weight}")
axis.set(xlabel="step (column)", ylabel="what is left of the signal")
axis.legend()
plt.show()

# %%
for weight, state in memory.items():
    print(f"u = {weight}: after 10 steps {state[10]:.3f}, after 49 steps {state[49]:.3f}")

# %% [markdown]
# It forgets. A letter is about six columns wide, and a plain RNN has trouble carrying anything across two letters.
# The gradient that should teach it runs back along the same path and fades in the same way.
#
# ## Gates
#
# The **LSTM** (long short-term memory) keeps a second state $c$, the cell, and puts *gates* around it. A gate is a number
# between 0, shut, and 1, open, and the layer computes it anew at every step from what it sees:
#
# $$c_t = f_t\,c_{t-1} + i_t\,g_t \qquad h_t = o_t \tanh(c_t)$$
#
# The forget gate $f$ says how much of the old cell stays, the input gate $i$ how much of the new candidate $g$ comes in,
# the output gate $o$ how much the next layer gets to see. One signal again. Nothing new comes in,
# so only the forget gate matters:

# %%
figure, axis = plt.subplots(figsize=(6, 2.6), layout="constrained")
forget_gates = {name: np.full(50, 0.99) for name in ("always open", "shut once, at step 25")}
forget_gates["shut once, at step 25"][25] = 0
for (name, gate), style in zip(forget_gates.items(), ("-", "--")):
    axis.plot(gate[1:].cumprod(), style, label=name)
axis.set(xlabel="step (column)", ylabel="cell state", ylim=(-0.05, 1.05))
axis.legend()
plt.show()

# %%
for name, gate in forget_gates.items():
    print(f"{name}: after 24 steps {gate[1:25].prod():.2f}, after 49 steps {gate[1:].prod():.2f}")

# %% [markdown]
# With the forget gate open the signal survives all 50 columns, and one shut gate wipes it out at once. The layer
# *learns* when to do which. "I am inside an `m`" is worth keeping until the `m` ends.
#
# Two more ideas. **Bidirectional**: a second LSTM walks from right to left, so each column knows what comes after
# it. **Dropout**: during training some values are set to zero by chance, so that no column relies on one detail.
#
# ## The model
#
# The convolutions are the very function of lesson 4. `Reshape` makes 50 columns; a dense layer shrinks each from 768
# values to 64; two bidirectional LSTMs walk along; the last layer gives each column 20 probabilities.

# %%
import keras
from keras import layers

from captcha_lib.cnn import find_shapes


def build_cnn_lstm_ctc():
    image = keras.Input((200, 50, 1), name="image")
    columns = layers.Reshape((50, 768), name="columns")(find_shapes(image))
    sequence = layers.Dense(64, activation="relu")(columns)
    sequence = layers.Dropout(0.2)(sequence)
    for units in (128, 64):
        lstm = layers.LSTM(units, return_sequences=True, dropout=0.25)
        sequence = layers.Bidirectional(lstm)(sequence)
    classes = layers.Dense(len(ALPHABET) + 1, activation="softmax")(sequence)
    return keras.Model(image, classes, name="cnn_lstm_ctc")


# %%
model = build_cnn_lstm_ctc()
for layer in model.layers:
    kind, shape = type(layer).__name__, str(layer.output.shape)
    print(f"{kind:13} {shape:21} {layer.count_params():>9,} parameters")
print(f"{'together':35} {model.count_params():>9,} parameters")

# %% [markdown]
# A fifth of the CNN's parameters. And 20 classes, though there are 19 characters: the last one is the **blank**,
# and it is the heart of what follows.
#
# ## The alignment problem
#
# A label says *which* letters are in an image, not *where*. Fifty columns, five letters: who tells the model which column
# should say what? Nobody. **CTC** (connectionist temporal classification) asks for less. Each column may say a
# character or the blank, written `-` here. Then a fixed rule makes a text of it: *merge repeats, then drop blanks*.

# %%
from itertools import groupby


def collapse(alignment):
    return "".join(character for character, _ in groupby(alignment) if character != "-")


for alignment in ["--22--g-77nn-m--", "2-g-7-n--------m", "dddmyyg", "d-dmyyg"]:
    print(f"{alignment:18} -> {collapse(alignment)}")

# %% [markdown]
# The first two say the same, at different speeds. The last two show what the blank is for: without it, `dd` would
# always melt into one `d`. One label in five or six has such a pair.
#
# Every way of writing a text along the columns is an **alignment**. For two letters in four columns we can list them
# all. Watch how many there are:

# %%
import math
from itertools import product

alignments = [text for text in map("".join, product("23-", repeat=4)) if collapse(text) == "23"]
print(len(alignments), "of", 3**4, "strings collapse to 23:")
print(" ".join(alignments))

# %%
figure, axis = plt.subplots(figsize=(7, 2), layout="constrained")
grid = np.array([["23-".index(character) for character in text] for text in alignments])
axis.imshow(grid.T, cmap="cividis", aspect="auto")
for (number, column), value in np.ndenumerate(grid):
    color = "black" if value == 2 else "white"
    axis.text(number, column, "23-"[value], ha="center", va="center", color=color)
axis.set(xlabel="alignment", ylabel="column", yticks=range(4), xticks=[])
plt.show()

# %%
print("alignments without any blank:", (grid != 2).all(axis=1).sum())
print("by formula, 2 letters in 4 columns:", math.comb(4 + 2, 2 * 2))
print(f"5 different letters in 50 columns:  {math.comb(50 + 5, 2 * 5):,}")

# %% [markdown]
# CTC does not care which of them the model uses. The probability of the text is the **sum over all its alignments**, and
# the loss is minus its logarithm. Nobody can list 29 billion alignments, but a clever recursion adds them up without
# listing them. TensorFlow has it. We tell it where the blank is, because such functions disagree: for some it is the
# first class, for others the last. And the labels go in as a *sparse* tensor, which takes a faster way than a dense one:

# %%
import tensorflow as tf
from keras import ops

BLANK = len(ALPHABET)


def ctc_loss(y_true, y_pred):
    labels = tf.RaggedTensor.from_tensor(ops.cast(y_true, "int32")).to_sparse()
    log_probabilities = ops.log(y_pred + keras.config.epsilon())
    times = ops.full((ops.shape(y_pred)[0],), ops.shape(y_pred)[1], "int32")
    return tf.nn.ctc_loss(
        labels, log_probabilities, None, times, logits_time_major=False, blank_index=BLANK
    )


# %% [markdown]
# Does it really add up all alignments? We give four columns some probabilities for `2`, `3` and the blank, and sum by
# hand:

# %%
columns = np.array([[0.6, 0.1, 0.3], [0.3, 0.3, 0.4], [0.1, 0.5, 0.4], [0.1, 0.2, 0.7]])
by_hand = sum(
    np.prod([columns[t, "23-".index(c)] for t, c in enumerate(text)]) for text in alignments
)
outputs = np.zeros((1, 4, 20), "float32")
outputs[0, :, [0, 1, BLANK]] = columns.T
print(f"probability of 23: {by_hand:.4f}, minus its logarithm: {-np.log(by_hand):.3f}")
print(f"ctc_loss:          {float(ctc_loss(np.array([[0, 1]]), outputs)[0]):.3f}")

# %% [markdown]
# ## The plateau
#
# Now we train it as the notes did from which this course grew: Adam with a rate of 0.001, batches of 32. Three epochs
# will do to see what happens. They take half a minute.

# %% tags=["nbval-ignore-output"]
from captcha_lib.cnn import show_progress

keras.utils.set_random_seed(0)
stuck = build_cnn_lstm_ctc()
stuck.compile(keras.optimizers.Adam(0.001), loss=ctc_loss)
stuck_history = stuck.fit(
    x_train, y_train, batch_size=32, epochs=3, verbose=0, callbacks=[show_progress()]
)
print("loss after each epoch:", np.round(stuck_history.history["loss"], 1))

# %%
best = stuck.predict(x_test, verbose=0).argmax(axis=-1)
print(f"columns that say blank: {(best == BLANK).mean():.0%}")
print("loss within 0.5 of 16.3:", abs(stuck_history.history["loss"][-1] - 16.3) < 0.5)

# %% [markdown]
# The loss drops fast and then stands still near 16.3. Every column of every image says "blank". People have waited ten
# epochs at this point, and their early stopping ended the training: not one captcha right.
#
# Why 16.3? Suppose a model does not look at the image at all. It says blank with probability $q$ and shares the rest among
# the 19 characters, the same in every column. What is the best it can do? A hundred labels are enough
# to tell:


# %%
def loss_of_not_looking(q):
    answer = np.full(20, (1 - q) / 19, "float32")
    answer[BLANK] = q
    outputs = np.broadcast_to(answer, (100, 50, 20))
    return float(np.mean(ctc_loss(y_train[:100], outputs)))


choices = np.arange(0.70, 0.99, 0.01)
losses = [loss_of_not_looking(q) for q in choices]

# %%
figure, axis = plt.subplots(figsize=(6, 2.8), layout="constrained")
axis.plot(choices, losses)
axis.axhline(stuck_history.history["loss"][-1], color="C1", linestyle="--", label="our stuck model")
axis.set(xlabel="q, the probability of the blank in every column", ylabel="CTC loss")
axis.legend()
plt.show()

# %%
print(f"lowest loss without looking: {min(losses):.1f}, at q = {choices[np.argmin(losses)]:.2f}")

# %% [markdown]
# There it is. The plateau is **the best score without looking at the image**. Fifty columns share five letters, so nine
# columns in ten should be blank: q = 0.90. (The model gets a little lower than this curve, since it also learns that `n` is
# frequent.)
#
# An untrained model starts far above: each class gets 1/20. All its first steps push in one direction, towards the blank,
# through every layer it has, and say nothing about the image.
#
# ## Leaving it
#
# Two changes, and both are cheap.
#
# **First: start where the plateau ends.** We set *one* number, the bias of the blank in the last layer, so that the untrained
# model already says blank with about 0.9. With softmax this takes $e^b / (e^b + 19) = 0.9$, so $b = \log(9 \cdot 19)$.


# %%
def expect_blanks(model):
    weights, bias = model.layers[-1].get_weights()
    bias[BLANK] = np.log(9 * len(ALPHABET))
    model.layers[-1].set_weights([weights, bias])


# %%
keras.utils.set_random_seed(0)
model = build_cnn_lstm_ctc()
images, labels = x_test[:32], y_test[:32]
before = model.predict(images, verbose=0)
expect_blanks(model)
after = model.predict(images, verbose=0)
print(f"blank: {before[..., BLANK].mean():.2f} before, {after[..., BLANK].mean():.1f} after")
print("loss above 100 before:", np.mean(ctc_loss(labels, before)) > 100)
print("loss within 1 of 16.4 after:", abs(np.mean(ctc_loss(labels, after)) - 16.4) < 1)

# %% [markdown]
# **Second: transfer learning.** The CNN of lesson 4 has the same two convolutions, with the same names, and it has already
# learned to see the shapes of letters. We copy their weights and leave them as they are. What the convolutions say about
# an image then never changes, so we compute it *once* for all images and train only the rest on it. That is
# fast, and the LSTMs get something sensible to look at from the first step on.


# %%
def copy_convolutions(source, target):
    for name in ("Conv1", "Conv2"):
        target.get_layer(name).set_weights(source.get_layer(name).get_weights())


# %% [markdown]
# Lesson 4 has left its weights behind. If it has not run on these images yet, a CNN is trained here:

# %% tags=["nbval-ignore-output"]
from captcha_lib.cnn import build_cnn, train_cnn
from captcha_lib.workspace import load_or_train


def train_lesson_4():
    x_cropped, _, y, _ = build_dataset(samples_folder, crop=True)
    return train_cnn(x_cropped, y)


cnn, cnn_seconds = load_or_train("cnn", samples_folder, build_cnn, train_lesson_4)
print(f"a CNN that was trained for {cnn_seconds:.0f} seconds")

# %% [markdown]
# The rest is craft. The learning rate climbs to 0.003 and then falls along a cosine. No step may be longer than 5
# (`clipnorm`). A tenth of the *training* images is held out: when the loss on it has not improved for five epochs,
# training stops, and the best weights come back. The test images play no part in this.

# %%
from keras.optimizers.schedules import CosineDecay


def train_cnn_lstm_ctc(x_train, y_train, cnn, epochs=15, seed=0):
    keras.utils.set_random_seed(seed)
    model = build_cnn_lstm_ctc()
    expect_blanks(model)
    copy_convolutions(cnn, model)
    columns = model.get_layer("columns").output
    features = keras.Model(model.input, columns).predict(x_train, verbose=0)
    reader = keras.Model(columns, model.output)
    steps = epochs * len(x_train) // 16
    rate = CosineDecay(1e-4, steps, warmup_target=3e-3, warmup_steps=steps // 10)
    reader.compile(keras.optimizers.Adam(rate, clipnorm=5), loss=ctc_loss)
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

# %%
print("loss below 1 on images held out:", min(history.history["val_loss"]) < 1)
print("at most 4 epochs above 15:", sum(loss > 15 for loss in history.history["loss"]) <= 4)

# %% [markdown]
# The dotted line is the plateau. The model starts on it and leaves it within a few epochs.
#
# ## From columns to text
#
# For each column take the likeliest class, then apply the rule: merge repeats, drop blanks. That is **greedy decoding**. In
# NumPy, a column counts where its class differs from the one before and is not the blank. With a `beam_width`, Keras
# follows several alignments at once and adds up those that give the same text:


# %%
def decode_ctc(probabilities, beam_width=None):
    if beam_width:
        times = np.full(len(probabilities), probabilities.shape[1])
        scores = ops.log(ops.convert_to_tensor(probabilities) + keras.config.epsilon())
        found, _ = ops.ctc_decode(
            scores, times, "beam_search", beam_width=beam_width, mask_index=BLANK
        )
        return [decode_label(text[text >= 0]) for text in np.asarray(found)[0]]
    best = np.argmax(probabilities, axis=-1)
    changed = np.diff(best, axis=1, prepend=-1) != 0
    return [decode_label(row[keep]) for row, keep in zip(best, changed & (best != BLANK))]


# %% [markdown]
# What do the 50 columns of one image say? Dark is probable; the blank is the last row:

# %%
from captcha_lib.show import save_figure

probabilities = model.predict(x_test, verbose=0)
figure, axes = plt.subplots(2, 1, figsize=(8, 5), layout="constrained", height_ratios=(1, 2))
axes[0].imshow(x_test[0, :, :, 0].T, cmap="gray", vmin=0, vmax=1)
axes[0].axis("off")
axes[1].imshow(probabilities[0].T, cmap="gray_r", aspect="auto", vmin=0, vmax=1)
axes[1].set(xlabel="column", ylabel="class", yticks=range(20), yticklabels=[*ALPHABET, "-"])
save_figure(figure, "ctc_columns")
plt.show()

# %%
classes = probabilities[0].argmax(axis=-1)
blanks = (classes == BLANK).mean()
print("more than half of the columns say blank:", blanks > 0.5)

# %% [markdown]
# Each letter is a short spike; in between there is blank. Nobody told the model where the letters are. It found a place
# for each, and only for each.

# %%
readings = decode_ctc(probabilities)
truths = [decode_label(row) for row in y_test]
beam_readings = decode_ctc(probabilities, beam_width=10)
differing = sum(greedy != beam for greedy, beam in zip(readings, beam_readings))
print("beam search changes at most 5 readings:", differing <= 5)

# %% [markdown]
# When the spikes are this clear, greedy decoding is all we need.
#
# ## How good is it?

# %% tags=["nbval-ignore-output"]
from captcha_lib.score import character_accuracy, exact_match

exact = exact_match(readings, truths)
print(f"character accuracy {character_accuracy(readings, truths):.1%}")
print(f"exact match        {exact:.1%}")

# %%
from captcha_lib.show import show_readings

figure = show_readings(x_test[:10], readings[:10], truths[:10])
save_figure(figure, "ctc_readings")
plt.show()

# %%
right = sum(reading == truth for reading, truth in zip(readings[:10], truths[:10]))
print("at least 8 of the ten right:", right >= 8)
print("exact match above 90 %:", exact > 0.90)

# %% [markdown]
# And the doubled letters, which a careless merge would swallow?

# %%
doubled = [i for i, text in enumerate(truths) if any(a == b for a, b in zip(text, text[1:]))]
right = sum(readings[i] == truths[i] for i in doubled)
print(f"captchas with a doubled letter in the test: {len(doubled)}")
print("at least 80 % of them right:", right >= 0.8 * len(doubled))

# %% [markdown]
# The blank between them does its work.
#
# ## Exercises
#
# **1.** How many columns does a text of five letters need at least, if two neighbouring letters are the same?

# %%
answer = None  # your number

# %%
lengths = [
    length
    for length in range(5, 8)
    if any(collapse(text) == "22345" for text in product("2345-", repeat=length))
]
print("right" if answer == min(lengths) else "not yet")

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
# **2.** Write `spikes(probabilities)`: for the output of *one* image, shape `(50, 20)`, the list of columns in which a new
# letter begins.


# %%
def spikes(probabilities):
    return None


# %%
best = probabilities[0].argmax(axis=-1)
expected = [t for t in range(50) if best[t] != BLANK and (t == 0 or best[t] != best[t - 1])]
given = spikes(probabilities[0])
print("right" if given is not None and list(given) == expected else "not yet")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def spikes(probabilities):
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
# - turned an image into 50 columns;
# - saw a plain memory fade, and gates hold it;
# - summed over all alignments by hand, and got what the CTC loss gets;
# - explained the plateau at 16.3 as the score of not looking, and started training where it ends;
# - reused the convolutions of lesson 4, and read well over nine captchas in ten.
#
# ## Sources
#
# - Graves, A. et al. (2006), *Connectionist Temporal Classification*: the paper behind the loss.
# - Hannun, A. (2017), *Sequence Modeling with CTC*, distill.pub: the best pictures of alignments.
# - Hochreiter, S. and Schmidhuber, J. (1997), *Long Short-Term Memory*: the cell.
# - Olah, C. (2015), *Understanding LSTM Networks*: the best pictures of its gates.
# - Shi, B., Bai, X. and Yao, C. (2015), *An End-to-End Trainable Neural Network for Image-based Sequence Recognition*:
#   convolution, recurrence and CTC in one model.
# - keras.io, *OCR model for reading Captchas*: the example our model resembles.
#
# ## The way on
#
# Lesson 6, `06_evaluation`, puts both models into one table, says how sure the figures are, and looks at what they
# still get wrong.
