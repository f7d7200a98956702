import os
import shutil
import sys

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from sklearn.model_selection import train_test_split

from captcha_lib import build_dataset, encode_image, encode_label, read_samples, stream_dataset


@pytest.mark.parametrize("crop", [False, True])
def test_the_split_is_the_one_of_an_independent_few_lines(drawn_set, crop):
    files = sorted(drawn_set.glob("*.png"))
    train, test = train_test_split(files, test_size=0.1, random_state=42)
    x_train, x_test, y_train, y_test = build_dataset(drawn_set, crop)
    assert len(x_train) == 27 and len(x_test) == 3
    np.testing.assert_array_equal(x_train, [encode_image(file, crop) for file in train])
    np.testing.assert_array_equal(x_test, [encode_image(file, crop) for file in test])
    assert y_train.tolist() == [encode_label(file.stem).tolist() for file in train]
    assert y_test.tolist() == [encode_label(file.stem).tolist() for file in test]


def test_the_real_set_has_the_promised_shapes_and_no_leak(real_set):
    x_train, x_test, y_train, y_test = build_dataset(real_set)
    assert x_train.shape == (936, 200, 50, 1) and x_test.shape == (104, 200, 50, 1)
    assert y_train.shape == (936, 5) and y_test.shape == (104, 5)
    assert not {image.tobytes() for image in x_train} & {image.tobytes() for image in x_test}
    assert not set(map(tuple, y_train)) & set(map(tuple, y_test))


def test_a_tenth_is_put_aside_and_the_seed_decides_which(drawn_set):
    x_train, x_test, _, y_test = build_dataset(drawn_set)
    assert len(x_train) == 27 and len(x_test) == 3
    assert build_dataset(drawn_set, seed=1)[3].tolist() != y_test.tolist()


def test_a_stream_holds_what_the_arrays_hold(drawn_set):
    samples = read_samples(drawn_set)
    batches = list(stream_dataset(samples, batch_size=8, crop=True))
    assert [len(labels) for _, labels in batches] == [8, 8, 8, 8, 2]
    images = np.concatenate([images for images, _ in batches])
    labels = np.concatenate([labels for _, labels in batches])
    expected = [encode_image(drawn_set / name, crop=True) for name in samples["file_name"]]
    np.testing.assert_array_equal(images, expected)
    assert labels.tolist() == [encode_label(label).tolist() for label in samples["label"]]


def test_a_stream_shuffles_anew_but_repeatably_and_loses_nothing(drawn_set):
    def two_passes():
        stream = stream_dataset(read_samples(drawn_set), batch_size=34, seed=3)
        return [next(iter(stream))[1].numpy().tolist() for _ in range(2)]

    first, second = two_passes()
    assert first != second and sorted(first) == sorted(second)
    in_order = [encode_label(label).tolist() for label in read_samples(drawn_set)["label"]]
    assert max(map(in_order.index, first[:8])) > 17  # among the first there are some of the second half
    tf.random.set_seed(5)  # what happened before must not matter
    assert two_passes() == [first, second]


def test_some_rows_of_a_table_can_be_streamed(drawn_set):
    samples = read_samples(drawn_set)
    some = samples[samples["extension"] == "jpg"].sample(3, random_state=0)
    _, labels = next(iter(stream_dataset(some, batch_size=8)))
    assert labels.numpy().tolist() == [encode_label(label).tolist() for label in some["label"]]


@pytest.mark.parametrize("names", [["3c7de.jpg"], ["2g7nm.png"]])
def test_too_few_images_to_split_are_told(tmp_path, drawn_set, names):
    for name in names:
        shutil.copy(drawn_set / name, tmp_path)
    with pytest.raises(ValueError, match="PNG files: expected two or more to split"):
        build_dataset(tmp_path)


def test_the_case_of_an_ending_does_not_matter(tmp_path, drawn_set):
    for file in drawn_set.glob("*.png"):
        shutil.copy(file, tmp_path / f"{file.stem}.PNG")
    for one, other in zip(build_dataset(tmp_path), build_dataset(drawn_set)):
        np.testing.assert_array_equal(one, other)


def test_a_bad_image_is_named_before_a_stream_starts(tmp_path, drawn_set):
    for name in ("2g7nm.png", "34pcn.png", "3c7de.jpg"):
        shutil.copy(drawn_set / name, tmp_path)
    (tmp_path / "34pcn.png").write_bytes((tmp_path / "34pcn.png").read_bytes()[:700])
    with pytest.raises(ValueError, match="34pcn.png cannot be read .*: expected a complete PNG") as e:
        stream_dataset(read_samples(tmp_path), 2)
    assert "\n" not in str(e.value)


@pytest.mark.parametrize("given", [["2g7nm.png"], "samples", None, pd.DataFrame({"label": ["2g7nm"]})])
def test_what_is_no_table_of_images_is_told(given):
    with pytest.raises(ValueError, match="is not a table of images: expected one from read_samples, wi"):
        stream_dataset(given, 8)


def test_labels_that_a_csv_file_made_numbers_of_are_told(drawn_set):
    samples = read_samples(drawn_set)
    for label in (22222, float("nan")):
        with pytest.raises(ValueError, match=f"^label {label} is not a text: expected one such as"):
            stream_dataset(samples.assign(label=label), 8)


def test_a_table_without_rows_is_told(drawn_set):
    with pytest.raises(ValueError, match="^the table names no images: expected one row or more$"):
        stream_dataset(read_samples(drawn_set)[:0], 8)


def test_a_table_that_lost_its_folder_is_told_what_to_do(tmp_path, drawn_set):
    samples = read_samples(drawn_set)
    samples.to_csv(tmp_path / "samples.csv", index=False)
    scores = pd.DataFrame({"file_name": samples["file_name"], "score": 1.0})
    for table in (pd.read_csv(tmp_path / "samples.csv"), samples.merge(scores, on="file_name")):
        with pytest.raises(ValueError, match=r"lost the folder .* in samples.attrs\['folder'\]$"):
            stream_dataset(table, 8)
        table.attrs["folder"] = str(drawn_set)
        assert len(next(iter(stream_dataset(table, 8)))[1]) == 8


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets any bytes be a name")
def test_a_folder_whose_name_is_not_utf_8_is_streamed(tmp_path, drawn_set):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    shutil.copytree(drawn_set, folder)
    images, _ = next(iter(stream_dataset(read_samples(folder), 34)))
    expected, _ = next(iter(stream_dataset(read_samples(drawn_set), 34)))
    np.testing.assert_array_equal(images, expected)


def test_a_bad_image_is_named_when_the_set_is_built(tmp_path, drawn_set):
    shutil.copy(drawn_set / "34pcn.png", tmp_path)
    (tmp_path / "2g7nm.png").write_text("hello")
    with pytest.raises(ValueError, match="2g7nm.png is not an image"):
        build_dataset(tmp_path)
