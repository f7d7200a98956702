"""Families that no lesson uses: what holds for the course's images holds for any."""

from collections import defaultdict
from itertools import groupby, product

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from captcha_lib import COURSE, Family, decode_ctc, decode_label, encode_label, exact_match, read_samples
from captcha_lib import reader as module
from captcha_lib.__main__ import main
from captcha_lib.ctc import ctc_loss
from captcha_lib.dataset import build_dataset, stream_dataset
from captcha_lib.decoding import decode_fixed_length, text_probability
from captcha_lib.family import check_label, check_numbers, encode_labels
from captcha_lib.files import write_labels
from captcha_lib.generator import fit_style, sample_label, write_samples
from captcha_lib.images import encode_image
from captcha_lib.reader import SURE, Reader, count_epochs, read_batch, read_moved
from captcha_lib.recipe import augment, build_recipe, shuffle_batches, train_recipe
from captcha_lib.synthetic import stream_captchas

CHARACTERS = st.characters(exclude_categories=["Cs", "Cc"])


@st.composite
def families(draw, most=30, longest=8):
    """Any alphabet, in any order, any lengths, and a size that is large enough for them."""
    alphabet = draw(st.lists(CHARACTERS, min_size=2, max_size=most, unique=True))
    shortest = draw(st.integers(1, longest))
    length = draw(st.integers(shortest, longest))
    return Family("".join(alphabet), shortest, length, draw(st.integers(8 * length, 400)), draw(st.integers(15, 100)))


def draw_text(data, family):
    return data.draw(st.text(st.sampled_from(family.alphabet), min_size=family.shortest, max_size=family.longest))


@given(families(), st.data())
def test_decoding_undoes_encoding(family, data):
    texts = [draw_text(data, family) for _ in range(3)]
    numbers = encode_labels(texts, family)
    assert numbers.shape == (3, family.longest) and numbers.dtype == np.int64
    assert [decode_label(row[row >= 0], family.alphabet) for row in numbers] == texts
    assert [decode_label(encode_label(text, family), family.alphabet) for text in texts] == texts
    np.testing.assert_array_equal(check_numbers(numbers, blank=len(family.alphabet)), numbers)


def list_texts(columns):
    """The probability of every text, by brute force: the sum over all its alignments."""
    sums, blank = defaultdict(float), columns.shape[-1] - 1
    for alignment in product(range(blank + 1), repeat=len(columns)):
        text = tuple(key for key, _ in groupby(alignment) if key != blank)
        sums[text] += np.prod(columns[np.arange(len(columns)), alignment].astype("float64"))
    return sums


@settings(deadline=None, max_examples=25)
@given(families(most=3, longest=3), st.integers(0, 1000), st.data())
@example(Family("ab", 1, 3, 40, 20), 1, None)
def test_loss_probability_and_decoding_agree_with_brute_force(family, seed, data):
    blank = len(family.alphabet)
    columns = np.random.default_rng(seed).dirichlet([0.7] * (blank + 1), (1, 5)).astype("float32")
    sums = list_texts(columns[0])
    text = draw_text(data, family) if data else "aab"
    numbers = tuple(map(int, encode_label(text, family)))
    assume(sums[numbers] > 1e-6)
    loss = float(ctc_loss(encode_labels([text], family), columns, blank=blank)[0])
    assert np.exp(-loss) == pytest.approx(sums[numbers], rel=0.01)
    assert text_probability(columns, [text], family)[0] == pytest.approx(sums[numbers], rel=1e-5)
    read = decode_fixed_length(columns, family)[0]
    greedy = decode_ctc(columns, alphabet=family.alphabet)
    likeliest = [decode_label(text, family.alphabet) for text in sorted(sums, key=sums.get, reverse=True)[:10]]
    fitting = [text for text in greedy + likeliest if family.shortest <= len(text) <= family.longest]
    if fitting:
        assert read == fitting[0]
    else:  # further down, where a beam of 50 need not have come
        assert read == greedy[0] or family.shortest <= len(read) <= family.longest


def test_a_text_of_a_length_that_a_family_lacks_has_no_probability():
    columns = np.random.default_rng(0).dirichlet([1] * 4, (4, 12))
    sums = text_probability(columns, ["a", "ab", "abc", "abca"], Family("abc", 2, 3, 100, 20))
    assert sums[0] == sums[3] == 0 < min(sums[1], sums[2])


