"""Check answers to the lessons' exercises, which are declared here, a module a lesson."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from importlib import import_module

import numpy as np


@dataclass(frozen=True)
class Where:
    """All answers that pass a test, and some of them as examples."""

    passes: Callable
    examples: list


@dataclass(frozen=True)
class Exercise:
    """The right answer, near misses under the hints that they get, and typical mistakes that get none.

    Numbers may differ by `within`, and floats by rounding. With `cases`, the arguments of calls, all answers are
    functions, and their results are compared.
    """

    right: object
    nearly: dict
    wrong: list
    cases: list | None = None
    within: float = 0


def check(number, answer, *given):
    """Print whether an answer is right, nearly right, wrong or still to come, and in one line what a near one lacks.

    `number` is the lesson's and the exercise's, such as "1.2"; `answer` is a result, or the function asked for;
    `given` is what the exercise builds on. Raises what a function raises that was given as the answer, and
    AttributeError or ModuleNotFoundError for a number that no exercise has.
    """
    exercise = find_exercise(number)(*given)

    def results(of):
        return [of(*deepcopy(case)) for case in exercise.cases] if exercise.cases else [of]

    answers = results(answer)

    def agrees(expected):
        if not isinstance(expected, Where):
            return all(_same(*pair, exercise.within) for pair in zip(answers, results(expected)))
        try:
            return bool(expected.passes(answer))
        except (TypeError, ValueError):  # not even the kind of thing that was asked for
            return False

    if all(result is None for result in answers):
        print("no answer yet")
    elif agrees(exercise.right):
        print("right")
    else:
        hint = next((hint for hint, miss in exercise.nearly.items() if agrees(miss)), None)
        print(f"nearly: {hint}" if hint else "not right yet")


def find_exercise(number):
    """Return the function that declares exercise "1.2", or another; its parameters are what `check` is `given`."""
    lesson, place = number.split(".")
    return getattr(import_module(f"captcha_lib.exercises.lesson_{lesson}"), f"exercise_{place}")


def _same(answer, expected, within):
    try:
        answer, expected = np.asarray(answer), np.asarray(expected)
    except ValueError:  # parts of unlike shapes in a list or tuple
        alike = type(answer) is type(expected) and len(answer) == len(expected)
        return alike and all(_same(*pair, within) for pair in zip(answer, expected))
    if answer.shape == expected.shape and {answer.dtype.kind, expected.dtype.kind} <= set("biuf"):
        rounding = 1e-5 if expected.dtype.kind == "f" else 0  # counts are exact
        return np.allclose(answer, expected, rtol=rounding, atol=within)
    return answer.tolist() == expected.tolist()
