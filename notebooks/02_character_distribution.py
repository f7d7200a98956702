# %% [markdown]
# # Lesson 2: Count the characters
#
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/captcha-course/captcha-course/blob/v1.0.0/notebooks/02_character_distribution.ipynb)
# [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/captcha-course/captcha-course/blob/v1.0.0/notebooks/02_character_distribution.ipynb)
# [![Open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/captcha-course/captcha-course/v1.0.0?labpath=notebooks/02_character_distribution.ipynb)
# <!-- end of badges -->
#
# ## What you'll do
#
# Turn the file names into a table, and find out which characters occur, how often, and where.
#
# ## What you'll learn
#
# - Build a pandas table from a folder of files.
# - Plot counts as a bar chart and as a heat map.
# - Decide whether a difference between counts may be chance.
# - Work out what somebody who never looks at the images would score: the **baseline** that every model must beat.
#
# ## What you'll need
#
# Lesson 1 for the names of things, and a little pandas. Reading takes about 25 minutes; the cells run in ten seconds.

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
# ## From a file name to a label
#
# The text of an image is its file name without the ending. Python's `Path` takes it apart:

# %%
from captcha_lib.files import list_images

file = list_images(samples_folder)[0]
print("name:  ", file.name)
print("suffix:", file.suffix)
print("stem:  ", file.stem)

# %% [markdown]
# `list_images` returns the files *in the order of their names*. A folder has no order of its own: `os.walk` may give
# one order on your machine and another on mine. Lesson 3 splits the files by their place in this list, and we want to
# split them alike. And it looks into one folder only. The public archive holds every image twice, once in `samples/`
# and once in `samples/samples/`; lesson 3 shows what happens to somebody who reads both.
#
# ## The table
#
# One row a file: its name, ending, label, the label's length, and one column for each character. The function below is
# the one in `captcha_lib.samples`. It refuses an empty folder. `read_labels` takes the endings off the names, and
# refuses two files with the same label. (Lesson 9 shows what else it can read.)
# `COURSE` says what all our images have in common: 19 characters, five in a label, 200 x 50 pixels. Such a description
# is called a **family** of images here. `COURSE` is the default, and up to lesson 8 we use no other:

# %%
import pandas as pd

from captcha_lib.family import ALPHABET, COURSE, LABEL_LENGTH, check_label
from captcha_lib.files import read_labels


def read_samples(folder, family=COURSE):
    files = list_images(folder)
    if not files:
        raise FileNotFoundError(f"{folder} holds no images: expected files such as 2g7nm.png in it")
    samples = pd.DataFrame({"file_name": [file.name for file in files]})
    samples["extension"] = [file.suffix[1:].lower() for file in files]
    samples["label"] = [check_label(text, family) for text in read_labels(files)]
    samples["label_size"] = samples["label"].str.len()
    for position in range(family.longest):
        samples[f"c{position + 1}"] = samples["label"].str[position]
    samples.attrs["folder"] = str(folder)
    return samples


# %%
samples = read_samples(samples_folder)
samples

# %% [markdown]
# Over a thousand rows, and pandas shows the first and the last five. `check_label` has let all labels pass: it refuses
# another length and any character outside the 19. What does it say to a label of four, and to one with an `o`?

# %%
for text in ("2g7n", "2g7no"):
    try:
        check_label(text)
    except ValueError as error:
        print(error)

# %% [markdown]
# How many files are there of each kind, and how long are the labels?

# %%
print(samples["extension"].value_counts().to_string())
print("lengths that occur:", samples["label_size"].unique())

# %% [markdown]
# ## Which characters occur?
#
# Every label has five characters from an alphabet of 19. Look at what is missing:

# %%
import string

everything = string.digits + string.ascii_lowercase
print("used:    ", ALPHABET)
print("not used:", "".join(sorted(set(everything) - set(ALPHABET))))

# %% [markdown]
# No `0` and no `o`, no `1`, `i` or `l`: people mix these up. But `6` stands beside `b`, `m` beside `n`, and `c` beside
# `e`, so the makers did not leave out everything that looks alike. Five places with 19 choices each would still
# allow many texts:

# %%
print(f"possible texts: {len(ALPHABET) ** LABEL_LENGTH:,}")
print(f"share we have:  {len(samples) / len(ALPHABET) ** LABEL_LENGTH:.2%}")

# %% [markdown]
# Less than one text in two thousand is in our folder. A model that has memorised all these labels knows next to nothing
# about the label of a new image.
#
# ## Counting, all positions together
#
# To count all characters alike, we want them in one column. `melt` puts columns on top of each other and writes beside
# each value where it came from. Here are the first two labels, melted:

# %%
positions = [f"c{position + 1}" for position in range(LABEL_LENGTH)]
samples.head(2)[positions].melt()

# %% [markdown]
# `value_counts` then counts how often each value occurs. There is a trap in the step after that. We add the counts of
# the first and of the second position, of three labels only. What will the sum be for a character that occurs in the
# first position or in the second, but not in both?

# %%
few = samples.head(3)
print(*few["label"])
both = few["c1"].value_counts() + few["c2"].value_counts()
print(both.rename_axis("character").to_string())

