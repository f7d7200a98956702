import io
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from captcha_lib import reader as module
from captcha_lib.__main__ import main
from captcha_lib.files import list_images
from captcha_lib.reader import read_captcha
from captcha_lib.recipe import build_recipe


@pytest.fixture
def reader(monkeypatch):
    """An untrained model in place of the trained one, and a line said on the way to it."""
    model = build_recipe()

    def load_reader():
        print("Images from somewhere")
        return model

    monkeypatch.setattr(module, "load_reader", load_reader)
    return model


def make_bad_file(folder, kind):
    """A file that is not a captcha image, and what the message must say."""
    file = folder / f"{kind}.png"
    grey = Image.fromarray(np.full((50, 200), 200, "uint8"))
    if kind == "missing":
        return file, "does not exist: expected"
    if kind == "directory":
        file.mkdir()
        return file, "is a folder: expected"
    if kind == "text":
        file.write_text("2g7nm")
        return file, "is not an image: expected"
    if kind == "empty":
        file.touch()
        return file, "is not an image: expected"
    if kind == "truncated":
        grey.save(file)
        file.write_bytes(file.read_bytes()[:60])
        return file, "cannot be read"
    if kind == "16 bits":
        Image.fromarray(np.full((50, 200), 40_000, "uint16")).save(file)
        return file, "more than 8 bits a channel: expected 8"
    side = {"small": 1, "large": 10_000}[kind]
    Image.new("L", (side, side)).save(file)
    return file, f"is {side} x {side} pixels: expected 200 x 50"


KINDS = ["missing", "directory", "text", "empty", "truncated", "16 bits", "small", "large"]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", KINDS)
def test_a_bad_file_is_named_in_one_line_and_the_others_are_read(kind, tmp_path, drawn_set, reader, capsys):
    bad, message = make_bad_file(tmp_path, kind)
    before, after = list_images(drawn_set)[:2]
    assert main(["read", str(before), str(bad), str(after)]) == 1
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert len(lines) == 2 and lines[1] == "Images from somewhere"
    assert lines[0].startswith(str(bad)) and message in lines[0]
    readings = [line.split("\t") for line in out.splitlines()]
    assert [reading[:2] for reading in readings] == [
        [str(file), read_captcha(reader, file)] for file in (before, after)
    ]
    assert all(reading[2].endswith("%") for reading in readings)


@pytest.mark.parametrize("mode", ["CMYK", "RGBA", "LA", "P"])
def test_images_of_other_modes_are_read_as_grey_ones(mode, tmp_path, drawn_set, reader, capsys):
    grey = Image.open(list_images(drawn_set)[0]).convert("L")
    grey.save(tmp_path / "grey.png")
    grey.convert(mode).save(tmp_path / "other.tif")
    assert main(["read", str(tmp_path / "grey.png"), str(tmp_path / "other.tif")]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.split("\t")[1:] == second.split("\t")[1:]


def test_of_an_animation_the_first_picture_is_read(tmp_path, drawn_set, reader, capsys):
    first, second = (Image.open(file).convert("L") for file in list_images(drawn_set)[:2])
    first.save(tmp_path / "first.gif")
    first.save(tmp_path / "both.gif", save_all=True, append_images=[second])
    assert main(["read", str(tmp_path / "first.gif"), str(tmp_path / "both.gif")]) == 0
    alone, animated = capsys.readouterr().out.splitlines()
    assert alone.split("\t")[1:] == animated.split("\t")[1:]


@pytest.mark.parametrize("name", ["验证码", os.fsdecode(b"caf\xe9")])
def test_a_name_that_the_console_cannot_show_stops_no_reading(name, tmp_path, drawn_set, reader, monkeypatch):
    first, second = list_images(drawn_set)[:2]
    try:
        (tmp_path / name).mkdir()
    except OSError:
        pytest.skip("no folder can have such a name here")
    odd = tmp_path / name / first.name
    odd.write_bytes(first.read_bytes())
    console = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr(sys, "stdout", console)
    assert main(["read", str(odd), str(second)]) == 0
    console.seek(0)
    lines = console.read().splitlines()
    escaped = str(odd).encode("cp1252", "backslashreplace").decode("cp1252")
    assert lines[0].startswith(f"{escaped}\t{read_captcha(reader, first)}\t")
    assert lines[1].startswith(f"{second}\t{read_captcha(reader, second)}\t")


def test_a_file_that_vanishes_meanwhile_is_named(tmp_path, drawn_set, monkeypatch, capsys):
    file = tmp_path / "2g7nm.png"
    file.write_bytes((drawn_set / file.name).read_bytes())
    monkeypatch.setattr(module, "load_reader", lambda: file.unlink() or build_recipe())
    assert main(["read", str(file)]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err == f"{file} does not exist: expected a PNG or JPEG file\n"


UNTRAINED = """
import sys
from captcha_lib import reader as module
from captcha_lib.__main__ import main
from captcha_lib.recipe import build_recipe

module.load_reader = build_recipe
sys.exit(main(["read", sys.argv[1]]))
"""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no such device here")
def test_readings_that_find_no_room_are_told_in_one_line(drawn_set):
    with open("/dev/full", "w") as full:
        told = subprocess.run(
            [sys.executable, "-c", UNTRAINED, str(list_images(drawn_set)[0])],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert told.returncode == 1
    assert told.stderr == "the readings cannot be written: [Errno 28] No space left on device\n"


def test_a_bad_image_to_train_on_is_named_in_one_line(tmp_path, drawn_set, monkeypatch, capfd):
    monkeypatch.setenv("CAPTCHA_DATA", str(tmp_path / "images"))
    monkeypatch.setenv("CAPTCHA_OUTPUT", str(tmp_path))
    (tmp_path / "images").mkdir()
    good, bad = (tmp_path / "images" / name for name in ("2g7nm.png", "34pcn.png"))
    good.write_bytes((drawn_set / good.name).read_bytes())
    bad.write_bytes((drawn_set / bad.name).read_bytes()[:700])
    assert main(["read", str(good)]) == 1
    out, err = capfd.readouterr()
    assert out == "" and err.splitlines()[-1].startswith(f"{bad} cannot be read (")
    assert len(err.splitlines()) == 2 and err.startswith("Images from the path in CAPTCHA_DATA")


def test_without_a_readable_file_nothing_is_trained(tmp_path):
    command = [sys.executable, "-m", "captcha_lib", "read", str(tmp_path / "gone.png")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == f"{tmp_path / 'gone.png'} does not exist: expected a PNG or JPEG file\n"


def test_a_folder_to_train_on_that_is_missing_is_named(tmp_path, drawn_set, monkeypatch, capsys):
    monkeypatch.setenv("CAPTCHA_DATA", str(tmp_path / "nowhere"))
    monkeypatch.setenv("CAPTCHA_OUTPUT", str(tmp_path))
    assert main(["read", str(list_images(drawn_set)[0])]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.splitlines()[-1].startswith(f"{tmp_path / 'nowhere'} does not exist")


def test_the_command_asks_for_images(capsys):
    for arguments in ([], ["read"]):
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 2
    assert "IMAGE" in capsys.readouterr().err
