import shutil

import pytest
from PIL import Image

from captcha_lib import (
    ALPHABET,
    count_characters,
    read_samples,
)
from captcha_lib.files import digest, list_images
from captcha_lib.sources import REAL_SET_DIGEST


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
    assert dict(zip(counts["character"], counts["count"])) == {c: int(c in "2g7nm") for c in ALPHABET}


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
