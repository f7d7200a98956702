from math import comb

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from captcha_lib import (
    character_accuracy,
    character_error_rate,
    edit_distance,
    exact_match,
    wilson_interval,
)
from captcha_lib.score import mcnemar

rng = np.random.default_rng(0)
TRUTH = rng.integers(0, 19, (50, 5))
READ = np.where(rng.random((50, 5)) < 0.8, TRUTH, rng.integers(0, 19, (50, 5)))


def test_scores_of_arrays_agree_with_scikit_learn():
    assert character_accuracy(READ, TRUTH) == pytest.approx(accuracy_score(TRUTH.ravel(), READ.ravel()))
    assert exact_match(READ, TRUTH) == pytest.approx(accuracy_score(list(map(str, TRUTH)), list(map(str, READ))))


@pytest.mark.parametrize("score", [character_accuracy, exact_match, character_error_rate])
def test_one_text_is_no_list_of_texts(score):
    with pytest.raises(ValueError, match=r"'2g7nm' is not a list of texts: expected one, such as \['2g"):
        score("2g7nw", "2g7nm")


def test_scores_of_texts_by_hand():
    predicted, truth = ["2g7nm", "4cpy", "bny22"], ["2g7nm", "n4cpy", "bny23"]
    assert character_accuracy(predicted, truth) == pytest.approx((5 + 0 + 4) / 15)
    assert exact_match(predicted, truth) == pytest.approx(1 / 3)
    assert character_error_rate(predicted, truth) == pytest.approx((0 + 1 + 1) / 15)


def test_a_beginning_of_the_truth_is_no_exact_match():
    assert exact_match(["2g7n"], ["2g7nm"]) == 0


@pytest.mark.parametrize("score", [character_accuracy, exact_match, character_error_rate])
def test_what_does_not_pair_up_is_refused(score):
    with pytest.raises(ValueError, match=r"shape \(2,\), truths \(1,\)"):
        score(["2g7nm", "bny23"], ["2g7nm"])
    with pytest.raises(ValueError, match="expected at least one"):
        score([], [])


def test_arrays_of_different_shapes_are_refused():
    with pytest.raises(ValueError, match=r"shape \(50, 5\), truths \(50, 4\)"):
        character_accuracy(READ, TRUTH[:, :4])


@pytest.mark.parametrize(
    "first, second, distance",
    [
        ("", "", 0),
        ("", "abc", 3),
        ("abc", "", 3),
        ("kitten", "sitting", 3),
        ("4cpy", "n4cpy", 1),
        ("87mnym", "87nym", 1),
        ("ab", "ba", 2),
        ("2g7nm", "2g7nm", 0),
    ],
)
def test_edit_distance_by_hand(first, second, distance):
    assert edit_distance(first, second) == edit_distance(second, first) == distance


def test_edit_distance_agrees_with_tensorflow():
    import tensorflow as tf

    def sparse(text):
        return tf.sparse.from_dense([[ord(character) for character in text]])

    for _ in range(50):
        first, second = ("".join(rng.choice(list("abc"), rng.integers(1, 7))) for _ in range(2))
        expected = tf.edit_distance(sparse(first), sparse(second), normalize=False)[0]
        assert edit_distance(first, second) == int(expected)


@pytest.mark.parametrize("hits, total", [(80, 104), (0, 10), (104, 104), (1, 1)])
def test_wilson_interval_by_its_formula(hits, total):
    p, z = hits / total, 1.959964
    middle, half = (
        p + z * z / (2 * total),
        z * np.sqrt(p * (1 - p) / total + z * z / (4 * total**2)),
    )
    expected = [(middle - half) / (1 + z * z / total), (middle + half) / (1 + z * z / total)]
    np.testing.assert_allclose(wilson_interval(hits, total), expected, atol=1e-6)


@pytest.mark.parametrize("hits, total", [(5, 4), (-1, 4), (0, 0)])
def test_what_is_no_share_is_refused(hits, total):
    with pytest.raises(ValueError, match=f"{hits} hits of {total} are not a share"):
        wilson_interval(hits, total)


@pytest.mark.parametrize(
    "first, second, expected",
    [
        ("2g7 bny n4c", "2g7 bny n4c", (0, 0, 1)),
        ("2g7 bny n4c", "2g7 xxx xxx", (2, 0, 0.5)),
        ("2g7 xxx n4c", "xxx bny xxx", (2, 1, 1)),
        ("xxx xxx xxx", "2g7 bny n4c", (0, 3, 0.25)),
    ],
)
def test_mcnemar_counts_what_only_one_model_read(first, second, expected):
    assert mcnemar(first.split(), second.split(), ["2g7", "bny", "n4c"]) == expected


def test_mcnemar_refuses_readings_that_do_not_pair_up():
    for first, second in ((1, 2), (2, 1)):
        with pytest.raises(ValueError, match=r"readings have shape \(1,\), truths \(2,\)"):
            mcnemar(["2g7", "bny"][:first], ["2g7", "bny"][:second], ["2g7", "bny"])


def test_mcnemar_takes_the_exact_binomial():
    truths = ["2g7"] * 20
    first, second = ["2g7"] * 9 + ["xxx"] * 11, ["xxx"] * 9 + ["2g7"] * 2 + ["xxx"] * 9
    both_tails = 2 * sum(comb(11, fewer) for fewer in range(3)) / 2**11
    assert mcnemar(first, second, truths) == (9, 2, pytest.approx(both_tails))
