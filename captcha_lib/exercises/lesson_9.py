"""The exercises of lesson 9: the columns that a text needs, a sum with a gap, and a family of the reader's own."""

import re
from itertools import groupby, pairwise

from captcha_lib.exercises import Exercise, Where
from captcha_lib.family import Family, check_label


def exercise_1():
    """How many columns does a text need at least, for CTC?"""

    def count(text):
        return len(text) + sum(first == second for first, second in pairwise(text))

    return Exercise(
        right=count,
        nearly={
            "two equal characters in a row need a blank between them": len,
            "only equal characters that are neighbours need a blank": lambda text: 2 * len(text) - len(set(text)),
            "three equal characters in a row are two pairs": lambda text: (
                len(text) + sum(len([*group]) > 1 for _, group in groupby(text))
            ),
            "no blank is needed between different characters": lambda text: 2 * len(text) - 1,
            "no blank is needed before the first character or behind the last": lambda text: 2 * len(text) + 1,
        },
        wrong=[lambda text: 4 * len(text)],
        cases=[("12+7=?",), ("AAB",), ("AAA",), ("ABA",), ("AABB",), ("7",)],
    )


def _find_missing(text, pattern=r"(\d+|\?)([+-])(\d+|\?)=(\d+|\?)", swapped=False):
    parts = re.fullmatch(pattern, text)
    if not parts or text.count("?") != 1:
        return None
    first, sign, second, result = parts.groups()
    sign = 1 if (sign == "+") != swapped else -1
    if result == "?":
        return int(first) + sign * int(second)
    if second == "?":
        return sign * (int(result) - int(first))
    return int(result) - sign * int(second)


def _find_first(text):
    parts = re.fullmatch(r"(\d+|\?)([+-])(\d+)=(\d+|\?)", text)
    return _find_missing(text) if parts else None


def _find_result(text):
    parts = re.fullmatch(r"(\d+)([+-])(\d+)=\?", text)
    return _find_missing(text) if parts else None


def _find_before(text):
    return None if text.endswith("=?") else _find_missing(text)


def _find_positive(text):
    found = _find_missing(text)
    return None if found is None or found < 0 else found


def _find_anyhow(text):
    found = _find_missing(text)
    return 0 if found is None else found


def exercise_2():
    """Which number belongs in the place of the question mark? None where a text is no such sum."""
    texts = ["12+7=?", "12-?=5", "5-?=12", "?+7=19", "?-7=12", "12+7=19", "12+?=?", "12x7=?", "1+2+3=?", "print(1)"]
    return Exercise(
        right=_find_missing,
        nearly={
            "the question mark may also stand before the equals sign": _find_result,
            "the question mark may also stand behind the sign": _find_first,
            "the question mark may also stand behind the equals sign": _find_before,
            "a missing number may be below 0": _find_positive,
            "None, not a number, for a text that is no such sum": _find_anyhow,
            "plus and minus are mixed up": lambda text: _find_missing(text, swapped=True),
            "a number, not its digits as a text": lambda text: (
                None if _find_missing(text) is None else str(_find_missing(text))
            ),
        },
        wrong=[lambda text: 19],
        cases=[(text,) for text in texts],
    )


def exercise_3(small):
    """How well can a family of the reader's own be read? An answer is (family, readings, truths)."""

    def is_family(answer):
        own, readings, truths = answer
        return isinstance(own, Family) and len(readings) == len(truths) > 0

    def is_own(answer):
        lesson = (small.alphabet, small.shortest, small.longest)
        return is_family(answer) and (answer[0].alphabet, answer[0].shortest, answer[0].longest) != lesson

    def fits(answer):
        if not is_own(answer):
            return False
        own, readings, truths = answer
        return len(readings) >= 100 and all(check_label(text, own) for text in truths)

    def is_read(answer):
        return fits(answer) and sum(map(str.__eq__, answer[1], answer[2])) >= len(answer[2]) / 2

    own, texts = Family("abcdef", 2, 3, 80, 30), ["ab", "fed"] * 100
    shorter, numbers = Family("0123456789", 2, 4, 100, 30), ["12", "3456"] * 100
    return Exercise(
        right=Where(is_read, [(own, texts, texts), (own, ["ab"] * 200, texts), (shorter, numbers, numbers)]),
        nearly={
            "fewer than half are read: take a wider image or fewer characters": Where(
                fits, [(own, texts[::-1], texts)]
            ),
            "these characters and lengths are the lesson's: choose others": Where(
                lambda answer: is_family(answer) and not is_own(answer), [(small, texts, texts)]
            ),
            "readings and truths should be the two lists that `measure` returns": Where(
                is_own, [(own, texts[:4], texts[:4]), (own, ["12"] * 200, ["12"] * 200)]
            ),
        },
        wrong=[own, (own, texts), (texts, texts, own)],
    )
