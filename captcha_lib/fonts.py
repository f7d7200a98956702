"""The outlines of letters, and how much of each pixel an outline covers (lesson 7).

Font rasterisers round differently from version to version, so letters are filled by our own scan lines. Images are
laid out as in lesson 3, columns first; many of them at once are stacked along the last axis.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from fontTools.pens.basePen import BasePen
from fontTools.ttLib import TTFont

from captcha_lib.family import ALPHABET, HEIGHT, WIDTH

FULL = 256  # the ink of a pixel that is covered completely
SCAN_LINES = 4  # a pixel
CURVE_STEPS = np.arange(1, 5)[:, None] / 4

FAMILIES = ("Lato", "Noto Sans", "Open Sans", "Source Sans 3")
WEIGHTS = (600, 700, 800)


@dataclass(frozen=True)
class Font:
    """One cut of a typeface: its file and, where that holds many weights, the one to take (400 regular, 700 bold)."""

    file: Path
    weight: int = 700


# matplotlib brings these files: they are the same on every machine.
_MATPLOTLIB = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
DEJAVU_BOLD = Font(_MATPLOTLIB / "DejaVuSans-Bold.ttf")
OTHER_BOLD = ("DejaVuSansMono-Bold.ttf", "DejaVuSerif-Bold.ttf", "STIXGeneralBol.ttf")


def find_fonts():
    """Return one Font for each of three weights of four families, which the extra `fonts` of this project installs.

    Where they are not installed, as in Colab, return three other bold fonts that matplotlib brings, and say so.
    """
    try:
        import fontpkg  # here, because drawing with matplotlib's own font does not need it

        return [Font(fontpkg.path(family, weight), weight) for family in FAMILIES for weight in WEIGHTS]
    except (ModuleNotFoundError, LookupError):
        packages = " ".join(f"fontpkg-{family.lower().replace(' ', '-')}" for family in FAMILIES)
        print(f"Only matplotlib's fonts are here; for more: pip install {packages}")
        return [Font(_MATPLOTLIB / name) for name in OTHER_BOLD]


class _Polygons(BasePen):
    """Collects the outlines of a glyph, each curve as four straight lines."""

    def __init__(self, glyphs):
        super().__init__(glyphs)
        self.polygons = []

    def _moveTo(self, point):
        self.polygons.append([point])

    def _lineTo(self, point):
        self.polygons[-1].append(point)

    def _curveToOne(self, first, second, end):
        start, t = np.array(self.polygons[-1][-1]), CURVE_STEPS
        curve = (1 - t) ** 3 * start + t**3 * np.array(end)
        curve += 3 * (1 - t) * t * ((1 - t) * np.array(first) + t * np.array(second))
        self.polygons[-1].extend(map(tuple, curve))


@cache
def _open_font(font):
    opened = TTFont(font.file, lazy=True)
    weight = {"wght": font.weight} if "fvar" in opened else None
    return opened.getGlyphSet(location=weight), opened.getBestCmap(), opened["head"].unitsPerEm


@cache
def glyph_outline(font, character):
    """Return a letter's outline, and where it starts and ends along the line, in units of the font's size.

    The outline has a row for each straight edge, float64 (edges, 8): x and y of its start, of its end, and for
    either the direction that leads out of the ink (TrueType outlines run clockwise around it); y runs up from the
    baseline. Raises ValueError where the font has no such letter.
    """
    glyphs, names, size = _open_font(font)
    if ord(character) not in names:
        raise ValueError(f"{font.file.name} has no glyph for {character!r}: expected a character it can draw")
    pen = _Polygons(glyphs)
    glyphs[names[ord(character)]].draw(pen)
    edges = []
    for polygon in pen.polygons:
        start = np.array(polygon, float) / size
        start = start[(start != np.roll(start, -1, axis=0)).any(axis=1)]
        end = np.roll(start, -1, axis=0)
        across = (end - start)[:, ::-1] * (-1, 1)
        across /= np.sqrt((across**2).sum(axis=1, keepdims=True))
        # At a corner: a step out of both edges at once, but no spike where they meet at a sharp angle.
        out = across + np.roll(across, 1, axis=0)
        out /= np.maximum((out**2).sum(axis=1, keepdims=True) / 2, 0.5)
        edges.append(np.hstack([start, end, out, np.roll(out, -1, axis=0)]))
    if not edges:  # a space
        return np.zeros((0, 8)), 0.0, 0.0
    edges = np.concatenate(edges)
    return edges, edges[:, 0].min(), edges[:, 0].max()


@cache
def mean_width(font, alphabet=ALPHABET):
    """Return the mean width of an alphabet's letters in a font, in units of its size."""
    outlines = (glyph_outline(font, character) for character in alphabet)
    return float(np.mean([right - left for _, left, right in outlines]))


def rasterise(edges, owners, count, width=WIDTH):
    """Return how much of each pixel closed outlines cover: int16 (width, 50, count), 0 .. FULL.

    `edges` is float64 (m, 4), x and y in pixels of each edge's start and end; `owners` says for each edge which of
    the `count` images it belongs to. Numbers are whole from here on, so that every machine finds the same ones.
    """
    x, y, x_end, y_end = edges.T
    ends = np.array([np.minimum(y, y_end), np.maximum(y, y_end)])
    first, last = np.clip(np.ceil(ends * SCAN_LINES - 0.5), 0, HEIGHT * SCAN_LINES).astype(np.int32)
    edge = np.repeat(np.arange(len(edges)), last - first)
    line = np.arange(len(edge)) - np.repeat(np.cumsum(last - first) - last, last - first)

    slope = (x_end - x) / np.where(y_end == y, 1, y_end - y)
    crossing = slope[edge] * ((line + 0.5) / SCAN_LINES - y[edge]) + x[edge]
    steps = FULL // SCAN_LINES
    column, part = np.divmod((np.clip(crossing, 0, width) * steps + 0.5).astype(np.int32), steps)
    direction = np.where(y_end > y, 1, -1).astype(np.int16)[edge]
    part = part.astype(np.int16) * direction

    # Each crossing turns the ink on, or off, for all pixels to its right; the sum over columns says how much is on.
    ink = np.zeros((width + 2) * HEIGHT * count, np.int16)
    pixel = (column * HEIGHT + line // SCAN_LINES) * count + owners[edge]
    np.add.at(ink, pixel, direction * np.int16(steps) - part)
    np.add.at(ink, pixel + HEIGHT * count, part)
    ink = ink.reshape(width + 2, HEIGHT, count)
    for column in range(1, width):
        ink[column] += ink[column - 1]
    ink = np.abs(ink[:width], out=ink[:width])
    return np.minimum(ink, FULL, out=ink)
