import errno
import os
import re
import shutil
import sys
import types
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from captcha_lib import (
    ALPHABET,
    count_characters,
    download_samples,
    encode_image,
    locate_samples,
    read_samples,
    render_captcha,
)
from captcha_lib import sources as module
from captcha_lib.samples import digest, list_images, open_image
from captcha_lib.sources import REAL_SET_DIGEST


def zip_of(folder, archive, prefixes):
    with zipfile.ZipFile(archive, "w") as opened:
        for prefix in prefixes:
            for file in sorted(folder.iterdir()):
                opened.write(file, prefix + file.name)
    return archive


# Where the images come from


def test_the_synthetic_set_is_drawn_once_and_said_so(nowhere, capsys):
    folder = locate_samples()
    assert (
        capsys.readouterr().out
        == "Images from the synthetic set: 7 files, 5 PNG and 2 JPEG\n"
    )
    marked = folder / "2g7nm.png"
    marked.touch()
    before = marked.stat().st_mtime_ns
    assert locate_samples() == folder and marked.stat().st_mtime_ns == before


def test_sources_are_tried_in_their_order(nowhere, drawn_set, monkeypatch, capsys):
    def source():
        locate_samples()
        return capsys.readouterr().out.split(":")[0]

    places = [
        (nowhere / "downloaded", "an earlier download"),
        (module.DRIVE / "captcha-version-2-images", "Google Drive"),
        (module.DRIVE / "DataSet/captcha/samples/samples", "Google Drive"),
        (
            module.KAGGLE_INPUT / "datasets/fournierp/captcha-version-2-images/samples",
            "Kaggle's input folder",
        ),
    ]
    for place, name in places:
        shutil.copytree(drawn_set, place)
        assert source() == f"Images from {name}"
    assert locate_samples() == places[-1][0]
    monkeypatch.setenv("CAPTCHA_DATA", str(drawn_set))
    capsys.readouterr()
    assert source() == "Images from the path in CAPTCHA_DATA"
    assert locate_samples(places[0][0]) == places[0][0]
    monkeypatch.setenv("CAPTCHA_DATA", "synthetic")
    capsys.readouterr()
    assert source() == "Images from the synthetic set"


@pytest.mark.parametrize("place", ["", "datasets/owner"])
def test_other_data_on_kaggle_does_not_disturb(nowhere, drawn_set, place, capsys):
    other = module.KAGGLE_INPUT / place / "a-course/figures"
    other.mkdir(parents=True)
    (other / "eight_images.png").write_bytes(b"a picture")
    zip_of(drawn_set / "..", other / "other.zip", [])
    locate_samples()
    assert "synthetic" in capsys.readouterr().out
    shutil.copytree(drawn_set, module.KAGGLE_INPUT / place / "set/samples/samples")
    shutil.copytree(drawn_set, module.KAGGLE_INPUT / place / "set/samples", dirs_exist_ok=True)
    assert locate_samples() == module.KAGGLE_INPUT / place / "set/samples"
    assert "Kaggle's input folder: 34 files" in capsys.readouterr().out


def test_a_zip_inside_a_folder_is_found(nowhere, drawn_set, capsys):
    folder = module.KAGGLE_INPUT / "deep/inside"
    folder.mkdir(parents=True)
    zip_of(drawn_set / "..", folder / "a.zip", [])
    zip_of(drawn_set, folder / "b.zip", ["samples/samples/", "samples/"])
    locate_samples()
    assert "Kaggle's input folder: 34 files" in capsys.readouterr().out


# A mounted Drive


