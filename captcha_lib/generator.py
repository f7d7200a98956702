"""Draw look-alike captcha images, step by step as the real ones were made.

The steps are those of the Kaptcha and SimpleCaptcha generators: five bold letters, two filters that bend them,
two strokes across, a grey gradient behind. Coordinates are pixels: x runs right 0..199, y runs down 0..49.
"""

import hashlib
from functools import cache
from pathlib import Path

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath
from PIL import Image
from scipy.ndimage import map_coordinates
from tqdm import tqdm

from captcha_lib.alphabet import ALPHABET, LABEL_LENGTH, check_label
from captcha_lib.workspace import written_beside

WIDTH, HEIGHT = 200, 50
SUPERSAMPLING = 4

# matplotlib brings this font: it is the same file on every machine.
FONT = FontProperties(family="DejaVu Sans", weight="bold")
LETTER_SIZE, LETTER_SQUEEZE, LETTER_GAP = 42, 0.78, 2
TEXT_START, BASELINE = 33, 42

STROKE_KNOTS = [(20, 20, 50, 50), (20, 50, 100, 180)]
STROKE_WIDTHS = (3.6, 2.7, 1.8)
STROKE_FLATNESS = 2

DRAWN_LETTERS = ALPHABET + "n"  # the list the real labels were drawn from names n twice
LESSON_PNG = ("2g7nm", "34pcn", "bny23", "c4mcm")
LESSON_JPG = ("3c7de", "nxf2c", "pcmcc", "yge7c")


@cache
def _letter_outline(character):
    """Return the closed outlines of one character at x = 0, y down from its baseline, and its width in pixels."""
    path = TextPath((0, 0), character, size=LETTER_SIZE, prop=FONT)
    outlines = [outline * (LETTER_SQUEEZE, -1) for outline in path.to_polygons()]
    left = min(outline[:, 0].min() for outline in outlines)
    outlines = [outline - (left, 0) for outline in outlines]
    return outlines, max(outline[:, 0].max() for outline in outlines)


def _fill(outlines):
    """Return how much of each pixel the closed outlines cover: float64 (50, 200) in 0..1.

    Our own scan lines, because font rasterisers round differently from version to version.
    """
    x, y = np.concatenate(outlines).T * SUPERSAMPLING
    following = [np.roll(outline, -1, axis=0) for outline in outlines]
    x_next, y_next = np.concatenate(following).T * SUPERSAMPLING
    scan_lines = np.arange(HEIGHT * SUPERSAMPLING) + 0.5
    edge, row = np.nonzero((y[:, None] <= scan_lines) != (y_next[:, None] <= scan_lines))
    crossing = x[edge] + (scan_lines[row] - y[edge]) / (y_next - y)[edge] * (x_next - x)[edge]
    column = np.clip(np.ceil(crossing - 0.5), 0, WIDTH * SUPERSAMPLING).astype(int)
    winding = np.zeros((HEIGHT * SUPERSAMPLING, WIDTH * SUPERSAMPLING + 1), np.int8)
    np.add.at(winding, (row, column), np.where(y_next > y, 1, -1)[edge].astype(np.int8))
    inside = winding.cumsum(axis=1, dtype=np.int8)[:, :-1] != 0
    return inside.reshape(HEIGHT, SUPERSAMPLING, WIDTH, SUPERSAMPLING).mean(axis=(1, 3))


def draw_letters(text):
    """Return the ink of the letters alone: float64 (50, 200), 0 nothing .. 1 black."""
    outlines, x = [], TEXT_START
    for character in text:
        letter, width = _letter_outline(character)
        outlines += [outline + (x, BASELINE) for outline in letter]
        x += width + LETTER_GAP
    return _fill(outlines)


@cache
def _water_map():
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    distance = np.clip(np.hypot(x - 100, y - 25), 1e-9, 50)
    shift = 1.5 * np.sin(np.pi * distance - 10) * (50 - distance) / 50 * 2 / distance
    return y + shift * (y - 25), x + shift * (x - 100)


@cache
def _ripple_map():
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    return y + 1.7 * np.sin(x / 5), x + 2.6 * np.sin(y / 15)


