# %% [markdown]
# # Lesson 5a: Build a memory that walks along an image
#
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/captcha-course/captcha-course/blob/v1.0.0/notebooks/05a_lstm.ipynb)
# [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/captcha-course/captcha-course/blob/v1.0.0/notebooks/05a_lstm.ipynb)
# [![Open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/captcha-course/captcha-course/v1.0.0?labpath=notebooks/05a_lstm.ipynb)
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
# - Follow a small change through two steps with a pencil, and through fifty with TensorFlow.
# - Say why a gate takes the logistic function, and a candidate the hyperbolic tangent.
# - Follow each path through the cell of an LSTM, and compute one in NumPy.
# - Say what bidirectional layers and dropout are for.
#
# ## What you'll need
#
# The convolutions of lesson 4, as an idea. One small layer is trained, in the last exercise. Reading takes
# about 45 minutes; all cells together run in half a minute on two cores.

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
# ## Why a sequence?
#
# The CNN of lesson 4 cuts each image into five strips, and hopes that each strip holds one letter. You do not read like
# that. You go along the line, and notice where a letter begins and where it ends. So we take whole images, not cropped
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
title = f"the text is {decode_label(y_test[0])}; an orange line every 4 pixels"
ax.set(xlabel="x (pixels)", ylabel="y (pixels)", title=title)
plt.show()
columns = x_test[0, :, :, 0].reshape(50, 4 * 50)
share = (150 - 25) / y_test.shape[1]
print(f"an image is now {len(columns)} columns with {columns.shape[1]} numbers each")
print(f"pixels 25 to 149, for five letters: {share:.0f} each on average, {share / 4:.2f} columns")

# %% [markdown]
# From here on, column $t$ of the image is $x_t$: the input at **step** $t$. We count from 0, as Python does: $x_0$ is
# at the left, $x_{49}$ at the right.
#
# **Check.** Take a letter that is 25 pixels wide. How many columns see a part of it?
#
# <details><summary>Answer</summary>
#
# Seven, wherever it begins: six columns have only 24 pixels, and eight need 26 at least. So a layer that looks at one
# column at a time never sees a whole letter. It needs a memory.
#
# </details>
#
# ## A layer that remembers
#
# A **recurrent** layer (RNN) walks along the columns and carries a **state** $h$ with it. At each step it mixes what it
# sees, $x_t$, with what it remembers, $h_{t-1}$:
#
# $$h_t = \tanh(w\,x_t + u\,h_{t-1} + b)$$
#
# The function tanh, the *hyperbolic tangent*, squashes any number into the range from -1 to 1, so that the state cannot
# grow without end. We look at it more closely soon. Before $x_0$ there is nothing to remember: the state is 0.
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
# In NumPy the whole layer is one line in a loop. Here the state is a list of 16 numbers. So $w$ and $u$ are matrices,
# and `@` multiplies with them. Does Keras compute the same? It wants a batch of images, so we give it a batch of one,
# with `np.newaxis`:

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
print(f"{h.size} states after 50 columns, from {h.min():.2f} to {h.max():.2f}")
print(f"largest difference from Keras: {np.abs(h - by_keras).max():.4f}")

# %% [markdown]
# **Check.** How many numbers does this layer learn, with a state of 16 numbers and columns of 200?
#
# <details><summary>Answer</summary>
#
# 3,472. There are 200 x 16 in $w$, 16 x 16 in $u$ and 16 in $b$, however long the image is: all columns share them.
#
# </details>
#
# ## It forgets
#
# How long does such a layer remember? Take a layer with one state, $w = 1$ and $b = 0$. It sees one signal at step 0,
# and zeros from then on. Which of four values of $u$ keeps the signal best? Guess first:

# %%
figure, ax = plt.subplots(figsize=(6, 2.8), layout="constrained")
memory = {}
for weight, line in [(0.5, "-"), (0.9, "--"), (1.0, ":"), (2.0, "-.")]:
    h = [np.tanh(1.0)]
    for step in range(49):
        h.append(np.tanh(weight * h[-1]))
    memory[weight] = h
    ax.plot(h, line, label=f"u = {weight}")
