"""The answers that are declared, and those that the lessons show, get the verdicts that they should."""

import ast
import re
from importlib import import_module
from inspect import signature
from pkgutil import iter_modules

import jupytext
import numpy as np
import pytest
from test_notebooks import LESSONS, number

from captcha_lib import Family, count_characters, exercises, read_samples
from captcha_lib.exercises import Where, check, find_exercise
from captcha_lib.files import list_images
from captcha_lib.generator import Style, render_captcha
from captcha_lib.images import open_image

# Beginnings of the statements that solutions build on, besides what `given` holds.
NEEDED = (
    "import ",
    "from ",
    "BLANK = ",
    "is_open, ",
    "def walk(",
    "def extract_features(",
    "def letter_heads(",
    "INK = ",
    "def count_pieces(",
    "def count_changes(",
)


def read_exercises():
    """For each exercise its blank form, the cell that checks it, the code of its solution, and what that needs."""
    found = {}
    for twin in LESSONS:
        cells = jupytext.read(twin, fmt="py:percent").cells
        statements = map(ast.unparse, ast.parse(twin.read_text(encoding="utf-8")).body)
        needed = "\n".join(statement for statement in statements if statement.startswith(NEEDED))
        for blank, asking, solving in zip(cells, cells[1:], cells[2:]):
            for name in re.findall(r'^check\("(.*?)"', asking.source, re.MULTILINE):
                solution = re.match(r"<details>.*Solution.*\n\n```python\n((?s:.*?))```", solving.source)
                found[name] = {"needed": needed, "blank": blank.source, "check": asking.source, "solution": solution[1]}
    return found


ASKED = read_exercises()


@pytest.fixture(scope="module")
def given(drawn_set):
    """What the lessons have computed when they reach their exercises."""
    grey = np.array([np.asarray(open_image(file))[:, :, 0] for file in list_images(drawn_set) if file.suffix == ".png"])
    samples = read_samples(drawn_set)
    counts = count_characters(samples)
    truths = list(samples["label"])
    before = ["", "", *truths[2:]]  # what a model misread; the one that is trained misreads one image more
    lesson_6a = {"find_power": lambda size, only_first, only_second: size / 1000}
    lesson_7 = {"name": "Anna", "share_read": lambda style: (style.size - 25) / 15}
    lesson_8 = {
        "truths": truths,
        "before": before,
        "readings": {"+ shifts and strokes": before},
        "climb": lambda name, recipe: ["", *truths[1:-2], "", ""],
    }
    lesson_9 = {
        "small": Family("0123456789", 4, 4, 100, 30),
        "measure": lambda own: ([own.alphabet[: own.longest]] * 200,) * 2,
    }
    lesson_10 = {"count_other_texts": lambda levels: 1000 // levels}
    first = {"grey": grey, "background": grey.max(axis=0), "samples": samples, "counts": counts}
    return first | lesson_6a | lesson_7 | lesson_8 | lesson_9 | lesson_10


def test_the_lessons_ask_what_is_declared():
    modules = [import_module(f"captcha_lib.exercises.{module.name}") for module in iter_modules(exercises.__path__)]
    names = [(module, name) for module in modules for name in vars(module) if name.startswith("exercise_")]
    assert sorted(ASKED) == sorted(f"{m.__name__.split('_')[-1]}.{n.split('_')[-1]}" for m, n in names)
    assert all(2 <= sum(name.startswith(f"{number(twin)}.") for name in ASKED) <= 3 for twin in LESSONS)


@pytest.mark.parametrize("name", ASKED)
def test_declared_answers_get_their_verdicts(name, given, capsys):
    declare = find_exercise(name)
    handed = [given[parameter] for parameter in signature(declare).parameters]
    exercise = declare(*handed)
    assert exercise.nearly and exercise.wrong and str(exercise.right) not in " ".join(exercise.nearly)
    verdicts = [("right", exercise.right)]
    verdicts += [(f"nearly: {hint}", answer) for hint, answer in exercise.nearly.items()]
    verdicts += [("not right yet", answer) for answer in exercise.wrong]
    for verdict, answer in verdicts:
        for example in answer.examples if isinstance(answer, Where) else [answer]:
            check(name, example, *handed)
            assert capsys.readouterr().out == f"{verdict}\n"


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("cell, verdict", [("blank", "no answer yet"), ("solution", "right")])
def test_what_the_lesson_shows_gets_its_verdict(name, cell, verdict, given, capsys):
    names = dict(given)
    exec(ASKED[name]["needed"], names)
    exec(ASKED[name][cell], names)
    capsys.readouterr()
    exec(ASKED[name]["check"], names)
    assert capsys.readouterr().out == f"{verdict}\n"


def test_the_recurrent_layer_asked_for_is_that_of_keras():
    from keras import layers

    exercise = find_exercise("5a.2")()
    ((columns, w, u, b),) = exercise.cases
    layer = layers.SimpleRNN(4, return_sequences=True)
    layer(columns[None])
    layer.set_weights([w, u, b])
    np.testing.assert_allclose(exercise.right(columns, w, u, b), np.asarray(layer(columns[None]))[0], atol=1e-5)


@pytest.mark.parametrize("name, text", [(" ", " "), ("Anna", " "), (" ", "Anna"), ("Otto", "Anna")])
@pytest.mark.parametrize("seed", range(5))
def test_an_image_without_the_name_is_not_right(name, text, seed, capsys):
    """Strokes alone, or another text, once passed for a name in exercise 7.1."""
    check("7.1", render_captcha(text, np.random.default_rng(seed), Style(size=30)), name)
    check("7.1", np.zeros((50, 200)), name)
    assert capsys.readouterr().out == "not right yet\n" * 2


def test_any_name_that_was_drawn_is_right(capsys):
    for seed, name in enumerate(["Anna", "José", "Li", "Wm", "J.-P. K"]):
        check("7.1", render_captcha(name, np.random.default_rng(seed), Style(size=30)), name)
    assert capsys.readouterr().out == "right\n" * 5
