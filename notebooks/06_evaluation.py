# %% [markdown]
# # Lesson 6: Compare the models
#
# ## What you'll do
#
# Put both models beside each other in one table, find out where and why each fails, and decide which one to take.
#
# ## What you'll learn
#
# - Compute three scores, and say when each of them misleads.
# - Put an interval around a score, and resist a difference that means nothing.
# - Read a confusion matrix.
# - Look at the worst readings, and tell a hard image from a weak model.
#
# ## What you'll need
#
# Lessons 4 and 5, which save the two models. If they have not run yet, this lesson trains what is missing, which takes
# a few minutes. Otherwise all cells together run in a minute on two cores. Reading takes about 20 minutes.

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
# ## The models and the test images
#
# Each model gets the images it was trained for: cropped ones for the CNN, whole ones for the CNN-LSTM-CTC. The split is
# the same, so the 104 captchas are the same, in the same order.

# %%
import numpy as np

from captcha_lib.alphabet import ALPHABET, decode_label
from captcha_lib.dataset import build_dataset

x_train_cropped, x_test_cropped, y_train, y_test = build_dataset(samples_folder, crop=True)
x_train, x_test, _, y_test_whole = build_dataset(samples_folder)
truths = [decode_label(row) for row in y_test]
print(len(truths), "captchas, the same in both forms:", np.array_equal(y_test, y_test_whole))

# %% [markdown]
# `load_or_train` takes a model's weights from where its lesson saved them. If there are none, it says so and trains:

# %% tags=["nbval-ignore-output"]
from captcha_lib.cnn import build_cnn, train_cnn
from captcha_lib.ctc import build_cnn_lstm_ctc, ctc_loss, decode_ctc, train_cnn_lstm_ctc
from captcha_lib.workspace import load_or_train

cnn, cnn_seconds = load_or_train(
    "cnn", samples_folder, build_cnn, lambda: train_cnn(x_train_cropped, y_train)
)
cnn_lstm_ctc, ctc_seconds = load_or_train(
    "cnn_lstm_ctc",
    samples_folder,
    build_cnn_lstm_ctc,
    lambda: train_cnn_lstm_ctc(x_train, y_train, cnn),
)

# %%
cnn_probabilities = cnn.predict(x_test_cropped, verbose=0)
ctc_probabilities = cnn_lstm_ctc.predict(x_test, verbose=0)
readings = {
    "CNN": [decode_label(row) for row in cnn_probabilities.argmax(axis=-1)],
    "CNN-LSTM-CTC": decode_ctc(ctc_probabilities),
}
for name, texts in readings.items():
    print(f"{name:12} {len(texts)} readings")

# %% [markdown]
# ## A third score
#
# Lesson 4 had two scores. **Exact match** is what a user feels: right or wrong. **Character accuracy** compares place by
# place, and here it can mislead. Suppose a model misses the first of five letters:

# %%
from captcha_lib.score import character_accuracy, exact_match

print("character accuracy of 4cpy for n4cpy:", character_accuracy(["4cpy"], ["n4cpy"]))

# %% [markdown]
# Four letters are right, and the score is zero, because each of them moved by one place. A fairer count asks how many
# letters must be inserted, deleted or replaced to mend the reading. That is the **edit distance**. It goes through
# a table row by row; each cell holds the distance between two beginnings of the texts:


# %%
def edit_distance(first, second):
    row = list(range(len(second) + 1))
    for count, one in enumerate(first, start=1):
        diagonal, row[0] = row[0], count
        for column, other in enumerate(second, start=1):
            replaced = diagonal + (one != other)
            diagonal = row[column]
            row[column] = min(replaced, row[column] + 1, row[column - 1] + 1)
    return row[-1]


# %%
for reading, truth in [
    ("4cpy", "n4cpy"),
    ("wgmwp", "wgnwp"),
    ("87mnym", "87nym"),
    ("2g7nm", "2g7nm"),
]:
    print(f"{reading:6} for {truth}: {edit_distance(reading, truth)}")

# %% [markdown]
# All edit distances together, divided by the number of true characters, give the **character error rate**. It is the
# usual score for text recognition, and small is good:

# %%
from captcha_lib.score import check_pairs


def character_error_rate(predicted, truth):
    check_pairs(predicted, truth)
    return sum(map(edit_distance, predicted, truth)) / sum(len(label) for label in truth)


# %%
print("character error rate of 4cpy for n4cpy:", character_error_rate(["4cpy"], ["n4cpy"]))

# %% [markdown]
# What is `check_pairs` for? The notes this course grew from compared arrays of different shapes, and NumPy answered with
# a number that meant nothing. We would rather hear about it:

# %%
try:
    exact_match(["2g7nm", "bny23"], ["2g7nm"])
except ValueError as error:
    print(error)

