from contextlib import suppress

import numpy as np
import pytest
from PIL import Image

from captcha_lib import (
    ALPHABET,
    COURSE,
    Family,
    build_dataset,
    decode_ctc,
    decode_label,
    encode_label,
    read_samples,
    stream_dataset,
)
from captcha_lib.decoding import decode_fixed_length
from captcha_lib.family import BLANK, check_numbers
from captcha_lib.images import open_image


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


def test_no_other_character_is_accepted():
    def is_label(text):
        with suppress(ValueError):
            return encode_label(text).size == 5
        return False

    assert [chr(code) for code in range(1000) if is_label("2g7n" + chr(code))] == sorted(ALPHABET)


@pytest.mark.parametrize("index", [-1, 19])
def test_a_number_outside_the_alphabet_is_refused(index):
    with pytest.raises(ValueError, match=f"no character has the number {index}: expected 0 to 18"):
        decode_label([0, index])


# Six characters, three or four of them in a text, 120 x 40 pixels.
OTHER = Family("AB1é中Z", shortest=3, longest=4, width=120, height=40)


def test_another_family_has_its_own_numbers_and_lengths():
    assert encode_label("Zé中", OTHER).tolist() == [5, 3, 4]
    assert decode_label([0, 4, 5], OTHER.alphabet) == "A中Z"
    for text, complaint in [("AB", "has 2 characters: expected 3 to 4"), ("ABC", "holds 'C'")]:
        with pytest.raises(ValueError, match=complaint):
            encode_label(text, OTHER)
    with pytest.raises(ValueError, match="expected numbers 0 to 5"):
        check_numbers([[6]], blank=len(OTHER.alphabet))


def test_a_family_does_not_change():
    with pytest.raises(AttributeError):
        COURSE.width = 100
    assert Family("2345678bcdefgmnpwxy", 5, 5, 200, 50) == COURSE and len(ALPHABET) == BLANK


def test_another_family_goes_from_a_folder_to_arrays_and_back_to_texts(tmp_path):
    texts = ["A1Z", "Zé1", "中AB", "1BA"]
    for number, text in enumerate(texts):
        Image.new("L", (120, 40), 60 * number).save(tmp_path / f"{text}.png")
    samples = read_samples(tmp_path, OTHER)
    assert list(samples["label"]) == sorted(texts) and list(samples.columns[-4:]) == ["c1", "c2", "c3", "c4"]
    x_train, x_test, y_train, y_test = build_dataset(tmp_path, family=OTHER)
    assert x_train.shape == (3, 120, 40, 1) and y_train.shape == (3, 4) and (y_train[:, 3] == -1).all()
    images, labels = next(iter(stream_dataset(samples, 4, family=OTHER)))
    assert images.shape == (4, 120, 40, 1)
    best = np.full((4, 7, 7), 0.01)
    for row, label in enumerate(np.asarray(labels)):
        best[row, np.arange(7), [label[0], 6, label[1], 6, label[2], label[3] % 7, 6]] = 0.9
    assert decode_fixed_length(best, OTHER) == decode_ctc(best, alphabet=OTHER.alphabet) == list(samples["label"])
    with pytest.raises(ValueError, match="is 120 x 40 pixels: expected 200 x 50"):
        open_image(tmp_path / "A1Z.png")


@pytest.mark.parametrize(
    "labels, told",
    [
        (np.zeros((4, 5, 19)), r"\(4, 5, 19\)"),
        (np.zeros(4), r"float64 of shape \(4,\)"),
        (np.array([list("2g7nm")]), r"<U1 of shape \(1, 5\)"),
    ],
)
def test_labels_that_are_no_rows_of_numbers_are_refused(labels, told):
    with pytest.raises(ValueError, match=f"^labels are .*{told}: expected numbers, a row for each"):
        check_numbers(labels)
