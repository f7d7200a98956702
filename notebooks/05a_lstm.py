# %% [markdown]
# # Lesson 5a: Build a memory that walks along an image
#
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/captcha-course/captcha-course/blob/v0.1.0/notebooks/05a_lstm.ipynb)
# [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/captcha-course/captcha-course/blob/v0.1.0/notebooks/05a_lstm.ipynb)
# [![Open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/captcha-course/captcha-course/v0.1.0?labpath=notebooks/05a_lstm.ipynb)
# <!-- end of badges -->
#
# ## What you'll do
#
# Turn an image into a sequence, build a memory that walks along it, and put it into the model that lesson 5b trains.
#
# ## What you'll learn
#
# - Turn an image into a sequence of columns.
# - Write down a recurrent layer, and measure how it forgets.
# - Say why a gate takes the logistic function, and a candidate the hyperbolic tangent.
# - Follow each path through the cell of an LSTM, and compute one by hand.
# - Say what bidirectional layers, `return_sequences` and dropout are for.
#
# ## What you'll need
#
# The convolutions of lesson 4, as an idea: nothing is trained here. Reading takes about 35 minutes; all cells together
# run in half a minute on two cores.

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
# ## Why a sequence?
#
# The CNN of lesson 4 cut each image into five strips and hoped that each strip would hold one letter. Nobody reads
# like that. We go along a line and notice when a letter begins and when it ends. So we take whole images, not cropped
# ones, and cut them much finer, into **50 columns** of four pixels. Which columns belong to which letter is now the
# model's business:

# %%
import matplotlib.pyplot as plt

from captcha_lib.dataset import build_dataset
from captcha_lib.family import decode_label
from captcha_lib.show import use_course_style

use_course_style()
x_train, x_test, y_train, y_test = build_dataset(samples_folder)
figure, ax = plt.subplots(figsize=(9, 2.4), layout="constrained")
ax.imshow(x_test[0, :, :, 0].T, cmap="gray", vmin=0, vmax=1)
for column in range(1, 50):
    ax.axvline(4 * column - 0.5, color="C1", linewidth=0.6)
ax.set(xlabel="x (pixels)", ylabel="y (pixels)", title=decode_label(y_test[0]))
plt.show()

# %%
columns = x_test[0, :, :, 0].reshape(50, 4 * 50)
print(f"an image is now {len(columns)} columns with {columns.shape[1]} numbers each")
print(f"{len(columns)} columns for {y_test.shape[1]} letters: at most {len(columns) // 5} for each")

# %% [markdown]
# From here on, column $t$ of the image is $x_t$: the input at **step** $t$. Left is early, right is late.
#
# **Check.** A letter is about 25 pixels wide. How many columns see a part of it?
#
# <details><summary>Answer</summary>
#
# Seven: 25 / 4 is a bit more than six, and the last one counts too. So a layer that looks at one column at a time never
# sees a whole letter. It needs a memory.
# </details>
#
# ## A layer that remembers
#
# A **recurrent** layer (RNN) walks along the columns and carries a **state** $h$ with it. At each step it mixes what it
# sees, $x_t$, with what it remembers, $h_{t-1}$:
#
# $$h_t = \tanh(w\,x_t + u\,h_{t-1} + b)$$
#
# On the left is the layer, with its loop. On the right is the same layer **unrolled**: one copy a column. All copies
# share the same $w$, $u$ and $b$ (which is not drawn):

# %%
from captcha_lib.diagrams import plot_unrolled
from captcha_lib.show import save_figure

figure, ax = plt.subplots(figsize=(8, 2.4), layout="constrained")
plot_unrolled(ax)
save_figure(figure, "rnn_unrolled", dpi=200)
plt.show()

# %% [markdown]
# In NumPy the whole layer is one line in a loop. Does Keras do the same?

# %%
import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(0)
layer = layers.SimpleRNN(16)
by_keras = np.asarray(layer(columns[np.newaxis]))[0]
w, u, b = layer.get_weights()
h = np.zeros(16)
for x in columns:
    h = np.tanh(x @ w + h @ u + b)
print(np.isclose(h, by_keras, atol=1e-5).sum(), "of 16 states after 50 columns are those of Keras")

# %% [markdown]
# **Check.** How many numbers does this layer learn, with 16 states and columns of 200 numbers?
#
# <details><summary>Answer</summary>
#
# 3,472. There are 200 x 16 in $w$, 16 x 16 in $u$ and 16 in $b$, however long the image is: all columns share them.
# </details>
#
# ## It forgets
#
# How long does such a layer remember? Take a layer with one state. We show it one signal at step 0 and then nothing,
# for three values of $u$:

# %%
figure, ax = plt.subplots(figsize=(6, 2.6), layout="constrained")
memory = {}
for weight, line in [(0.5, "-"), (0.9, "--"), (1.0, ":")]:
    h = [np.tanh(1.0)]
    for step in range(49):
        h.append(np.tanh(weight * h[-1]))
    memory[weight] = h
    ax.plot(h, line, label=f"u = {weight}")
ax.set(xlabel="step t (column)", ylabel="state $h_t$", ylim=(0, 0.8))
ax.legend()
plt.show()

# %%
for weight, h in memory.items():
    print(f"u = {weight}: after 10 steps {h[10]:.3f}, after 49 steps {h[49]:.3f}")

# %% [markdown]
# Only $u = 1$ keeps something, and even that shrinks. Why not a larger $u$? Then the state sticks at a value of its
# own, however strong the signal was: try `2.0` above.
#
# Forgetting is half of the trouble. The other half is **learning**. To learn that column 5 matters for an answer at
# column 50, the gradient must travel back from the end to column 5, and at each step it is multiplied by
#
# $$\frac{\partial h_t}{\partial h_{t-1}} = u\,(1 - h_t^2)$$
#
# No factor is larger than $u$. Multiply fifty of them. And with real layers of 32 states? TensorFlow can measure it:
# how much does the state at the end change if we touch the input at column $t$?

# %%
import tensorflow as tf


def gradient_by_column(layer, inputs):
    inputs = tf.convert_to_tensor(inputs)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        end = tf.reduce_sum(layer(inputs))
    return np.linalg.norm(tape.gradient(end, inputs)[0], axis=-1)


noise = np.random.default_rng(0).normal(size=(1, 50, 8)).astype("float32")
gradients = {}
for weight in (0.5, 0.9, 1.0):
    keras.utils.set_random_seed(0)
    layer = layers.SimpleRNN(32, recurrent_initializer=keras.initializers.Orthogonal(weight))
    gradients[f"plain, u scaled to {weight}"] = gradient_by_column(layer, noise)

# %%
figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
for (name, gradient), line in zip(gradients.items(), ("-", "--", ":")):
    ax.semilogy(gradient, line, label=name)
ax.set(xlabel="step t (column)", ylabel="gradient of the end\nwith respect to $x_t$")
ax.legend()
plt.show()

# %%
for name, gradient in gradients.items():
    lost = np.log10(gradient[-1] / gradient[0])
    print(f"{name}: a factor of about 10^{lost:.0f} lost over 49 steps")

# %% [markdown]
# Each tick of the scale is a factor of a thousand, and every line falls from right to left. Even the best of the three
# layers tells its first columns next to nothing of what they did wrong. This is the **vanishing gradient**.
#
# **Check.** All $h_t$ are near 0, and $u = 0.9$. About how much of the gradient is left after 49 steps?
#
# <details><summary>Answer</summary>
#
# With $h_t$ near 0 each factor is $u$, so $0.9^{49}$: about 0.006. States far from 0 make it worse.
# </details>
#
# ## Two functions that squash
#
# Before we mend it we need two tools. Both take any number and squash it. **tanh**, the hyperbolic tangent, gives
# -1 to 1. The **logistic** function, $1 / (1 + e^{-x})$, gives 0 to 1:

# %%
from scipy.special import expit as logistic

x = np.linspace(-6, 6, 200)
figure, ax = plt.subplots(figsize=(6, 2.8), layout="constrained")
ax.plot(x, np.tanh(x), label="tanh")
ax.plot(x, logistic(x), "--", label="logistic")
ax.set(xlabel="x", ylabel="squashed")
ax.legend()
plt.show()

# %%
for value in (-6.0, 0.0, 6.0):
    print(f"x = {value:+.0f}: tanh {np.tanh(value):+.3f}, logistic {logistic(value):.3f}")
difference = np.tanh(x) - (2 * logistic(2 * x) - 1)
print(f"the same curve, stretched: they differ by {np.abs(difference).max():.4f}")

# %% [markdown]
# A **gate** is a number that something else is multiplied with: 0 means shut, 1 means open. It takes the logistic
# function. With tanh a gate could be -1 and turn its signal upside down.
#
# A **candidate** is a number that is *added* to a memory. It takes tanh, because it must be able to go down as well as
# up. What if it could not? Fifty random candidates, added up:

# %%
candidates = np.random.default_rng(0).normal(size=50)
for name, squash in [("tanh", np.tanh), ("logistic", logistic)]:
    print(f"{name:8}: the memory ends at {squash(candidates).sum():5.1f}")

# %% [markdown]
# With the logistic function the memory can only grow.
#
# **Check.** A gate is nearly shut, 0.02. What did the logistic function get: a number near 0, or far below?
#
# <details><summary>Answer</summary>
#
# Far below: about -3.9. At 0 a logistic gate is half open, 0.5.
# </details>
#
# ## The cell of an LSTM
#
# The **LSTM** (long short-term memory) carries *two* things from step to step. The output $h$ you know. New is the
# **cell state** $c$, and it is carried along a straight line on which hardly anything happens. That is the whole trick:

# %%
from captcha_lib.diagrams import plot_cell


def show_cell(path=None):
    figure, ax = plt.subplots(figsize=(7, 3.7), layout="constrained")
    plot_cell(ax, path)
    save_figure(figure, f"lstm_{path or 'cell'}", dpi=200)
    plt.show()


show_cell()

# %%
lstm = layers.LSTM(16)
lstm.build((1, 50, 200))
for symbol, weights in zip(("w", "u", "b"), lstm.get_weights()):
    print(f"{symbol} of the four boxes, side by side: {weights.shape}")

# %% [markdown]
# Four boxes at the bottom see the same: the column $x_t$ and the last output $h_{t-1}$. Each has its own weights:
#
# $$f_t = \text{logistic}(w_f x_t + u_f h_{t-1} + b_f) \qquad i_t = \text{logistic}(w_i x_t + u_i h_{t-1} + b_i)$$
# $$g_t = \tanh(w_g x_t + u_g h_{t-1} + b_g) \qquad o_t = \text{logistic}(w_o x_t + u_o h_{t-1} + b_o)$$
#
# One of them, $g_t$, is a candidate: the very formula of the plain layer. The three others are gates. They are used in
# two lines:
#
# $$c_t = f_t\,c_{t-1} + i_t\,g_t \qquad h_t = o_t \tanh(c_t)$$
#
# Now path by path. We take a cell that has learned nothing and set its gates ourselves, for 50 steps:


# %%
def walk(f, i, g, o):
    c, rows = 0.0, []
    for t in range(50):
        c = f[t] * c + i[t] * g[t]
        rows.append((c, o[t] * np.tanh(c)))
    return np.array(rows).T


is_open, shut = np.ones(50), np.zeros(50)
signal = np.where(np.arange(50) == 5, 1.0, 0.0)  # one signal, at step 5
c, h = walk(f=is_open, i=is_open, g=signal, o=is_open)
print(f"all gates open: c is {c[4]:.0f} at step 4, {c[5]:.0f} at step 5 and {c[49]:.0f} at step 49")

# %% [markdown]
# ### Memory, and forgetting it
#
# The line at the top is the memory. On its way it meets one gate, $f_t$, the **forget gate**. Open, it lets the old
# cell state pass unchanged. Shut, it wipes it out:

# %%
show_cell("forgetting")

# %%
shut_at_30 = np.where(np.arange(50) == 30, 0.0, 1.0)
c, h = walk(f=shut_at_30, i=is_open, g=signal, o=is_open)
print(f"the forget gate shut at step 30: c is {c[29]:.0f} at step 29, {c[30]:.0f} at step 30")
faded, h = walk(f=0.9 * is_open, i=is_open, g=signal, o=is_open)
print(f"the forget gate always at 0.9:   c is {faded[49]:.2f} at the end")

# %% [markdown]
# "I am inside an `m`" is worth keeping until the `m` ends, and worth forgetting then. No $w$ and no tanh lie on this
# line: from $c_{t-1}$ to $c_t$ the gradient is multiplied by $f_t$ alone. Keep it near 1, and nothing vanishes.
#
# ### Ignoring
#
# Not every column has news. A stray stroke should not disturb what the cell has understood already. The **input gate**
# $i_t$ stands between the candidate and the memory. Shut, the candidate is ignored:

# %%
show_cell("ignoring")

# %%
stray = signal - 0.8 * (np.arange(50) == 20)  # the signal at step 5, and a stray stroke at step 20
shut_at_20 = np.where(np.arange(50) == 20, 0.0, 1.0)
disturbed = walk(is_open, is_open, stray, is_open)[0]
ignoring = walk(is_open, shut_at_20, stray, is_open)[0]
print(f"input gate open at step 20: c ends at {disturbed[49]:.1f}")
print(f"input gate shut at step 20: c ends at {ignoring[49]:.1f}")