# %% [markdown]
# ## How sure is a score?
#
# With 104 images, one more mistake is one per cent less. If we had drawn another test set, we would have got another
# score. **Wilson's interval** says which true shares are compatible with what we saw. For $k$ hits of $n$, with
# $p = k/n$ and $z = 1.96$ for 95 %, its ends are
#
# $$\frac{1}{1 + z^2/n}\left(p + \frac{z^2}{2n} \pm z\sqrt{\frac{p(1-p)}{n} + \frac{z^2}{4n^2}}\right)$$
#
# SciPy has it, so we only check the numbers:

# %%
from scipy.stats import binomtest


def wilson_interval(hits, total, confidence=0.95):
    if not 0 <= hits <= total or total < 1:
        raise ValueError(
            f"{hits} hits of {total} make no share: expected 0 <= hits <= total and total >= 1"
        )
    interval = binomtest(hits, total).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


# %%
for hits, total in [(80, 104), (103, 104), (104, 104), (1030, 1040)]:
    low, high = wilson_interval(hits, total)
    print(f"{hits:4} of {total:4}: {hits / total:6.1%}, between {low:.1%} and {high:.1%}")

# %% [markdown]
# Look at the third line. All 104 right does *not* mean 100 %: a model that misses three in a hundred could have been
# lucky. And ten times as many images make the interval about three times as narrow.
#
# ## The results table
#
# All scores of a model make one row:


# %%
def score_row(model, readings, truths, seconds):
    exact = exact_match(readings, truths)
    low, high = wilson_interval(round(exact * len(truths)), len(truths))
    return {
        "model": model,
        "test images": len(truths),
        "character accuracy (%)": round(100 * character_accuracy(readings, truths), 1),
        "exact match (%)": round(100 * exact, 1),
        "95 % interval": f"{100 * low:.1f} to {100 * high:.1f}",
        "character error rate (%)": round(100 * character_error_rate(readings, truths), 1),
        "training (s)": round(seconds),
    }


# %% [markdown]
# The training time of the CNN-LSTM-CTC comes on top of the CNN's, whose convolutions it uses:

# %% tags=["nbval-ignore-output"]
import pandas as pd

seconds = {"CNN": cnn_seconds, "CNN-LSTM-CTC": ctc_seconds}
results = pd.DataFrame(
    [score_row(name, readings[name], truths, seconds[name]) for name in readings]
)
results

# %%
from captcha_lib.workspace import output_folder

results.to_csv(output_folder("tables") / "results.csv", index=False)
cnn_row, ctc_row = results.to_dict("records")
print("CNN-LSTM-CTC ahead in exact match:", ctc_row["exact match (%)"] > cnn_row["exact match (%)"])
print("CNN-LSTM-CTC at 90 % or more:", ctc_row["exact match (%)"] >= 90)

# %% [markdown]
# Compare the two intervals. If they did not overlap at all, you could call the difference real without another thought.
# If they did, you would need a closer look, on the same images one by one.
#
# ## Where does each fail?
#
# Accuracy by place; in a reading that is too short, the missing letters count as wrong:

# %% tags=["nbval-ignore-output"]
import matplotlib.pyplot as plt

by_place = {}
for name, texts in readings.items():
    pairs = zip([text.ljust(5) for text in texts], truths)
    by_place[name] = np.mean([[a == b for a, b in zip(*pair)] for pair in pairs], axis=0)
figure, axis = plt.subplots(figsize=(6, 3), layout="constrained")
for name, marker in zip(by_place, "os"):
    axis.plot(range(1, 6), by_place[name], marker=marker, label=name)
axis.set(
    xlabel="place in the captcha",
    ylabel="share of letters right",
    xticks=range(1, 6),
    ylim=(0.5, 1.02),
)
axis.legend()
plt.show()

# %%
print("CNN above 70 % at every place:", (by_place["CNN"] > 0.70).all())
print("CNN-LSTM-CTC above 93 % at every place:", (by_place["CNN-LSTM-CTC"] > 0.93).all())

# %% [markdown]
# The CNN loses letters where its strips miss them. The CNN-LSTM-CTC has no strips, and its line is nearly flat.
#
# ## Which letters are mixed up?
#
# A **confusion matrix** has a row for each true character and a column for each reading. The diagonal is right; it would
# outshine everything else, so we leave it out of the picture and look at the mistakes:

# %% tags=["nbval-ignore-output"]
import seaborn as sns
from sklearn.metrics import confusion_matrix

confusion = confusion_matrix(
    list("".join(truths)), list("".join(readings["CNN"])), labels=list(ALPHABET)
)
mistakes = confusion - np.diag(np.diag(confusion))
figure, axis = plt.subplots(figsize=(6, 5), layout="constrained")
sns.heatmap(
    mistakes,
    cmap="cividis",
    xticklabels=list(ALPHABET),
    yticklabels=list(ALPHABET),
    cbar_kws={"label": "mistakes of the CNN"},
    ax=axis,
)
axis.set(xlabel="read", ylabel="true")
plt.show()