ax.set(xlabel="step t (column)", ylabel="state $h_t$", ylim=(0, 1.05))
ax.legend(loc="center right")
plt.show()
for weight, h in memory.items():
    print(f"u = {weight}: at step 0 {h[0]:.3f}, at step 10 {h[10]:.3f}, at step 49 {h[49]:.3f}")

# %% [markdown]
# With 0.5 the signal is gone by step 10, with 0.9 by the end. With 1 something is left, and even that shrinks. So is 2
# the best? Ask it a harder question: *how strong* was the signal?

# %%
for signal in (0.3, 1.0, 3.0):
    h = np.tanh(signal)
    for step in range(49):
        h = np.tanh(2.0 * h)
    print(f"u = 2.0, a signal of {signal}: at step 49 the state is {h:.3f}")

# %% [markdown]
# Weak or strong, the state ends at the same value. So it has forgotten, too.
#
# **Check.** And a signal of -1, with $u = 2$?
#
# <details><summary>Answer</summary>
#
# It ends at -0.958, since tanh(-x) is -tanh(x). The sign is all that this state remembers.
#
# </details>
#
# ## How a change travels
#
# Forgetting is half of the trouble. The other half is **learning**, and for that we need one idea.
#
# Change a number a little, and look how far the result moves. Divide this move by the change: that is the
# **derivative** of the result with respect to the number. A derivative of 0.5 says that the result moves half as far, a
# derivative of 0 that it does not move at all.
#
# For tanh there is a short formula: where it gives $h$, its derivative is $1 - h^2$. We try it with a change of 0.001:

# %%
for x in (0.0, 0.5, 2.0):
    h, moved = np.tanh(x), np.tanh(x + 0.001)
    print(f"x = {x}: h = {h:.3f}, derivative {(moved - h) / 0.001:.2f}, 1 - h² = {1 - h**2:.2f}")

# %% [markdown]
# Near 0 a change passes whole. Where tanh comes near its end, hardly anything passes.
#
# Now **two steps of the layer, with a pencil**. Take $u = 0.8$, and inputs that make all states 0.5. Change $h_0$ by
# 0.01. How far does $h_2$ move?
#
# 1. $u\,h_0$ moves by 0.8 x 0.01 = 0.008. At $h_1 = 0.5$ the derivative of tanh is $1 - 0.5^2 = 0.75$. So $h_1$ moves
#    by 0.75 x 0.008 = 0.006.
# 2. $u\,h_1$ moves by 0.8 x 0.006 = 0.0048. The derivative of tanh is 0.75 again. So $h_2$ moves by 0.0036.
#
# Each step multiplies the change by 0.8 x 0.75 = 0.6. Over both steps the derivative is 0.6 x 0.6 = 0.36. This is the
# **chain rule**: along a chain of steps, derivatives are multiplied. Does the layer agree?

# %%
import tensorflow as tf

steady = np.arctanh(0.5) - 0.8 * 0.5  # the input that keeps the state at 0.5


def two_steps(h_0):
    h_1 = tf.tanh(steady + 0.8 * h_0)
    return h_1, tf.tanh(steady + 0.8 * h_1)


for number, (h, moved) in enumerate(zip(two_steps(0.5), two_steps(0.51)), start=1):
    print(f"h_{number} = {h:.2f} moves by {moved - h:.4f}")
print(f"two steps: {0.6**2:.2f}, ten steps: {0.6**10:.3f}, 49 steps: {0.6**49:.0e}")

# %% [markdown]
# After ten steps less than a hundredth of the change is left.
#
# Why does that matter for learning? Training moves each weight according to a derivative: that of the loss (lesson 4)
# with respect to this weight. All these derivatives together are called the **gradient**. (In lesson 1 it was grey that
# changed from pixel to pixel: a derivative, too.) All columns share the weights, so each column adds its part to the
# gradient. The part of column 5 in an answer at column 49 comes back over 44 steps. Each multiplies it by the
# derivative of $h_t$ with respect to $h_{t-1}$, written with a round $\partial$:
#
# $$\frac{\partial h_t}{\partial h_{t-1}} = u\,(1 - h_t^2)$$
#
# TensorFlow finds such products by itself. A `GradientTape` writes down each step of a computation, as on a tape;
# `watch` names the number that is changed. Then `gradient` goes back along the tape, from the end, and multiplies:

# %%
h_0 = tf.constant(0.5)
with tf.GradientTape() as tape:
    tape.watch(h_0)
    h_1, h_2 = two_steps(h_0)
print(f"derivative of h_2 with respect to h_0: {tape.gradient(h_2, h_0):.2f}")

# %% [markdown]
# Our 0.36. Now a real layer, with a state of 32 numbers. What is "0.9" for a matrix $u$? Keras has `Orthogonal(0.9)`:
# it draws a matrix that turns a list of numbers, whichever it is, and multiplies its length by 0.9. The names in the
# picture hold the factor that we measured.
#
# The layer gets 50 columns of noise, so that no column is special. We ask the tape: how far does the end move if we
# change the input at column $t$? (This derivative and those for the weights come back over the same steps, and shrink
# together.) "The end" is the sum of the last states. A column has 8 numbers, hence 8 derivatives; we take the length of
# this list. With `return_sequences=True` a layer gives its states at *all* columns, not only at the last:


# %%
def gradient_by_column(layer, inputs):
    inputs = tf.convert_to_tensor(inputs)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        end = tf.reduce_sum(layer(inputs)[:, -1])
    return np.linalg.norm(tape.gradient(end, inputs)[0], axis=-1)


noise = np.random.default_rng(0).normal(size=(1, 50, 8)).astype("float32")
gradients, by_formula = {}, {}
for scale in (0.5, 0.9, 1.0):
    keras.utils.set_random_seed(0)
    start = keras.initializers.Orthogonal(scale)
    layer = layers.SimpleRNN(32, recurrent_initializer=start, return_sequences=True)
    h = np.asarray(layer(noise))[0]
    u = layer.get_weights()[1]
    name = f"plain, u scaled to {np.linalg.norm(h[-1] @ u) / np.linalg.norm(h[-1]):.1f}"
    gradients[name] = gradient_by_column(layer, noise)
    factors = scale * (1 - h[1:] ** 2)  # at 49 steps, for 32 states
    by_formula[name] = np.sqrt((factors**2).mean(axis=1)).prod()

# %%
figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
for (name, gradient), line in zip(gradients.items(), ("-", "--", ":")):
    ax.semilogy(gradient, line, label=name)
ax.set(xlabel="step t (column)", ylabel="gradient of the end\nwith respect to $x_t$")
ax.legend()
plt.show()
for name, gradient in gradients.items():
    powers = (np.log10(product) for product in (gradient[0] / gradient[-1], by_formula[name]))
    print("{}: 10^{:.1f} is left after 49 steps; by the formula 10^{:.1f}".format(name, *powers))

# %% [markdown]
# Two neighbouring numbers on the vertical axis differ by a factor of a thousand, and every line falls from right to
# left. The formula explains it: we took the typical size of $u\,(1 - h_t^2)$ at each step, the root of the mean square
# over 32 numbers, and multiplied. Even where $u$ loses nothing, tanh does. The first column gets less than a millionth
# of what the last one gets, and teaches the layer next to nothing. This is the **vanishing gradient**.
#
# **Check.** All $h_t$ are near 0, and $u = 0.9$. About how much of the gradient is left after 49 steps?
#
# <details><summary>Answer</summary>
#
# With $h_t$ near 0 each factor is $u$, so $0.9^{49}$: about 0.006. States far from 0 make it smaller still.
#
# </details>
#
# ## Two functions that squash
#
# Before we mend it we need two tools. Both take any number and squash it. **tanh** you know: it gives -1 to 1. The
# **logistic** function, $1 / (1 + e^{-x})$, gives 0 to 1:

# %%
from scipy.special import expit as logistic

x = np.linspace(-6, 6, 201)
figure, ax = plt.subplots(figsize=(6, 2.8), layout="constrained")
ax.plot(x, np.tanh(x), label="tanh")
ax.plot(x, logistic(x), "--", label="logistic")
ax.set(xlabel="x", ylabel="squashed")
ax.legend()
plt.show()
for value in (-6.0, 0.0, 6.0):
    print(f"x = {value:+.0f}: tanh {np.tanh(value):+.5f}, logistic {logistic(value):.5f}")
difference = np.tanh(x) - (2 * logistic(2 * x) - 1)
print(f"the same curve, stretched: they differ by {np.abs(difference).max():.4f}")

