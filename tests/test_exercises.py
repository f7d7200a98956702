"""Every solution passes its check; the blank form and typical mistakes do not."""

import re

import jupytext
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import label
from scipy.stats import binomtest
from test_notebooks import LESSONS, number

from captcha_lib import ALPHABET, count_characters, read_samples, render_captcha
from captcha_lib.exercises import EXERCISES, check
from captcha_lib.family import BLANK
from captcha_lib.fonts import find_fonts
from captcha_lib.generator import Style, sample_style
from captcha_lib.samples import list_images, open_image

# Of each exercise two answers that learners give, the second to some of them not even nearly right.
MISTAKES = {
    "1.1": ["answer = 210", "answer = 255"],
    "1.2": [
        "answer = 1 - (darkness_by_row[25:].sum() / darkness_by_row.sum())",
        "answer = 100 * darkness_by_row[25:].sum() / darkness_by_row.sum()",
    ],
    "1.3": [
        "def count_pieces(image, limit): return label(image <= limit)[1]",
        "def count_pieces(image, limit): return label(image > limit)[1]",
    ],
    "2.1": ["answer = 'n'", "answer = 'o'"],
    "2.2": ["answer = 1 / 5", "answer = 19"],
    "2.3": [
        "def count_pair(labels, pair): return sum(text.count(pair) for text in labels)",
        "def count_pair(labels, pair): return sum(pair[0] in text for text in labels)",
    ],
    "3.1": ["answer = '50065'", "answer = 72287"],
    "3.2": [
        "def columns_of(place): return 25 + 25 * place, 50 + 25 * place",
        "def columns_of(place): return 25 * place, 25 * place + 24",
    ],
    "4.1": ["answer = 64 * 9 * 32", "answer = 9 * 32"],
    "4.2": [
        "def sureness(probabilities): return probabilities.max(axis=-1).prod()",
        "def sureness(probabilities): return probabilities.max(axis=1).prod(axis=-1)",
    ],
    "5a.1": [
        "f, i, g, o = is_open, is_open, signals, is_open",
        "f, i, g, o = signals, is_open, signals, last",
    ],
    "5a.2": [
        """def run_rnn(columns, w, u, b):
    state = np.zeros(len(u))
    for x in columns:
        state = np.tanh(x @ w + state @ u + b)
    return state""",
        "def run_rnn(columns, w, u, b): return np.tanh(columns @ w + b)",
    ],
    "5b.1": ["answer = 5", "answer = 7"],
    "5b.2": [
        "def find_spikes(p): return list(np.flatnonzero(p.argmax(axis=-1) != BLANK))",
        "def find_spikes(p): return list(np.flatnonzero(np.diff(p.argmax(axis=-1))))",
    ],
    "6.1": [
        "answer = binomtest(6, 9, alternative='greater').pvalue",
        "answer = 3 / 104",
    ],
    "6.2": [
        "def share_of_right_length(texts): return sum(len(text) == 5 for text in texts)",
        "def share_of_right_length(texts): return sum(map(len, texts)) / len(texts)",
    ],
    "7.1": ["name_image = np.full((50, 200), 255)", "name_image = 'Anna'"],
    "7.2": ["wavelength = 1", "wavelength = 4"],
    "7.3": [
        "def heavy_style(text, rng): return Style(thickness=1)",
        "def heavy_style(text, rng): return sample_style(text, rng, fonts)",
    ],
    "8.1": ["pixels = 24 + 9 * 4", "pixels = 9"],
    "8.2": [
        "def expected_right(confidences): return confidences.mean()",
        "def expected_right(confidences): return (confidences == 1).sum()",
    ],
    "8.3": [
        """def read_if_sure(texts, confidences, least):
    return [text for text, sure in zip(texts, confidences) if sure >= least]""",
        """def read_if_sure(texts, confidences, least):
    return [text if sure < least else None for text, sure in zip(texts, confidences)]""",
    ],
}


def read_cells(twin):
    return jupytext.read(twin, fmt="py:percent").cells


