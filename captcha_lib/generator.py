"""Draw captcha images, step by step as the real ones were made (lesson 7).

The steps and their numbers are those of the Kaptcha generators: bold letters side by side, two filters that bend them,
two strokes across, a grey gradient behind. Lengths are in pixels; x runs right 0..199, y runs down 0..49. Many images
are drawn at once: arrays of ink are int16 (200, 50, images), columns first, 0 nothing .. 256 black. Images of another
family are drawn 50 pixels high as well, in the width that goes with it, and then made as large as the family's.
"""

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.sparse import csr_array
from tqdm import tqdm

from captcha_lib.family import COURSE, HEIGHT, WIDTH
from captcha_lib.files import write_labels
from captcha_lib.fonts import DEJAVU_BOLD, FULL, Font, glyph_outline, mean_width, rasterise
from captcha_lib.workspace import written_beside

# To be raised when the pixels of the synthetic set change: a set of another version is drawn anew.
DRAWING_VERSION = 1
BATCH = 32  # images drawn at once: enough to be fast, few enough to stay in the processor's cache
FILTER_ONE = 4096  # filter weights are whole 4096ths

STROKE_KNOTS = np.array([(20, 20, 50, 50), (20, 50, 100, 180)], float)
STROKE_WIDTHS = (3.6, 2.7, 1.8)
STROKE_FLATNESS = 2

SAMPLED_LETTERS = COURSE.alphabet + "n"  # the real labels are as if drawn from a list that has n twice: lesson 2
LESSON_PNG = ("2g7nm", "34pcn", "bny23", "c4mcm")
LESSON_JPG = ("3c7de", "nxf2c", "pcmcc", "yge7c")


@dataclass(frozen=True)
class Style:
    """How the letters of one image are drawn; as it stands, like those of the synthetic set.

    `size` is the font's, `width` stretches the letters sideways, `slant` leans them to the right by that share of
    their height, `thickness` adds ink all around them. The first letter is set at `start`, each next one where the
    last one's ink would end if it began there, plus `gap`; `baseline` is the y they stand on. The published size and
    baseline are these; start and gap are 28 and 2 there, for a font with wider margins than DejaVu Sans.
    Raises ValueError for a size that the filters would destroy.
    """

    font: Font = DEJAVU_BOLD
    size: float = 40
    width: float = 0.78
    slant: float = 0
    thickness: float = 0
    gap: int = 4
    start: int = 31
    baseline: float = 42

    def __post_init__(self):
        if not 10 <= self.size <= 60:
            raise ValueError(f"letters of size {self.size:g} do not survive the filters: expected 10 to 60 pixels")


def fit_width(family):
    """Return the width of an image of a family that is made 50 pixels high: 200 for the course's."""
    return round(family.width * HEIGHT / family.height)


def sample_style(text, rng, fonts, family=COURSE):
    """Return a Style for one text, around the published one, its font one of `fonts`. Taught in lesson 7.

    What is drawn is the letters' mean width, not their stretch, so that all fonts give texts of about one length; a
    text that would not fit gets narrower letters.
    """
    chance = iter(rng.random(8))

    def between(low, high):
        return low + (high - low) * next(chance)

    font, size = fonts[int(between(0, len(fonts)))], between(36, 45)
    start, gap = round(between(25, 31)), round(between(0, 4))
    outlines = [glyph_outline(font, character) for character in text]
    text_width = sum(right - left for _, left, right in outlines) + outlines[-1][1]
    widest = (fit_width(family) - start - gap * len(text)) / text_width
    return Style(
        font,
        size,
        width=min(between(15, 22) / mean_width(font, family.alphabet), widest) / size,
        slant=between(-0.06, 0.06),
        thickness=between(-0.4, 0.6),
        gap=gap,
        start=start,
        baseline=between(40, 44),
    )


def check_styles(texts, styles):
    """Raise ValueError unless there is a list of one text or more, and a Style for each."""
    lists = [hasattr(given, "__len__") and not isinstance(given, str) for given in (texts, styles)]
    if not all(lists) or not len(texts) == len(styles) > 0:
        found = [len(given) if is_list else repr(given)[:20] for given, is_list in zip((texts, styles), lists)]
        raise ValueError(
            f"texts ({found[0]}) and styles ({found[1]}) do not pair up: expected a list of texts, and a Style for each"
        )


