"""Keeping outputs and trained models, whatever the disk and other runs do."""

import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import platformdirs
import pytest
from keras import layers

from captcha_lib import build_cnn, build_cnn_lstm_ctc, workspace
from captcha_lib.files import write_labels
from captcha_lib.recipe import Recipe, build_recipe
from captcha_lib.workspace import (
    load_or_train,
    model_file,
    output_folder,
    save_model,
    written_beside,
)


def build_small(units=4, activation="relu"):
    """A model that is built in a moment."""
    image = keras.Input((3,))
    return keras.Model(image, layers.Dense(units, activation, kernel_initializer="ones")(image))


@pytest.fixture
def outputs(tmp_path, monkeypatch):
    monkeypatch.setenv("CAPTCHA_OUTPUT", str(tmp_path / "out"))
    return tmp_path / "out"


def never():
    pytest.fail("it is kept already")


# Models


def test_a_kept_model_is_loaded_with_its_seconds(outputs, drawn_set, capsys):
    model = build_small()
    model.set_weights([np.full((3, 4), 7.0), np.full(4, 2.0)])
    save_model(model, 12.34, model_file("small", drawn_set))
    loaded, seconds = load_or_train("small", drawn_set, build_small, never)
    assert seconds == 12.3 and capsys.readouterr().out == ""
    np.testing.assert_array_equal(loaded.get_weights()[0], np.full((3, 4), 7.0))


