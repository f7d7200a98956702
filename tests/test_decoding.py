from collections import defaultdict
from itertools import groupby, product

import numpy as np
import tensorflow as tf

from captcha_lib import decode_ctc, decode_label
from captcha_lib.decoding import beam_search, decode_fixed_length, decode_together, text_probability
from captcha_lib.family import ALPHABET, BLANK
from captcha_lib.files import list_images
from captcha_lib.images import encode_image
from captcha_lib.reader import Reader

# Decoding


def collapse(alignment):
    return tuple(key for key, _ in groupby(alignment) if key != BLANK)


def test_five_letters_are_the_likeliest_of_all_texts_of_five_letters():
    """Brute force: every alignment of three characters and the blank in seven columns."""
    mended = 0
    for seed in range(12):
        columns = np.full((1, 7, 20), 1e-9, "float32")
        characters = [3, 9, 14, BLANK]
        columns[0][:, characters] = np.random.default_rng(seed).dirichlet([0.5] * 4, size=7)
        sums = defaultdict(float)
        for alignment in product(characters, repeat=7):
            sums[collapse(alignment)] += np.prod(columns[0][np.arange(7), alignment])
        fives = {text: value for text, value in sums.items() if len(text) == 5}
        greedy = decode_ctc(columns)
        texts = decode_fixed_length(columns)
        if len(greedy[0]) == 5:
            assert texts == greedy
        else:
            mended += 1
            assert texts == [decode_label(max(fives, key=fives.get))]
    assert mended > 3


def test_the_example_of_the_notes_is_mended():
    columns = np.full((1, 8, 20), 1e-6, "float32")
    for place, character in enumerate("-4-cp-y-"):
        columns[0, place, (ALPHABET + "-").index(character)] = 0.9
    columns[0, 0, ALPHABET.index("n")] = 0.4
    assert decode_ctc(columns) == ["4cpy"]
    assert decode_fixed_length(columns) == ["n4cpy"]


def read_by_tensorflow(columns):
    """What its beam search finds: the first text of five letters, for an image whose best classes give another."""
    texts = decode_ctc(columns)
    odd = [number for number, text in enumerate(texts) if len(text) != 5]
    scores, times = np.log(columns[odd] + 1e-7).transpose(1, 0, 2), np.full(len(odd), columns.shape[1])
    for found in tf.nn.ctc_beam_search_decoder(scores, times, beam_width=50, top_paths=50)[0][::-1]:
        for number, letters in zip(odd, tf.sparse.to_dense(found, default_value=-1).numpy()):
            text = decode_label(letters[letters >= 0])
            texts[number] = text if len(text) == 5 else texts[number]
    return texts, len(odd)


def test_the_lengths_of_faint_images_are_mended_as_by_tensorflow(drawn_set):
    ink = np.array([1 - encode_image(file) for file in list_images(drawn_set)])
    columns = Reader.load().predict_on_batch(np.concatenate([1 - share * ink for share in (0.6, 0.5, 0.4)]))
    texts, mended = read_by_tensorflow(columns)
    differ = [(ours, theirs) for ours, theirs in zip(decode_fixed_length(columns), texts) if ours != theirs]
    # Where none of its 50 texts has five letters, one of ours may: the two do not keep the same beams to the end.
    assert mended > 20 and len(differ) <= 2 and not [theirs for _, theirs in differ if len(theirs) == 5]


def test_the_real_images_are_read_as_by_tensorflow(real_set):
    columns = Reader.load().predict_on_batch(np.array([encode_image(file) for file in list_images(real_set)]))
    texts, mended = read_by_tensorflow(columns)
    assert mended > 5 and decode_fixed_length(columns) == texts


def test_an_image_without_letters_is_no_error():
    columns = np.zeros((2, 50, 20), "float32")
    columns[:, :, BLANK] = 1
    texts = decode_fixed_length(columns)
    assert len(texts) == 2 and all(len(text) <= 5 for text in texts)
    assert (text_probability(columns, texts) < 1e-6).all()


def test_a_beam_search_adds_up_many_small_shares():
    """Each of fifty columns gives a letter one part in 2,000: together they make it the second text."""
    columns = np.zeros((1, 50, 20))
    columns[:, :, BLANK], columns[:, :, 0] = 0.9995, 0.0005
    assert beam_search(columns, 50, 2) == [["", "2"]]


def test_of_several_models_the_text_with_the_largest_product_counts():
    """Columns in which all is certain but the last letter of 33337 or 33338: characters 5 and 6 of the alphabet."""

    def output(*shares):
        certain = np.eye(20)[[1, BLANK] * 4]
        return np.array([[*certain, share * np.eye(20)[5] + (1 - share) * np.eye(20)[6]] for share in shares])

    # 0.6 x 0.3 < 0.4 x 0.7, and 0.9 x 0.3 > 0.1 x 0.7; of the third image both think the same.
    first, second = output(0.6, 0.9, 0.2), output(0.3, 0.3, 0.4)
    assert decode_together([first, second]) == decode_together([second, first]) == ["33338", "33337", "33338"]
    assert decode_together([first]) == decode_fixed_length(first) == ["33337", "33337", "33338"]
    # The mean would say 33337 twice, and the surest of the models 33338 twice.
    assert decode_together([output(0.6, 0.9), output(0.6, 0.9), output(0.35, 0.01)]) == ["33337", "33338"]
