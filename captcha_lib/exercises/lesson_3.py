"""The exercises of lesson 3, on a split that leaks, a folder read twice, and a stream that is changed."""

from pathlib import Path

import numpy as np

from captcha_lib.exercises import Exercise, Where


def exercise_1():
    """For which share of a random fifth of 2,140 files, each image twice, is the twin in training?"""
    return Exercise(
        right=(2140 - 428) / (2140 - 1),
        nearly={
            "that is the share whose twin is in the test, too": 427 / 2139,
            "that is for a tenth; she puts a fifth aside": Where(lambda share: 0.85 < share < 0.95, [0.9, 182 / 208]),
            "some twins are both in the test": 1,
            "the share, not the number": Where(lambda count: 340 <= count <= 345, [342, 0.8 * 428]),
            "a number between 0 and 1, not per cent": 80,
        },
        wrong=[0.5, "most"],
        within=0.005,
    )


def exercise_2():
    """Keep one of the files with the same name, in the order of names."""
    outer, inner = Path("samples"), Path("samples", "samples")
    walks = [
        [outer / "2g7nm.png", inner / "2g7nm.png", inner / "bny23.png", outer / "bny23.png"],
        [outer / "ycmcw.png", inner / "c4mcm.png", outer / "c4mcm.png", inner / "yge7c.png"],
    ]

    def keeps_one(answer, in_order=True):
        for walk in walks:
            kept = list(answer(list(walk)))
            names = [file.name for file in kept if file in walk]
            if len(names) < len(kept) or (names if in_order else sorted(names)) != sorted({f.name for f in walk}):
                return False
        return True

    def keep_first(files):
        return sorted({file.name: file for file in reversed(files)}.values(), key=lambda file: file.name)

    def keep_last(files):
        return sorted({file.name: file for file in files}.values(), key=lambda file: file.name)

    def keep_in_place(files):
        return list({file.name: file for file in files}.values())

    def keep_names(files):
        return sorted({file.name for file in files})

    return Exercise(
        right=Where(keeps_one, [keep_first, keep_last]),
        nearly={
            "one file a name, but in the order of names": Where(
                lambda answer: keeps_one(answer, in_order=False),
                [keep_in_place, lambda files: sorted(keep_last(files))],
            ),
            "paths, not names": keep_names,
            "the copies have different paths: compare names": lambda files: sorted(set(files)),
        },
        wrong=[lambda files: files[:1]],
        cases=[(walk,) for walk in walks],
    )


def exercise_3():
    """Turn ink to 1 and paper to 0 in a batch of a stream."""
    images = np.linspace(0, 1, 2 * 200 * 50, dtype="float32").reshape(2, 200, 50, 1)
    return Exercise(
        right=lambda images, labels: (1 - images, labels),
        nearly={
            "the values run from 0 to 1, not to 255": lambda images, labels: (255 - images, labels),
            "return the labels, too": lambda images, labels: 1 - images,
            "the values must stay between 0 and 1": lambda images, labels: (-images, labels),
            "the images come first, then the labels": lambda images, labels: (labels, 1 - images),
        },
        wrong=[lambda images, labels: (images, labels)],
        cases=[(images, np.array([[0, 12, 5, 14, 13], [1, 2, 15, 8, 14]]))],
    )
