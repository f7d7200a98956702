# %% [markdown]
# # Lesson 2: Count the characters
#
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/captcha-course/captcha-course/blob/v0.1.0/notebooks/02_character_distribution.ipynb)
# [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/captcha-course/captcha-course/blob/v0.1.0/notebooks/02_character_distribution.ipynb)
# [![Open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/captcha-course/captcha-course/v0.1.0?labpath=notebooks/02_character_distribution.ipynb)
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
# - Decide whether a difference between counts is chance.
# - Work out what a reader who never looks at the image would score: the **baseline** that every model must beat.
#
# ## What you'll need
#
# Lesson 1 for the names of things, and a little pandas. Reading takes about 15 minutes; the cells run in ten seconds.

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
# ## From a file name to a label
#
# The text of an image is its file name without the ending. Python's `Path` takes it apart:

# %%
from captcha_lib.samples import list_images

file = list_images(samples_folder)[0]
print("name:  ", file.name)
print("suffix:", file.suffix)
print("stem:  ", file.stem)

# %% [markdown]
# `list_images` returned the files *in the order of their names*. That is not a detail. A folder has no order of its
# own: `os.walk` gives one order on your machine and another on mine. Lesson 3 splits the files by their place in this
# list, and we want to split them alike.
#
# A second trap: the public archive holds every image twice, once in `samples/` and once in `samples/samples/`. Whoever
# walks through all folders gets each image twice, and later meets training images in the test. `list_images` looks into
# one folder only.
#
# ## The table
#
# One row a file: its name, ending, label, the label's length, and one column for each character. The function below is
# the one in `captcha_lib.samples`. Its two `if` blocks refuse an empty folder and two files with the same label.
# `COURSE` says what all our images have in common: 19 characters, five in a label, 200 x 50 pixels. It is the default,
# and no lesson up to the eighth passes another family:

# %%
import pandas as pd

from captcha_lib.family import ALPHABET, COURSE, LABEL_LENGTH, check_label


def read_samples(folder, family=COURSE):
    files = list_images(folder)
    if not files:
        raise FileNotFoundError(f"{folder} holds no images: expected files such as 2g7nm.png in it")
    samples = pd.DataFrame({"file_name": [file.name for file in files]})
    samples["extension"] = [file.suffix[1:].lower() for file in files]
    samples["label"] = [check_label(file.stem, family) for file in files]
    samples["label_size"] = samples["label"].str.len()
    for position in range(family.longest):
        samples[f"c{position + 1}"] = samples["label"].str[position]
    twins = samples.loc[samples["label"].duplicated(keep=False), "file_name"]
    if len(twins):
        raise ValueError(
            f"{twins.iloc[0]} and {twins.iloc[1]} carry one label: expected one file a label"
        )
    samples.attrs["folder"] = str(folder)
    return samples


# %%
samples = read_samples(samples_folder)
samples

# %% [markdown]
# Over a thousand rows, and pandas shows the first and the last five. `check_label` has already refused any label of
# another length or with a foreign character. What would it say to a label of four?

# %%
try:
    check_label("2g7n")
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
# No `0` and no `o`, no `1`, `i` or `l`, no `9` beside `g`: what people mix up was left out, and a few letters more.
# Five places with 19 choices each would still allow many texts:

# %%
print(f"possible texts: {len(ALPHABET) ** LABEL_LENGTH:,}")
print(f"share we have:  {len(samples) / len(ALPHABET) ** LABEL_LENGTH:.2%}")

# %% [markdown]
# Less than one text in two thousand is in our folder. Learning the labels by heart will not help any model.
#
# ## Counting, all positions together
#
# `melt` puts the five columns on top of each other; `value_counts` counts. There is a trap in the step after that:
# a character that never occurs would be *missing* from the counts rather than counted as 0, so we ask for all 19.


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
others = counts.loc[counts["character"] != "n", "count"]
n_count = counts.set_index("character")["count"]["n"]
print(f"n: {n_count}   the others: {others.min()} to {others.max()}, mean {others.mean():.0f}")
print(f"n is {n_count / others.mean():.1f} times as frequent as the others")

# %% [markdown]
# One bar stands out: `n` is about twice as frequent as any other. Everything else looks level. But is it?
#
# ## Chance, or not?
#
# Suppose all characters came with the same probability. Each count would then scatter around its mean, with a standard
# deviation of about the square root of that mean. How many standard deviations is each character away?