@given(st.integers(1, 500), st.integers(15, 120))
def test_a_family_knows_how_many_columns_the_recipe_has(width, height):
    assert Family("ab", 1, 1, max(width, 3), height).columns == -(-max(width, 3) // 2) // 2


@pytest.mark.parametrize("width", [17, 100, 161, 162, 163, 400])
def test_the_recipe_has_these_columns_and_a_class_for_each_character_and_the_blank(width):
    family = Family("0123456789", 1, 4, width, 15)
    assert build_recipe(family=family).output_shape == (None, family.columns, 11)
    assert build_recipe().output_shape == (None, COURSE.columns, 20)


# What cannot be a family


@pytest.mark.parametrize(
    "values, told",
    [
        (("", 1, 2, 100, 30), "the alphabet is '': expected two characters or more, each once"),
        (("I", 1, 3, 100, 30), "the alphabet is 'I': expected two"),
        (("aba", 1, 2, 100, 30), "the alphabet holds 'a' twice: expected two"),
        (("ab", 0, 2, 100, 30), "texts of 0 to 2 characters: expected 1 or more"),
        (("ab", 3, 2, 100, 30), "texts of 3 to 2 characters"),
        (
            ("ab", 1, 2, 100, 14),
            r"100 x 14 pixels are too low .*: expected a height of 15 or more, .*resize=\(400, 56\)",
        ),
        (("ab", 1, 9, 30, 20), r"9 columns, and images 30 pixels wide have 7: .* 36 pixels .* resize=\(36, 24\)"),
    ],
)
def test_what_no_set_of_images_has_in_common_is_refused(values, told):
    with pytest.raises(ValueError, match=told):
        Family(*values)


def test_a_text_with_more_letters_than_columns_is_found_before_training(tmp_path):
    family = Family("ab", 1, 8, 40, 20)
    assert check_label("abababab", family)
    with pytest.raises(ValueError, match="label 'aaaaaaaa' needs 15 columns, and images 40 pixels wide have 10: expec"):
        check_label("aaaaaaaa", family)
    for number in range(20):
        Image.new("L", (40, 20)).save(tmp_path / f"{number}.png")
    write_labels(tmp_path, [f"{number}.png" for number in range(20)], ["aaaaaaaa"] + ["b"] * 19)
    with pytest.raises(ValueError, match="'aaaaaaaa' needs 15 columns"):
        Family.of(tmp_path)
    wider = Family.of(tmp_path, resize=(60, 30))
    assert wider == Family("ab", 1, 8, 60, 30, resized=True)


def fill(folder, count=20, size=(60, 20), texts=("ab", "c")):
    """A folder of grey images, numbered, with texts in turn."""
    folder.mkdir(exist_ok=True)
    names = [f"{number}.png" for number in range(count)]
    for name in names:
        Image.new("L", size, 128).save(folder / name)
    write_labels(folder, names, [texts[number % len(texts)] for number in range(count)])
    return folder


def test_a_family_is_found_and_said_in_a_line(tmp_path, capsys):
    texts = ["B1", "é7", "1", "中B1"]
    assert Family.of(fill(tmp_path, texts=texts)) == Family("17Bé中", 1, 3, 60, 20)
    told = capsys.readouterr().out
    assert told == f"{tmp_path}: 20 images of 60 x 20 pixels, with 1 to 3 out of 5 characters: 17Bé中\n"


def test_the_courses_images_are_the_courses_family(drawn_set):
    assert Family.of(drawn_set) == COURSE


def empty(folder):
    (folder / "labels.csv").unlink()
    for file in folder.glob("*.png"):
        file.unlink()


BROKEN = {
    "is no folder: expected one with images and their labels": lambda folder: empty(folder) or folder.rmdir(),
    "holds 0 images: expected 20 or more to learn from": empty,
    "directly in it; folders in it, such as cats, are not looked into": lambda folder: (
        empty(folder) or (folder / "cats").mkdir()
    ),
    "holds 3 images: expected 20 or more": lambda folder: empty(folder) or fill(folder, 3),
    "all images in .* show 'ab': expected more than one text": lambda folder: fill(folder, texts=["ab"]),
    "0.png has an empty label: expected one character": lambda folder: fill(folder, texts=["", "a"]),
    r"holds images of 2 sizes, such as 60 x 20 and 90 x 20 pixels: .* or resize=\(60, 20\) to make": lambda folder: (
        Image.new("L", (90, 20)).save(folder / "7.png")
    ),
    "7.png is not an image: expected a PNG or JPEG file": lambda folder: (folder / "7.png").write_text("seven"),
    "labels.csv is empty": lambda folder: (folder / "labels.csv").write_text(""),
    "labels.csv has no row for new.png": lambda folder: Image.new("L", (60, 20)).save(folder / "new.png"),
}


@pytest.mark.parametrize("told", BROKEN)
def test_what_is_no_family_is_told_in_one_line_that_helps(told, tmp_path, capsys):
    folder = fill(tmp_path / "own")
    BROKEN[told](folder)
    with pytest.raises((ValueError, FileNotFoundError), match=told) as caught:
        Family.of(folder)
    assert "\n" not in str(caught.value)
    assert main(["train", str(folder), "--save", str(tmp_path / "own.onnx")]) == 1
    assert capsys.readouterr().err == f"{caught.value}\n" and not (tmp_path / "own.onnx").exists()


def test_images_lying_on_their_side_have_the_size_that_a_viewer_shows(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    fill(tmp_path)
    Image.new("L", (20, 60)).save(tmp_path / "3.png", exif=exif)
    assert Family.of(tmp_path) == Family("abc", 1, 2, 60, 20)


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "1", "LA"])
@pytest.mark.parametrize("size", [(120, 40), (60, 40), (30, 5)])
def test_images_of_any_size_are_made_to_fit_and_keep_their_proportions(size, mode, tmp_path):
    fill(tmp_path)
    picture = Image.new("L", size, 255)
    ImageDraw.Draw(picture).rectangle([0, 0, size[0] - 1, size[1] - 1], fill=0)
    picture.convert(mode).save(tmp_path / "3.png")
    family = Family.of(tmp_path, resize=(60, 20))
    assert family.resized and str(family).startswith("60 x 20 pixels, made to fit, with")
    image = encode_image(tmp_path / "3.png", family=family)
    assert image.shape == (60, 20, 1)
    black = np.argwhere(image[:, :, 0] < 0.5)
    width, height = black.max(axis=0) - black.min(axis=0) + 1
    scale = min(60 / size[0], 20 / size[1])
    assert width == pytest.approx(scale * size[0], abs=1) and height == pytest.approx(scale * size[1], abs=1)
    assert (image == 1).sum() == 60 * 20 - len(black)  # the rest is white


