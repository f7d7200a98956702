import errno
import os
import re
import shutil
import sys
import types
import zipfile
from pathlib import Path

import pytest

from captcha_lib import (
    download_samples,
    locate_samples,
    read_samples,
)
from captcha_lib import sources as module
from captcha_lib.files import digest, list_images
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
    assert capsys.readouterr().out == "Images from the synthetic set: 7 files, 5 PNG and 2 JPEG\n"
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


@pytest.mark.parametrize("name", ["2g7nm.png", "2g7nm.JPG", "22222.jpeg"])
def test_what_is_named_by_a_text_of_the_course_is_a_captcha(name):
    assert module.is_captcha(Path(name))


@pytest.mark.parametrize("name", ["2g7nmx.png", "2g7n.png", "x2g7nm.png", "2g7nm.gif", "2G7NM.png", "2g1nm.png"])
def test_what_is_named_otherwise_is_none(name):
    assert not module.is_captcha(Path(name))


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
    assert nowhere in folder.parents and digest(list_images(folder)) == digest(list_images(drawn_set))
    assert locate_samples() == folder and "copying" not in capsys.readouterr().err
    (on_drive / "22222.png").write_bytes((on_drive / "2g7nm.png").read_bytes())
    assert len(list_images(locate_samples())) == 35


def test_half_a_zip_on_the_drive_is_named_and_the_synthetic_set_serves(nowhere, drawn_set, capsys):
    module.DRIVE.mkdir(parents=True)
    archive = zip_of(drawn_set, module.DRIVE / "captcha-version-2-images.zip", [""])
    archive.write_bytes(archive.read_bytes()[:3000])
    locate_samples()
    lines = capsys.readouterr().out.splitlines()
    assert re.match("Not used: .*images.zip is not a complete zip .*: upload or fetch it", lines[0])
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
    assert advice() == ["For images on your Drive: run the cell that mounts it, then this one again"]
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
    assert re.match(f"Not used: .* cannot be finished .*{re.escape(str(module.DRIVE))}", passed_over)
    assert found.startswith("Images from the synthetic set")
    assert list(nowhere.iterdir()) == [folder]


# Folders and zips


def test_a_folder_that_may_not_be_opened_does_not_end_the_search(tmp_path, drawn_set, broken_place, capsys):
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
    assert re.match("Not used: .*a.zip is not a complete zip .*: upload or fetch it again$", cut)
    assert re.match("Not used: .*b.zip is not a zip: expected a folder of images, or a zip of o", text)
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


def test_a_zip_that_has_changed_is_unpacked_anew(nowhere, tmp_path, drawn_set):
    archive = zip_of(drawn_set, tmp_path / "images.zip", [""])
    folder = locate_samples(archive)
    assert locate_samples(archive) == folder
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr("22222.png", (drawn_set / "2g7nm.png").read_bytes())
    assert len(list_images(locate_samples(archive))) == len(list_images(folder)) + 1


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"Rar!\x1a\x07", b"\x89PNG"])
def test_what_is_no_zip_is_not_called_a_short_one(nowhere, tmp_path, content):
    (tmp_path / "images.zip").write_bytes(content)
    with pytest.raises(ValueError, match="images.zip is not a zip: expected a folder of images, or a"):
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
    archive = zip_of(drawn_set, tmp_path / "images.zip", ["samples/", "samples/samples/", "__MACOSX/._"])
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
    with pytest.raises(ValueError, match="half.zip is not a complete zip"):
        locate_samples(archive)
    assert not nowhere.exists()


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_with_a_damaged_image_leaves_nothing(nowhere, tmp_path, compression):
    with zipfile.ZipFile(tmp_path / "damaged.zip", "w", compression) as opened:
        opened.writestr("2g7nm.png", "a long text that can be made shorter " * 200)
    content = bytearray((tmp_path / "damaged.zip").read_bytes())
    content[60] ^= 255
    (tmp_path / "damaged.zip").write_bytes(content)
    with pytest.raises(ValueError, match="damaged.zip is not a complete zip"):
        locate_samples(tmp_path / "damaged.zip")
    assert list(nowhere.iterdir()) == []


def test_a_foreign_zip_is_named(nowhere, tmp_path):
    with zipfile.ZipFile(tmp_path / "foreign.zip", "w") as opened:
        opened.writestr("notes.txt", "hello")
        opened.writestr("holiday.jpg", "a photo")
    with pytest.raises(FileNotFoundError, match="foreign.zip holds no captcha images: expected a"):
        locate_samples(tmp_path / "foreign.zip")


@pytest.mark.parametrize("as_argument", [True, False])
def test_a_wrong_folder_is_an_error_and_not_replaced_by_another(nowhere, tmp_path, monkeypatch, as_argument):
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
    with pytest.raises(ConnectionError, match="CAPTCHA_DATA, or go on with the synthetic set") as caught:
        download_samples()
    assert "\n" not in str(caught.value)


def test_a_cache_that_cannot_be_written_to_is_named(nowhere):
    nowhere.write_text("in the way")
    message = "the synthetic set has no place: .*cannot be made .*: expected .*in CAPTCHA_DATA"
    with pytest.raises(PermissionError, match=message):
        locate_samples()
    assert nowhere.read_text() == "in the way"
