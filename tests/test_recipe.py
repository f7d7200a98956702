from dataclasses import asdict

import keras
import numpy as np
import pytest
import tensorflow as tf

from captcha_lib import (
    build_cnn,
    build_dataset,
    ctc_loss,
    decode_label,
    recipe,
    stream_dataset,
    train_recipe,
)
from captcha_lib.generator import Style
from captcha_lib.recipe import (
    ABLATION,
    BASELINE,
    Recipe,
    WatchScore,
    augment,
    build_recipe,
    compile_model,
    decode_either,
    shuffle_batches,
)
from captcha_lib.samples import read_samples
from captcha_lib.synthetic import stream_captchas

# The ladder


def test_the_ladder_starts_with_the_very_cnn_of_lesson_4():
    keras.utils.set_random_seed(0)
    lesson_4, rung = build_cnn(), build_recipe(BASELINE)
    rung.set_weights(lesson_4.get_weights())
    images = np.random.default_rng(0).random((3, 200, 50, 1), "float32")
    np.testing.assert_allclose(rung.predict(images, verbose=0), lesson_4.predict(images, verbose=0), atol=1e-5)


def test_each_rung_changes_one_thing():
    recipes = list(ABLATION.values())
    pairs = [*zip(recipes[:5], recipes[1:6]), (recipes[5], recipes[6])]
    for before, after in pairs:
        assert sum(asdict(before)[name] != asdict(after)[name] for name in asdict(before)) == 1
    assert recipes[0] == BASELINE and recipes[5] == Recipe()


@pytest.mark.parametrize("name", ABLATION)
def test_every_rung_gives_probabilities(name):
    model = build_recipe(ABLATION[name])
    outputs = model.predict(np.random.default_rng(0).random((2, 200, 50, 1)), verbose=0)
    assert outputs.shape == ((2, 50, 20) if ABLATION[name].ctc else (2, 5, 19))
    np.testing.assert_allclose(outputs.sum(axis=-1), 1, atol=1e-5)
    kinds = {type(layer).__name__ for layer in model.layers}
    assert ("Bidirectional" in kinds) == ABLATION[name].recurrent
    assert ("BatchNormalization" in kinds) == ABLATION[name].normalised


def test_the_outputs_of_five_heads_and_of_columns_are_read():
    letters = [[0, 12, 5, 14, 13], [5, 5, 14, 13, 0]]
    assert decode_either(np.eye(19)[letters]) == ["2g7nm", "77nm2"]
    columns = np.eye(20)[[[0, 0, 12, 5, 14, 13], [5, 19, 5, 14, 13, 0]]]
    assert decode_either(columns) == ["2g7nm", "77nm2"]


def test_the_recipe_is_as_small_as_the_lesson_says():
    assert build_recipe().count_params() == 169_172


# Varied images


def dots(count):
    """White images with one black pixel in the middle, as one batch."""
    images = np.ones((count, 200, 50, 1), "float32")
    images[:, 100, 25] = 0
    return tf.data.Dataset.from_tensors((images, np.arange(5 * count).reshape(count, 5)))


def test_images_move_by_up_to_6_and_4_pixels_and_labels_stay(monkeypatch):
    monkeypatch.setattr(recipe, "draw_strokes", lambda heights, width: np.zeros((200, 50, len(heights))))
    images, labels = next(iter(augment(dots(400))))
    places = np.argwhere(images.numpy()[..., 0] < 0.5)
    assert len(places) == 400
    x, y = places[:, 1] - 100, places[:, 2] - 25
    assert set(x) == set(range(-6, 7)) and set(y) == set(range(-4, 5))
    np.testing.assert_array_equal(labels, np.arange(2000).reshape(400, 5))


def test_half_of_the_images_get_strokes():
    images, _ = next(iter(augment(dots(400))))
    inked = (images.numpy() < 0.5).sum(axis=(1, 2, 3)) > 10
    assert 0.4 < inked.mean() < 0.6
    assert images.numpy().min() >= 0 and images.numpy().max() <= 1


@pytest.mark.parametrize("augmented", ["shifts", "strokes"])
def test_each_pass_varies_anew_and_the_seed_decides(augmented, monkeypatch):
    images = dots(8)
    if augmented == "shifts":
        monkeypatch.setattr(recipe, "draw_strokes", lambda heights, width: np.zeros((200, 50, len(heights))))
    else:  # a white image shows no shift
        images = images.map(lambda image, label: (tf.ones_like(image), label))
    stream = augment(images, seed=1)
    first, second = (next(iter(stream))[0].numpy() for _ in range(2))
    again = next(iter(augment(images, seed=1)))[0].numpy()
    other = next(iter(augment(images, seed=2)))[0].numpy()
    np.testing.assert_array_equal(first, again)
    assert (first != second).any() and (first != other).any()


# Training