# %% [markdown]
# Both come close to their ends. The formulas never reach them; a computer rounds, and `np.tanh(20)` is 1.0.
#
# A **gate** is a number that something else is multiplied with: near 0 it is shut, near 1 it is open. It takes the
# logistic function. With tanh a gate could be near -1, and turn what it multiplies upside down.
#
# A **candidate** is a number that is *added* to a memory. It takes tanh, because it must be able to go down as well as
# up. What if it could not? Fifty random candidates, added up:

# %%
candidates = np.random.default_rng(0).normal(size=50)
for name, squash in [("tanh", np.tanh), ("logistic", logistic)]:
    added = squash(candidates)
    print(f"{name:8}: from {added.min():+.2f} to {added.max():+.2f}, in sum {added.sum():5.1f}")

# %% [markdown]
# With the logistic function the memory can only grow.
#
# **Check.** A gate is nearly shut, 0.02. What did the logistic function get: a number near 0, or far below?
#
# <details><summary>Answer</summary>
#
# Far below: about -3.9, for $1 / (1 + e^{3.9})$ is 0.02. At 0 a logistic gate is half open, 0.5.
#
# </details>
#
# ## The cell of an LSTM
#
# The **LSTM** (long short-term memory) carries *two* things from step to step. The output $h$ you know. New is the
# **cell state** $c$. It goes along the straight line at the top, and only two things happen to it there: it is
# multiplied once, and something is added once.

# %%
from captcha_lib.diagrams import plot_cell


def show_cell(path=None):
    figure, ax = plt.subplots(figsize=(7, 3.7), layout="constrained")
    plot_cell(ax, path)
    save_figure(figure, f"lstm_{path or 'cell'}", dpi=200)
    plt.show()


show_cell()
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
# Now path by path. For a while we leave the boxes out, and set gates and candidate ourselves. Our gates are 1 or 0, the
# ends that a logistic function comes close to. Our candidates stay within the reach of tanh, between -1 and 1:


# %%
def walk(f, i, g, o):
    c, rows = 0.0, []
    for t in range(50):
        c = f[t] * c + i[t] * g[t]
        rows.append((c, o[t] * np.tanh(c)))
    return np.array(rows).T


is_open, shut = np.ones(50), np.zeros(50)
signal = np.where(np.arange(50) == 5, 0.8, 0.0)  # one signal, at step 5
c, h = walk(f=is_open, i=is_open, g=signal, o=is_open)
print(f"all gates open: c is {c[4]:.2f} at step 4, {c[5]:.2f} at step 5, {c[49]:.2f} at step 49")
print(f"                h is {h[4]:.2f} at step 4, {h[5]:.2f} at step 5, {h[49]:.2f} at step 49")

# %% [markdown]
# ### Memory, and forgetting it
#
# The line at the top is the memory. On its way it meets one gate, $f_t$, the **forget gate**. Open, it lets the old
# cell state pass unchanged. Shut, it sets it to 0:

# %%
show_cell("forgetting")
shut_at_30 = np.where(np.arange(50) == 30, 0.0, 1.0)
c, h = walk(f=shut_at_30, i=is_open, g=signal, o=is_open)
print(f"the forget gate shut at step 30: c is {c[29]:.1f} at step 29, {c[30]:.1f} at step 30")
for f in (1.0, 0.9):
    c, moved = (walk(f * is_open, is_open, g, is_open)[0] for g in (signal, 1.01 * signal))
    left = (moved[49] - c[49]) / (moved[5] - c[5])
    print(f"the forget gate always at {f}: c ends at {c[49]:.3f}; {left:.4f} of a change is left")
print(f"0.9 multiplied 44 times: {0.9**44:.4f}")

# %% [markdown]
# "I am inside an `m`" is worth keeping until the `m` ends, and worth forgetting then.
#
# The last lines are derivatives: we changed the signal at step 5 a little, and looked how far $c$ moves at step 49. No
# $u$ and no tanh lie on this line, so each step multiplies the change by $f_t$ alone. With 1 nothing vanishes, with 0.9
# a hundredth is left.
#
# But this is only the **direct way** from $c_{t-1}$ to $c_t$. A real cell has another, **the way round**: $c_{t-1}$
# also makes the output $h_{t-1}$, and that goes into all four boxes. It is missing above, since we set the gates
# ourselves. We measure both below.
#
# ### Writing
#
# How does something get into the memory? It starts as the candidate $g_t$. The **input gate** $i_t$ says how much of it
# comes in, and the + adds that to what is there:

# %%
show_cell("writing")
for gate in (1.0, 0.5):
    c, h = walk(f=is_open, i=gate * is_open, g=signal, o=is_open)
    print(f"candidate {signal[5]:+.1f} through a gate of {gate}: c goes from {c[4]:.1f} to {c[5]:.1f}")
stray = signal - 0.6 * (np.arange(50) == 20)  # the signal at step 5, and a stray stroke at step 20
c, h = walk(is_open, is_open, stray, is_open)
print(f"candidate {stray[20]:+.1f} through a gate of 1.0: c goes from {c[19]:.1f} to {c[20]:.1f}")

# %% [markdown]
# ### Ignoring
#
# The last candidate came from a stray stroke, and it spoiled what the cell knew. With the input gate shut, the
# candidate comes as far as the × and no further:

# %%
show_cell("ignoring")
shut_at_20 = np.where(np.arange(50) == 20, 0.0, 1.0)
for name, gate in [("open", is_open), ("shut", shut_at_20)]:
    c, h = walk(is_open, gate, stray, is_open)
    print(f"input gate {name} at step 20: c ends at {c[49]:.1f}")

# %% [markdown]
# ### Selection
#
# To remember is one thing, to speak another. The **output gate** $o_t$ selects what of the memory goes out as $h_t$, to
# the next layer and to the next step. The tanh before it has no weights. It squashes the memory, which may be beyond 1:

# %%
show_cell("selection")
spoken_at_40 = np.where(np.arange(50) == 40, 1.0, 0.0)
c, h = walk(is_open, is_open, signal, spoken_at_40)
for step in (39, 40, 41):
    print(f"at step {step}: c = {c[step]:.2f}, h = {h[step]:.2f}")

# %% [markdown]
# The cell knew it all the time, and said it once. Four cells side by side, each with the signal at step 5 and the stray
# stroke at step 20:

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
axes[0].set_ylabel("cell state, output")
axes[0].legend()
plt.show()
for name, (c, h) in stories.items():
    print(f"{name:24}: c ends at {c[49]:.1f}; h is {h[39]:.1f} at step 39, {h[40]:.1f} at step 40")

# %% [markdown]
# **Check.** Which gates must be open, and which shut, so that a cell keeps its memory through ten columns of strokes
# and says nothing meanwhile?
#
# <details><summary>Answer</summary>
#
# Forget gate open, input gate shut, output gate shut. Then $c_t = c_{t-1}$ and $h_t = 0$.
#
# </details>
#
# ## An LSTM in NumPy
#
# In a real layer nobody sets the gates. The boxes compute them anew at each step, for all cells at once. Here is the
# layer, line by line what the formulas say. Keras keeps the four weights side by side in one array, in the order
# $i, f, g, o$:


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
print("h:", paths["h"].shape, "in NumPy,", by_keras.shape, "by Keras")
print(f"largest difference {np.abs(paths['h'] - by_keras).max():.4f}")

# %% [markdown]
# That is all an LSTM is. What does an untrained one do with its gates?

# %%
figure, ax = plt.subplots(figsize=(6, 2.6), layout="constrained")
names = ("f, forget gate", "i, input gate", "o, output gate")
for name, line in zip(names, ("-", "--", ":")):
    ax.plot(paths[name[0]].mean(axis=1), line, label=name)
ax.set(xlabel="step t (column)", ylabel="mean of 16 cells\n(0 shut, 1 open)", ylim=(0, 1))
ax.legend(loc="lower right")
plt.show()
biases = np.split(lstm.get_weights()[2], 4)
for symbol, bias in zip("ifgo", biases):
    print(f"{symbol}: bias {bias.mean():.0f}", end=", " if symbol != "o" else "\n")
print(f"logistic(0) = {logistic(0):.2f}, logistic(1) = {logistic(1):.2f}")