def spoil(kind, file):
    """Put something in place of a kept model."""
    if kind == "wider":
        save_model(build_small(units=5), 1, file)
    elif kind == "of other settings":
        save_model(build_small(activation="tanh"), 1, file)
    elif kind == "without its shape":
        build_small().save_weights(file)
    elif kind == "a folder":
        file.unlink()
        file.mkdir()
    else:
        whole = file.read_bytes()
        shorter = {"empty": b"", "cut": whole[: len(whole) // 2], "text": b"hello " * 1000}
        file.write_bytes(shorter[kind])


KINDS = ["wider", "of other settings", "without its shape", "a folder", "empty", "cut", "text"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_the_model_asked_for_is_named_left_alone_and_trained_anew(kind, outputs, drawn_set, capsys):
    file = model_file("small", drawn_set)
    save_model(build_small(), 1, file)
    spoil(kind, file)
    before = file.is_dir() or file.read_bytes()
    trained = []
    for _ in range(2):  # the second time the new one is there
        model, _ = load_or_train(
            "small",
            drawn_set,
            build_small,
            lambda: (trained.append(build_small()) or trained[0], None),
        )
        assert model.output_shape == (None, 4) and model.layers[-1].activation.__name__ == "relu"
    assert len(trained) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert line == f"{file} is damaged or holds another model: training one here takes a few minutes"
    assert (file.is_dir() or file.read_bytes()) == before


@pytest.mark.parametrize("build", [build_cnn, build_cnn_lstm_ctc, build_recipe])
def test_the_names_that_keras_counts_up_do_not_matter(build):
    keras.backend.clear_session()  # so that the first has no numbers in its names
    first, second = workspace.describe_shape(build()), workspace.describe_shape(build())
    assert first == second != workspace.describe_shape(build_recipe(Recipe(recurrent=True)))


def test_two_runs_that_finish_in_one_moment_both_keep_their_work(outputs, drawn_set, monkeypatch):
    file = model_file("small", drawn_set)
    slow, fast = build_small(), build_small()
    fast.set_weights([np.full((3, 4), 5.0), np.zeros(4)])
    save = keras.Model.save_weights

    def save_meanwhile(model, place):
        save(model, place)
        monkeypatch.setattr(keras.Model, "save_weights", save)
        save_model(fast, 2, file)
        loaded, _ = load_or_train("small", drawn_set, build_small, never)
        np.testing.assert_array_equal(loaded.get_weights()[0], 5)

    monkeypatch.setattr(keras.Model, "save_weights", save_meanwhile)
    save_model(slow, 1, file)
    loaded, seconds = load_or_train("small", drawn_set, build_small, never)
    np.testing.assert_array_equal(loaded.get_weights()[0], 1)
    assert seconds == 1 and [found.name for found in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("kind", ["cut", "a folder"])
def test_a_model_of_its_own_that_is_spoiled_is_named_too(kind, outputs, drawn_set, capsys):
    def train():
        return build_small(), None

    load_or_train("small", drawn_set, build_small, train)
    (own,) = model_file("small", drawn_set).parent.iterdir()
    spoil(kind, own)
    capsys.readouterr()
    load_or_train("small", drawn_set, build_small, train)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{own} is damaged or holds another model: training one here")
    assert len(lines) == 1 + (kind == "a folder")


def test_layers_that_are_joined_otherwise_make_another_model():
    def build(joined):
        image = keras.Input((4,))
        one, other = layers.Dense(4)(image), layers.Dense(4)(image)
        return keras.Model(image, layers.Add()([one, image if joined else other]))

    shapes = {workspace.describe_shape(build(joined)) for joined in (True, False, True)}
    assert len(shapes) == 2


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a limit that Linux keeps")
def test_without_room_for_the_weights_the_process_lives(outputs, drawn_set):
    """HDF5 crashes where the disk is full; a limit on the size of a file stands for that here."""
    program = """
import resource, signal, sys
from pathlib import Path
from captcha_lib.cnn import build_cnn
from captcha_lib.workspace import load_or_train
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
model, _ = load_or_train("cnn", Path(sys.argv[1]), build_cnn, lambda: (build_cnn(), None))
print(model.count_params(), sum(1 for _ in Path(sys.argv[2]).rglob("*.h5")))
"""
    command = [sys.executable, "-c", program, str(drawn_set), str(outputs)]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert told.stderr == "" and told.stdout.splitlines()[-1] == "2002835 0"
    assert re.match("Not kept: .* cannot be finished .File too large.: make room", told.stdout.splitlines()[1])


def full_disk(*_, **__):
    """Fail as HDF5 does, whose message has several lines."""
    raise OSError(errno.ENOSPC, "Can't write data (file write failed: time = now\n, errno = 28)")


def test_on_a_full_disk_a_trained_model_is_of_use_all_the_same(outputs, drawn_set, monkeypatch, capsys):
    monkeypatch.setattr(keras.Model, "save_weights", full_disk)
    model, seconds = load_or_train("small", drawn_set, build_small, lambda: (build_small(), None))
    assert model.output_shape == (None, 4) and seconds >= 0
    announced, told = capsys.readouterr().out.splitlines()
    assert announced.startswith("No small is saved for these images yet")
    assert told.startswith("Not kept: ") and "cannot be finished (No space left on device)" in told
    with pytest.raises(OSError, match=r"small.weights.h5 cannot be finished \(No space"):
        save_model(model, 1, model_file("small", drawn_set))
    assert not list(outputs.rglob("*.h5"))


# Writing


def test_a_block_that_fails_leaves_what_was_there(tmp_path):
    (tmp_path / "table.csv").write_text("old")
    with pytest.raises(OSError) as caught, written_beside(tmp_path / "table.csv") as unfinished:
        unfinished.write_text("half")
        full_disk()
    assert str(caught.value) == (
        f"{tmp_path / 'table.csv'} cannot be finished (No space left on device): make room there, and try again"
    )
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]
    assert (tmp_path / "table.csv").read_text() == "old"


def test_a_source_that_fails_is_named(tmp_path):
    message = r"copy cannot be finished \(.*: .*gone.png\)"
    with pytest.raises(OSError, match=message), written_beside(tmp_path / "copy") as unfinished:
        unfinished.write_bytes((tmp_path / "gone.png").read_bytes())
    assert list(tmp_path.iterdir()) == []


def test_no_mode_of_a_file_is_changed(tmp_path, monkeypatch):
    """Some file systems refuse it, exFAT and mounted Drives among them."""

    def refuse(*_, **__):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "chmod", refuse)
    monkeypatch.setattr(Path, "chmod", refuse)
    with written_beside(tmp_path / "folder") as unfinished:
        unfinished.mkdir()
        (unfinished / "file").touch()
    assert (tmp_path / "folder/file").exists()
    (tmp_path / "ordinary").mkdir()
    assert (tmp_path / "folder").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


# Where outputs go


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course folder that may not be written to, with the working directory in it, and a cache."""
    (tmp_path / "course/notebooks").mkdir(parents=True)
    (tmp_path / "course/pyproject.toml").touch()
    monkeypatch.chdir(tmp_path / "course/notebooks")
    monkeypatch.delenv("CAPTCHA_OUTPUT", raising=False)
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: tmp_path / "cache")
    monkeypatch.setattr(workspace, "say_once", workspace.cache(workspace.say))
    access, mkdir = os.access, Path.mkdir

    def locked(path):
        return (tmp_path / "course") in (Path(path), *Path(path).parents)

    def refuse(self, *rest, **more):
        if locked(self) and not self.exists():
            raise OSError(errno.EROFS, "Read-only file system", str(self))
        return mkdir(self, *rest, **more)

    monkeypatch.setattr(Path, "mkdir", refuse)
    monkeypatch.setattr(os, "access", lambda path, mode: not locked(path) and access(path, mode))
    return tmp_path / "course"


@pytest.mark.parametrize("built", [False, True])
def test_beside_a_course_that_is_read_only_outputs_go_to_the_cache(built, course, tmp_path, capsys):
    if built:  # by whoever shares it
        os.makedirs(course / "build/figures")
    folder = output_folder("figures")
    assert folder == tmp_path / "cache/outputs/figures" and folder.is_dir()
    output_folder("models")
    output_folder("figures")
    (line,) = capsys.readouterr().out.splitlines()
    assert line == f"{course / 'build'} cannot be written to: outputs go to {tmp_path / 'cache/outputs'}"


def test_outputs_without_any_place_are_an_error_of_one_line(course, tmp_path):
    (tmp_path / "cache").write_text("in the way")
    with pytest.raises(PermissionError, match="name a folder that you may write to in CAPTCHA_OUT"):
        output_folder("figures")


def test_a_place_that_is_named_is_not_replaced_by_another(course, monkeypatch):
    monkeypatch.setenv("CAPTCHA_OUTPUT", str(course / "mine"))
    with pytest.raises(PermissionError, match="mine.figures cannot be written to: name a folder"):
        output_folder("figures")


def test_home_is_meant_by_its_sign(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("CAPTCHA_OUTPUT", "~/my outputs")
    assert output_folder("figures") == tmp_path / "my outputs/figures"


# Names


def test_make_and_the_library_mean_the_same_folder():
    project = Path(__file__).resolve().parent.parent
    show = "include Makefile\nshow:\n\t@echo $$CAPTCHA_DATA; echo $$CAPTCHA_OUTPUT\n"
    for wanted, meant in [
        ("~/My Captchas", os.path.expanduser("~/My Captchas")),
        ("it's $HOME", str(project / "it's $HOME")),
        ("embedded", "embedded"),
        ("synthetic", "synthetic"),
        ("", ""),
    ]:
        made = subprocess.run(
            ["make", "-s", "-f", "-", "show", f"PYTHON={sys.executable}"],
            input=show,
            cwd=project,
            env=os.environ | {"CAPTCHA_DATA": wanted, "CAPTCHA_OUTPUT": wanted},
            capture_output=True,
            text=True,
        )
        assert made.stdout.splitlines() == [meant, meant]


# Keeping models


def test_a_model_is_trained_once_for_each_set_of_images(drawn_set, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CAPTCHA_OUTPUT", str(tmp_path / "out"))
    trained = build_cnn()
    model, seconds = load_or_train("cnn", drawn_set, build_cnn, lambda: (trained, None))
    assert capsys.readouterr().out == "No cnn is saved for these images yet: training one here takes a few minutes\n"
    again, same = load_or_train("cnn", drawn_set, build_cnn, lambda: pytest.fail("it is saved"))
    assert capsys.readouterr().out == "" and seconds == same
    for one, other in zip(again.get_weights(), trained.get_weights()):
        np.testing.assert_array_equal(one, other)
    folder = tmp_path / "others"
    folder.mkdir()
    (folder / "2g7nm.png").write_bytes((drawn_set / "2g7nm.png").read_bytes())
    fewer = model_file("cnn", folder)
    assert fewer != model_file("cnn", drawn_set)
    names = ["2g7nm.png", "3c7de.jpg"]
    (folder / names[1]).write_bytes((drawn_set / names[1]).read_bytes())
    files = {fewer, model_file("cnn", folder)}
    for labels in (["2g7nm", "3c7de"], ["2g7nm", "3c7dd"]):
        write_labels(folder, names, labels)
        files.add(model_file("cnn", folder))
    assert len(files) == 4