def water(ink):
    """Return the ink seen through rings of water around (100, 25), within a radius of 50: shape and range as given.

    The wavelength of 2 pixels is finer than the pixels can show, which makes the fuzzy double edges.
    """
    return map_coordinates(ink, _water_map(), order=1, mode="nearest")


def ripple(ink):
    """Return the ink moved along two slow waves: shape and range as given."""
    return map_coordinates(ink, _ripple_map(), order=1, mode="nearest")


def _flatten(curve):
    """Return the points of a polyline within two pixels of a cubic Bezier curve given by four points."""
    start, end = curve[0], curve[3]
    length = np.hypot(*(end - start))
    along = (end - start) / max(length, 1e-9)
    nearest = start + along * np.clip((curve[1:3] - start) @ along, 0, length)[:, None]
    if np.hypot(*(curve[1:3] - nearest).T).max() <= STROKE_FLATNESS:
        return [start, end]
    first = (curve[:-1] + curve[1:]) / 2
    second = (first[:-1] + first[1:]) / 2
    middle = second.mean(axis=0)
    left = _flatten(np.array([start, first[0], second[0], middle]))
    return left + _flatten(np.array([middle, second[1], first[2], end]))[1:]


def draw_strokes(rng):
    """Return the ink of the two strokes, their heights drawn from `rng`: float64 (50, 200), 0..1."""
    segments = []
    for knots in STROKE_KNOTS:
        points = np.trunc(_flatten(np.column_stack([knots, rng.random(4) * HEIGHT])))
        for number, (start, end) in enumerate(zip(points[:-1], points[1:])):
            if (start == end).all():
                continue
            radius = STROKE_WIDTHS[min(number, 2)] / 2
            along = (end - start) / np.hypot(*(end - start)) * radius
            across = along[::-1] * (1, -1)
            # Square caps reach half a width beyond the ends.
            start, end = start - along, end + along
            segments.append(np.array([start + across, end + across, end - across, start - across]))
    return _fill(segments)


def render_captcha(text, rng):
    """Return one drawn captcha: uint8, shape (50, 200), 0 black .. 255 white.

    `text` is a label of five characters, `rng` a numpy.random.Generator that places the two strokes.
    Raises ValueError for a text that is no label.
    """
    letters = ripple(water(draw_letters(check_label(text))))
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    background = 192 + (255 - 192) * (x * WIDTH + y * HEIGHT) / (WIDTH**2 + HEIGHT**2)
    grey = background * (1 - letters) * (1 - draw_strokes(rng))
    return np.floor(grey + 0.5).astype(np.uint8)


def draw_label(rng):
    """Return five random characters, `n` twice as likely as any other."""
    # rng.random alone: NumPy may change how its other methods turn random bits into numbers.
    return "".join(
        DRAWN_LETTERS[int(value * len(DRAWN_LETTERS))] for value in rng.random(LABEL_LENGTH)
    )


def write_samples(folder, png=1040, jpg=30, seed=0):
    """Write `png` RGBA and `jpg` RGB images named by their labels into a new `folder`; return it as a Path.

    The same seed gives the same pixels; the eight files of lesson 1 are among them. The folder appears complete or
    not at all. Raises FileExistsError where something stands at `folder` already.
    """
    folder, rng = Path(folder), np.random.default_rng(seed)
    labels = dict.fromkeys([*LESSON_PNG[:png], *LESSON_JPG[:jpg]])
    while len(labels) < png + jpg:
        labels.setdefault(draw_label(rng))
    # The last ones become JPEG, so the four JPEG of lesson 1 go to the end.
    labels = sorted(labels, key=lambda label: label in LESSON_JPG)
    with written_beside(folder) as unfinished:
        for number, label in enumerate(tqdm(labels, desc="drawing images", leave=False)):
            image = Image.fromarray(render_captcha(label, rng))
            if number < png:
                image.convert("RGBA").save(unfinished / f"{label}.png")
            else:
                image.convert("RGB").save(unfinished / f"{label}.jpg", quality=90)
    return folder


def drawing_version():
    """Return eight hexadecimal digits that change whenever this module does, so that a stale set is not reused."""
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]