def draw_letters(texts, styles, width=WIDTH):
    """Return the ink of the letters alone, one image for each text and its Style: int16 (width, 50, images).

    Raises ValueError for a text that is empty, too wide or beside the image, for a character that the font lacks, and
    where texts and styles do not pair up.
    """
    check_styles(texts, styles)
    outlines, letters = [], []
    for image, (text, style) in enumerate(zip(texts, styles)):
        if not text:
            raise ValueError("an empty text cannot be drawn: expected one or more characters")
        x, scale = style.start, style.size * style.width
        for place, character in enumerate(text):
            outline, left, right = glyph_outline(style.font, character)
            if x + right * scale > width:
                raise ValueError(
                    f"{text!r} is too wide for {width} pixels at size {style.size:g} and width {style.width:.2f}: "
                    f"its first {place} characters fit"
                )
            outlines.append(outline)
            letters.append((image, x, style.baseline, scale, style.size, style.slant, style.thickness))
            x += int((right - left) * scale) + style.gap
    letters = np.repeat(letters, [len(outline) for outline in outlines], axis=0)
    x, baseline, scale, size, slant, thickness = letters[:, 1:, np.newaxis].transpose(1, 0, 2)
    outlines = np.concatenate(outlines)
    up = outlines[:, 1:4:2]
    edges = np.empty_like(outlines[:, :4])
    edges[:, ::2] = x + scale * (outlines[:, :4:2] + slant * up) + thickness * outlines[:, 4::2]
    edges[:, 1::2] = baseline - size * up - thickness * outlines[:, 5::2]
    ink = rasterise(edges, letters[:, 0].astype(np.int64), len(texts), width)
    for text, inked in zip(texts, ink.any(axis=(0, 1))):
        if not inked and text.strip():
            raise ValueError(f"{text!r} leaves no ink in the image: expected a width, start and baseline that show it")
    return ink


def water_map(amplitude=1.5, wavelength=2, phase=10, radius=50, width=WIDTH):
    """Return the x and the y that each pixel is read from under rings of water around the middle: float64 (200, 50).

    A wavelength of 2 pixels is finer than pixels can show, which makes the fuzzy double edges. Taught in lesson 7.
    """
    x, y = np.mgrid[:width, :HEIGHT].astype(float)
    middle = width // 2
    distance = np.clip(np.hypot(x - middle, y - 25), 1e-9, radius)
    ring = np.sin(2 * np.pi * distance / wavelength - phase)
    moved = amplitude * wavelength * ring * (radius - distance) / radius
    return x + moved * (x - middle) / distance, y + moved * (y - 25) / distance


def ripple_map(x_amplitude=2.6, x_wavelength=15, y_amplitude=1.7, y_wavelength=5, width=WIDTH):
    """Return the x and the y that each pixel is read from under two slow waves: float64 (200, 50).

    As in the original, a "wavelength" is the way to the next radian, not to the next crest. Taught in lesson 7.
    """
    x, y = np.mgrid[:width, :HEIGHT].astype(float)
    return x + x_amplitude * np.sin(y / x_wavelength), y + y_amplitude * np.sin(x / y_wavelength)


def _interpolate(x, y):
    """Return the sparse matrix that reads each pixel as a mean of the four around (x, y); beyond an edge, on it."""
    width = len(x)
    x, y = np.clip(x, 0, width - 1).ravel(), np.clip(y, 0, HEIGHT - 1).ravel()
    left, top = np.minimum(x.astype(int), width - 2), np.minimum(y.astype(int), HEIGHT - 2)
    right, down = x - left, y - top
    shares = [(1 - right) * (1 - down), (1 - right) * down, right * (1 - down), right * down]
    pixel = left * HEIGHT + top
    places = [pixel, pixel + 1, pixel + HEIGHT, pixel + HEIGHT + 1]
    rows = np.tile(np.arange(len(pixel)), 4)
    shape = (len(pixel), len(pixel))
    return csr_array((np.concatenate(shares), (rows, np.concatenate(places))), shape)


def filter_matrix(*filters):
    """Return the matrix that applies filters one after the other, each given as the places its pixels are read from.

    Sparse int32, (10000, 10000), in 4096ths. Two filters in a row are one: the product of their matrices. Used in
    lesson 7.
    """
    matrix = _interpolate(*filters[0])
    for places in filters[1:]:
        matrix = _interpolate(*places) @ matrix
    matrix.data = np.round(matrix.data * FILTER_ONE)
    return matrix.astype(np.int32)


