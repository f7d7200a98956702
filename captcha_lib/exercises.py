"""Check the answers to the exercises of all lessons, and name the mistake behind one that is nearly right."""

from copy import deepcopy
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.ndimage import label
from scipy.stats import binom, binomtest

from captcha_lib.family import ALPHABET, BLANK, LABEL_LENGTH
from captcha_lib.generator import Style, sample_style, water_map


@dataclass(frozen=True)
class Exercise:
    """What is right, and under which mistake one gets what else.

    Both are results, or tests of a result; with `cases`, the arguments of calls, both are functions to compare with.
    """

    right: object
    nearly: dict
    cases: list = field(default_factory=list)
    within: float = 0.0


def check(number, answer, *given):
    """Print whether an answer is right, nearly right, wrong or still to come, and in one line what a near one lacks.

    `number` is the lesson's and the exercise's, such as "1.2"; `answer` is a result, or the function asked for;
    `given` is what the exercise builds on. Raises what a function raises that was given as the answer.
    """
    exercise = EXERCISES[number](*given)

    def results(of):
        return [of(*deepcopy(case)) for case in exercise.cases] if exercise.cases else [of]

    answers = results(answer)

    def agrees(expected):
        if callable(expected) and not exercise.cases:
            try:
                return bool(expected(answer))
            except TypeError:  # not even the kind of thing that was asked for
                return False
        return all(_same(*pair, exercise.within) for pair in zip(answers, results(expected)))

    if all(result is None for result in answers):
        print("no answer yet")
    elif agrees(exercise.right):
        print("right")
    else:
        mistakes = (hint for hint, wrong in exercise.nearly.items() if agrees(wrong))
        hint = next(mistakes, None)
        print(f"nearly: {hint}" if hint else "not right yet")


def _same(one, other, within):
    try:
        one, other = np.asarray(one), np.asarray(other)
    except ValueError:  # lists of unequal length in a list
        return False
    if one.shape == other.shape and one.dtype.kind in "biuf" and other.dtype.kind in "biuf":
        return np.allclose(one, other, rtol=1e-3, atol=within)
    return one.tolist() == other.tolist()


def _background_begins(grey):
    counts, levels = np.histogram(grey, bins=64, range=(0, 256))
    jump = levels[np.argmax(counts[1:] / np.maximum(counts[:-1], 1)) + 1]
    return Exercise(
        jump,
        {
            "that is the heap of ink; we ask for the other one": lambda level: level < 100,
            "look once more where the bars jump": lambda level: abs(level - jump) <= 24,
        },
        within=8,
    )


def _lower_half(grey):
    ink = grey.max(axis=0) - grey.mean(axis=0)
    lower, right = ink[25:].sum() / ink.sum(), ink[:, 100:].sum() / ink.sum()
    mistakes = {
        "that is the upper half": 1 - lower,
        "that is the right half: you summed over the other axis": right,
        "write it as a share, between 0 and 1": 100 * lower,
    }
    return Exercise(lower, mistakes, within=0.005)


def _count_pieces(grey):
    ring = np.full((5, 5), 200)
    ring[1:4, 1:4], ring[2, 2] = 64, 200
    return Exercise(
        lambda image, limit: label(image < limit)[1],
        {
            "a pixel exactly at the limit is no ink": lambda image, limit: label(image <= limit)[1],
            "you counted pieces of the background": lambda image, limit: label(image >= limit)[1],
            "the background is no piece": lambda image, limit: label(image < limit)[1] + 1,
        },
        cases=[(grey[0], 128), (grey[1], 64), (ring, 64), (ring, 65)],
    )


def _shortest_bar(counts):
    count = counts.set_index("character")["count"]
    return Exercise(
        lambda character: count.get(character) == count.min(),
        {
            "that is the longest bar": lambda character: character == count.idxmax(),
            "close, but another bar is shorter": lambda c: count.get(c, 1e9) < 1.1 * count.min(),
        },
    )


def _blind_guess():
    mistakes = {
        "how many characters are there to choose from?": 1 / LABEL_LENGTH,
        "that is a whole label; we ask for one character": 1 / len(ALPHABET) ** LABEL_LENGTH,
        "`n` is drawn twice as often, but the guess is not": 1 / (len(ALPHABET) + 1),
    }
    return Exercise(1 / len(ALPHABET), mistakes, within=0.001)


def _count_pair():
    def count(labels, pair):
        return sum(text[i : i + 2] == pair for text in labels for i in range(LABEL_LENGTH - 1))

    return Exercise(
        count,
        {
            "`nnn` holds the pair `nn` twice": lambda labels, pair: sum(text.count(pair) for text in labels),
            "a label may hold the pair more than once": lambda labels, pair: sum(pair in text for text in labels),
        },
        cases=[(["nnn2g", "2g7nm", "2g2g7"], pair) for pair in ("nn", "2g", "xx")],
    )