def test_a_drive_folder_is_copied_once_and_without_what_else_lies_there(nowhere, drawn_set, capsys):
    on_drive = module.DRIVE / "captcha-version-2-images"
    shutil.copytree(drawn_set, on_drive)
    shutil.copytree(drawn_set, on_drive / "samples")
    for number in range(1000):
        (on_drive / f"holiday {number}.jpg").write_text("a photo")
    folder = locate_samples()
    captured = capsys.readouterr()
    assert captured.out.startswith("1,000 other files in ") and "34 files, 30 PNG" in captured.out
    assert "copying images: 100%" in captured.err
    assert nowhere in folder.parents and digest(list_images(folder)) == digest(
        list_images(drawn_set)
    )
    assert locate_samples() == folder and "copying" not in capsys.readouterr().err
    (on_drive / "22222.png").write_bytes((on_drive / "2g7nm.png").read_bytes())
    assert len(list_images(locate_samples())) == 35


def test_half_a_zip_on_the_drive_is_named_and_the_synthetic_set_serves(nowhere, drawn_set, capsys):
    module.DRIVE.mkdir(parents=True)
    archive = zip_of(drawn_set, module.DRIVE / "captcha-version-2-images.zip", [""])
    archive.write_bytes(archive.read_bytes()[:3000])
    locate_samples()
    lines = capsys.readouterr().out.splitlines()
    assert re.match("Not used: .*images.zip is no complete zip .*: upload or fetch it", lines[0])
    assert lines[-1] == "Images from the synthetic set: 7 files, 5 PNG and 2 JPEG"


def test_an_interrupted_copy_is_not_taken_for_a_whole_one(nowhere, drawn_set, monkeypatch):
    shutil.copytree(drawn_set, module.DRIVE / "captcha-version-2-images")
    left = iter(range(10))

    def read(file, original=type(drawn_set).read_bytes):
        next(left)  # StopIteration after ten files
        return original(file)

    monkeypatch.setattr(type(drawn_set), "read_bytes", read)
    with pytest.raises(StopIteration):
        locate_samples()
    assert list(nowhere.iterdir()) == []


def test_where_no_images_are_the_next_step_is_said(nowhere, monkeypatch, capsys):
    def advice():
        locate_samples()
        return capsys.readouterr().out.splitlines()[:-1]

    assert advice() == []
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    assert advice() == [
        "For images on your Drive: run the cell that mounts it, then this one again"
    ]
    module.DRIVE.mkdir(parents=True)
    (advised,) = advice()
    assert "put captcha-version-2-images, a folder or a zip, at the top of your Drive" in advised
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")
    assert advice() == ["For the real images: Add Input, then fournierp/captcha-version-2-images"]


@pytest.fixture
def broken_place(monkeypatch):
    """A function that makes a folder, and what lies in it, fail at every touch with an error of this number."""

    def break_place(place, number):
        def broken(call):
            def answer(path=".", *rest, **more):
                if isinstance(path, (str, os.PathLike)) and os.fspath(path).startswith(str(place)):
                    raise OSError(number, os.strerror(number), os.fspath(path))
                return call(path, *rest, **more)

            return answer

        for name in ("stat", "lstat", "scandir", "listdir"):
            monkeypatch.setattr(os, name, broken(getattr(os, name)))

    return break_place


@pytest.mark.parametrize("number", [errno.ENOTCONN, errno.EIO, errno.EACCES])
def test_a_dead_drive_does_not_end_the_search(nowhere, drawn_set, broken_place, number, capsys):
    shutil.copytree(drawn_set, module.DRIVE / "captcha-version-2-images")
    shutil.copytree(drawn_set, nowhere / "downloaded")
    broken_place(module.DRIVE, number)
    assert locate_samples() == nowhere / "downloaded"
    *passed_over, found = capsys.readouterr().out.splitlines()
    assert found.startswith("Images from an earlier download: 34 files")
    assert all(line.startswith("Not used: ") for line in passed_over) and len(passed_over) <= 1