def warp(ink, matrix):
    """Return ink as seen through a filter matrix: shape, type and range as given. Taught in lesson 7."""
    pixels = matrix @ ink.reshape(matrix.shape[1], -1) + FILTER_ONE // 2
    return (pixels // FILTER_ONE).astype(np.int16).reshape(ink.shape)


@cache
def _both_filters(width):
    return filter_matrix(water_map(width=width), ripple_map(width=width))


def _flatten(heights, flatness, width):
    """Return the straight pieces of the strokes: whose image, which piece along its stroke, start and end (m, 2)."""
    count = 2 * len(heights)
    curves = np.stack([np.broadcast_to(STROKE_KNOTS * width / WIDTH, heights.shape), heights], axis=-1)
    curves, stroke = curves.reshape(count, 4, 2), np.arange(count)
    begins, share, pieces = np.zeros(count), 1.0, []
    while len(curves):
        start, along = curves[:, :1], curves[:, 3:] - curves[:, :1]
        inner = curves[:, 1:3] - start
        shadow = (inner * along).sum(2, keepdims=True)
        shadow = np.clip(shadow / np.maximum((along**2).sum(2, keepdims=True), 1e-9), 0, 1)
        flat = ((inner - shadow * along) ** 2).sum(2).max(1) <= flatness**2
        pieces.append((stroke[flat], begins[flat], curves[flat, 0], curves[flat, 3]))
        # What is still too round is cut in halves (de Casteljau).
        curves, stroke, begins, share = curves[~flat], stroke[~flat], begins[~flat], share / 2
        first = (curves[:, :-1] + curves[:, 1:]) / 2
        second = (first[:, :-1] + first[:, 1:]) / 2
        middle = second.mean(axis=1)
        left = [curves[:, 0], first[:, 0], second[:, 0], middle]
        right = [middle, second[:, 1], first[:, 2], curves[:, 3]]
        curves = np.concatenate([np.stack(left, axis=1), np.stack(right, axis=1)])
        stroke, begins = np.tile(stroke, 2), np.concatenate([begins, begins + share])
    stroke, begins, start, end = map(np.concatenate, zip(*pieces))
    order = np.lexsort((begins, stroke))
    stroke = stroke[order]
    number = np.arange(len(stroke)) - np.searchsorted(stroke, stroke)
    return stroke // 2, number, start[order], end[order]


def draw_strokes(heights, widths=STROKE_WIDTHS, flatness=STROKE_FLATNESS, width=WIDTH):
    """Return the ink of the two strokes of each image: int16 (width, 50, images).

    `heights` are the y of the four points that each stroke's Bezier curve is bent by: (images, 2, 4), 0 .. 50. A
    curve is drawn as straight pieces within `flatness` of it, `widths` wide: the first, the second, all later ones.
    """
    image, number, start, end = _flatten(heights, flatness, width)
    start, end = np.trunc(start), np.trunc(end)
    along = end - start
    along /= np.sqrt((along**2).sum(axis=1, keepdims=True))
    along *= np.array(widths)[np.minimum(number, 2), np.newaxis] / 2
    across = along[:, ::-1] * (1, -1)
    # Square caps reach half a width beyond the ends.
    start, end = start - along, end + along
    corners = np.stack([start + across, end + across, end - across, start - across], axis=1)
    edges = np.concatenate([corners, np.roll(corners, -1, axis=1)], axis=2)
    return rasterise(edges.reshape(-1, 4), np.repeat(image, 4), len(heights), width)


def draw_background(dark=192, light=255, width=WIDTH):
    """Return the grey gradient from the upper left to the lower right corner: uint16 (200, 50, 1).

    Taught in lesson 7.
    """
    x, y = np.mgrid[:width, :HEIGHT]
    share = (x * width + y * HEIGHT) / (width**2 + HEIGHT**2)
    return (dark + (light - dark) * share + 0.5).astype(np.uint16)[:, :, np.newaxis]


def composite(grey, ink):
    """Return grey images (200, 50, n or 1) under a layer of ink (200, 50, n): uint16, 0 .. 255. Taught in lesson 7."""
    return (grey * (FULL - ink).astype(np.uint16) + FULL // 2) // FULL


def fit_style(text, family=COURSE):
    """Return the synthetic set's Style; for a text of another family with narrower letters, where it needs them."""
    style, width = Style(), fit_width(family)
    if family == COURSE:
        return style
    ends = [glyph_outline(style.font, character)[1:] for character in text or " "]
    text_width = sum(right - left for left, right in ends) + ends[-1][0]
    start = min(style.start, round(style.start * width / WIDTH))
    room = (width - start - style.gap * len(text)) / max(style.size * text_width, 1)
    return replace(style, start=start, width=min(style.width, room))


def render_captchas(texts, rng, styles=None, family=COURSE):
    """Return drawn captchas: uint8 (images, 50, 200), 0 black .. 255 white, the same as `render_captcha` one by one.

    `styles` holds a Style for each text, else `fit_style` chooses it; `rng` is a numpy.random.Generator. Raises what
    `draw_letters` raises.
    """
    if styles is None:
        styles = [fit_style(text, family) for text in texts]
    check_styles(texts, styles)
    drawn, width = [], fit_width(family)
    for first in range(0, len(texts), BATCH):
        batch = slice(first, first + BATCH)
        letters = warp(draw_letters(texts[batch], styles[batch], width), _both_filters(width))
        strokes = draw_strokes(rng.random((letters.shape[2], 2, 4)) * HEIGHT, width=width)
        grey = composite(composite(draw_background(width=width), letters), strokes)
        drawn.append(grey.astype(np.uint8).transpose(2, 1, 0))
    drawn = np.concatenate(drawn)
    size = (family.width, family.height)
    if size == drawn.shape[:0:-1]:
        return drawn
    return np.array([Image.fromarray(image).resize(size, Image.Resampling.BILINEAR) for image in drawn])


def render_captcha(text, rng, style=None, family=COURSE):
    """Return one drawn captcha: uint8 (50, 200), 0 black .. 255 white.

    `rng`, a numpy.random.Generator, places the two strokes; without a Style the letters are those of the synthetic
    set. Raises what `draw_letters` raises.
    """
    return render_captchas([text], rng, [style or fit_style(text, family)], family)[0]


def sample_label(rng, family=COURSE):
    """Return five random characters, `n` twice as likely as any other; for another family a text of any of its lengths.

    All lengths, and all of its characters, are then equally likely.
    """
    letters, length = SAMPLED_LETTERS if family == COURSE else family.alphabet, family.longest
    # rng.random alone: NumPy may change how its other methods turn random bits into numbers.
    if family.shortest < length:
        length = family.shortest + int(rng.random() * (length - family.shortest + 1))
    return "".join(letters[int(value * len(letters))] for value in rng.random(length))


def write_samples(folder, png=1040, jpg=30, seed=0, family=COURSE):
    """Write `png` RGBA and `jpg` RGB images named by their labels into a new `folder`; return it as a Path.

    The same seed gives the same pixels; the eight files of lesson 1 are among them. Images of another family are
    numbered, and their labels stand in a labels.csv: a text may come twice, and need not do for a file's name. The
    folder appears complete or not at all. Raises FileExistsError where something stands at `folder` already, else what
    `draw_letters` and `written_beside` raise.
    """
    folder, rng = Path(folder), np.random.default_rng(seed)
    if family == COURSE:
        labels = dict.fromkeys([*LESSON_PNG[:png], *LESSON_JPG[:jpg]])
        while len(labels) < png + jpg:
            labels.setdefault(sample_label(rng))
        # The last ones become JPEG, so the four JPEG of lesson 1 go to the end.
        labels = names = sorted(labels, key=lambda label: label in LESSON_JPG)
    else:
        labels = [sample_label(rng, family) for _ in range(png + jpg)]
        names = [f"{number:06}" for number in range(png + jpg)]
    if folder.exists():
        raise FileExistsError(f"{folder} exists already: expected the name of a new folder")
    with written_beside(folder) as unfinished:
        unfinished.mkdir()
        files = [f"{name}.png" if number < png else f"{name}.jpg" for number, name in enumerate(names)]
        for file, label in zip(tqdm(files, desc="drawing images", leave=False), labels):
            image = Image.fromarray(render_captcha(label, rng, family=family))
            if file.endswith("png"):
                image.convert("RGBA").save(unfinished / file)
            else:
                image.convert("RGB").save(unfinished / file, quality=90)
        if family != COURSE:
            write_labels(unfinished, files, labels)
    return folder