# %% [markdown]
# ### Selection
#
# To remember is one thing, to speak another. The **output gate** $o_t$ selects what of the memory is let out as $h_t$,
# for the next layer and for the next step. The tanh before it squashes the memory, which may have grown:

# %%
show_cell("selection")

# %%
spoken_at_40 = np.where(np.arange(50) == 40, 1.0, 0.0)
c, h = walk(is_open, is_open, signal, spoken_at_40)
print(f"at step 39: c = {c[39]:.2f}, h = {h[39]:.2f}")
print(f"at step 40: c = {c[40]:.2f}, h = {h[40]:.2f}")

# %% [markdown]
# The cell knew it all along, and said it when it was asked. Here are four cells side by side. Each gets one signal, at
# step 5, and a stray stroke at step 20:

# %%
stories = {
    "all gates open": walk(is_open, is_open, stray, is_open),
    "forgetting: f shut at 30": walk(shut_at_30, is_open, stray, is_open),
    "ignoring: i shut at 20": walk(is_open, shut_at_20, stray, is_open),
    "selection: o open at 40": walk(is_open, is_open, stray, spoken_at_40),
}
figure, axes = plt.subplots(1, 4, figsize=(10, 2.4), layout="constrained", sharey=True)
for ax, (name, (c, h)) in zip(axes, stories.items()):
    ax.plot(c, label="$c_t$")
    ax.plot(h, "--", label="$h_t$")
    ax.set(title=name, xlabel="step t")
axes[0].legend()
plt.show()

# %%
for name, (c, h) in stories.items():
    print(f"{name:24} ends with c = {c[49]:.1f}, h = {h[49]:.1f}")

# %% [markdown]
# **Check.** Which gates must be open, and which shut, so that a cell keeps its memory through ten columns of rubbish
# and says nothing meanwhile?
#
# <details><summary>Answer</summary>
#
# Forget gate open, input gate shut, output gate shut. Then $c_t = c_{t-1}$ and $h_t = 0$.
# </details>
#
# ## An LSTM in NumPy
#
# Nobody sets these gates by hand. A layer computes them anew at each step from what it sees, for all its cells at once.
# Here is the layer, line by line what the formulas say. Keras keeps the four weights side by side in one array, in the
# order $i, f, g, o$:


# %%
def run_lstm(columns, kernel, recurrent_kernel, bias):
    h = c = np.zeros(len(recurrent_kernel))
    steps = []
    for x in columns:
        i, f, g, o = np.split(x @ kernel + h @ recurrent_kernel + bias, 4)
        f, i, g, o = logistic(f), logistic(i), np.tanh(g), logistic(o)
        c = f * c + i * g
        h = o * np.tanh(c)
        steps.append((f, i, g, o, c, h))
    return dict(zip("figoch", np.array(steps).swapaxes(0, 1)))


# %%
keras.utils.set_random_seed(0)
lstm = layers.LSTM(16, return_sequences=True)
by_keras = np.asarray(lstm(columns[np.newaxis]))[0]
paths = run_lstm(columns, *lstm.get_weights())
print("h:", paths["h"].shape, "by hand,", by_keras.shape, "by Keras")
print(f"largest difference {np.abs(paths['h'] - by_keras).max():.4f}")

# %% [markdown]
# That is all an LSTM is. What does an untrained one do with its gates?

# %%
figure, ax = plt.subplots(figsize=(6, 2.6), layout="constrained")
names = ("f, forget gate", "i, input gate", "o, output gate")
for name, line in zip(names, ("-", "--", ":")):
    ax.plot(paths[name[0]].mean(axis=1), line, label=name)
ax.set(xlabel="step t (column)", ylabel="mean of 16 cells", ylim=(0, 1))
ax.legend()
plt.show()

# %%
biases = dict(zip("ifgo", np.split(lstm.get_weights()[2], 4)))
print("mean bias:", {symbol: float(bias.mean()) for symbol, bias in biases.items()})
print(f"logistic(1) = {logistic(1):.2f}")

# %% [markdown]
# The forget gates start above the others. Keras gives them a bias of 1, so that a new layer rather remembers than
# forgets. How far does that reach? Back to the gradients, now with an LSTM as Keras starts it, and the same one with a
# bias of 5:

