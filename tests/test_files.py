import unicodedata

import pytest
from PIL import Image

from captcha_lib.files import list_images, read_labels, write_labels


@pytest.fixture
def folder(tmp_path):
    """Three small images, named a.png, b.png and c.jpg."""
    for name in ("b.png", "c.jpg", "a.png"):
        Image.new("L", (20, 15)).save(tmp_path / name)
    return tmp_path


def test_without_a_table_the_names_are_the_texts(folder):
    assert read_labels(list_images(folder)) == ["a", "b", "c"]
    assert read_labels([]) == []


def test_texts_that_no_file_name_carries_come_from_the_table(folder):
    texts = ["12+7=?", "A/b", "12+7=?"]  # two files with one text, too
    write_labels(folder, ["c.jpg", "a.png", "b.png"], texts)
    assert read_labels(list_images(folder)) == ["A/b", "12+7=?", "12+7=?"]


@pytest.mark.parametrize("text", ["007", "NA", "nan", "", " x ", 'a"b', "a,b", "1e5", "中文"])
def test_a_text_stays_as_it_is(text, folder):
    write_labels(folder, ["a.png", "b.png", "c.jpg"], [text, "x", "y"])
    assert read_labels(list_images(folder)) == [text, "x", "y"]


def test_texts_are_composed_as_other_systems_may_not_have_them(tmp_path):
    decomposed = unicodedata.normalize("NFD", "é")
    assert len(decomposed) == 2
    Image.new("L", (20, 15)).save(tmp_path / f"{decomposed}.png")
    assert read_labels(list_images(tmp_path)) == ["é"]
    write_labels(tmp_path, [f"{decomposed}.png"], [f"caf{decomposed}"])
    assert read_labels(list_images(tmp_path)) == ["café"]


def test_a_table_may_come_from_a_spreadsheet(folder):
    """With a mark of its encoding at the start, Windows' line ends, and more columns."""
    lines = ["label,file_name,who", "x,a.png,Ann", "y,b.png,Ben", "z,c.jpg,Ann", ""]
    (folder / "labels.csv").write_bytes("\ufeff".encode() + "\r\n".join(lines).encode())
    assert read_labels(list_images(folder)) == ["x", "y", "z"]


BAD = {
    b"": "labels.csv is empty: expected lines such as 001.png,12",
    b"\n\n": "labels.csv is empty",
    b"a.png,x\nb.png,y\nc.jpg,z\n": "has the columns a.png, x: expected lines",
    b"file_name,label\na.png,x,1\nb.png,y\n": "has 3 values where 2 belong, in the line of a.png: expected quotation",
    b"file_name,label\na.png\nb.png,y\n": "has 1 values where 2 belong",
    b"file_name,label\na.png,\xff\n": "is no table in UTF-8",
    b'file_name,label\na.png,"x\n': "is no table in UTF-8",
    b"file_name,label\na.png,x\nb.png,y\n": "labels.csv has no row for c.jpg: expected one row for each image",
    b"file_name,label\na.png,x\nb.png,y\nc.jpg,z\nd.png,w\n": "names 'd.png', which is no image beside it",
    b"file_name,label\na.png,x\nb.png,y\nc.jpg,z\na.png,w\n": "names 'a.png' twice: expected one row",
}


@pytest.mark.parametrize("content", BAD)
def test_a_bad_table_is_named_in_one_line(content, folder):
    (folder / "labels.csv").write_bytes(content)
    with pytest.raises(ValueError, match=BAD[content]) as caught:
        read_labels(list_images(folder))
    assert str(caught.value).startswith(str(folder / "labels.csv")) and "\n" not in str(caught.value)


def test_two_names_with_one_text_are_refused(folder):
    Image.new("L", (20, 15)).save(folder / "b.jpg")
    with pytest.raises(ValueError, match="b.jpg and b.png carry one label: expected one file a label, or a labels.csv"):
        read_labels(list_images(folder))
