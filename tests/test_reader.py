import shutil
from collections import defaultdict
from itertools import groupby, product

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from captcha_lib import decode_ctc, decode_label, encode_image, reader, sources
from captcha_lib.ctc import text_probability
from captcha_lib.family import ALPHABET, BLANK, check_label
from captcha_lib.files import list_images
from captcha_lib.reader import decode_fixed_length, list_doubtful_labels, read_captcha, read_captchas
from captcha_lib.recipe import build_recipe
from captcha_lib.samples import read_samples

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


def test_an_image_without_letters_is_no_error():
    columns = np.zeros((2, 50, 20), "float32")
    columns[:, :, BLANK] = 1
    texts = decode_fixed_length(columns)
    assert len(texts) == 2 and all(len(text) <= 5 for text in texts)
    assert (text_probability(columns, texts) < 1e-6).all()


# Reading files


@pytest.fixture(scope="module")
def model():
    """A recipe that has seen no image: it reads nonsense, but the same nonsense every time."""
    keras.utils.set_random_seed(3)
    return build_recipe()


def test_files_are_read_in_the_order_given(drawn_set, model):
    files = 2 * list_images(drawn_set)[::-1]  # more than one batch
    table = read_captchas(model, files)
    assert list(table["file"]) == [str(file) for file in files]
    assert list(table["text"]) == [read_captcha(model, file) for file in files]
    assert table["confidence"].between(0, 1).all()
    images = np.array([encode_image(file) for file in files])
    expected = text_probability(model.predict(images), list(table["text"]))
    np.testing.assert_allclose(table["confidence"], expected, rtol=1e-3)


def test_whatever_names_files_is_read(drawn_set, model):
    file = drawn_set / "2g7nm.png"
    expected = read_captchas(model, [file])
    for paths in (file, str(file), (file,), drawn_set.glob("2g7nm.*"), pd.Series([str(file)])):
        pd.testing.assert_frame_equal(read_captchas(model, paths), expected)


def test_a_file_that_cannot_be_read_is_named(tmp_path, drawn_set, model):
    with pytest.raises(FileNotFoundError, match="gone.png does not exist"):
        read_captchas(model, [list_images(drawn_set)[0], tmp_path / "gone.png"])


def test_a_reader_is_trained_once_for_the_images_at_hand(drawn_set, tmp_path, monkeypatch):
    monkeypatch.setenv("CAPTCHA_DATA", str(drawn_set))
    monkeypatch.setenv("CAPTCHA_OUTPUT", str(tmp_path))
    trained = []

    def train(batches):
        trained.append(batches.cardinality().numpy())
        return build_recipe(), None

    monkeypatch.setattr(reader, "train_recipe", train)
    first, second = reader.load_reader(), reader.load_reader()
    assert trained == [2]  # 34 files in batches of 32
    np.testing.assert_array_equal(first.get_weights()[0], second.get_weights()[0])


def test_the_look_alike_set_is_known_by_what_it_is(nowhere, drawn_set, tmp_path, monkeypatch):
    monkeypatch.setenv("CAPTCHA_OUTPUT", str(tmp_path))
    endless = []

    def train(batches):
        endless.append(batches.cardinality() == tf.data.INFINITE_CARDINALITY)
        return build_recipe(), None

    monkeypatch.setattr(reader, "train_recipe", train)
    own = tmp_path / "embedded_systems_lab"
    shutil.copytree(drawn_set, own)
    drawn = sources.locate_samples()
    (tmp_path / "another name").symlink_to(drawn, target_is_directory=True)
    for folder in (own, tmp_path / "another name"):
        monkeypatch.setenv("CAPTCHA_DATA", str(folder))
        reader.load_reader()
    assert endless == [False, True]


def test_without_images_the_reader_is_trained_on_drawings(nowhere, tmp_path, monkeypatch):
    monkeypatch.setenv("CAPTCHA_OUTPUT", str(tmp_path))
    trained = []

    def train(batches):
        trained.append(batches.cardinality())
        return build_recipe(), None

    monkeypatch.setattr(reader, "train_recipe", train)
    reader.load_reader()
    monkeypatch.setattr(reader, "find_fonts", lambda: [])  # other fonts ask for another model
    reader.load_reader()
    assert trained == [tf.data.INFINITE_CARDINALITY] * 2


# Labels that are probably wrong


def test_doubtful_labels_differ_from_what_is_shown_in_one_place():
    table = list_doubtful_labels()
    assert list(table.columns) == ["file", "label", "shows"]
    for file, label, shows in table.itertuples(index=False):
        assert file == f"{label}.png"
        assert check_label(shows) != label
        assert sum(a != b for a, b in zip(label, shows)) == 1


def test_doubtful_files_are_in_the_real_set_with_the_label_they_came_with(real_set):
    table = list_doubtful_labels()
    labels = read_samples(real_set).set_index("file_name")["label"]
    assert list(labels[table["file"]]) == list(table["label"])