# %%
for bias in (1, 5):
    keras.utils.set_random_seed(0)
    layer = layers.LSTM(32)
    layer.build(noise.shape)
    weights = layer.get_weights()
    weights[2][32:64] = bias
    layer.set_weights(weights)
    gradients[f"LSTM, forget gates with bias {bias}"] = gradient_by_column(layer, noise)

# %%
figure, ax = plt.subplots(figsize=(6, 3.2), layout="constrained")
for (name, gradient), line in zip(gradients.items(), ("-", "--", ":", "-.", "-")):
    ax.semilogy(gradient, line, label=name)
ax.set(xlabel="step t (column)", ylabel="gradient of the end\nwith respect to $x_t$")
ax.legend(fontsize="small")
plt.show()

# %%
for name in list(gradients)[2:]:
    ratio = gradients[name][0] / gradients[name][-1]
    print(f"{name}: the first column gets {'more' if ratio > 1 else 'less'} than the last")
for bias in (1, 5):
    print(f"a forget gate at logistic({bias}) keeps {logistic(bias) ** 49:.1g} over 49 steps")

# %% [markdown]
# With its forget gates open, the LSTM reaches the first column as well as the last. With bias 1 it forgets too: the
# design does not *make* it remember. It makes remembering something that a few numbers can learn.
#
# **Check.** How many weights and biases has an LSTM with 16 cells on columns of 200 numbers?
#
# <details><summary>Answer</summary>
#
# Four times those of the plain layer: 4 x (200 x 16 + 16 x 16 + 16) = 13,888. `lstm.count_params()` agrees.
# </details>
#
# ## Reading from both sides
#
# An LSTM at column 10 knows columns 0 to 10. But is this stem the start of an `n` or of an `m`? You have to see how it
# goes on. So a second LSTM walks from right to left, and their outputs are laid side by side: a **bidirectional**
# layer. We can see the difference. Change only the last column of an image, and ask which outputs notice:

# %%
changed = columns.copy()
changed[-1] = 1 - changed[-1]
both = layers.Bidirectional(layers.LSTM(16, return_sequences=True))
for name, layer in [("one way", lstm), ("both ways", both)]:
    before, after = (np.asarray(layer(array[np.newaxis]))[0] for array in (columns, changed))
    noticed = np.abs(after - before).max(axis=1) > 1e-6
    print(f"{name:9}: output {before.shape}, columns that notice the last one: {noticed.sum()}")

# %% [markdown]
# Two more words stand in that cell. With **`return_sequences`** a layer gives its output at *every* column; without,
# only at the last one. We want 50 answers, so we need it:

# %%
for wanted in (False, True):
    layer = layers.LSTM(16, return_sequences=wanted)
    print(f"return_sequences={wanted!s:5}: {tuple(layer(columns[np.newaxis]).shape)}")

# %% [markdown]
# And **dropout**. During training it sets some values to zero by chance, and scales up the others so that the sum stays
# about the same. So no column can rely on one detail, and a thousand images are not learned by heart so soon. When
# reading, it does nothing:

# %%
keras.utils.set_random_seed(0)
dropout = layers.Dropout(0.25)
ones = np.ones((1, 10_000))
print("while reading: ", np.unique(dropout(ones, training=False)))
dropped = np.asarray(dropout(ones, training=True))
print("while training:", np.unique(dropped).round(2), f"with a mean of {dropped.mean():.1f}")
print(f"share of zeros: {(dropped == 0).mean():.0%}")

# %% [markdown]
# **Check.** Could we use a bidirectional layer to read a text *while* it is being written?
#
# <details><summary>Answer</summary>
#
# No. The way back starts at the right end, so the whole line must be there. For an image it is.
# </details>
#
# ## The model
#
# Everything is at hand. The convolutions are the very function of lesson 4. They turn 200 x 50 pixels into 50 x 12
# places with 64 values each; `Reshape` makes 50 columns with 12 x 64 = 768 values of them. A dense layer shrinks each
# column to 64 values, two bidirectional LSTMs walk along, and the last layer gives each column 20 probabilities.

# %%
from captcha_lib.cnn import extract_features
from captcha_lib.family import ALPHABET, HEIGHT, WIDTH


def build_cnn_lstm_ctc():
    image = keras.Input((WIDTH, HEIGHT, 1), name="image")
    columns = layers.Reshape((50, 768), name="columns")(extract_features(image))
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
# A fifth of the CNN's parameters. Does it really see more than one column at a time? We wipe out one column of the
# image after the other, and watch the answer in the middle:

# %%
image = x_test[0]
wiped = np.repeat(image[np.newaxis], 51, axis=0)
for column in range(50):
    wiped[column, 4 * column : 4 * column + 4] = 1
answers = np.asarray(model(wiped, training=False))[:, 25]
effect = np.abs(answers[:50] - answers[50]).sum(axis=1)
figure, ax = plt.subplots(figsize=(6, 2.4), layout="constrained")
ax.semilogy(effect, drawstyle="steps-mid")
ax.set(xlabel="column that is wiped out", ylabel="change of the answer\nat column 25")
plt.show()

# %% tags=["within-1"]
print(f"{effect[15:36].sum() / effect.sum():.0%} of the change comes from at most 10 columns away")
print(f"{effect[np.r_[5:10, 35:40]].sum() / effect.sum():.0%} comes from the two ends of the text")

# %% [markdown]
# The untrained model looks around itself, and its sight fades with the distance.
#
# There are 20 classes, though there are 19 characters. What is the last one for? That is lesson 5b.
#
# **Check.** Which layer holds most of the parameters?
#
# <details><summary>Answer</summary>
#
# The first bidirectional LSTM: 197,632. Two directions, and each has 4 x (64 x 128 + 128 x 128 + 128).
# </details>
#
# ## Exercises
#
# The cell below each answer says *right*, *nearly* and what is missing, or *not right yet*.
#
# **1.** A cell should *count* its signals: each one adds 1 to $c$, and nothing is forgotten. There are signals at the
# steps 5, 15 and 25. Fill in the gates and the candidate, and let it say the count at the last step only:

# %%
f = i = g = o = None  # your four arrays of 50 numbers

# %%
from captcha_lib.exercises import check

check("5a.1", None if f is None else walk(f, i, g, o)[1])

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# f, i = is_open, is_open
# g = np.isin(np.arange(50), [5, 15, 25]).astype(float)
# o = np.where(np.arange(50) == 49, 1.0, 0.0)
# ```
#
# The check looks at $h$, so it is 0 until step 49, and $\tanh(3)$ there.
# </details>
#
# **2.** Write `run_rnn(columns, w, u, b)`: the states of a plain recurrent layer at *all* columns, shape `(50, units)`.


# %%
def run_rnn(columns, w, u, b):
    return None


# %%
check("5a.2", run_rnn)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def run_rnn(columns, w, u, b):
#     states = [np.zeros(len(u))]
#     for x in columns:
#         states.append(np.tanh(x @ w + states[-1] @ u + b))
#     return np.array(states[1:])
# ```
#
# Keras has it as `layers.SimpleRNN(units, return_sequences=True)`; give it the same weights, and it says the same.
# </details>
#
# ## In this notebook you
#
# - turned an image into 50 columns;
# - wrote a recurrent layer in one line, and saw its gradient vanish over 50 steps;
# - told gates, from 0 to 1, from candidates, from -1 to 1;
# - followed forgetting, ignoring and selection through the cell, and computed an LSTM that agrees with Keras;
# - built a model that looks at its columns from both sides.
#
# The drawings of the cell are kept for slides and handouts: `figures/rnn_unrolled.png`, `figures/lstm_cell.png`,
# `figures/lstm_forgetting.png`, `figures/lstm_ignoring.png` and `figures/lstm_selection.png`.
#
# ## Sources
#
# - Hochreiter, S. and Schmidhuber, J. (1997), *Long Short-Term Memory*: the cell, without its forget gate.
# - Gers, F. A., Schmidhuber, J. and Cummins, F. (2000), *Learning to Forget*: the forget gate.
# - Schuster, M. and Paliwal, K. K. (1997), *Bidirectional Recurrent Neural Networks*: reading from both sides.
# - Srivastava, N. et al. (2014), *Dropout*: zeros by chance, and why they help.
# - Olah, C. (2015), *Understanding LSTM Networks*: the best pictures of the gates.
# - Shi, B., Bai, X. and Yao, C. (2015), *An End-to-End Trainable Neural Network for Image-based Sequence Recognition*:
#   convolution, recurrence and CTC in one model.
# - tensorflow.org, guide *Working with RNNs*: recurrent layers and `return_sequences` in Keras.
#
# ## The way on
#
# The model gives 50 answers for five letters, and nobody knows which columns they belong to. Lesson 5b,
# `05b_cnn_lstm_ctc`, trains it all the same.
