import errno
import json
import os
import pickle
import tempfile
from dataclasses import asdict
from importlib import metadata
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import joblib
import keras
import numpy as np
import onnx
import pandas as pd
import pytest
from digests import PROJECT  # from notebooks/
from distributed import Client, LocalCluster
from PIL import Image
from scipy import ndimage

from captcha_lib import encode_image, exact_match, recipe, write_samples
from captcha_lib import reader as module
from captcha_lib.__main__ import main
from captcha_lib.decoding import text_probability
from captcha_lib.export import export_onnx
from captcha_lib.family import COURSE, check_label
from captcha_lib.files import digest, list_images
from captcha_lib.reader import (
    BATCH_SIZE,
    FORMAT,
    PART_SIZE,
    SHIPPED,
    Reader,
    list_doubtful_labels,
    read_batch,
    read_captcha,
    read_captchas,
    read_in_batches,
    read_in_parallel,
    read_moved,
)
from captcha_lib.recipe import build_recipe
from captcha_lib.samples import read_samples

# Reading files


@pytest.fixture(scope="module")
def model():
    """A recipe that has seen no image: it reads nonsense, but the same nonsense every time."""
    keras.utils.set_random_seed(3)
    return build_recipe()


def test_a_second_look_is_the_mean_of_nine_places():
    """What the stand-in for a model answers is the image itself; SciPy moves it as an oracle."""
    image = np.random.default_rng(0).random((12, 9, 1))
    places = [(x, y) for x in (-2, 0, 2) for y in (-2, 0, 2)]
    moved = [ndimage.shift(image, (*place, 0), order=0, mode="nearest") for place in places]
    echo = SimpleNamespace(predict_on_batch=lambda views: views)
    np.testing.assert_allclose(read_moved(echo, image), [np.mean(moved, axis=0)])


def test_only_readings_in_doubt_are_looked_at_again():
    """A model that is sure of light images and in doubt of dark ones, in which it sees another text when they move."""
    looked_at = []

    def predict(images):
        looked_at.append(len(images))
        columns = np.full((len(images), 9, 20), 1e-4)
        columns[:, 1::2, 19] = 1
        for place, (character, other) in enumerate(zip("2b3c4", "2b3c5")):
            columns[:, 2 * place, COURSE.alphabet.index(character)] = 1
            columns[images[:, 0, 0, 0] < 0.5, 2 * place, COURSE.alphabet.index(other)] = 0.8
        columns[images[:, 5, 5, 0] < 0.1, 8] = np.eye(20)[COURSE.alphabet.index("5")]
        return columns / columns.sum(axis=2, keepdims=True)

    images = np.ones((4, 200, 50, 1))
    images[2] = 0.3
    images[2, 3:8:2, 3:8:2] = 0  # on (5, 5) once it has moved
    images[2, 5, 5] = 0.3
    texts, confidences = read_batch(SimpleNamespace(predict_on_batch=predict), images)
    assert texts == ["2b3c4", "2b3c4", "2b3c5", "2b3c4"] and looked_at == [4, 9]
    assert (confidences[[0, 1, 3]] > 0.98).all() and 0.9 < confidences[2] < 0.94


def test_files_are_read_in_the_order_given(drawn_set, model):
    files = 2 * list_images(drawn_set)[::-1]  # more than one batch
    table = read_captchas(model, files)
    assert list(table["file"]) == [str(file) for file in files]
    assert list(table["text"]) == [read_captcha(model, file) for file in files]
    assert table["confidence"].between(0, 1).all()
    images = np.array([encode_image(file) for file in files])
    again = np.concatenate([read_moved(model, image) for image in images])  # it is in doubt of every image
    expected = text_probability(again, list(table["text"]))
    np.testing.assert_allclose(table["confidence"], expected, rtol=1e-3)


def test_whatever_names_files_is_read(drawn_set, model):
    file = drawn_set / "2g7nm.png"
    expected = read_captchas(model, [file])
    for paths in (file, str(file), (file,), drawn_set.glob("2g7nm.*"), pd.Series([str(file)])):
        pd.testing.assert_frame_equal(read_captchas(model, paths), expected)


