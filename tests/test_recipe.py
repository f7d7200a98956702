from collections import defaultdict
from dataclasses import asdict
from itertools import groupby, product

import keras
import numpy as np
import pytest
import tensorflow as tf

from captcha_lib import (
    build_cnn,
    build_dataset,
    ctc_loss,
    decode_ctc,
    decode_label,
    encode_image,
    recipe,
    samples,
)
from captcha_lib.alphabet import ALPHABET
from captcha_lib.ctc import BLANK
from captcha_lib.dataset import stream_dataset
from captcha_lib.generator import Style
from captcha_lib.recipe import (
    CNN,
    LADDER,
    Recipe,
    WatchScore,
    build_recipe,
    decode_either,
    decode_five_letters,
    read_captcha,
    read_captchas,
    read_doubtful_labels,
    shuffle_batches,
    text_probability,
    train_recipe,
    vary_images,
)
from captcha_lib.samples import read_samples
from captcha_lib.sim_to_real import stream_captchas
from captcha_lib.workspace import list_images


def random_columns(count, times):
    """Softmax outputs (count, times, 20)."""
    scores = np.random.default_rng(0).normal(size=(count, times, 20))
    return (np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)).astype("float32")


# The ladder


def test_the_ladder_starts_with_the_very_cnn_of_lesson_4():
    keras.utils.set_random_seed(0)
    lesson_4, rung = build_cnn(), build_recipe(CNN)
    rung.set_weights(lesson_4.get_weights())
    images = np.random.default_rng(0).random((3, 200, 50, 1), "float32")
    np.testing.assert_allclose(
        rung.predict(images, verbose=0), lesson_4.predict(images, verbose=0), atol=1e-5
    )


def test_each_rung_changes_one_thing():
    recipes = list(LADDER.values())
    pairs = [*zip(recipes[:5], recipes[1:6]), (recipes[5], recipes[6]), (recipes[5], recipes[7])]
    for before, after in pairs:
        assert sum(asdict(before)[name] != asdict(after)[name] for name in asdict(before)) == 1
    assert recipes[0] == CNN and recipes[5] == Recipe()


@pytest.mark.parametrize("name", LADDER)
def test_every_rung_gives_probabilities(name):
    model = build_recipe(LADDER[name])
    outputs = model.predict(np.random.default_rng(0).random((2, 200, 50, 1)), verbose=0)
    assert outputs.shape == ((2, 50, 20) if LADDER[name].ctc else (2, 5, 19))
    np.testing.assert_allclose(outputs.sum(axis=-1), 1, atol=1e-5)
    kinds = {type(layer).__name__ for layer in model.layers}
    assert ("Bidirectional" in kinds) == LADDER[name].recurrent
    assert ("BatchNormalization" in kinds) == LADDER[name].normalised


def test_the_recipe_is_as_small_as_the_lesson_says():
    assert build_recipe().count_params() == 169_172


# Varied images


def dots(count):
    """White images with one black pixel in the middle, as one batch."""
    images = np.ones((count, 200, 50, 1), "float32")
    images[:, 100, 25] = 0
    return tf.data.Dataset.from_tensors((images, np.arange(5 * count).reshape(count, 5)))


def test_images_move_by_up_to_6_and_4_pixels_and_labels_stay(monkeypatch):
    monkeypatch.setattr(recipe, "draw_strokes", lambda heights: np.zeros((200, 50, len(heights))))
    images, labels = next(iter(vary_images(dots(400))))
    places = np.argwhere(images.numpy()[..., 0] < 0.5)
    assert len(places) == 400
    x, y = places[:, 1] - 100, places[:, 2] - 25
    assert set(x) == set(range(-6, 7)) and set(y) == set(range(-4, 5))
    np.testing.assert_array_equal(labels, np.arange(2000).reshape(400, 5))


def test_half_of_the_images_get_strokes():
    images, _ = next(iter(vary_images(dots(400))))
    inked = (images.numpy() < 0.5).sum(axis=(1, 2, 3)) > 10
    assert 0.4 < inked.mean() < 0.6
    assert images.numpy().min() >= 0 and images.numpy().max() <= 1


def test_each_pass_varies_anew_and_the_seed_decides():
    stream = vary_images(dots(8), seed=1)
    first, second = (next(iter(stream))[0].numpy() for _ in range(2))
    again = next(iter(vary_images(dots(8), seed=1)))[0].numpy()
    other = next(iter(vary_images(dots(8), seed=2)))[0].numpy()
    np.testing.assert_array_equal(first, again)
    assert (first != second).any() and (first != other).any()


# Training


@pytest.fixture(scope="module")
def arrays(drawn_set):
    return build_dataset(drawn_set, test_size=0.2)


def test_a_training_is_repeatable_and_is_watched(arrays):
    x, x_test, y, y_test = arrays
    truths = [decode_label(row) for row in y_test]
    watch = WatchScore(x_test, truths)
    model, history = train_recipe(shuffle_batches(x, y), epochs=3, callbacks=[watch])
    _, again = train_recipe(shuffle_batches(x, y), epochs=3)
    assert again.history["loss"] == pytest.approx(history.history["loss"], rel=1e-3)
    assert [type(exact) for _, exact in watch.course] == [float] * 3
    seconds = [second for second, _ in watch.course]
    assert 0 < seconds[0] < seconds[1] < seconds[2]
    right = np.mean([a == b for a, b in zip(decode_either(model.predict(x_test)), truths)])
    assert watch.course[-1][1] == right


