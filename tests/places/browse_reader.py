"""The page that reads images, in a browser (`make test-browser`); screenshots: build/browser."""

import io
import json
import sys
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import keras
import numpy as np
import onnx
import pytest
from browse_lessons import BROWSER, BROWSERS, PROJECT, SCREENSHOTS, browser  # noqa: F401 (a fixture)
from PIL import Image

from captcha_lib.decoding import decode_ctc
from captcha_lib.family import COURSE, Family
from captcha_lib.generator import render_captcha, sample_label
from captcha_lib.images import encode_image
from captcha_lib.reader import SHIPPED, Reader
from captcha_lib.recipe import build_recipe

sys.path.insert(0, str(PROJECT / "docs"))
from build_site import build_reader_page  # noqa: E402

pytestmark = pytest.mark.skipif(not BROWSER, reason=f"no browser here: expected one of {', '.join(BROWSERS)}")

DIGITS = Family("0123456789", 4, 6, 100, 30)
ANY_SIZE = Family("a\U0001f600b\U0001f40d", 1, 9, 120, 40, resized=True)


def make_reader(family):
    """Return a reader that nobody has trained, but that gives most columns to one class."""
    keras.utils.set_random_seed(0)
    model = build_recipe(family=family)
    weights, bias = model.layers[-1].get_weights()
    bias[-1] = 20
    model.layers[-1].set_weights([60 * weights, bias])
    return Reader.from_model(model, family)


@contextmanager
def serve(folder):
    """The address of a folder, on a server of its own."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    build_reader_page(folder / "reader", SHIPPED)
    with serve(folder) as address:
        yield address


@pytest.fixture
def open_page(browser, site):  # noqa: F811
    """A function that opens the page; whatever it does, no request leaves the site and nothing is wrong in the log."""
    pages, requests, errors = [], [], []

    def open_one(width=1000, height=900, **settings):
        page = browser.new_page(viewport={"width": width, "height": height}, **settings)
        pages.append(page)
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda line: errors.append(line.text) if line.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{site}/reader/")
        wait_for(page, "Ready.")
        return page

    yield open_one
    for page in pages:
        page.close()
    assert not errors
    assert requests and not [url for url in requests if not url.startswith((f"{site}/", "data:", "blob:"))]


def wait_for(page, words):
    page.wait_for_selector(f"body:not([aria-busy]) #status:has-text('{words}')")


def choose(page, kind, path):
    """Choose a file by one of the two buttons; return what the page says once it is through."""
    page.evaluate("document.getElementById('status').textContent = ''")
    page.set_input_files(f"#{kind}-file", path)
    page.wait_for_selector("body:not([aria-busy]) #status:not(:empty)")
    return page.inner_text("#status")


def read_shown(page):
    return page.text_content("#text"), float(page.get_attribute("#confidence", "value"))


def read_in_page(page, path):
    assert choose(page, "image", path) == f"{path.name} is read as"
    text, confidence = read_shown(page)
    return text.replace("no text", ""), confidence


def photograph(page, name):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"reader_{name}.png", full_page=True)


def assert_same(shown, reader, files):
    expected = reader.read(files)
    assert [text for text, _ in shown] == list(expected["text"])
    assert [confidence for _, confidence in shown] == pytest.approx(list(expected["confidence"]), abs=1e-3)


def draw_files(folder):
    """Twenty images in all the ways that a file can hold one; the last one's best classes are no five letters."""
    rng = np.random.default_rng(5)
    images = [Image.fromarray(render_captcha(sample_label(rng), rng)) for _ in range(19)]
    tint = Image.fromarray(rng.integers(0, 90, (50, 200, 3), dtype=np.uint8))
    fading = Image.fromarray(np.tile(np.linspace(90, 255, 200).astype(np.uint8), (50, 1)))
    upright = Image.Exif()
    upright[0x0112] = 6  # a viewer turns it by a quarter to the right
    files = [folder / f"{number:02}.png" for number in range(20)]
    for file, image in zip(files[:4], images):
        image.convert("RGBA").save(file)
    for file, image in zip(files[4:7], images[4:]):
        image.save(file)
    for file, image in zip(files[7:10], images[7:]):
        Image.blend(image.convert("RGB"), tint, 0.2).save(file)
    for file, image in zip(files[10:13], images[10:]):
        layer = image.convert("RGBA")
        layer.putalpha(fading)
        layer.save(file)
    images[13].convert("P").save(files[13])
    images[14].convert("RGB").quantize(16).save(files[14], transparency=15)
    for number in range(15, 19):
        files[number] = files[number].with_suffix(".jpg")
    images[15].save(files[15], quality=90)
    images[16].convert("RGB").save(files[16], quality=60)
    Image.blend(images[17].convert("RGB"), tint, 0.2).save(files[17], quality=90)
    images[18].transpose(Image.Transpose.ROTATE_90).save(files[18], quality=95, exif=upright)
    for _ in range(1000):
        pixels = render_captcha(sample_label(rng), rng) * rng.uniform(0.2, 1, (50, 200))
        Image.fromarray(pixels.astype(np.uint8)).save(files[19])
        if len(decode_ctc(Reader.load().predict_on_batch(encode_image(files[19])[np.newaxis]))[0]) != 5:
            return files
    pytest.fail("no drawing misled the reader")


def test_images_are_read_as_in_python(open_page, tmp_path):
    files = draw_files(tmp_path)
    page = open_page()
    shown = [read_in_page(page, file) for file in files]
    assert_same(shown, Reader.load(), files)
    photograph(page, "doubtful")


