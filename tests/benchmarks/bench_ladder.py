"""Measure lesson 8's ladder, and the recipe without each change: `CAPTCHA_DATA=<the real images> make bench`.

Each figure is kept in build/bench as soon as it is measured: an interrupted run goes on where it stopped.
"""

import time

import numpy as np
import pandas as pd
from digests import PROJECT
from execute import locate_real_set, stamps
from measured import digest_measured, write_table
from measuring import FOLDS, choose_workers, measure_once, open_real_set

from captcha_lib.decoding import decode_fixed_length
from captcha_lib.recipe import ABLATION, Recipe, decode_either, shuffle_batches, train_recipe
from captcha_lib.score import wilson_interval

CODE = digest_measured("recipe")
BENCH = PROJECT / "build" / "bench" / CODE  # figures of other code stay apart
# The recipe with one change left out; five letters are left out by how it is read.
LEFT_OUT = {
    "batch normalisation": Recipe(normalised=False),
    "strided layers": Recipe(strided=False),
    "warm-up and decay": Recipe(decayed=False),
    "CTC instead of five heads": Recipe(ctc=False),
    "shifts and strokes": Recipe(augmented=False),
}
RECIPE_NAME = "+ shifts and strokes"  # with all switches on; reading five letters makes it the recipe
LADDER_FOLDS = 3


def split_validation(fold):
    """Return which images of a fold a variant learns from, and which it is compared by: the test images of another.

    The fold's own test images are in neither.
    """
    validation = FOLDS[fold + LADDER_FOLDS][1]
    return np.setdiff1d(FOLDS[fold][0], validation), validation


def climb(real):
    """Each variant trained in three folds, with another seed in each, and what it made of each validation image."""
    variants = ABLATION | {f"without {change}": recipe for change, recipe in LEFT_OUT.items()}

    def measure(change, fold, seed):
        recipe = variants[change]
        train, validation = split_validation(fold)
        started = time.perf_counter()
        images = real.whole if recipe.ctc else real.cropped
        batches = shuffle_batches(images[train], real.numbers[train], seed=seed)
        model, _ = train_recipe(batches, recipe, seed=seed)
        seconds = round(time.perf_counter() - started, 1)
        probabilities = model.predict_on_batch(images[validation])
        greedy = decode_either(probabilities)
        five = decode_fixed_length(probabilities) if recipe.ctc else greedy
        rows = zip(real.names[validation], real.labels[validation], greedy, five)
        return [
            {"file": file, "greedy": int(one == label), "five letters": int(other == label), "training (s)": seconds}
            for file, label, one, other in rows
        ]

    keys = [{"change": change, "fold": fold, "seed": fold} for fold in range(LADDER_FOLDS) for change in variants]
    return measure_once(BENCH / "ladder.csv", keys, measure, **choose_workers())


def share_read(ladder, change, decoding):
    """Return for each validation image the share of the seeds with which a variant read it right."""
    return ladder[ladder["change"] == change].groupby(["fold", "file"])[decoding].mean()


def describe_share(shares):
    """Return the exact match and its Wilson interval, in %. Three seeds do not make three images of one."""
    low, high = wilson_interval(round(shares.sum()), len(shares))
    return {"exact match (%)": f"{100 * shares.mean():.1f}", "95 % interval": f"{100 * low:.1f} to {100 * high:.1f}"}


def describe_gain(shares, before, title):
    """Return the gain over another variant on the same images, in points, and its 95 % interval.

    With one seed the interval is that of Bonett and Price (2012) for paired shares: as if two more images had been
    read, one by either variant alone. So it has a width even where all images were read alike.
    """
    gains = (shares - before).to_numpy()
    padded = np.append(gains, [1, -1])
    width = 1.96 * padded.std() / np.sqrt(len(padded))
    ends = [100 * (padded.mean() + sign * width) for sign in (-1, 1)]
    return {title: f"{100 * gains.mean():+.1f}", f"95 % interval of the {title}": "{:+.1f} to {:+.1f}".format(*ends)}


def summarise_ladder(ladder):
    """The table of docs/results.md and lesson 8: exact match, its gain and its cost, a row a change."""
    rungs = [*ABLATION][: [*ABLATION].index(RECIPE_NAME) + 1]
    tried = [*ABLATION][len(rungs) :]
    rows = [(change, change, "greedy") for change in rungs] + [("+ five letters", RECIPE_NAME, "five letters")]
    rows += [(change, change, "five letters") for change in tried]
    table, before = [], None
    for title, change, decoding in rows:
        shares = share_read(ladder, change, decoding)
        gain = dict.fromkeys(("gain", "95 % interval of the gain"), "")
        if before is not None:
            gain = describe_gain(shares, before, "gain")
        if change not in tried:  # what was tried on top is compared with the recipe
            before = shares
        row = {"change": title} | describe_share(shares) | gain
        table.append(row | {"training (s)": time_training(ladder, change)})
    return pd.DataFrame(table)


def summarise_left_out(ladder):
    """The recipe, and what it loses if one change is left out."""
    recipe = share_read(ladder, RECIPE_NAME, "five letters")
    rows = [("nothing: the recipe", RECIPE_NAME, "five letters")]
    rows += [(change, f"without {change}", "five letters") for change in LEFT_OUT]
    rows += [("five letters", RECIPE_NAME, "greedy")]
    table = []
    for title, change, decoding in rows:
        shares = share_read(ladder, change, decoding)
        gain = describe_gain(shares, recipe, "difference")
        if not table:
            gain = dict.fromkeys(gain, "")
        row = {"left out": title} | describe_share(shares) | gain
        table.append(row | {"training (s)": time_training(ladder, change)})
    return pd.DataFrame(table)


def time_training(ladder, change):
    """Return the median of a variant's training times, in whole seconds."""
    trainings = ladder[ladder["change"] == change].groupby(["fold", "seed"])["training (s)"].first()
    return round(trainings.median())


def main():
    ladder = climb(open_real_set(locate_real_set()))
    for name, table in {"recipe": summarise_ladder(ladder), "recipe_leave_one_out": summarise_left_out(ladder)}.items():
        print(f"\n{table.to_string(index=False)}")
        write_table(name, table, CODE)
    stamps()


if __name__ == "__main__":
    main()