def test_a_file_that_cannot_be_read_is_named(tmp_path, drawn_set, model):
    with pytest.raises(FileNotFoundError, match="gone.png does not exist"):
        read_captchas(model, [list_images(drawn_set)[0], tmp_path / "gone.png"])


# Readers as files


def test_a_reader_reads_as_the_model_it_was_made_of(drawn_set, model, tmp_path):
    reader = Reader.from_model(model, made="for a test")
    reader.save(tmp_path / "own.onnx")
    loaded = Reader.load(tmp_path / "own.onnx")
    assert (loaded.family, loaded.made, loaded.held_out) == (COURSE, "for a test", None)
    files = list_images(drawn_set)
    expected = read_captchas(model, files)
    for one in (reader, loaded, pickle.loads(pickle.dumps(loaded))):
        table = one.read(files)
        assert list(table["text"]) == list(expected["text"])
        np.testing.assert_allclose(table["confidence"], expected["confidence"], atol=1e-5)


def test_a_file_holds_no_path_of_the_machine_that_wrote_it(model, tmp_path):
    content = Reader.from_model(model).content
    for path in (Path.home(), PROJECT, Path(keras.__file__).parent, Path(tempfile.gettempdir()), tmp_path):
        assert os.fsencode(path) not in content


def test_a_copy_that_was_not_installed_makes_readers_all_the_same(model, monkeypatch):
    def version(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(module.metadata, "version", version)
    assert Reader.from_model(model).family == COURSE


def tell(model, **about):
    """The bytes of a reader whose file says something else of itself."""
    network = onnx.load_model_from_string(Reader.from_model(model).content)
    kept = {one.key: one.value for one in network.metadata_props} | about
    onnx.helper.set_model_props(network, {key: value for key, value in kept.items() if value is not None})
    return network.SerializeToString()


BAD = {
    "missing": "does not exist",
    "folder": "is a folder",
    "empty": "holds no reader",
    "text": "holds no reader",
    "cut short": "holds no reader",
    "weights": "holds no reader",
    "another network": "holds no reader",
    "no family": "holds no reader",
    "not how it was made": "holds no reader",
    "a family that cannot be": "holds no reader",
    "another family": "holds a network that does not fit its own family of images",
    "a newer one": "holds a reader of a newer captcha_lib",
}


@pytest.mark.parametrize("kind", BAD)
def test_a_file_that_holds_no_reader_is_named_in_one_line(kind, model, tmp_path, capfd):
    file = tmp_path / "other.onnx"
    family = json.dumps(asdict(COURSE))
    contents = {
        "empty": lambda: b"",
        "text": lambda: b"2g7nm",
        "cut short": lambda: Reader.load().content[:100_000],
        "another network": export_onnx(model).SerializeToString,
        "no family": lambda: tell(model, family=None),
        "not how it was made": lambda: tell(model, made=None),
        "a family that cannot be": lambda: tell(model, family=family.replace("200", "2")),
        "another family": lambda: tell(model, family=family.replace("200", "204")),
        "a newer one": lambda: tell(model, format=str(FORMAT + 1), family=None),
    }
    if kind == "folder":
        file.mkdir()
    elif kind == "weights":
        model.save_weights(tmp_path / "own.weights.h5")
        file = tmp_path / "own.weights.h5"
    elif kind != "missing":
        file.write_bytes(contents[kind]())
    capfd.readouterr()
    assert main(["read", "--reader", str(file), "x.png"]) == 1
    out, err = capfd.readouterr()
    assert out == "" and err == f"{file} {BAD[kind]}: expected a file that `train --save` has written\n"


def test_a_reader_for_which_there_is_no_room_leaves_nothing(tmp_path, monkeypatch):
    def write_bytes(file, content):
        file.touch()
        raise OSError(errno.ENOSPC, "No space left on device", str(file))

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    with pytest.raises(OSError, match=r"own.onnx cannot be finished \(No space left on device\): make room there"):
        Reader.load().save(tmp_path / "own.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_cluster_reads_the_same_in_the_same_order_and_in_parts(drawn_set, monkeypatch):
    monkeypatch.setattr(module, "PART_SIZE", 5)
    reader, files = Reader.load(), list_images(drawn_set)
    expected = list(read_in_batches(reader, files))
    asked = []
    settings = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0", "silence_logs": 50}
    with LocalCluster(**settings) as cluster, Client(cluster), joblib.parallel_config("dask"):
        found = list(read_in_parallel(reader, (asked.append(file) or file for file in files)))
    assert found == expected and asked == files
    with pytest.raises(FileNotFoundError, match="gone.png does not exist"):
        list(read_in_parallel(reader, [*files, drawn_set / "gone.png"]))


def test_any_number_of_files_is_read_a_few_at_a_time(drawn_set):
    """In constant memory: of names without end only those of a batch, or of a few parts, are taken at once."""
    file, asked = list_images(drawn_set)[0], count()
    for read, most in ((read_in_batches, BATCH_SIZE), (read_in_parallel, 4 * PART_SIZE)):
        before = next(asked)
        readings = read(Reader.load(), (file for _ in asked))
        for _ in range(10):
            assert next(readings)[0] == file
        assert next(asked) - before <= most + 2


def test_one_path_is_one_file(drawn_set):
    file = list_images(drawn_set)[0]
    for read in (read_in_batches, read_in_parallel):
        for one in (file, str(file)):
            assert [path for path, *_ in read(Reader.load(), one)] == [one]


def test_a_worker_opens_the_same_reader_once():
    sent = pickle.dumps(Reader.load())
    assert pickle.loads(sent) is pickle.loads(sent)


def test_the_seed_decides_what_is_held_out_and_how_is_trained(drawn_set, monkeypatch):
    trained_with = []

    def leave_untrained(batches, epochs, seed, family):
        trained_with.append(seed)
        return build_recipe(family=family), None

    monkeypatch.setattr(recipe, "train_recipe", leave_untrained)
    held_out = [list(Reader.train(drawn_set, seed=seed).held_out["file"]) for seed in (0, 1, 1)]
    assert trained_with == [0, 1, 1] and held_out[0] != held_out[1] == held_out[2]


def test_images_that_do_not_fit_the_readers_family_are_named(tmp_path):
    Image.new("L", (100, 50)).save(tmp_path / "2g7nm.png")
    with pytest.raises(ValueError, match="2g7nm.png is 100 x 50 pixels: expected 200 x 50"):
        Reader.load().read(tmp_path / "2g7nm.png")


# The reader that ships


def test_the_reader_that_ships_is_small_and_says_that_it_has_seen_drawings_alone():
    assert SHIPPED.stat().st_size <= 800_000
    reader = Reader.load()
    assert reader.family == COURSE and "drawings in random styles" in reader.made and "no image" in reader.made


def test_the_reader_that_ships_is_the_one_that_was_measured():
    """docs/results.md says under its table whether the generator and the recipe have changed since."""
    table = pd.read_csv(PROJECT / "figures/tables/reader.csv", comment="#", dtype=str)
    assert set(table["file"]) == {digest([SHIPPED])[:16]}, "the file and its table differ: run `make reader`"


def test_the_reader_that_ships_reads_drawings(tmp_path):
    folder = write_samples(tmp_path / "drawn", png=200, jpg=0, seed=5)
    table = Reader.load().read(list_images(folder))
    assert exact_match(table["text"], [Path(file).stem for file in table["file"]]) > 0.95


def test_the_reader_that_ships_reads_the_real_set(real_set):
    files = list_images(real_set)
    table = Reader.load().read(files)
    png = [file.suffix == ".png" for file in files]
    assert exact_match(table["text"][png], [file.stem for file in files if file.suffix == ".png"]) > 0.97


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