def _decode_by_hand():
    mistakes = {
        "the first character has the number 0": "".join(ALPHABET[i - 1] for i in [5, 0, 0, 6, 5]),
        "those are the numbers; look each one up": "50065",
    }
    return Exercise("72287", mistakes)


def _columns_of():
    return Exercise(
        lambda place: (25 + 25 * place, 49 + 25 * place),
        {
            "the letters share columns 25 to 149, not all 200": lambda place: (
                40 * place,
                40 * place + 39,
            ),
            "both ends belong to the letter: how many columns is that?": lambda place: (
                25 + 25 * place,
                50 + 25 * place,
            ),
        },
        cases=[(place,) for place in range(LABEL_LENGTH)],
    )


def _parameters_of_conv2():
    mistakes = {
        "each window has a bias, too": 64 * 3 * 3 * 32,
        "each place has as many values as `Conv1` has windows": 64 * (3 * 3 + 1),
    }
    return Exercise(64 * (3 * 3 * 32 + 1), mistakes)


def _sureness():
    probabilities = np.random.default_rng(0).dirichlet(np.ones(len(ALPHABET)), (3, LABEL_LENGTH))
    return Exercise(
        lambda p: p.max(axis=-1).prod(axis=-1),
        {
            "one number for each captcha": lambda p: p.max(axis=-1).prod(),
            "the product, not the mean": lambda p: p.max(axis=-1).mean(axis=-1),
            "first the highest of the 19, then the product": lambda p: p.prod(axis=-1).max(axis=-1),
        },
        cases=[(probabilities,)],
    )


def _counting_cell():
    said = np.zeros(50)
    said[49] = np.tanh(3)
    counted = (np.arange(50)[:, None] >= [5, 15, 25]).sum(axis=1)
    mistakes = {
        "it says the count at every step; which gate should wait?": np.tanh(counted),
        "at the end nothing is left to say; which gate lets go of the count?": np.zeros(50),
    }
    return Exercise(said, mistakes, within=0.001)


def _run_rnn():
    def run(columns, w, u, b, squash=np.tanh):
        states = [np.zeros(len(u))]
        for x in columns:
            states.append(squash(x @ w + states[-1] @ u + b))
        return np.array(states[1:])

    random = np.random.default_rng(0)
    return Exercise(
        run,
        {
            "the states at all columns, not at the last one alone": lambda *a: run(*a)[-1],
            "the zeros before the first column are no state of a column": lambda *a: np.vstack(
                [np.zeros(len(a[2])), run(*a)]
            ),
            "there is a `b`, too": lambda columns, w, u, b: run(columns, w, u, 0 * b),
            "what keeps the states between -1 and 1?": lambda *a: run(*a, squash=np.array),
        },
        cases=[tuple(random.normal(0, 0.3, size) for size in [(50, 6), (6, 4), (4, 4), 4])],
    )


def _fewest_columns():
    mistakes = {
        "then the two equal letters would become one": LABEL_LENGTH,
        "different letters need no blank between them": 2 * LABEL_LENGTH - 1,
        "blanks may be left out at the ends and between different letters": 2 * LABEL_LENGTH + 1,
    }
    return Exercise(LABEL_LENGTH + 1, mistakes)


def _find_spikes():
    def show(best):  # an output of the model that is sure of one class in each column
        return np.eye(BLANK + 1)[np.pad(best, (0, 50 - len(best)), constant_values=BLANK)]

    def spikes(best, before):
        return [int(t) for t in np.flatnonzero((best != BLANK) & (best != before))]

    def last_letters(best):
        shown = [BLANK]
        for one in best[:-1]:
            shown.append(shown[-1] if one == BLANK else one)
        return np.array(shown)

    return Exercise(
        lambda p: spikes(p.argmax(axis=-1), np.append(-1, p.argmax(axis=-1)[:-1])),
        {
            "a letter that goes on does not begin again": lambda p: spikes(p.argmax(axis=-1), -1),
            "after a blank, the same letter is a new one": lambda p: spikes(
                p.argmax(axis=-1), last_letters(p.argmax(axis=-1))
            ),
            "a blank is no letter": lambda p: [int(t) for t in np.flatnonzero(np.diff(p.argmax(axis=-1), prepend=-1))],
        },
        cases=[(show([4, 4, 19, 4, 7, 7, 0]),), (show([19, 19, 3, 3, 19, 5]),)],
    )


