"""The exercises of lesson 6b, on the neighbours that are read, and on a model made less sure."""

import numpy as np

from captcha_lib.exercises import Exercise


def exercise_1():
    """How many wrong letters are the left neighbour of the true one, and how many the right neighbour?"""

    def count(truths, readings, distance, wrong_only=True):
        return sum(
            0 <= place + distance < len(truth)
            and read == truth[place + distance]
            and not (wrong_only and read == truth[place])
            for truth, reading in zip(truths, readings)
            for place, read in enumerate(reading)
        )

    return Exercise(
        right=lambda *texts: (count(*texts, -1), count(*texts, 1)),
        nearly={
            "first the left neighbour, then the right one": lambda *texts: (count(*texts, 1), count(*texts, -1)),
            "count wrong letters only: of two equal neighbours each may be read rightly": lambda *texts: (
                count(*texts, -1, wrong_only=False),
                count(*texts, 1, wrong_only=False),
            ),
            "two numbers, not their sum": lambda *texts: count(*texts, -1) + count(*texts, 1),
        },
        wrong=[lambda truths, readings: (0, 0), lambda truths, readings: "right"],
        cases=[
            (["2g7nm", "nn4cp", "wxy88"], ["gg7mm", "nn4pp", "wxx88"]),
            (["bny23", "cc565"], ["bny23", "cc656"]),
        ],
    )


def exercise_2():
    """What are the probabilities of a model that is made less sure, by a temperature?"""
    probabilities = np.random.default_rng(0).dirichlet(np.full(19, 0.3), (4, 5))

    def soften(p, temperature):
        powers = p ** (1 / temperature)
        return powers / powers.sum(axis=-1, keepdims=True)

    return Exercise(
        right=soften,
        nearly={
            "the 19 probabilities of each letter must add up to 1 again": lambda p, temperature: p ** (1 / temperature),
            "a temperature above 1 must make the model less sure: one over it": lambda p, temperature: soften(
                p, 1 / temperature
            ),
            "add up the 19 probabilities of each letter, along the last axis": lambda p, temperature: (
                p ** (1 / temperature) / (p ** (1 / temperature)).sum()
            ),
        },
        wrong=[lambda p, temperature: p / temperature, lambda p, temperature: p],
        cases=[(probabilities, 2.0), (probabilities, 1.5)],
    )