@pytest.mark.parametrize("family", [DIGITS, ANY_SIZE], ids=["digits", "any_size"])
def test_readers_of_other_families_open_and_read(family, open_page, tmp_path):
    other = make_reader(family)
    other.save(tmp_path / "other.onnx")
    rng = np.random.default_rng(1)
    sizes = [(family.width, family.height)] * 6
    if family.resized:
        sizes = [(120, 40), (200, 50), (64, 64), (37, 60), (800, 601), (90, 30), (1201, 399)]
    files = [tmp_path / f"{number}.png" for number in range(len(sizes))]
    for file, (width, height) in zip(files, sizes):
        noise = Image.fromarray(rng.integers(0, 256, (5, 15, 3), dtype=np.uint8))
        noise.resize((width, height), Image.Resampling.BICUBIC).save(file)
    page = open_page()
    assert choose(page, "reader", tmp_path / "other.onnx").startswith("Ready.")
    assert family.alphabet in page.inner_text("#reader-family")
    shown = [read_in_page(page, file) for file in files]
    assert_same(shown, other, files)
    photograph(page, "other")
    page.click("text=Back to the first one")
    wait_for(page, "Ready.")
    assert COURSE.alphabet in page.inner_text("#reader-family") and not page.is_visible("#own-reader")


def test_what_is_no_fitting_image_is_said_in_a_line(open_page, tmp_path):
    Image.new("RGB", (640, 480)).save(tmp_path / "photo.png")
    (tmp_path / "notes.png").write_text("no image")
    whole = io.BytesIO()
    Image.effect_noise((200, 50), 50).save(whole, "png")
    (tmp_path / "half.png").write_bytes(whole.getvalue()[:30])
    page = open_page()
    said = choose(page, "image", tmp_path / "photo.png")
    assert said == "photo.png is 640 x 480 pixels: expected 200 x 50, resize it first"
    photograph(page, "refusal")
    for name in ("notes.png", "half.png"):
        said = choose(page, "image", tmp_path / name)
        assert said == f"{name} is no image that this browser can open: expected a PNG or JPEG file"
    assert not page.is_visible("#reading") and not page.is_visible("#figure")
    page.click("#draw")
    wait_for(page, "is read as")


BROKEN = {
    "text": "is cut short, or no ONNX file",
    "truncated": "is cut short, or no ONNX file",
    "empty": "holds no reader",
    "other": "holds no reader",
    "newer": "is of format 2, newer than this page: expected 1",
    "nonsense": "says nothing useful of its images",
    "mismatch": "holds a model that does not go with its family",
    "unknown": "holds a model that does not go with its family",
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_no_reader_is_said_in_a_line(kind, open_page, tmp_path):
    stored, file = onnx.load(SHIPPED), tmp_path / "file.onnx"
    properties = {entry.key: entry.value for entry in stored.metadata_props}
    if kind == "other":
        del stored.metadata_props[:]
    if kind == "newer":
        onnx.helper.set_model_props(stored, properties | {"format": "2"})
    if kind == "nonsense":
        onnx.helper.set_model_props(stored, properties | {"family": "[5]"})
    if kind == "mismatch":
        family = json.loads(properties["family"]) | {"alphabet": "ab"}
        onnx.helper.set_model_props(stored, properties | {"family": json.dumps(family)})
    if kind == "unknown":
        stored.graph.node[-1].op_type = "ReadMinds"
    onnx.save(stored, file)
    whole = file.read_bytes()
    files = {"text": b"This is a text.", "truncated": whole[: len(whole) // 2], "empty": b""}
    file.write_bytes(files.get(kind, whole))
    page = open_page()
    said = choose(page, "reader", file)
    assert said.startswith(f"file.onnx {BROKEN[kind]}") and "expected" in said and "\n" not in said
    # The reader from before stays open.
    page.click("#draw")
    wait_for(page, "is read as")


@pytest.mark.parametrize(
    "missing, said",
    [
        ("reader.onnx", "reader.onnx cannot be loaded: expected it beside this page"),
        ("ort-wasm-simd-threaded.wasm", "ONNX Runtime does not start: expected its files beside this page"),
    ],
)
def test_a_missing_part_of_the_site_is_named(missing, said, browser, site):  # noqa: F811
    page = browser.new_page()
    page.route(f"**/{missing}", lambda route: route.fulfill(status=404))
    page.goto(f"{site}/reader/")
    wait_for(page, said)
    page.click("#draw")
    wait_for(page, "No reader is open: open a reader file first")
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1000])
def test_an_example_is_drawn_at_any_width(width, scheme, open_page):
    page = open_page(width=width, color_scheme=scheme)
    page.click("#draw")
    wait_for(page, "is read as")
    text, confidence = read_shown(page)
    assert page.inner_text("#truth") == f"It was drawn as {text}." and confidence > 0.5
    letters = page.locator("#spikes text")
    assert "".join(letters.all_text_contents()) == text
    places = [letter.bounding_box()["x"] for letter in letters.all()]
    assert places == sorted(places)
    assert f"{text[0]} in column" in page.get_attribute("#spikes", "aria-label")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    photograph(page, f"{width}_{scheme}")


def test_the_keyboard_gets_everywhere(open_page):
    page = open_page()
    reached = []
    for _ in range(3):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id"))
        if reached[-1] == "draw":
            page.keyboard.press("Enter")
            wait_for(page, "is read as")
            photograph(page, "keyboard")
    assert reached == ["image-file", "draw", "reader-file"]


def test_files_can_be_dropped(open_page, tmp_path):
    page = open_page()
    Image.new("L", (200, 50), 255).save(tmp_path / "white.png")
    page.evaluate(
        """bytes => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], "white.png"));
            document.body.dispatchEvent(new DragEvent("drop", {dataTransfer: transfer, bubbles: true}));
        }""",
        list((tmp_path / "white.png").read_bytes()),
    )
    wait_for(page, "white.png is read as")