# %% [markdown]
# The forget gates start above the others: Keras gives them a bias of 1, so that a new layer remembers more than it
# forgets. How far back does a gradient reach then? And with a bias of 5?
#
# To measure the direct way and the way round apart, here is the layer once more, in TensorFlow, which calls the
# logistic function `sigmoid`. `stop_gradient` lets a number pass, and hides from the tape where it came from. So with
# `direct=True` the outputs are the same, but the gradient has only the direct way:


# %%
def lstm_layer(inputs, weights, direct):
    kernel, recurrent_kernel, bias = weights
    h = c = tf.zeros((1, 32))
    outputs = []
    for x in tf.unstack(inputs, axis=1):
        remembered = tf.stop_gradient(h) if direct else h
        i, f, g, o = tf.split(x @ kernel + remembered @ recurrent_kernel + bias, 4, axis=1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        h = tf.sigmoid(o) * tf.tanh(c)
        outputs.append(h)
    return tf.stack(outputs, axis=1)


# %%
from functools import partial

forget_gates = {}
for bias in (1, 5):
    keras.utils.set_random_seed(0)
    layer = layers.LSTM(32)
    layer.build(noise.shape)
    weights = layer.get_weights()
    weights[2][32:64] = bias  # the second quarter: Keras' order is i, f, g, o
    forget_gates[bias] = run_lstm(noise[0], *weights)["f"]
    for direct in (False, True):
        name = f"LSTM, bias {bias}, {'direct way' if direct else 'both ways'}"
        layer = partial(lstm_layer, weights=weights, direct=direct)
        gradients[name] = gradient_by_column(layer, noise)

# %%
figure, ax = plt.subplots(figsize=(6, 3.2), layout="constrained")
styles = [(":", "C2"), ("-", "C0"), ("--", "C0"), ("-", "C1"), ("--", "C1")]
for name, (line, color) in zip(list(gradients)[2:], styles):
    marker = "o" if "bias 5" in name else None
    ax.semilogy(gradients[name], line, color=color, marker=marker, markevery=7, label=name)
ax.set(xlabel="step t (column)", ylabel="gradient of the end\nwith respect to $x_t$")
ax.legend(fontsize="small", loc="lower right")
plt.show()

# %% [markdown]
# Single columns go up and down, so we compare the first ten with the last ten. Between their middles lie 40 steps:

# %%
for bias, gates in forget_gates.items():
    for way in ("both ways", "direct way"):
        gradient = gradients[f"LSTM, bias {bias}, {way}"]
        ratio = gradient[:10].mean() / gradient[-10:].mean()
        print(f"bias {bias}, {way:10}: the first ten columns get {ratio:.2g} times what the last ten get")
    print(f"        the forget gates over 40 steps, multiplied: {gates[5:45].prod(axis=0).mean():.2g}")

# %% [markdown]
# On the direct way about as much is left as the forget gates let pass: hardly anything with a bias of 1, most of it
# with a bias of 5. So a new LSTM forgets, too. The design does not *make* it remember: it makes remembering something
# that a few numbers can learn.
#
# The surprise: with a bias of 5, the first columns get *more* than the last ones. On the direct way they get less, so
# what is more comes the way round. An early change returns through $h$ into the four boxes, step after step. With these
# weights the returns add up. We saw this with one set of random weights; it is no rule that it must grow.
#
# **Check.** How many weights and biases has an LSTM with 16 cells on columns of 200 numbers?
#
# <details><summary>Answer</summary>
#
# Four times those of the plain layer: 4 x (200 x 16 + 16 x 16 + 16) = 13,888. `lstm.count_params()` agrees.
#
# </details>
#
# ## Reading from both sides
#
# An LSTM at column 10 knows columns 0 to 10. But is this stem the start of an `n` or of an `m`? You have to see how it
# goes on. So a second LSTM walks from right to left, and the outputs of the two are put side by side: a
# **bidirectional** layer. Change only the last column of an image. Which outputs notice?

# %%
changed = columns.copy()
changed[-1] = 1 - changed[-1]
both = layers.Bidirectional(layers.LSTM(16, return_sequences=True))
for name, layer in [("left to right", lstm), ("both directions", both)]:
    before, after = (np.asarray(layer(array[np.newaxis]))[0] for array in (columns, changed))
    change = np.abs(after - before).max(axis=1)
    print(f"{name:15}: output {before.shape}, columns that notice: {np.count_nonzero(change)},", end=" ")
    print(f"column 48 by {change[48]:.2f}, column 25 by {change[25]:.4f}")

# %% [markdown]
# One more tool, against **overfitting** (lesson 4), is **dropout**. During training it sets some values to zero by
# chance, so that the layer cannot rely on any one of them. The others it scales up, so that the sum stays about the
# same. When reading, it does nothing:

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
#
# </details>
#
# ## The model
#
# Now we have all parts. The convolutions are the very function of lesson 4. They turn 200 x 50 pixels into 50 x 12
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
from captcha_lib.cnn import build_cnn

keras.utils.set_random_seed(0)
model = build_cnn_lstm_ctc()
for layer in model.layers:
    kind, shape = type(layer).__name__, str(layer.output.shape)
    print(f"{kind:13} {shape:21} {layer.count_params():>9,} parameters")
share = model.count_params() / build_cnn().count_params()
print(f"{'together':35} {model.count_params():>9,} parameters, {share:.0%} of the CNN's")

# %% [markdown]
# How much of the image does an answer see? We wipe out one column of the image after the other, and watch the middle,
# column 25: once what the convolutions give there, and once the answer at the end. Each is the mean over five images:

# %%
watched = keras.Model(model.input, [model.get_layer("columns").output, model.output])
effects = []
for image in x_test[:5]:
    wiped = np.repeat(image[np.newaxis], 51, axis=0)  # the last one stays whole
    for column in range(50):
        wiped[column, 4 * column : 4 * column + 4] = 1
    middle = [output[:, 25] for output in watched.predict_on_batch(wiped)]
    effects.append([np.abs(values[:50] - values[50]).sum(axis=1) for values in middle])
convolutions, answer = np.mean(effects, axis=0)

# %%
figure, ax = plt.subplots(figsize=(6, 2.4), layout="constrained")
ax.semilogy(answer, drawstyle="steps-mid")
ax.axvline(25, color="black", linestyle=":")
ax.set(xlabel="column that is wiped out", ylabel="change of the answer\nat column 25")
plt.show()
for name, effect in [("convolutions", convolutions), ("answer", answer)]:
    print(f"{name} at column 25: changed by {np.count_nonzero(effect > 1e-6)} columns of the image")

# %% tags=["within-1"]
print(f"{answer[15:36].sum() / answer.sum():.0%} of the change comes from at most 10 columns away")

# %% [markdown]
# The convolutions see a column and its two neighbours. Behind the LSTMs all columns count, the near ones most. Nothing
# is trained yet: what the model makes of them, training decides.
#
# There are 20 classes, though there are 19 characters. What is the last one for? That is lesson 5b.
#
# **Check.** The first bidirectional LSTM has 197,632 parameters. Where do they come from?
#
# <details><summary>Answer</summary>
#
# There are two directions, and each has four boxes with 64 inputs, 128 outputs of the last step, and a bias:
# 2 x 4 x (64 x 128 + 128 x 128 + 128).
#
# </details>
#
# ## Exercises
#
# The cell below each answer says *right*, *nearly* and what is missing, or *not right yet*.
#
# **1.** Make a cell that *counts*. Fill four arrays of 50 numbers, so that `walk(f, i, g, o)` does this:
#
# - At the steps 5, 15 and 25 a signal comes. Each adds 0.5 to $c$.
# - At all other steps $c$ stays as it is.
# - The output $h$ is 0 at the steps 0 to 48. At step 49 it is $\tanh(c)$.

# %%
f = i = g = o = None  # your four arrays of 50 numbers

# %%
from captcha_lib.exercises import check

check("5a.1", None if f is None else walk(f, i, g, o))

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# f, i = is_open, is_open
# g = np.where(np.isin(np.arange(50), [5, 15, 25]), 0.5, 0.0)
# o = np.where(np.arange(50) == 49, 1.0, 0.0)
# ```
#
# $c$ is 0.5 from step 5 on, 1.0 from step 15 and 1.5 from step 25. $h$ is 0 until step 48, and tanh(1.5) = 0.905 at
# step 49.
#
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
# Keras has it as `layers.SimpleRNN(units, return_sequences=True)`, with the same 50 rows for the same weights.
#
# </details>
#
# **3.** Does the bias of the forget gates matter for *learning*? The cell trains an LSTM to say, at the end, the first
# of 50 random numbers between -1 and 1:

# %% tags=["within-0.02"]
def train_to_remember(bias, seed=0):
    keras.utils.set_random_seed(seed)
    numbers = np.random.default_rng(0).uniform(-1, 1, (13_800, 50, 1)).astype("float32")
    lstm = layers.LSTM(16)
    model = keras.Sequential([keras.Input((50, 1)), lstm, layers.Dense(1)])
    weights = lstm.get_weights()
    weights[2][16:32] = bias
    lstm.set_weights(weights)
    model.compile(keras.optimizers.Adam(0.02), "mean_squared_error")
    model.fit(numbers[1000:], numbers[1000:, 0], batch_size=128, verbose=0)
    errors = model.predict(numbers[:1000], verbose=0) - numbers[:1000, 0]
    return np.sqrt((errors**2).mean())


print(f"always saying 0: off by {np.sqrt(1 / 3):.2f} (root of the mean square)")
print(f"LSTM, bias 1:    off by {train_to_remember(1):.2f}")

# %% [markdown]
# In these trainings a bias of 1 learns next to nothing. With which bias do the forget gates keep *half* of the memory
# over 49 steps, if $w$ and $u$ add nothing? Give it with two digits after the decimal point, and train with it:
# `train_to_remember(bias)`.

# %%
bias = None  # a number such as 1.23

# %%
check("5a.3", bias)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# f = 0.5 ** (1 / 49)
# bias = np.log(f / (1 - f))
# ```
#
# The gate is 0.986, for $0.986^{49}$ is 0.5, and the bias 4.25. You also find it by trying `logistic(bias) ** 49`. Now
# the layer learns: in our trainings, with seeds 0, 1 and 2, it ended at 0.23, 0.28 and 0.17.
# </details>
#
# ## In this notebook you
#
# - turned an image into 50 columns;
# - wrote a recurrent layer in one line, and saw it forget;
# - followed a change through two steps with a pencil, and saw the gradient vanish over 49;
# - told gates, between 0 and 1, from candidates, between -1 and 1;
# - followed forgetting, writing, ignoring and selection through the cell, and computed an LSTM that agrees with Keras;
# - measured how much comes back on the direct way through the memory, and how much the way round;
# - built a model that looks at its columns from both sides.
#
# The drawings are kept for slides and handouts: `figures/rnn_unrolled.png`, `figures/lstm_cell.png`,
# `figures/lstm_forgetting.png`, `figures/lstm_writing.png`, `figures/lstm_ignoring.png` and
# `figures/lstm_selection.png`.
#
# ## Sources
#
# - Bengio, Y., Simard, P. and Frasconi, P. (1994), *Learning Long-Term Dependencies with Gradient Descent is
#   Difficult*: the vanishing gradient.
# - Hochreiter, S. and Schmidhuber, J. (1997), *Long Short-Term Memory*: the cell, without its forget gate.
# - Gers, F. A., Schmidhuber, J. and Cummins, F. (2000), *Learning to Forget*: the forget gate.
# - Jozefowicz, R., Zaremba, W. and Sutskever, I. (2015), *An Empirical Exploration of Recurrent Network Architectures*:
#   why its bias should start at 1.
# - Schuster, M. and Paliwal, K. K. (1997), *Bidirectional Recurrent Neural Networks*: reading from both sides.
# - Srivastava, N. et al. (2014), *Dropout*: zeros by chance, and why they help.
# - Olah, C. (2015), *Understanding LSTM Networks*: the best pictures of the gates.
# - Shi, B., Bai, X. and Yao, C. (2015), *An End-to-End Trainable Neural Network for Image-based Sequence Recognition*:
#   convolution, recurrence and CTC in one model.
# - tensorflow.org, guides *Working with RNNs* and *Introduction to gradients and automatic differentiation*: recurrent
#   layers in Keras, and the tape.
#
# ## The way on
#
# The model gives 50 answers for five letters, and nobody knows which columns they belong to. Lesson 5b,
# `05b_cnn_lstm_ctc`, trains it all the same.