def test_a_drive_that_dies_during_the_copy_is_passed_over(nowhere, drawn_set, monkeypatch, capsys):
    shutil.copytree(drawn_set, module.DRIVE / "captcha-version-2-images")
    read, left = Path.read_bytes, iter(range(10))

    def read_ten(file):
        if module.DRIVE in file.parents and next(left, None) is None:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN), str(file))
        return read(file)

    monkeypatch.setattr(Path, "read_bytes", read_ten)
    folder = locate_samples()
    passed_over, *_, found = capsys.readouterr().out.splitlines()
    assert re.match(
        f"Not used: .* cannot be finished .*{re.escape(str(module.DRIVE))}", passed_over
    )
    assert found.startswith("Images from the synthetic set")
    assert [place for place in nowhere.iterdir()] == [folder]


# Folders and zips


def test_a_folder_that_may_not_be_opened_does_not_end_the_search(
    tmp_path, drawn_set, broken_place, capsys
):
    (tmp_path / "set/a").mkdir(parents=True)
    shutil.copytree(drawn_set, tmp_path / "set/b/samples")
    broken_place(tmp_path / "set/a", errno.EACCES)
    assert locate_samples(tmp_path / "set") == tmp_path / "set/b/samples"
    broken_place(tmp_path / "set/b", errno.EACCES)
    message = "set.a cannot be opened .Permission denied.: expected captcha images in a folder that"
    with pytest.raises(PermissionError, match=message):
        locate_samples(tmp_path / "set")


def test_a_bad_zip_beside_a_good_one_is_named_and_passed_over(nowhere, drawn_set, capsys):
    module.KAGGLE_INPUT.mkdir()
    bad = zip_of(drawn_set, module.KAGGLE_INPUT / "a.zip", [""])
    bad.write_bytes(bad.read_bytes()[:3000])
    (module.KAGGLE_INPUT / "b.zip").write_text("no zip")
    zip_of(drawn_set, module.KAGGLE_INPUT / "c.zip", [""])
    assert len(list_images(locate_samples())) == 34
    cut, text, found = capsys.readouterr().out.splitlines()
    assert re.match("Not used: .*a.zip is no complete zip .*: upload or fetch it again$", cut)
    assert re.match("Not used: .*b.zip is no zip: expected a folder of images, or a zip of o", text)
    assert found.startswith("Images from Kaggle's input folder: 34 files")


def test_a_zip_with_backslashes_is_unpacked(nowhere, tmp_path, drawn_set):
    """Windows PowerShell 5 writes them."""
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as opened:
        for file in drawn_set.iterdir():
            for prefix in ("samples\\", "samples\\samples\\", "__MACOSX\\._"):
                member = zipfile.ZipInfo()
                member.filename = prefix + file.name  # where it would become a slash
                opened.writestr(member, file.read_bytes())
    folder = locate_samples(tmp_path / "images.zip")
    assert digest(list_images(folder)) == digest(list_images(drawn_set))


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"Rar!\x1a\x07", b"\x89PNG"])
def test_what_is_no_zip_is_not_called_a_short_one(nowhere, tmp_path, content):
    (tmp_path / "images.zip").write_bytes(content)
    with pytest.raises(ValueError, match="images.zip is no zip: expected a folder of images, or a"):
        locate_samples(tmp_path / "images.zip")


def test_a_zip_with_a_password_is_told(nowhere, tmp_path, drawn_set):
    archive = zip_of(drawn_set, tmp_path / "secret.zip", [""])
    content = bytearray(archive.read_bytes())
    for mark in (b"PK\x03\x04", b"PK\x01\x02"):  # in each header, the bit that says encrypted
        place = content.find(mark)
        while place >= 0:
            content[place + (6 if mark[2] == 3 else 8)] |= 1
            place = content.find(mark, place + 4)
    archive.write_bytes(content)
    message = "secret.zip cannot be unpacked .*password.*: expected a zip without a password"
    with pytest.raises(ValueError, match=message) as caught:
        locate_samples(archive)
    assert "\n" not in str(caught.value) and list(nowhere.iterdir()) == []