def test_batches_are_shuffled_anew_on_each_pass_and_by_their_seed():
    numbers = np.arange(70)

    def order(batches):
        return [number for _, part in batches for number in part.numpy()]

    batches = shuffle_batches(numbers, numbers)
    first, second = order(batches), order(batches)
    keras.utils.set_random_seed(5)  # what happened before must not matter
    again = order(shuffle_batches(numbers, numbers))
    assert sorted(first) == sorted(second) == list(numbers) and first != second
    assert first == again != order(shuffle_batches(numbers, numbers, seed=1))
    assert [len(part) for part, _ in batches] == [32, 32, 6]


@pytest.fixture(scope="module")
def arrays(drawn_set):
    return build_dataset(drawn_set)


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
    assert float(model.optimizer.learning_rate) == pytest.approx(0, abs=1e-9)  # it has fallen


def test_a_stream_without_end_is_cut_into_epochs(monkeypatch):
    monkeypatch.setattr(recipe, "STEPS_PER_EPOCH", 2)
    stream = stream_captchas(lambda text, rng: Style())
    model, history = train_recipe(stream, epochs=2)
    assert len(history.history["loss"]) == 2
    assert model.optimizer.iterations.numpy() == 4


def test_files_can_be_streamed_into_a_training(drawn_set):
    samples = read_samples(drawn_set)
    model, _ = train_recipe(stream_dataset(samples, 8, seed=0), epochs=1)
    assert model.optimizer.iterations.numpy() == 5  # 34 files in batches of 8, the last one smaller


@pytest.mark.parametrize("augmented", [True, False])
def test_images_are_varied_where_the_recipe_says_so(augmented, arrays, monkeypatch):
    x, _, y, _ = arrays
    asked = []
    monkeypatch.setattr(recipe, "augment", lambda batches, seed, _: asked.append(seed) or batches)
    train_recipe(shuffle_batches(x, y), Recipe(augmented=augmented), epochs=1, seed=4)
    assert asked == [4] * augmented


def test_switches_reach_the_optimiser_and_the_loss(arrays):
    x, _, y, _ = arrays
    plain, _ = train_recipe(shuffle_batches(x, y), BASELINE, epochs=1)
    assert type(plain.optimizer) is keras.optimizers.Adam and plain.loss != ctc_loss
    decayed, _ = train_recipe(shuffle_batches(x, y), Recipe(), epochs=1)
    assert type(decayed.optimizer) is keras.optimizers.AdamW and decayed.loss.blank == 19
    assert decayed.optimizer.clipnorm == 5 and decayed.optimizer.weight_decay == 1e-4


def test_the_rate_peaks_at_four_times_that_of_lesson_4_and_ends_at_0():
    model = build_recipe()
    compile_model(model, Recipe(), steps=100)
    rates = [float(model.optimizer._learning_rate(step)) for step in range(101)]
    assert np.argmax(rates) == 10 and max(rates) == pytest.approx(4e-3)
    assert rates[100] == pytest.approx(0, abs=1e-9)


RNG = np.random.default_rng(0)


IMAGES, LABELS = RNG.random((4, 200, 50, 1), "float32"), RNG.integers(0, 19, (4, 5))


@pytest.mark.parametrize(
    "batches",
    [
        [(IMAGES, LABELS)],
        tf.data.Dataset.from_tensors(IMAGES),
        shuffle_batches(IMAGES, ["2g7nm"] * 4),
        shuffle_batches(IMAGES, np.zeros((4, 5, 19))),
        shuffle_batches(IMAGES[:, :100], LABELS),
        shuffle_batches(IMAGES, LABELS).unbatch(),
    ],
)
def test_what_are_no_batches_of_images_and_labels_is_refused_in_one_line(batches):
    with pytest.raises(ValueError, match="^batches are .*: expected a tf.data.Dataset such") as caught:
        train_recipe(batches)
    assert "\n" not in str(caught.value)


# What a function says inside a stream


def test_a_file_that_is_spoiled_during_a_training_is_named_in_one_line(tmp_path, drawn_set):
    for file in sorted(drawn_set.iterdir())[:4]:
        (tmp_path / file.name).write_bytes(file.read_bytes())
    stream = stream_dataset(read_samples(tmp_path), 2)
    (tmp_path / "2g7nm.png").write_text("hello")
    message = f"^{tmp_path}.2g7nm.png is not an image: expected a PNG or JPEG file$"
    with pytest.raises(ValueError, match=message):
        train_recipe(stream, epochs=1)


@pytest.mark.parametrize(
    "batches, told",
    [
        (shuffle_batches(IMAGES, LABELS).filter(lambda *_: True), "do not say how many they are"),
        (shuffle_batches(IMAGES, LABELS).take(0), "hold no images"),
    ],
)
def test_batches_of_no_known_number_are_refused(batches, told):
    with pytest.raises(ValueError, match=f"^the batches {told}: expected one or more.*is lost$"):
        train_recipe(batches)
    known = batches.apply(tf.data.experimental.assert_cardinality(1))
    if told != "hold no images":
        model, _ = train_recipe(known, epochs=1)
        assert model.optimizer.iterations.numpy() == 1