# %% [markdown]
# `NaN`, *not a number*. A character that never occurs is missing from the counts, not counted as 0, and a number plus a
# missing one is missing. So we ask for all 19 characters, and for 0 where there is none:


# %%
def count_characters(samples):
    characters = samples[[f"c{position + 1}" for position in range(LABEL_LENGTH)]].melt()["value"]
    counts = characters.value_counts().reindex(list(ALPHABET), fill_value=0)
    return counts.rename_axis("character").reset_index(name="count")


# %%
import matplotlib.pyplot as plt
import seaborn as sns

from captcha_lib.show import use_course_style

use_course_style()
counts = count_characters(samples)
figure, ax = plt.subplots(figsize=(8, 3), layout="constrained")
sns.barplot(counts, x="character", y="count", color="C0", ax=ax)
ax.set(xlabel="character", ylabel="count, all five positions")
plt.show()

# %%
count = counts.set_index("character")["count"]
others = count.drop("n")
print(f"n: {count['n']}   the others: {others.min()} to {others.max()}, mean {others.mean():.1f}")
print(f"n is {count['n'] / others.mean():.2f} times as frequent as the others")

# %% [markdown]
# One bar stands out: `n` is about twice as frequent as the others are on average. The other bars look level, but not
# quite. Which of these differences may be chance?
#
# ## Chance, or not?
#
# Think of a box with one ticket for each of the 19 characters. Somebody draws a ticket, writes the character down and
# puts the ticket back, 5,350 times. Then a character with the share $p$ of the tickets is expected $5350\,p$ times, and
# its count scatters around that with a **standard deviation** of $\sqrt{5350\,p\,(1-p)}$. By chance alone a count is
# within two standard deviations nineteen times out of twenty, and hardly ever beyond four.
#
# How far is `n` from what 19 equal tickets promise?

# %%
total = count.sum()


def deviations(counted, share):
    return (counted - total * share) / (total * share * (1 - share)) ** 0.5


away = deviations(count, 1 / 19)
print(f"expected: {total / 19:.1f}")
print(f"n is {away['n']:+.1f} standard deviations away")
print(f"of the {len(others)} others {(away.drop('n') < 0).sum()} have fewer than expected")

# %% [markdown]
# Not chance: `n` is far outside. And it takes from the others, most of which have too few. Another box must be behind
# these labels. It may hold `n` more than once: with two tickets for `n` there are 20 in all, with three 21. We ask all
# three boxes. A box that fits leaves `n` within two standard deviations, and about half of the others on each side:

# %%
for tickets in (1, 2, 3):
    in_all = 18 + tickets
    n, rest = deviations(count["n"], tickets / in_all), deviations(others, 1 / in_all)
    span = f"{rest.min():+.1f} to {rest.max():+.1f}, {(rest < 0).sum()} below"
    print(f"{tickets} of {in_all} tickets: n {n:+5.1f}, the others {span}")

# %% [markdown]
# One box is left: **20 tickets, two of them for `n`**. Does it explain the others as well? Some lie a little beyond two
# standard deviations. We ask the box itself: we draw 1,000 sets of labels from it. How often do its own 18 others do as
# much?

# %%
import numpy as np

box = np.array(list(ALPHABET + "n"))
rng = np.random.default_rng(0)
drawn = box[rng.integers(len(box), size=(1000, len(samples), LABEL_LENGTH))]
beyond = (deviations(others, 1 / 20).abs() > 2).sum()
counted = np.array([(drawn == character).sum(axis=(1, 2)) for character in others.index])
as_many = (np.abs(deviations(counted, 1 / 20)) > 2).sum(axis=0) >= beyond
print(f"beyond two: {beyond} of the {len(others)} others")
print(f"as many in {as_many.sum()} of {len(drawn):,} drawn sets")

# %% [markdown]
# In the synthetic set three of 18 are beyond two. Of the drawn sets, about one in twenty has three or more, by chance
# alone. That is on the border: no proof against the box, and no reason yet to look for another.
#
# In the synthetic set we can look the reason up: its program draws from a list in which `n` stands twice (lesson 7).
# Its list was made so because the real labels show the same. A likely reason: the program *Kaptcha* (lesson 7) comes
# with the list `abcde2345678gfynmnpwx`, in which `n` stands twice. Without its `a` these are our 20 tickets. For us it
# is a fact to remember, because a model will learn it too.
#
# ## Counting by position
#
# Does a character prefer some place? Now each of the 95 counts, 19 characters in five places, has its own expectation.
# The heat map shows the counts as numbers. The colour says how many standard deviations each is away from 20 tickets,
# so that `n` can be compared with the others:

# %%
by_position = samples[positions].apply(lambda column: column.value_counts())
by_position = by_position.reindex(list(ALPHABET)).fillna(0).astype(int)
share = pd.Series(1 / 20, index=list(ALPHABET))
share["n"] = 2 / 20
expected = len(samples) * share
away = by_position.sub(expected, axis=0).div((expected * (1 - share)) ** 0.5, axis=0)
figure, ax = plt.subplots(figsize=(8, 2.8), layout="constrained")
scale = {"vmin": -3, "vmax": 3, "cbar_kws": {"label": "standard deviations"}}
sns.heatmap(away.T, annot=by_position.T, fmt="d", cmap="cividis", ax=ax, **scale)
ax.set(xlabel="character", ylabel="position")
plt.show()

