"""The exercises of lesson 2, on how often characters occur."""

from captcha_lib.exercises import Exercise, Where
from captcha_lib.family import ALPHABET, LABEL_LENGTH


def exercise_1(counts):
    """Which character has the shortest bar?"""
    count = dict(zip(counts["character"], counts["count"]))
    ascending = sorted(count, key=count.get)
    return Exercise(
        right=Where(lambda character: count.get(character) == count[ascending[0]], ascending[:1]),
        nearly={
            "that is the longest bar": ascending[-1],
            "close, but another bar is shorter": Where(lambda one: one in ascending[:5], ascending[4:5]),
        },
        wrong=["o", count[ascending[0]]],
    )


def exercise_2():
    """Which share of characters is right if all are guessed at random?"""
    return Exercise(
        right=1 / len(ALPHABET),
        nearly={
            "how many characters are there to choose from?": 1 / LABEL_LENGTH,
            "that is a whole label; we ask for one character": 1 / len(ALPHABET) ** LABEL_LENGTH,
            "`n` is drawn twice as often, but the guess is not": 1 / (len(ALPHABET) + 1),
        },
        wrong=[len(ALPHABET), "1/19"],
        within=0.001,
    )


def exercise_3():
    """How often do two characters stand side by side in a list of labels?"""
    return Exercise(
        right=lambda labels, pair: sum(text[i : i + 2] == pair for text in labels for i in range(LABEL_LENGTH - 1)),
        nearly={
            "`nnn` holds the pair `nn` twice": lambda labels, pair: sum(text.count(pair) for text in labels),
            "a label may hold the pair more than once": lambda labels, pair: sum(pair in text for text in labels),
        },
        wrong=[lambda labels, pair: sum(pair[0] in text for text in labels)],
        cases=[(["nnn2g", "2g7nm", "2g2g7"], pair) for pair in ("nn", "2g", "xx")],
    )
