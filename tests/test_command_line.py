import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from captcha_lib import reader as module
from captcha_lib.__main__ import main
from captcha_lib.files import list_images
from captcha_lib.reader import BATCH_SIZE, Reader, read_captcha


@pytest.fixture(scope="module")
def reader():
    return Reader.load()


def make_bad_file(folder, kind):
    """A file that is not a captcha image, and what the message must say."""
    file = folder / f"{kind}.png"
    grey = Image.fromarray(np.full((50, 200), 200, "uint8"))
    if kind == "missing":
        return file, "does not exist: expected"
    if kind == "directory":
        file.mkdir()
        return file, "holds no images: expected"
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
    assert len(lines) == 1
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


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no such device here")
def test_readings_that_find_no_room_are_told_in_one_line(drawn_set):
    with open("/dev/full", "w") as full:
        told = subprocess.run(
            [sys.executable, "-m", "captcha_lib", "read", str(list_images(drawn_set)[0])],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert told.returncode == 1
    assert told.stderr == "the readings cannot be written: [Errno 28] No space left on device\n"


def test_the_command_asks_for_images(capsys):
    for arguments in ([], ["read"]):
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 2
    assert "IMAGE" in capsys.readouterr().err


@pytest.mark.parametrize("size", [("0", "20"), ("100", "-5"), ("100", "20.5")])
def test_a_size_is_a_number_of_pixels(size, capsys):
    with pytest.raises(SystemExit):
        main(["train", "images", "--resize", *size])
    assert "is no number of pixels: expected 1 or more" in capsys.readouterr().err


# What stands for several images


def read_lines(capsys, *arguments):
    """The files, texts and confidences that `read` prints, and what it says on stderr."""
    main(["read", *map(str, arguments)])
    out, err = capsys.readouterr()
    return [line.split("\t") for line in out.splitlines()], err


def test_a_folder_a_pattern_and_names_on_standard_input_stand_for_their_images(drawn_set, capsys, monkeypatch):
    files = list_images(drawn_set)
    singly, _ = read_lines(capsys, *files)
    assert [line[0] for line in singly] == list(map(str, files))
    assert read_lines(capsys, drawn_set) == (singly, "")
    png = [line for line in singly if line[0].endswith(".png")]
    assert read_lines(capsys, drawn_set / "*.png") == (png, "")
    monkeypatch.setattr(sys, "stdin", io.StringIO("\r\n".join(map(str, files)) + "\n\n"))
    assert read_lines(capsys, "-") == (singly, "")


def test_names_that_stand_for_no_image_are_told_and_the_others_read(tmp_path, drawn_set, capsys):
    file = list_images(drawn_set)[0]
    (tmp_path / "empty").mkdir()
    assert main(["read", str(tmp_path / "*.png"), str(tmp_path / "empty"), str(file)]) == 1
    out, err = capsys.readouterr()
    assert err.splitlines() == [
        f"{tmp_path / '*.png'} fits no file: expected the names of images",
        f"{tmp_path / 'empty'} holds no images: expected PNG or JPEG files directly in it",
    ]
    assert out.startswith(f"{file}\t")


def test_a_file_called_like_a_pattern_is_a_file(tmp_path, drawn_set, capsys):
    file = tmp_path / "[1].png"
    file.write_bytes(list_images(drawn_set)[0].read_bytes())
    lines, err = read_lines(capsys, file)
    assert lines[0][0] == str(file) and err == ""


def test_json_has_an_object_for_each_image(drawn_set, capsys):
    lines, _ = read_lines(capsys, drawn_set)
    assert main(["read", "--json", str(drawn_set)]) == 0
    objects = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [[one["file"], one["text"]] for one in objects] == [line[:2] for line in lines]
    told = [float(line[2].removesuffix("%")) / 100 for line in lines]
    assert [one["confidence"] for one in objects] == pytest.approx(told, abs=6e-4)


def test_several_processes_read_the_same_in_the_same_order(tmp_path, drawn_set, capsys, monkeypatch):
    monkeypatch.setattr(module, "PART_SIZE", 5)
    bad = tmp_path / "bad.png"
    bad.touch()
    files = [*list_images(drawn_set)[:12], bad, *list_images(drawn_set)[12:]]
    singly, told = read_lines(capsys, *files)
    assert len(singly) == 34 and told.startswith(f"{bad} is not an image")
    assert read_lines(capsys, "--jobs", 2, *files) == (singly, told)


def test_readings_are_printed_while_names_still_come(drawn_set):
    """After the first batch, before the last name."""
    files = list_images(drawn_set)
    command = [sys.executable, "-m", "captcha_lib", "read", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        for number in range(BATCH_SIZE):
            print(files[number % len(files)], file=process.stdin)
        process.stdin.flush()
        assert process.stdout.readline().startswith(f"{files[0]}\t")
        process.stdin.close()
        assert len(process.stdout.readlines()) == BATCH_SIZE - 1


# Without what trains

READ_WITHOUT = """
import sys

for name in "tensorflow keras onnx sklearn scipy matplotlib fontTools tqdm h5py platformdirs joblib".split():
    sys.modules[name] = None  # as if it were not there

from captcha_lib.__main__ import main

sys.exit(main(sys.argv[1:]))
"""


def test_reading_needs_the_base_packages_alone(drawn_set, capsys):
    lines, _ = read_lines(capsys, drawn_set)
    done = subprocess.run(
        [sys.executable, "-c", READ_WITHOUT, "read", str(drawn_set)], capture_output=True, text=True, check=True
    )
    assert [line.split("\t") for line in done.stdout.splitlines()] == lines and done.stderr == ""


def test_what_needs_more_says_what_to_install(drawn_set):
    by_name = READ_WITHOUT.replace("sys.exit(main(sys.argv[1:]))", "from captcha_lib import train_recipe")
    for program in (READ_WITHOUT, by_name):
        done = subprocess.run([sys.executable, "-c", program, "train", drawn_set], capture_output=True, text=True)
        assert done.returncode == 1 and done.stdout == ""
        assert done.stderr.splitlines()[-1].endswith(": expected what `pip install 'captcha_lib[course]'` installs")
