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


def standing_out(ax):
    return sorted(text.get_text() for text in ax.texts if same_color(text.get_color(), "C3"))


@pytest.mark.parametrize(
    "path, seen",
    [
        ("forgetting", ["$c_t$", "$c_{t-1}$", "$f_t$", "$h_{t-1}$", "$x_t$", "+", "logistic", "×"]),
        ("ignoring", ["$c_t$", "$h_{t-1}$", "$i_t$", "$x_t$", "+", "logistic", "×"]),
        ("selection", ["$h_t$", "$h_{t-1}$", "$o_t$", "$x_t$", "logistic", "tanh", "×"]),
    ],
)
def test_one_path_stands_out_and_the_others_are_faint(ax, path, seen):
    plot_cell(ax, path)
    assert standing_out(ax) == seen
    colors = [line.get_color() for line in ax.lines]
    assert all(same_color(color, "C3") or same_color(color, FAINT) for color in colors)
    assert 0 < sum(same_color(color, "C3") for color in colors) < len(colors)


def test_the_whole_cell_is_drawn_in_one_colour(ax):
    plot_cell(ax)
    assert {line.get_color() for line in ax.lines} == {"black"}
    assert sum(text.get_text() == "logistic" for text in ax.texts) == 3


def test_an_unknown_path_is_refused(ax):
    with pytest.raises(ValueError, match="no path 'memory': expected one of forgetting, ignoring"):
        plot_cell(ax, "memory")


@pytest.mark.parametrize("steps", [2, 5])
def test_the_unrolled_layer_has_a_copy_for_each_step(ax, steps):
    plot_unrolled(ax, steps)
    texts = [text.get_text() for text in ax.texts]
    assert texts.count("tanh") == 1 + steps
    assert [f"$h_{number}$" in texts for number in range(steps + 2)] == [True] * (steps + 1) + [False]


@pytest.mark.parametrize("text, jumps", [("23", 1), ("22", 0), ("232", 2)])
def test_the_lattice_has_the_steps_that_ctc_allows(ax, text, jumps):
    states, columns = 2 * len(text) + 1, 5
    shares = np.full((columns, states), 1 / states)
    plot_lattice(ax, text, shares, range(columns))
    steps = {(*line.get_xdata(), *line.get_ydata()) for line in ax.lines[:-1]}
    assert len(steps) == len(ax.lines) - 1 == (columns - 1) * (states + states - 1 + jumps)
    assert all(right - left == 1 and 0 <= to - start <= 2 for left, right, start, to in steps)
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["-", *"-".join(text), "-"]
    assert list(ax.lines[-1].get_ydata()) == list(range(columns))
