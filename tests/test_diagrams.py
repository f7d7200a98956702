from itertools import product

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import same_color

from captcha_lib.diagrams import FAINT, plot_cell, plot_lattice, plot_unrolled

matplotlib.use("Agg")


@pytest.fixture
def ax():
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


def arrows(ax):
    """The colour and the head of each arrow; one without a head only leads to another line."""
    patches = [text.arrow_patch for text in ax.texts if getattr(text, "arrow_patch", None)]
    return [(patch.get_edgecolor(), type(patch.get_arrowstyle()).__name__) for patch in patches]


@pytest.mark.parametrize(
    "path, seen, lines",
    [
        ("forgetting", "c_t c_{t-1} f_t h_{t-1} x_t + logistic ×", 7),
        ("writing", "c_t g_t h_{t-1} i_t x_t + logistic tanh ×", 8),
        ("ignoring", "g_t h_{t-1} i_t x_t logistic tanh ×", 6),
        ("selection", "h_t h_{t-1} o_t x_t + logistic tanh ×", 7),
    ],
)
def test_one_path_stands_out_and_the_others_are_faint(ax, path, seen, lines):
    plot_cell(ax, path)
    texts = [text for text in ax.texts if text.get_text()]
    assert all(same_color(text.get_color(), "C3") or same_color(text.get_color(), FAINT) for text in texts)
    assert sorted(t.get_text().strip("$") for t in texts if same_color(t.get_color(), "C3")) == sorted(seen.split())
    colors = [color for color, _ in arrows(ax)]
    assert sum(same_color(color, "C3") for color in colors) == lines
    assert sum(same_color(color, FAINT) for color in colors) == len(colors) - lines


def test_the_whole_cell_is_drawn_in_one_colour(ax):
    plot_cell(ax)
    assert all(same_color(color, "black") for color, _ in arrows(ax))
    assert sorted(head for _, head in arrows(ax)) == ["Curve"] * 2 + ["CurveFilledB"] * 15
    assert sum(text.get_text() == "logistic" for text in ax.texts) == 3


def test_lines_start_at_the_borders_and_go_along_the_axes(ax):
    plot_cell(ax)
    ax.figure.canvas.draw()
    bodies = [text.get_bbox_patch().get_window_extent() for text in ax.texts if text.get_text()[:1] in ("×", "t", "l")]
    assert len(bodies) == 3 + 5
    for arrow in [text.arrow_patch for text in ax.texts if getattr(text, "arrow_patch", None)]:
        line = arrow.get_transform().transform_path(arrow.get_path()).vertices
        assert not any(body.shrunk(0.9, 0.9).contains(*line[0]) for body in bodies)
        assert np.abs(line[1] - line[0]).min() < 0.5  # in pixels


def test_an_unknown_path_is_refused(ax):
    with pytest.raises(ValueError, match="no path 'memory': expected one of forgetting, writing, ignoring"):
        plot_cell(ax, "memory")


def test_the_unrolled_layer_counts_from_0_as_the_lesson_does(ax):
    plot_unrolled(ax)
    texts = [text.get_text() for text in ax.texts]
    assert texts.count("tanh") == 1 + 4
    # The loop, five steps of the unrolled layer, and an input and an output at each place.
    assert texts.count("$u$") == 1 + 5 and len(arrows(ax)) == 1 + 5 + 2 * 5
    assert [f"$h_{{{t}}}$" in texts and f"$x_{{{t}}}$" in texts for t in (0, 1, 2, 3, 49, 50)] == [1, 1, 1, 0, 1, 0]
    assert texts.count("$0$") == 1 and "=" not in "".join(texts)


def list_walks(text, columns):
    """All walks of CTC through the states of a text, as pairs of (column, state), by trying every one."""
    states = "-" + "".join(f"{character}-" for character in text)
    allowed = {(one, other) for one in range(len(states)) for other in (one, one + 1) if other < len(states)}
    allowed |= {(one, one + 2) for one in range(len(states) - 2) if states[one] != states[one + 2]}
    return [
        list(enumerate(walk))
        for walk in product(range(len(states)), repeat=columns)
        if walk[0] < 2 and walk[-1] >= len(states) - 2 and allowed.issuperset(zip(walk, walk[1:]))
    ]


@pytest.mark.parametrize("text", ["23", "22", "232"])
def test_the_lattice_has_the_steps_that_walks_take_and_no_others(ax, text):
    states, columns = 2 * len(text) + 1, 5
    shares = np.full((columns, states), 1 / states)
    plot_lattice(ax, text, shares, range(columns))
    walks = list_walks(text, columns)
    steps = [
        ((line.get_xdata()[0], line.get_ydata()[0]), (line.get_xdata()[1], line.get_ydata()[1])) for line in ax.lines
    ]
    assert len(set(steps[:-1])) == len(steps) - 1
    assert set(steps[:-1]) == {step for walk in walks for step in zip(walk, walk[1:])}
    numbered = {tuple(map(round, text.get_position())) for text in ax.texts}
    assert numbered == {place for walk in walks for place in walk} and len(numbered) < shares.size
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["-", *"-".join(text), "-"]
    assert list(ax.lines[-1].get_ydata()) == list(range(columns))