def read_exercises():
    """For each exercise its blank form, the cell that checks it, and the code of its solution."""
    found = {}
    for twin in LESSONS:
        cells = read_cells(twin)
        for place, cell in enumerate(cells):
            for name in re.findall(r'^check\("(.*?)"', cell.source, re.MULTILINE):
                assert name.startswith(f"{number(twin)}.")
                solution = re.match(
                    r"<details><summary>Solution</summary>\n\n```python\n(.*?)```",
                    cells[place + 1].source,
                    re.DOTALL,
                )
                found[name] = (cells[place - 1].source, cell.source, solution.group(1))
    return found


FOUND = read_exercises()


@pytest.fixture(scope="module")
def lesson(drawn_set):
    """What the lessons have at hand when they reach their exercises, as far as the exercises need it."""
    files = [file for file in list_images(drawn_set) if file.suffix == ".png"]
    grey = np.array([np.asarray(open_image(file))[:, :, 0] for file in files])
    values, background = grey.astype(float), grey.max(axis=0)
    samples = read_samples(drawn_set)
    steps = np.arange(50)
    names = {
        "ALPHABET": ALPHABET,
        "BLANK": BLANK,
        "Style": Style,
        "background": background,
        "binomtest": binomtest,
        "check": check,
        "counts": count_characters(samples),
        "darkness_by_row": (background - values.mean(axis=0)).sum(axis=1),
        "fonts": find_fonts(),
        "grey": grey,
        "label": label,
        "last": (steps == 49).astype(float),
        "np": np,
        "pd": pd,
        "plt": plt,
        "sample_style": sample_style,
        "render_captcha": render_captcha,
        "samples": samples,
        "signals": np.isin(steps, [5, 15, 25]).astype(float),
    }
    cells = [cell.source for twin in LESSONS for cell in read_cells(twin)]
    exec(next(source for source in cells if source.startswith("def walk(")), names)
    return names


@pytest.fixture
def verdict(lesson, capsys):
    def answer_and_check(name, answer):
        names = dict(lesson)
        exec(answer, names)
        capsys.readouterr()
        exec(FOUND[name][1], names)
        return capsys.readouterr().out

    return answer_and_check


def test_every_exercise_stands_in_its_lesson():
    assert list(FOUND) == list(EXERCISES) == list(MISTAKES)
    for twin in LESSONS:
        assert 2 <= sum(name.split(".")[0] == number(twin) for name in FOUND) <= 3


@pytest.mark.parametrize("name", FOUND)
def test_the_solution_passes_its_check(name, verdict):
    assert verdict(name, FOUND[name][2]) == "right\n"


@pytest.mark.parametrize("name", FOUND)
def test_the_blank_form_is_no_answer_yet(name, verdict):
    assert verdict(name, FOUND[name][0]) == "no answer yet\n"


@pytest.mark.parametrize("name", FOUND)
def test_typical_mistakes_do_not_pass(name, verdict):
    near, far = (verdict(name, answer) for answer in MISTAKES[name])
    assert near.startswith("nearly: ") and near.count("\n") == 1
    assert far.startswith(("nearly: ", "not right yet")) and far != near


def test_no_hint_holds_the_answer(lesson):
    given = {"1.1": ["grey"], "1.2": ["grey"], "1.3": ["grey"], "2.1": ["counts"], "7.3": ["fonts"]}
    for name, exercise in EXERCISES.items():
        exercise = exercise(*(lesson[state] for state in given.get(name, [])))
        if not callable(exercise.right):
            assert not any(str(exercise.right) in hint for hint in exercise.nearly), name


def test_an_answer_of_another_kind_is_not_right(capsys):
    for name, answer in [
        ("2.2", "1/19"),
        ("2.2", [1, [19]]),
        ("3.1", 72287),
        ("6.1", "half"),
        ("7.2", [12, 13]),
    ]:
        check(name, answer)
        assert capsys.readouterr().out == "not right yet\n"


def test_the_recurrent_layer_asked_for_is_that_of_keras():
    from keras import layers

    exercise = EXERCISES["5a.2"]()
    ((columns, w, u, b),) = exercise.cases
    layer = layers.SimpleRNN(4, return_sequences=True)
    layer(columns[None])
    layer.set_weights([w, u, b])
    np.testing.assert_allclose(
        exercise.right(columns, w, u, b), np.asarray(layer(columns[None]))[0], atol=1e-5
    )