def _uneven_split():
    mistakes = {
        "the other model could have been the better one: count both sides": binomtest(
            6, 9, alternative="greater"
        ).pvalue,
        "images that both read, or neither, say nothing": binomtest(99, 99 + 96).pvalue,
        "a more uneven split counts, too": binom.pmf(6, 9, 0.5),
    }
    return Exercise(binomtest(6, 9).pvalue, mistakes, within=0.005)


def _share_of_right_length():
    return Exercise(
        lambda texts: sum(len(text) == LABEL_LENGTH for text in texts) / len(texts),
        {
            "the share, not the number": lambda t: sum(len(text) == LABEL_LENGTH for text in t),
            "longer readings are wrong, too": lambda t: sum(len(x) >= LABEL_LENGTH for x in t) / len(t),
        },
        cases=[(["2g7nm", "4cpy", "87mnym", "bny23"],), (["2g7nm", "gg"],)],
    )


def _drawn_name():
    return Exercise(
        lambda image: np.shape(image) == (50, 200) and np.mean(np.asarray(image) < 64) > 0.02,
        {
            "there is no ink in it": lambda image: np.shape(image) == (50, 200),
            "an image has 50 rows and 200 columns": lambda image: np.ndim(image) > 1,
        },
    )


def _visible_rings():
    def opposite(wavelength):
        moved = (water_map(wavelength=wavelength)[0][:, 25] - np.arange(200))[101:150]
        return (moved[1:] * moved[:-1] < 0).mean()

    return Exercise(
        lambda wavelength: wavelength > 2 and opposite(wavelength) <= 0.25,
        {
            "rings as fine as that cannot be seen: go the other way": lambda w: w <= 2,
            "that is the right way, but not far enough": lambda w: w > 2,
        },
    )


def _heavy_style(fonts):
    def heavy(text, rng):
        return replace(sample_style(text, rng, fonts), thickness=1)

    def more(text, rng):
        style = sample_style(text, rng, fonts)
        return replace(style, thickness=style.thickness + 1)

    return Exercise(
        heavy,
        {
            "all but the thickness should be as `sample_style` draws it": lambda text, rng: Style(thickness=1),
            "draw with the `rng` that is given": lambda text, rng: heavy(text, np.random.default_rng(0)),
            "the thickness is 1, not 1 more than drawn": more,
        },
        cases=[(text, np.random.default_rng(seed)) for seed, text in enumerate(["2g7nm", "xw4e8"])],
    )


def _seen_pixels():
    mistakes = {
        "nine columns have eight steps between them": 24 + 9 * 4,
        "neighbouring columns see much the same pixels": 9 * 24,
        "the first of them sees 24 pixels by itself": 9 * 4,
    }
    return Exercise(24 + (9 - 1) * 4, mistakes)


def _expected_right():
    return Exercise(
        lambda confidences: np.sum(confidences),
        {
            "how many, not which share": lambda confidences: np.mean(confidences),
            "0.6 is not certain: four such readings are not four right ones": lambda confidences: np.sum(
                np.asarray(confidences) > 0.5
            ),
        },
        cases=[(np.array([1.0, 0.5, 0.25, 0.25]),), (np.array([0.6, 0.6, 0.6, 0.6]),)],
    )


def _read_if_sure():
    return Exercise(
        lambda texts, confidences, least: [text if sure >= least else None for text, sure in zip(texts, confidences)],
        {
            "a confidence of exactly `least` is enough": lambda texts, confidences, least: [
                text if sure > least else None for text, sure in zip(texts, confidences)
            ],
            "`None` stands in the place of each": lambda texts, confidences, least: [
                text for text, sure in zip(texts, confidences) if sure >= least
            ],
        },
        cases=[(["2g7nm", "4cpym", "bny23"], [0.9, 0.3, 0.5], 0.5)],
    )


EXERCISES = {
    "1.1": _background_begins,
    "1.2": _lower_half,
    "1.3": _count_pieces,
    "2.1": _shortest_bar,
    "2.2": _blind_guess,
    "2.3": _count_pair,
    "3.1": _decode_by_hand,
    "3.2": _columns_of,
    "4.1": _parameters_of_conv2,
    "4.2": _sureness,
    "5a.1": _counting_cell,
    "5a.2": _run_rnn,
    "5b.1": _fewest_columns,
    "5b.2": _find_spikes,
    "6.1": _uneven_split,
    "6.2": _share_of_right_length,
    "7.1": _drawn_name,
    "7.2": _visible_rings,
    "7.3": _heavy_style,
    "8.1": _seen_pixels,
    "8.2": _expected_right,
    "8.3": _read_if_sure,
}