# %%
total = counts["count"].sum()
expected = total / 20
deviation = (expected * (1 - 1 / 20)) ** 0.5
away = ((counts.set_index("character")["count"] - expected) / deviation).round(1)
print(f"expected {expected:.1f}, standard deviation {deviation:.1f}")
print("n:", away["n"], "  the others: from", away.drop("n").min(), "to", away.drop("n").max())

# %% [markdown]
# We divided by 20, not by 19, and that is the point. With 20 equal tickets, of which `n` holds two, 18 characters lie
# within a few standard deviations of one ticket, as far as chance alone takes them. `n` does not: it is far outside.
# So the explanation is a plain one: the program that made the labels drew from a **list in which `n` stands twice**.
# Probably a typing mistake. For us it is a fact to remember, because a model will notice it too.
#
# ## Counting by position
#
# Does a character prefer some place? We count each column by itself and plot the counts as a heat map:

# %%
positions = [f"c{position + 1}" for position in range(LABEL_LENGTH)]
by_position = samples[positions].apply(lambda column: column.value_counts())
by_position = by_position.reindex(list(ALPHABET)).fillna(0).astype(int)
figure, ax = plt.subplots(figsize=(8, 2.6), layout="constrained")
sns.heatmap(by_position.T, cmap="cividis", cbar_kws={"label": "count"}, ax=ax)
ax.set(xlabel="character", ylabel="position")
plt.show()

# %%
without_n = by_position.drop("n").values
print("n, by position:", by_position.loc["n"].tolist())
print(f"all others: {without_n.min()} to {without_n.max()}, mean {without_n.mean():.0f}")

# %% [markdown]
# The column of `n` is bright in every place, and the rest is noise. So no position has rules of its own. If a
# model later reads the first letter worse than the third, the *image* will be the reason, not the labels.
#
# ## Doubled letters
#
# One more count that will matter in lesson 5b. How many labels have the same character twice in a row, like `ddmyg`?


# %%
def has_double(label):
    return any(one == two for one, two in zip(label, label[1:]))


doubled = samples["label"].map(has_double)
print(f"{doubled.sum()} of {len(samples):,} labels have a doubled letter: {doubled.mean():.0%}")
print("for example", ", ".join(samples.loc[doubled, "label"].head(4)))

# %% [markdown]
# About one label in five or six. A reader that takes "the same letter in two neighbouring places" for *one* letter
# would get all of those wrong.
#
# ## The score of not looking
#
# What would somebody score who always answers `nnnnn`? We count the characters that would be right, and the labels that
# would be right from end to end:

# %%
print(f"characters right: {n_count / total:.1%}")
print("labels right:    ", (samples["label"] == "nnnnn").sum(), "of", len(samples))

# %% [markdown]
# About one character in ten, and no label. Keep both numbers in mind. A model that gets 10 % of the characters has
# learned nothing but the favourite letter.
#
# ## Exercises
#
# The cell below each answer says *right*, *nearly* and what is missing, or *not right yet*.
#
# **1.** Read it off the bar chart: which character has the shortest bar?

# %%
answer = None  # a character, in quotes

# %%
from captcha_lib.exercises import check

check("2.1", answer, counts)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = counts.loc[counts["count"].idxmin(), "character"]
# ```
#
# Some bar must be the shortest. It means nothing: it lies within the scatter that we worked out.
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
# Whatever the true character is, one guess in 19 hits it, so the doubled `n` changes nothing. Always answering `n`
# is about twice as good.
# </details>
#
# **3.** Write `count_pair(labels, pair)`: how often do two characters stand side by side, in that order, in a list of
# labels? Then find the most frequent pair of all labels.


# %%
def count_pair(labels, pair):
    return None


# %%
check("2.3", count_pair)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def count_pair(labels, pair):
#     return sum(label[i : i + 2] == pair for label in labels for i in range(4))
#
#
# pairs = [one + two for one in ALPHABET for two in ALPHABET]
# print(max(pairs, key=lambda pair: count_pair(samples["label"], pair)))
# ```
#
# Pairs with an `n` lead; that is the doubled ticket again.
# </details>
#
# ## In this notebook you
#
# - built a table of all files, one column a position;
# - drew the counts of characters as bars and as a heat map;
# - told chance from a cause: `n` holds two of twenty tickets;
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