def test_a_training_goes_on_from_another(arrays):
    x, _, y, _ = arrays
    batches = shuffle_batches(x, y)
    start, history = train_recipe(batches, epochs=4)
    _, more = train_recipe(batches, epochs=1, start=start)
    _, anew = train_recipe(batches, epochs=1)
    assert more.history["loss"][0] == pytest.approx(history.history["loss"][-1], abs=3)
    assert more.history["loss"][0] < anew.history["loss"][0]


def test_a_stream_without_end_is_cut_into_epochs(monkeypatch):
    monkeypatch.setattr(recipe, "STEPS", 2)
    stream = stream_captchas(lambda text, rng: Style())
    model, history = train_recipe(stream, epochs=2)
    assert len(history.history["loss"]) == 2
    assert model.optimizer.iterations.numpy() == 4


def test_files_can_be_streamed_into_a_training(drawn_set):
    samples = read_samples(drawn_set)
    model, _ = train_recipe(stream_dataset(samples, 8, seed=0), epochs=1)
    assert model.optimizer.iterations.numpy() == 5  # 34 files in batches of 8, the last one smaller


def test_switches_reach_the_optimiser_and_the_loss(arrays):
    x, _, y, _ = arrays
    plain, _ = train_recipe(shuffle_batches(x, y), CNN, epochs=1)
    assert type(plain.optimizer) is keras.optimizers.Adam and plain.loss != ctc_loss
    averaged, _ = train_recipe(shuffle_batches(x, y), Recipe(averaged=True), epochs=1)
    assert type(averaged.optimizer) is keras.optimizers.AdamW and averaged.loss == ctc_loss
    assert averaged.optimizer.use_ema


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
        texts = decode_five_letters(columns, beam_width=300)
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
    assert decode_five_letters(columns) == ["n4cpy"]


def test_an_image_without_letters_is_no_error():
    columns = np.zeros((2, 50, 20), "float32")
    columns[:, :, BLANK] = 1
    texts = decode_five_letters(columns)
    assert len(texts) == 2 and all(len(text) <= 5 for text in texts)
    assert (text_probability(columns, texts) < 1e-6).all()


def test_the_probability_of_a_text_is_what_its_loss_says():
    columns = random_columns(6, 50)
    numbers = np.random.default_rng(2).integers(0, 19, (6, 5))
    numbers[0] = [9, 9, 13, 13, 13]  # like ddmmm: no blank between equal letters may be skipped
    texts = [decode_label(row) for row in numbers]
    loss = np.asarray(ctc_loss(numbers, columns), "float64")
    np.testing.assert_allclose(-np.log(text_probability(columns, texts)), loss, rtol=1e-3)


def test_texts_of_other_lengths_have_no_probability():
    columns = random_columns(3, 50)
    probabilities = text_probability(columns, ["2g7nm", "4cpy", "87mnym"])
    assert probabilities[0] > 0 and list(probabilities[1:]) == [0, 0]


# Reading files


@pytest.fixture(scope="module")
def model():
    """A recipe that has seen no image: it reads nonsense, but the same nonsense every time."""
    keras.utils.set_random_seed(3)
    return build_recipe()


def test_files_are_read_in_the_order_given(drawn_set, model):
    files = list_images(drawn_set)[::-1]
    table = read_captchas(model, files, batch_size=7)
    assert list(table["file"]) == [str(file) for file in files]
    assert list(table["text"]) == [read_captcha(model, file) for file in files]
    assert table["confidence"].between(0, 1).all()
    images = np.array([encode_image(file) for file in files])
    expected = text_probability(model.predict(images), list(table["text"]))
    np.testing.assert_allclose(table["confidence"], expected, rtol=1e-3)


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

    monkeypatch.setattr(recipe, "train_recipe", train)
    first, second = recipe.load_reader(), recipe.load_reader()
    assert trained == [2]  # 34 files in batches of 32
    np.testing.assert_array_equal(first.get_weights()[0], second.get_weights()[0])


def test_without_images_the_reader_is_trained_on_drawings(nowhere, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CAPTCHA_OUTPUT", str(tmp_path))
    trained = []

    def train(batches):
        trained.append(batches.cardinality())
        return build_recipe(), None

    def no_fonts():
        raise ModuleNotFoundError("not all fonts are there")

    monkeypatch.setattr(recipe, "train_recipe", train)
    recipe.load_reader()
    monkeypatch.setattr(recipe, "find_fonts", no_fonts)
    recipe.load_reader()
    assert trained == [tf.data.INFINITE_CARDINALITY] * 2
    assert "one font only: not all fonts are there" in capsys.readouterr().out


# Labels that are probably wrong


def test_doubtful_labels_differ_from_what_is_shown_in_one_place():
    table = read_doubtful_labels()
    assert list(table.columns) == ["file", "label", "shows"]
    for file, label, shows in table.itertuples(index=False):
        assert file == f"{label}.png"
        assert samples.check_label(shows) != label
        assert sum(a != b for a, b in zip(label, shows)) == 1


def test_doubtful_files_are_in_the_real_set_with_the_label_they_came_with(real_set):
    table = read_doubtful_labels()
    labels = read_samples(real_set).set_index("file_name")["label"]
    assert list(labels[table["file"]]) == list(table["label"])
