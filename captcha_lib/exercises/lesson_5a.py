"""The exercises of lesson 5a, on a cell that counts, the plain recurrent layer and the bias of a forget gate."""

import numpy as np
from scipy.special import logit

from captcha_lib.exercises import Exercise


def exercise_1():
    """What are `c` and `h` of a cell that adds up three signals of 0.5, and speaks at the last step only?"""
    steps = np.arange(50)
    signals = np.isin(steps, [5, 15, 25])
    counted, last = 0.5 * signals.cumsum(), steps == 49

    def spoken(c, o=last):
        return np.array([c, o * np.tanh(c)])

    return Exercise(
        right=spoken(counted),
        nearly={
            "`h` says the count at every step; which gate should wait?": spoken(counted, 1),
            "`h` speaks at step 50 or not at all; the last step is 49": spoken(counted, 0),
            "`h` is open at step 48; the last step is 49": spoken(counted, steps == 48),
            "a signal is forgotten one step later; which gate lets go of it?": spoken(0.5 * signals),
            "each signal adds 0.5 to `c`, not 1": spoken(2 * counted),
            "`c` grows at every step; at the others nothing should be written": spoken(0.5 * (steps + 1)),
            "nothing comes into `c`; which gate lets a signal in?": spoken(0.0 * steps),
        },
        wrong=[spoken(counted, signals), counted],
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


def exercise_3():
    """Which bias makes a forget gate that keeps half of the memory over 49 steps?"""

    def bias_that_keeps_half(steps):
        return logit(0.5 ** (1 / steps))

    return Exercise(
        right=bias_that_keeps_half(49),
        nearly={
            "that is the gate; which bias does the logistic function turn into it?": 0.5 ** (1 / 49),
            "this gate keeps half at each step; half should be left after 49 of them": bias_that_keeps_half(1),
            "from step 0 to step 49 there are 49 steps": bias_that_keeps_half(50),
            "a gate with this bias is nearly shut; check the sign": -bias_that_keeps_half(49),
        },
        wrong=[1.0, 5.0],
        within=0.01,
    )