# From a folder to a reading

DIGITS = Family("0123456789", 2, 3, 64, 24)


def test_arrays_and_streams_of_another_family_hold_the_same(tmp_path):
    folder = write_samples(tmp_path / "own", png=40, jpg=0, family=DIGITS)
    x_train, x_test, y_train, y_test = build_dataset(folder, family=DIGITS)
    assert x_train.shape == (36, 64, 24, 1) and y_test.shape == (4, 3) and y_train.min() == -1
    samples = read_samples(folder, DIGITS)
    images, labels = next(iter(stream_dataset(samples, 40, family=DIGITS)))
    np.testing.assert_array_equal(labels, encode_labels(samples["label"], DIGITS))
    assert {image.tobytes() for image in np.asarray(images)} == {image.tobytes() for image in [*x_train, *x_test]}


def test_drawings_of_another_family_are_streamed_and_varied():
    rng = np.random.default_rng(0)
    batches = stream_captchas(lambda text, _: fit_style(text, DIGITS), family=DIGITS)
    images, labels = next(iter(batches))
    assert images.shape == (64, 64, 24, 1) and labels.shape == (64, 3)
    assert all(2 <= (row >= 0).sum() <= 3 for row in labels.numpy())
    varied, kept = next(iter(augment(batches.take(1), family=DIGITS)))
    assert varied.shape == images.shape and (kept == labels).numpy().all()
    assert ((varied.numpy() < 0.3).sum(axis=(1, 2, 3)) > (images.numpy() < 0.3).sum(axis=(1, 2, 3))).mean() > 0.2
    assert len(sample_label(rng, DIGITS)) in (2, 3)


def test_batches_of_another_family_are_refused_before_training():
    batches = shuffle_batches(np.zeros((4, 64, 24, 1), "float32"), np.zeros((4, 3), int))
    with pytest.raises(ValueError, match=r"images \(n, 200, 50, 1\)"):
        train_recipe(batches)