@pytest.mark.parametrize("entry", ["2g7nm.png/", "samples/2g7nm.png/", "samples\\2g7nm.png\\"])
def test_a_folder_in_a_zip_is_no_image_whatever_its_name(nowhere, tmp_path, entry):
    with zipfile.ZipFile(tmp_path / "odd.zip", "w") as opened:
        member = zipfile.ZipInfo()
        member.filename = entry
        opened.writestr(member, b"")
    with pytest.raises(FileNotFoundError, match="odd.zip holds no captcha images"):
        locate_samples(tmp_path / "odd.zip")


def test_folders_and_dangling_links_are_no_images_whatever_their_names(nowhere, drawn_set, capsys):
    on_drive = module.DRIVE / "captcha-version-2-images"
    (on_drive / "34pcn.png").mkdir(parents=True)
    (on_drive / "bny23.png").symlink_to(on_drive / "gone")
    locate_samples()
    assert "Images from the synthetic set" in capsys.readouterr().out
    shutil.copytree(drawn_set, on_drive / "samples")
    (on_drive / "samples/22222.png").mkdir()
    assert digest(list_images(locate_samples())) == digest(list_images(drawn_set))


def test_a_zip_whose_content_is_spoiled_is_named(nowhere, tmp_path, drawn_set):
    with zipfile.ZipFile(tmp_path / "spoiled.zip", "w", zipfile.ZIP_BZIP2) as opened:
        opened.writestr("2g7nm.png", bytes(1000))
    content = bytearray((tmp_path / "spoiled.zip").read_bytes())
    content[45:70] = bytes(25)
    (tmp_path / "spoiled.zip").write_bytes(content)
    with pytest.raises(OSError, match="spoiled.zip cannot be unpacked: .*cannot be finished") as e:
        locate_samples(tmp_path / "spoiled.zip")
    assert "\n" not in str(e.value) and list(nowhere.iterdir()) == []