# %% tags=["nbval-ignore-output"]
for place in np.argsort(mistakes, axis=None)[::-1][:5]:
    true, read = np.unravel_index(place, mistakes.shape)
    print(f"{ALPHABET[true]} read as {ALPHABET[read]}: {mistakes[true, read]} times")

# %%
print("characters in the matrix:", confusion.sum())
print("on the diagonal, more than 85 %:", np.trace(confusion) / confusion.sum() > 0.85)

# %% [markdown]
# The counts are small, so do not read much into a single cell. Still, the pairs at the top of the list tend to share most
# of their strokes, like `m` and `n` or `3` and `8`: one dark line in the wrong place turns the one into the other.
#
# ## The ten worst readings
#
# Which images did a model like least? We ask what probability it gave to the *true* text. For the CNN that is the
# product over five letters; for the CNN-LSTM-CTC it is what the CTC loss is made of:

# %%
from captcha_lib.show import show_readings

belief = {
    "CNN": np.take_along_axis(cnn_probabilities, y_test[..., None], axis=-1).prod(axis=(1, 2)),
    "CNN-LSTM-CTC": np.exp(-np.asarray(ctc_loss(y_test, ctc_probabilities))),
}
for name, values in belief.items():
    print(f"{name:12} probabilities between 0 and 1:", ((values >= 0) & (values <= 1.001)).all())

# %% [markdown]
# Ten images of each model, the least believed first, with what it read:

# %% tags=["nbval-ignore-output"]
for name in readings:
    worst = np.argsort(belief[name])[:10]
    figure = show_readings(
        x_test[worst], [readings[name][i] for i in worst], [truths[i] for i in worst]
    )
    figure.suptitle(f"{name}: the ten worst")
    plt.show()

# %% tags=["nbval-ignore-output"]
wrong = {name: np.array(readings[name]) != np.array(truths) for name in readings}
caught = {name: wrong[name][np.argsort(belief[name])[:10]].sum() for name in readings}
for name in readings:
    print(f"{name:12} {wrong[name].sum()} wrong in all, {caught[name]} of them in these ten")

# %%
print("of the CNN's ten worst, at least 7 are wrong:", caught["CNN"] >= 7)

# %% [markdown]
# Read these twenty pictures yourself. Where you hesitate too, the image is hard. Where you do not, the model is
# weak, and there is something to gain. On the real images you may even find a label that is wrong: people typed them.
#
# ## Which model when?
#
# | you want | take |
# | --- | --- |
# | a first model that you understand in an hour | the CNN |
# | texts that always have five letters at nearly fixed places | the CNN may do |
# | the best readings in this course so far | the CNN-LSTM-CTC |
# | texts of any length, letters anywhere | the CNN-LSTM-CTC; the CNN cannot |
# | a small file | the CNN-LSTM-CTC: a fifth of the parameters |
#
# ## Exercises
#
# **1.** Two readings out of 104 differ between two models: 103 right and 101 right. Do their Wilson intervals overlap?

# %%
answer = None  # True or False

# %%
low_103, high_101 = wilson_interval(103, 104)[0], wilson_interval(101, 104)[1]
print("right" if answer is not None and answer == (low_103 < high_101) else "not yet")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = wilson_interval(103, 104)[0] < wilson_interval(101, 104)[1]
# ```
#
# They overlap widely. Nobody should call the one model better on this evidence.
# </details>
#
# **2.** Write `share_of_right_length(texts)`: the share of readings that have five letters at all.


# %%
def share_of_right_length(texts):
    return None


# %%
print("right" if share_of_right_length(["2g7nm", "4cpy", "87mnym", "bny23"]) == 0.5 else "not yet")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def share_of_right_length(texts):
#     return sum(len(text) == 5 for text in texts) / len(texts)
# ```
#
# Try it on `readings["CNN-LSTM-CTC"]`: a reading of another length is certainly wrong, and needs no label to be caught.
# </details>
#
# ## In this notebook you
#
# - computed three scores, and saw character accuracy fall to zero for one missing letter;
# - put intervals around shares, and know why 104 of 104 is not 100 %;
# - read a confusion matrix without its diagonal;
# - looked at the ten worst readings of both models.
#
# ## Sources
#
# - Wilson, E. B. (1927), *Probable Inference, the Law of Succession, and Statistical Inference*: the interval.
# - Brown, L. D., Cai, T. T. and DasGupta, A. (2001), *Interval Estimation for a Binomial Proportion*: why this one.
# - Levenshtein, V. I. (1966), *Binary codes capable of correcting deletions, insertions, and reversals*: the distance.
#
# ## The way on
#
# All models so far needed a thousand images that somebody had labelled. In lesson 7 we draw our own, and train a model
# that has not seen one of the given images. Will it read them?
