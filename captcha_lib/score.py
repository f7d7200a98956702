"""How well were the captchas read? (lessons 4 and 6a)

Readings and truths are sequences of texts, or arrays of character numbers of shape (n, 5).
"""

import numpy as np
from scipy.stats import binomtest


def check_pairs(predicted, truth):
    """Raise ValueError unless readings and truths are sequences that pair up one to one, with at least one pair."""
    if np.ndim(truth) == 0:
        raise ValueError(f"{truth!r} is not a list of texts: expected one, such as ['2g7nm']")
    if np.shape(predicted) != np.shape(truth):
        raise ValueError(f"readings have shape {np.shape(predicted)}, truths {np.shape(truth)}: expected the same")
    if len(truth) == 0:
        raise ValueError("there are no readings to score: expected at least one")


def character_accuracy(predicted, truth):
    """Return the share, 0..1, of true characters that were read at their own position.

    Raises ValueError for different shapes, naming both, or for nothing to score. Taught in lesson 4.
    """
    check_pairs(predicted, truth)
    hits = sum(read == true for pair in zip(predicted, truth) for read, true in zip(*pair))
    return float(hits / sum(len(label) for label in truth))


def exact_match(predicted, truth):
    """Return the share, 0..1, of captchas that were read without any mistake.

    Raises ValueError for different shapes, naming both, or for nothing to score. Taught in lesson 4.
    """
    check_pairs(predicted, truth)
    return float(np.mean([list(read) == list(true) for read, true in zip(predicted, truth)]))


def edit_distance(first, second):
    """Return how many characters must be inserted, deleted or replaced to turn one text into the other.

    Source: Levenshtein (1966). Taught in lesson 4.
    """
    row = list(range(len(second) + 1))
    for count, one in enumerate(first, start=1):
        diagonal, row[0] = row[0], count
        for column, other in enumerate(second, start=1):
            replaced = diagonal + (one != other)
            diagonal = row[column]
            row[column] = min(replaced, row[column] + 1, row[column - 1] + 1)
    return row[-1]


def character_error_rate(predicted, truth):
    """Return the edit distances of all readings, summed, over the number of true characters: 0 is perfect.

    Raises ValueError for different shapes, naming both, or for nothing to score. Taught in lesson 4.
    """
    check_pairs(predicted, truth)
    return sum(map(edit_distance, predicted, truth)) / sum(len(label) for label in truth)


def wilson_interval(hits, total):
    """Return the lower and upper end, 0..1, of the 95 % interval for a share measured as `hits` of `total`.

    Raises ValueError unless 0 <= hits <= total and total >= 1. Source: Wilson (1927). Taught in lesson 6a.
    """
    if not 0 <= hits <= total or total < 1:
        raise ValueError(f"{hits} hits of {total} are not a share: expected 0 <= hits <= total and total >= 1")
    interval = binomtest(hits, total).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def mcnemar(first, second, truths):
    """Return how many images only the first readings have right, how many only the second, and the p-value 0..1.

    All three are sequences of one length, else ValueError is raised, naming both shapes. The p-value is that of the
    exact two-sided test, 1 where the counts are both 0. Source: McNemar (1947). Taught in lesson 6a.
    """
    for texts in (first, second):
        check_pairs(texts, truths)
    pairs = [(a == truth, b == truth) for a, b, truth in zip(first, second, truths)]
    only_first, only_second = pairs.count((True, False)), pairs.count((False, True))
    if only_first + only_second == 0:
        return 0, 0, 1.0
    test = binomtest(only_first, only_first + only_second)
    return only_first, only_second, float(test.pvalue)


def score_row(model, readings, truths, seconds):
    """Return a row of the results table as a dict: the scores of a model's readings, and its training time in seconds.

    Raises ValueError for different shapes, naming both, or for nothing to score. Taught in lesson 6a.
    """
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
