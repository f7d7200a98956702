"""The exercises of lesson 5b, on the best alignment and on a training without a model."""

import numpy as np

from captcha_lib.exercises import Exercise


def exercise_1():
    """How probable is the best single alignment?"""

    def walk(merge=max, may_jump=lambda z, s: z[s] != z[s - 2], end=max):
        def follow(y, z):
            best = np.zeros((len(y), len(z)))
            best[0, :2] = y[0, z[:2]]
            for t in range(1, len(y)):
                for s in range(len(z)):
                    sources = range(s - 2 if s >= 2 and may_jump(z, s) else max(s - 1, 0), s + 1)
                    best[t, s] = y[t, z[s]] * merge(best[t - 1, source] for source in sources)
            return end(best[-1, -2:])

        return follow

    rng = np.random.default_rng(0)
    columns_and_states = [(3, [2, 0, 2, 1, 2]), (4, [2, 0, 2, 1, 2]), (4, [2, 0, 2, 0, 2]), (4, [2, 0, 2])]
    return Exercise(
        right=walk(),
        nearly={
            "this adds up all alignments: keep the largest of what arrives": walk(merge=sum, end=sum),
            "what arrives is right, but at the end, too, keep the larger of two": walk(end=sum),
            "a walk may also end in the last letter, without a blank behind it": walk(end=lambda last: last[1]),
            "a walk may jump over a blank between different letters": walk(may_jump=lambda z, s: False),
            "no walk may jump between equal letters, or from blank to blank": walk(may_jump=lambda z, s: True),
        },
        wrong=[lambda y, z: y.max(axis=1).prod()],
        cases=[(rng.dirichlet(np.ones(3), count), z) for count, z in columns_and_states],
    )


def exercise_2():
    """How many of 50 columns say blank once they were trained, without a model, for the label 2g7nm?"""
    return Exercise(
        right=44,
        nearly={
            "that is what they say after the first ten steps: take 100": 50,
            "count the columns: one of the five letters has more than one of them": 45,
            "count the blanks, not the letters": 6,
            "this counts those above 0.9: count the columns in which no class has more": 42,
        },
        wrong=[0, 5],
    )