# %%
print(f"from {away.values.min():+.2f} to {away.values.max():+.2f} standard deviations")
print(f"beyond two: {(away.abs().values > 2).sum()} of {away.size}")

# %% [markdown]
# Chance alone puts four or five of 95 counts beyond two standard deviations. We see no more than that, and none beyond
# three. So nothing here says that a place prefers a character. If a model later reads the first letter worse than the
# third, the reason is hardly in the labels.
#
# ## Doubled letters
#
# One more count that will matter in lesson 5b. How many labels have the same character twice in a row, like `22388`?
# And how many should have? The 1,000 drawn sets know:


# %%
def count_doubled(sets):
    return (sets[..., 1:] == sets[..., :-1]).any(axis=-1).sum(axis=-1)


doubled = count_doubled(samples[positions].to_numpy())
print(f"{doubled} of {len(samples):,} labels have a doubled letter: {doubled / len(samples):.1%}")
in_drawn = count_doubled(drawn)
print(f"drawn sets: {in_drawn.mean():.1f} on average, standard deviation {in_drawn.std():.1f}")
rare = (in_drawn <= doubled).mean()
print(f"drawn sets with {doubled} or fewer: {rare:.1%}")
looks = len(count) + away.size + 1
print(f"chance that one of {looks} counts is as rare: {1 - (1 - rare) ** looks:.0%}")

# %% [markdown]
# About one label in six. A model that takes the same letter in two neighbouring places for *one* letter gets all of
# these wrong.
#
# A surprise: hardly any drawn set has so few doubled letters. Is something wrong with our box after all? Think how
# often we have looked. This lesson has compared 115 counts with the box: 19, then 95, and this one. If chance alone is
# at work, roughly one lesson in three meets a count as rare as this *somewhere*. (Roughly: the counts hang together,
# and 0.4 % are four of our drawn sets.) So it proves nothing yet. A new set of labels would have to show it again.
#
# ## The score of not looking
#
# What would somebody score who always answers `nnnnn`? We count the characters that would be right, and the labels that
# would be right from end to end:

# %%
print(f"characters right: {count['n'] / total:.1%}")
print("labels right:    ", (samples["label"] == "nnnnn").sum(), "of", len(samples))

# %% [markdown]
# About one character in ten, and no label. Keep both numbers in mind. A model that gets 10 % of the characters has
# learned nothing but the most frequent letter.
#
# ## Exercises
#
# The cell below each answer says *right*, *nearly* and what is missing, or *not right yet*.
#
# **1.** Seven of the 19 characters are digits. How many standard deviations is the count of all digits together away
# from what the 20 tickets promise? `deviations` above works it out.

# %%
answer = None  # your number, with its sign

# %%
from captcha_lib.exercises import check

check("2.1", answer, counts)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# digits = counts.loc[counts["character"].str.isdigit(), "count"].sum()
# total = counts["count"].sum()
# answer = (digits - total * 7 / 20) / (total * 7 / 20 * 13 / 20) ** 0.5
# ```
#
# -0.4: the digits fit as well. With 7 of 19 tickets it would be -3.2.
# </details>
#
# **2.** A reader who guesses one of the 19 characters at random, all alike, would get which share of characters right?

# %%
answer = None  # your number, between 0 and 1

# %%
check("2.2", answer)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = 1 / 19
# ```
#
# 0.053. Whatever the true character is, one guess in 19 hits it, so the second ticket of `n` changes nothing. Always
# answering `n` is about twice as good.
# </details>
#
# **3.** Change the box: take the second `n` out and draw 1,000 sets of 1,070 labels again. Which share of all these
# labels has a doubled letter? Guess first: more than with 20 tickets, or less?

# %%
answer = None  # your number, between 0 and 1

# %%
check("2.3", answer)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# import numpy as np
#
# rng = np.random.default_rng(0)
# drawn = rng.integers(19, size=(1000, 1070, 5))  # the numbers of the tickets will do
# answer = (drawn[..., 1:] == drawn[..., :-1]).any(axis=-1).mean()
# ```
#
# 0.194, less than the 0.202 of the 20 tickets. The second `n` makes `nn` four times as likely as another doubled
# letter, and takes less from the others than it adds.
# </details>
#
# ## In this notebook you
#
# - built a table of all files, one column a position;
# - drew the counts of characters as bars and as a heat map;
# - worked out what chance does to a count, and found the box that fits: `n` has two of 20 tickets;
# - saw why one rare count among many proves nothing;
# - know the baseline: about 10 % of the characters, and no captcha, without looking.
#
# ## Sources
#
# - Wilhelmy, R. and Rosas, H. (2013), *captcha dataset*: the images and their labels.
# - pandas user guide, chapter *Reshaping and pivot tables*: `melt` and its relatives.
#
# ## The way on
#
# Lesson 3, `03_dataset_building`, turns images and labels into the arrays that a network can learn from.
