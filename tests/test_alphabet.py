import numpy as np
import pytest

from captcha_lib import ALPHABET, decode_label, encode_label


def test_characters_become_their_places_in_the_alphabet():
    assert ALPHABET == "2345678bcdefgmnpwxy"
    assert encode_label("2g7nm").tolist() == [0, 12, 5, 14, 13]
    assert encode_label("yyyyy").dtype == np.int64


def test_decoding_undoes_encoding_and_takes_any_length():
    for shift in range(len(ALPHABET)):
        text = "".join(ALPHABET[(shift + step) % len(ALPHABET)] for step in range(5))
        assert decode_label(encode_label(text)) == text
    assert decode_label([]) == ""
    assert decode_label([18, 0, 18]) == "y2y"


@pytest.mark.parametrize(
    "text, complaint",
    [
        ("2g7n", "label '2g7n' has 4 characters: expected 5"),
        ("2g7nmm", "has 6 characters"),
        ("2G7nm", "holds 'G'"),
        ("2g 7m", "holds ' '"),
        ("2g7n1", "holds '1'"),
    ],
)
def test_what_is_no_label_is_refused(text, complaint):
    with pytest.raises(ValueError, match=complaint):
        encode_label(text)


@pytest.mark.parametrize("index", [-1, 19])
def test_a_number_outside_the_alphabet_is_refused(index):
    with pytest.raises(ValueError, match=f"no character has the number {index}: expected 0 to 18"):
        decode_label([0, index])
