"""The exercises of lesson 5a, on a cell that counts and on the plain recurrent layer."""

import numpy as np

from captcha_lib.exercises import Exercise


def exercise_1():
    """What does a cell say that counts three signals and tells their number at the last step only?"""
    steps = np.arange(50)
    counted, last = (steps[:, None] >= [5, 15, 25]).sum(axis=1), steps == 49
    return Exercise(
        right=last * np.tanh(3),
        nearly={
            "it says the count at every step; which gate should wait?": np.tanh(counted),
            "at the end nothing is left to say; which gate lets go of the count?": np.zeros(50),
        },
        wrong=[last * np.tanh(1)],
        within=0.001,
    )


def _run(columns, w, u, b, squash=np.tanh):
    states = [np.zeros(len(u))]
    for x in columns:
        states.append(squash(x @ w + states[-1] @ u + b))
    return np.array(states[1:])


def exercise_2():
    """What are the states of a plain recurrent layer at all columns?"""
    random = np.random.default_rng(0)
    return Exercise(
        right=_run,
        nearly={
            "the states at all columns, not at the last one alone": lambda *given: _run(*given)[-1],
            "the zeros before the first column are no state of a column": lambda columns, w, u, b: np.vstack(
                [np.zeros(len(u)), _run(columns, w, u, b)]
            ),
            "there is a `b`, too": lambda columns, w, u, b: _run(columns, w, u, 0 * b),
            "what keeps the states between -1 and 1?": lambda *given: _run(*given, squash=np.array),
        },
        wrong=[lambda columns, w, u, b: np.tanh(columns @ w + b)],
        cases=[tuple(random.normal(0, 0.3, size) for size in [(50, 6), (6, 4), (4, 4), 4])],
        within=1e-5,
    )