@pytest.mark.parametrize("images, epochs", [(20, 1500), (936, 50), (2000, 30), (10_000, 19), (100_000, 2), (10**6, 1)])
def test_few_images_are_passed_more_often(images, epochs):
    assert count_epochs(images) == epochs


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder of drawn digits, and a reader of a short training on it."""
    folder = write_samples(tmp_path_factory.mktemp("digits") / "own", png=300, jpg=0, family=DIGITS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "LEAST_STEPS", 400)
        patch.setattr(module, "EPOCHS", 1)
        return folder, Reader.train(folder)


def test_a_family_that_no_lesson_uses_goes_from_folder_to_reading(trained, tmp_path):
    _, reader = trained
    assert reader.family == DIGITS and len(reader.held_out) == 30 and reader.seconds > 0
    new = write_samples(tmp_path / "new", png=100, jpg=0, seed=1, family=DIGITS)
    truths = read_samples(new, DIGITS)
    read = reader.read([new / name for name in truths["file_name"]])
    assert exact_match(read["text"], truths["label"]) > 0.9
    assert read["text"].str.len().between(2, 3).all() and read["confidence"].between(0, 1).all()


def test_a_reader_is_kept_with_its_family(trained, tmp_path, capsys):
    folder, reader = trained
    file = tmp_path / "digits.onnx"
    reader.save(file)
    loaded = Reader.load(file)
    assert loaded.family == DIGITS and loaded.held_out is None
    images = [folder / "000000.png", folder / "000001.png"]
    assert loaded.read(images).equals(reader.read(images))
    (tmp_path / "course.png").write_bytes(b"")
    assert main(["read", "--reader", str(file), str(images[0]), str(tmp_path / "course.png")]) == 1
    out, err = capsys.readouterr()
    name, text, confidence = out.splitlines()[0].split("\t")
    assert name == str(images[0]) and text == reader.read(images)["text"][0] and confidence.endswith("%")
    assert err == f"{tmp_path / 'course.png'} is not an image: expected a PNG or JPEG file\n"


def test_a_label_with_a_letter_that_the_saved_reader_does_not_know_is_refused(trained, tmp_path):
    _, reader = trained
    fill(tmp_path, size=(64, 24), texts=["12", "1x"])
    with pytest.raises(ValueError, match="label '1x' holds 'x': expected characters of '0123456789'"):
        read_samples(tmp_path, reader.family)


def test_the_command_line_trains_says_how_well_it_reads_and_keeps_the_reader(trained, tmp_path, capsys, monkeypatch):
    folder, reader = trained
    monkeypatch.setattr(Reader, "train", lambda *_: reader)
    file = tmp_path / "own.onnx"
    assert main(["train", str(folder), "--save", str(file)]) == 0
    told = capsys.readouterr().out.splitlines()
    right = (reader.held_out["text"] == reader.held_out["label"]).mean()
    assert told[0].endswith("of 30 images held out:") and told[1].startswith(f"exact match {right:.1%}, 95 % interval ")
    assert told[-1] == f"kept; to read images: python -m captcha_lib read --reader {file} IMAGE..."
    assert Reader.load(file).family == DIGITS
    misread = reader.held_out.assign(text="99", confidence=np.linspace(0, 1, 30))
    monkeypatch.setattr(reader, "held_out", misread)
    assert main(["train", str(folder), "--save", str(tmp_path / "worst.onnx")]) == 0
    worst = [line for line in capsys.readouterr().out.splitlines() if ", read 99, " in line]
    assert len(worst) == 10 and worst[0].endswith(", read 99, 100.0%")


def test_a_reader_on_disk_is_never_overwritten(trained, tmp_path, capsys):
    folder, _ = trained
    file = tmp_path / "own.onnx"
    file.write_bytes(b"kept")
    assert main(["train", str(folder), "--save", str(file)]) == 1
    assert capsys.readouterr().err == f"{file} exists already: expected a new name, as by --save FILE\n"
    assert file.read_bytes() == b"kept"
    assert main(["train", str(folder), "--save", str(tmp_path / "none" / "own.onnx")]) == 1
    assert "cannot be written: expected a name in a folder that you may write to" in capsys.readouterr().err


def test_confidences_of_another_family_are_those_of_its_texts(trained):
    folder, reader = trained
    images = np.array([encode_image(folder / f"{number:06}.png", family=DIGITS) for number in range(8)])
    texts, confidences = read_batch(reader, images, DIGITS)
    again = np.concatenate([read_moved(reader, image) for image in images])
    once, moved = (text_probability(columns, texts, DIGITS) for columns in (reader.predict_on_batch(images), again))
    np.testing.assert_allclose(confidences, np.where(once < SURE, moved, once), rtol=1e-5)