def test_home_is_meant_by_its_sign(tmp_path, drawn_set, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    shutil.copytree(drawn_set, tmp_path / "My Captchas")
    monkeypatch.setenv("CAPTCHA_DATA", "~/My Captchas")
    assert locate_samples() == locate_samples("~/My Captchas") == tmp_path / "My Captchas"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets any bytes be a name")
def test_a_drive_folder_whose_name_is_not_utf_8_is_copied(nowhere, drawn_set):
    name = os.fsdecode(b"captcha-version-2-images caf\xe9")
    shutil.copytree(drawn_set, module.DRIVE / name)
    assert digest(list_images(locate_samples())) == digest(list_images(drawn_set))


def test_a_nested_second_copy_is_not_read_twice(tmp_path, drawn_set, capsys):
    shutil.copytree(drawn_set, tmp_path / "archive/samples")
    shutil.copytree(drawn_set, tmp_path / "archive/samples/samples")
    folder = locate_samples(tmp_path / "archive")
    assert folder == tmp_path / "archive/samples"
    assert "34 files, 30 PNG and 4 JPEG" in capsys.readouterr().out
    assert len(read_samples(folder)) == 34


def test_a_zip_with_a_nested_copy_is_unpacked_once(nowhere, tmp_path, drawn_set, capsys):
    archive = zip_of(
        drawn_set, tmp_path / "images.zip", ["samples/", "samples/samples/", "__MACOSX/._"]
    )
    folder = locate_samples(archive)
    assert "34 files" in capsys.readouterr().out
    assert digest(list_images(folder)) == digest(list_images(drawn_set))
    assert locate_samples(archive) == folder


def test_a_zip_on_the_drive_is_found(nowhere, drawn_set, capsys):
    module.DRIVE.mkdir(parents=True)
    zip_of(drawn_set, module.DRIVE / "captcha-version-2-images.zip", ["samples/"])
    assert nowhere in locate_samples().parents
    assert "Google Drive: 34 files" in capsys.readouterr().out


def test_no_path_in_a_zip_leaves_the_folder(nowhere, tmp_path, drawn_set):
    archive = zip_of(drawn_set, tmp_path / "evil.zip", ["../../../"])
    folder = locate_samples(archive)
    assert {file.parent for file in folder.parent.rglob("*.png")} == {folder}
    assert not list(tmp_path.glob("*.png")) and not list(tmp_path.parent.glob("*.png"))


@pytest.mark.parametrize("cut", [10, 3000])
def test_a_cut_zip_is_named_and_leaves_nothing(nowhere, tmp_path, drawn_set, cut):
    archive = zip_of(drawn_set, tmp_path / "half.zip", [""])
    archive.write_bytes(archive.read_bytes()[:cut])
    with pytest.raises(ValueError, match="half.zip is no complete zip"):
        locate_samples(archive)
    assert not nowhere.exists()


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_with_a_damaged_image_leaves_nothing(nowhere, tmp_path, compression):
    with zipfile.ZipFile(tmp_path / "damaged.zip", "w", compression) as opened:
        opened.writestr("2g7nm.png", "a long text that can be made shorter " * 200)
    content = bytearray((tmp_path / "damaged.zip").read_bytes())
    content[60] ^= 255
    (tmp_path / "damaged.zip").write_bytes(content)
    with pytest.raises(ValueError, match="damaged.zip is no complete zip"):
        locate_samples(tmp_path / "damaged.zip")
    assert list(nowhere.iterdir()) == []


def test_a_foreign_zip_is_named(nowhere, tmp_path):
    with zipfile.ZipFile(tmp_path / "foreign.zip", "w") as opened:
        opened.writestr("notes.txt", "hello")
        opened.writestr("holiday.jpg", "a photo")
    with pytest.raises(FileNotFoundError, match="foreign.zip holds no captcha images: expected a"):
        locate_samples(tmp_path / "foreign.zip")


@pytest.mark.parametrize("as_argument", [True, False])
def test_a_wrong_folder_is_an_error_and_not_replaced_by_another(
    nowhere, tmp_path, monkeypatch, as_argument
):
    for folder, complaint in [
        (tmp_path / "missing", "missing does not exist: expected a folder of images"),
        (tmp_path, "holds no captcha images: expected files such as 2g7nm.png"),
    ]:
        monkeypatch.setenv("CAPTCHA_DATA", "" if as_argument else str(folder))
        with pytest.raises(FileNotFoundError, match=complaint):
            locate_samples(folder if as_argument else None)


def kaggle_that(monkeypatch, answer):
    monkeypatch.setitem(sys.modules, "kagglehub", types.SimpleNamespace(dataset_download=answer))


def test_a_download_is_verified_and_kept(nowhere, tmp_path, real_set, monkeypatch, capsys):
    shutil.copytree(real_set, tmp_path / "fetched/samples")
    shutil.copytree(real_set, tmp_path / "fetched/samples/samples")
    kaggle_that(monkeypatch, lambda name: str(tmp_path / "fetched"))
    folder = download_samples()
    assert digest(list_images(folder)) == REAL_SET_DIGEST
    locate_samples()
    assert "an earlier download: 1,070 files, 1,040 PNG and 30 JPEG" in capsys.readouterr().out
    kaggle_that(monkeypatch, lambda name: pytest.fail("it is here already"))
    assert download_samples() == folder


def test_a_download_of_something_else_is_not_kept(nowhere, drawn_set, monkeypatch):
    kaggle_that(monkeypatch, lambda name: str(drawn_set))
    with pytest.raises(ValueError, match="not the published data set of 1,070 images"):
        download_samples()
    assert not nowhere.exists()


def test_without_a_network_other_sources_are_named(nowhere, monkeypatch):
    def no_network(name):
        raise OSError("name resolution failed\nand a long story")

    kaggle_that(monkeypatch, no_network)
    with pytest.raises(
        ConnectionError, match="CAPTCHA_DATA, or go on with the synthetic set"
    ) as caught:
        download_samples()
    assert "\n" not in str(caught.value)


# Tables


def test_the_table_has_a_row_for_each_file_in_name_order(drawn_set):
    samples = read_samples(drawn_set)
    assert samples.columns.tolist() == [
        "file_name",
        "extension",
        "label",
        "label_size",
        "c1",
        "c2",
        "c3",
        "c4",
        "c5",
    ]
    assert samples["file_name"].tolist() == sorted(file.name for file in drawn_set.iterdir())
    row = samples.set_index("file_name").loc["3c7de.jpg"]
    assert row.tolist() == ["jpg", "3c7de", 5, "3", "c", "7", "d", "e"]


def test_characters_are_counted_over_all_positions(drawn_set):
    counts = count_characters(read_samples(drawn_set))
    letters = "".join(file.stem for file in drawn_set.iterdir())
    assert counts["character"].tolist() == list(ALPHABET)
    assert counts["count"].tolist() == [letters.count(character) for character in ALPHABET]


def test_a_character_that_never_occurs_is_counted_as_zero(drawn_set):
    samples = read_samples(drawn_set)
    counts = count_characters(samples[samples["label"] == "2g7nm"])
    assert dict(zip(counts["character"], counts["count"])) == {
        c: int(c in "2g7nm") for c in ALPHABET
    }


def test_the_real_set_has_n_twice_as_often(real_set):
    samples = read_samples(real_set)
    assert len(samples) == 1070 and (samples["extension"] == "png").sum() == 1040
    assert count_characters(samples).set_index("character")["count"]["n"] == 540
    assert digest(list_images(real_set)) == REAL_SET_DIGEST


@pytest.mark.parametrize(
    "name, complaint",
    [
        ("2g7n.png", "label '2g7n' has 4 characters"),
        ("2G7nm.png", "holds 'G'"),
        ("2g7nm.jpg", "2g7nm.jpg and 2g7nm.png carry one label: expected one file a label"),
    ],
)
def test_a_bad_name_is_told(tmp_path, name, complaint):
    for file in ("2g7nm.png", name):
        Image.new("RGB", (200, 50)).save(tmp_path / file)
    with pytest.raises(ValueError, match=complaint):
        read_samples(tmp_path)


def test_an_empty_folder_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no images"):
        read_samples(tmp_path)


def test_hidden_and_other_files_are_passed_over(tmp_path, drawn_set):
    shutil.copy(drawn_set / "2g7nm.png", tmp_path)
    (tmp_path / "._2g7nm.png").write_text("left by macOS")
    (tmp_path / "Thumbs.db").write_text("left by Windows")
    assert read_samples(tmp_path)["file_name"].tolist() == ["2g7nm.png"]


# Images


@pytest.mark.parametrize(
    "make, complaint",
    [
        (lambda file: file.write_text("hello"), "x.png is no image: expected a PNG or JPEG file"),
        (lambda file: file.write_bytes(b""), "x.png is no image"),
        (
            lambda file: Image.new("L", (60, 20)).save(file),
            "x.png is 60 x 20 pixels: expected 200 x 50, resize it first",
        ),
        (lambda file: Image.new("L", (50, 200)).save(file), "x.png is 50 x 200 pixels"),
    ],
)
def test_what_is_no_captcha_image_is_refused(tmp_path, make, complaint):
    make(tmp_path / "x.png")
    with pytest.raises(ValueError, match=complaint) as caught:
        open_image(tmp_path / "x.png")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["2g7nm.png", "3c7de.jpg"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_a_truncated_image_is_refused(tmp_path, drawn_set, name, kept):
    content = (drawn_set / name).read_bytes()
    (tmp_path / name).write_bytes(content[: int(kept * len(content))])
    with pytest.raises(ValueError, match=f"{name} (cannot be read|is no image)"):
        open_image(tmp_path / name)


def test_a_missing_image_is_told(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_image(tmp_path / "2g7nm.png")


GREY = render_captcha("2g7nm", np.random.default_rng(1))
INK = Image.fromarray(255 - GREY)
BLACK = Image.new("L", INK.size)
TWO_LEVELS = np.where(GREY < 150, 20, 255)


def palette():
    """Number 0 is transparent, number 1 nearly black."""
    image = Image.fromarray((GREY < 150).astype("uint8")).convert("P")
    image.putpalette([0, 0, 0, 20, 20, 20])
    return image


def colour_key(mode):
    """Black is transparent, ink is 20."""
    image = Image.fromarray(np.where(GREY < 150, 20, 0).astype("uint8")).convert(mode)
    return image, {"transparency": 0 if mode == "L" else (0, 0, 0)}


TRANSPARENT = {
    "RGBA": (Image.merge("RGBA", [BLACK, BLACK, BLACK, INK]), {}, GREY, "png"),
    "LA": (Image.merge("LA", [BLACK, INK]), {}, GREY, "png"),
    "palette": (palette(), {"transparency": 0}, TWO_LEVELS, "png"),
    "palette of alphas": (palette(), {"transparency": bytes([0, 255])}, TWO_LEVELS, "png"),
    "GIF": (palette(), {"transparency": 0}, TWO_LEVELS, "gif"),
    "L with a key": (*colour_key("L"), TWO_LEVELS, "png"),
    "RGB with a key": (*colour_key("RGB"), TWO_LEVELS, "png"),
}


@pytest.mark.parametrize("kind", TRANSPARENT)
def test_what_is_transparent_is_laid_on_white(kind, tmp_path):
    image, options, expected, suffix = TRANSPARENT[kind]
    image.save(tmp_path / f"2g7nm.{suffix}", **options)
    pixels = encode_image(tmp_path / f"2g7nm.{suffix}")[..., 0].T * 255
    assert np.abs(pixels - expected).max() <= 2


TURNS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("orientation", TURNS)
def test_an_image_is_turned_upright_as_a_viewer_does(orientation, suffix, tmp_path):
    upright, exif = Image.fromarray(GREY).convert("RGB"), Image.Exif()
    stored = upright if orientation == 1 else upright.transpose(TURNS[orientation])
    exif[0x0112] = orientation
    stored.save(
        tmp_path / f"2g7nm.{suffix}", exif=exif, **({"quality": 95} if suffix == "jpg" else {})
    )
    pixels = encode_image(tmp_path / f"2g7nm.{suffix}")[..., 0].T * 255
    assert np.abs(pixels - GREY).mean() < 2


def test_an_upright_image_that_is_marked_as_lying_has_another_size(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(GREY).save(tmp_path / "2g7nm.png", exif=exif)
    with pytest.raises(ValueError, match="2g7nm.png is 50 x 200 pixels: expected 200 x 50"):
        open_image(tmp_path / "2g7nm.png")


@pytest.mark.filterwarnings("error")
def test_broken_exif_data_say_nothing(tmp_path):
    for exif in (b"Exif\0\0garbage", b"Exif\0\0II*\0\x08\0\0\0\xff\xff", b"Exif\0\0"):
        Image.fromarray(GREY).save(tmp_path / "2g7nm.jpg", exif=exif, quality=95)
        assert np.abs(np.asarray(open_image(tmp_path / "2g7nm.jpg")) - GREY.astype(int)).mean() < 2


def test_channels_stay_as_stored(drawn_set):
    assert np.asarray(open_image(drawn_set / "2g7nm.png")).shape == (50, 200, 4)
    assert np.asarray(open_image(drawn_set / "3c7de.jpg")).shape == (50, 200, 3)


def test_a_cache_that_cannot_be_written_to_is_named(nowhere):
    nowhere.write_text("in the way")
    message = "the synthetic set has no place: .*cannot be made .*: expected .*in CAPTCHA_DATA"
    with pytest.raises(PermissionError, match=message):
        locate_samples()
    assert nowhere.read_text() == "in the way"
