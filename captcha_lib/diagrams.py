"""The diagrams of lessons 5a and 5b: an unrolled network, the LSTM cell path by path, the lattice of CTC.

Each is drawn into a Matplotlib axis, in the colours of `use_course_style`; nothing is computed here.
"""

import numpy as np

FAINT = "0.75"
PATHS = {"forgetting", "ignoring", "selection"}

# The LSTM cell: (x, y, what stands there, the paths it belongs to). A gate or a function is a box, a step a circle.
_CELL_BOXES = [
    (2.0, 1.4, "logistic", {"forgetting"}),
    (3.6, 1.4, "logistic", {"ignoring"}),
    (5.2, 1.4, "tanh", set()),
    (6.8, 1.4, "logistic", {"selection"}),
    (8.2, 3.1, "tanh", {"selection"}),
]
_CELL_STEPS = [
    (2.0, 4.0, "×", {"forgetting"}),
    (5.2, 2.6, "×", {"ignoring"}),
    (5.2, 4.0, "+", {"ignoring", "forgetting"}),
    (8.2, 2.3, "×", {"selection"}),
]
_CELL_LINES = [
    ([(0.3, 0.4), (2.0, 0.4)], PATHS),
    ([(2.0, 0.4), (3.6, 0.4)], {"ignoring", "selection"}),
    ([(3.6, 0.4), (5.2, 0.4)], {"selection"}),
    ([(5.2, 0.4), (6.8, 0.4)], {"selection"}),
    ([(1.0, -0.4), (1.0, 0.4)], PATHS),
    ([(0.3, 4.0), (1.77, 4.0)], {"forgetting"}),
    ([(2.0, 0.4), (2.0, 1.1)], {"forgetting"}),
    ([(2.0, 1.7), (2.0, 3.77)], {"forgetting"}),
    ([(2.23, 4.0), (4.97, 4.0)], {"forgetting"}),
    ([(3.6, 0.4), (3.6, 1.1)], {"ignoring"}),
    ([(3.6, 1.7), (3.6, 2.6), (4.97, 2.6)], {"ignoring"}),
    ([(5.2, 0.4), (5.2, 1.1)], set()),
    ([(5.2, 1.7), (5.2, 2.37)], set()),
    ([(5.2, 2.83), (5.2, 3.77)], {"ignoring"}),
    ([(5.43, 4.0), (8.2, 4.0)], PATHS),
    ([(8.2, 4.0), (9.7, 4.0)], {"forgetting", "ignoring"}),
    ([(6.8, 0.4), (6.8, 1.1)], {"selection"}),
    ([(6.8, 1.7), (6.8, 2.3), (7.97, 2.3)], {"selection"}),
    ([(8.2, 4.0), (8.2, 3.4)], {"selection"}),
    ([(8.2, 2.8), (8.2, 2.53)], {"selection"}),
    ([(8.2, 2.07), (8.2, 0.4), (9.7, 0.4)], {"selection"}),
]
# Where a line ends on another line, and has no arrow.
_CELL_JOINTS = {(x, 0.4) for x in (1.0, 2.0, 3.6, 5.2, 6.8)} | {(8.2, 4.0)}
_CELL_SYMBOLS = [
    (0.15, 4.0, "$c_{t-1}$", "right", {"forgetting"}),
    (0.15, 0.4, "$h_{t-1}$", "right", PATHS),
    (1.0, -0.65, "$x_t$", "center", PATHS),
    (2.15, 2.2, "$f_t$", "left", {"forgetting"}),
    (3.45, 2.2, "$i_t$", "right", {"ignoring"}),
    (5.35, 2.0, "$g_t$", "left", set()),
    (6.65, 2.2, "$o_t$", "right", {"selection"}),
    (9.85, 4.0, "$c_t$", "left", {"forgetting", "ignoring"}),
    (9.85, 0.4, "$h_t$", "left", {"selection"}),
]


def plot_cell(ax, path=None):
    """Draw one LSTM cell; `path` ('forgetting', 'ignoring' or 'selection') is the one that stands out.

    Raises ValueError for another path. Source: the cell of Gers, Schmidhuber and Cummins (2000). Seen in lesson 5a.
    """
    if path is not None and path not in PATHS:
        raise ValueError(f"the cell has no path {path!r}: expected one of {', '.join(sorted(PATHS))}")

    def look(paths):
        if path is None:
            return {"color": "black", "zorder": 1}
        return {"color": "C3", "zorder": 3} if path in paths else {"color": FAINT, "zorder": 2}

    width = 1.6 if path is None else 2.4
    for points, paths in _CELL_LINES:
        *corners, end = points
        ax.plot(*zip(*points), linewidth=width, solid_capstyle="butt", **look(paths))
        if end not in _CELL_JOINTS:
            arrow = {"arrowstyle": "-|>", "linewidth": 0, "shrinkA": 0, "shrinkB": 0}
            arrow |= {"color": look(paths)["color"], "mutation_scale": 14}
            start = np.array(end) + 0.05 * np.sign(np.array(corners[-1]) - end)
            ax.annotate("", end, start, arrowprops=arrow, zorder=4)
    for x, y, text, paths in _CELL_BOXES + _CELL_STEPS:
        shape = "circle,pad=0.15" if len(text) == 1 else "square,pad=0.35"
        color = look(paths)["color"]
        box = {"boxstyle": shape, "facecolor": "white", "edgecolor": color, "linewidth": width}
        ax.text(x, y, text, ha="center", va="center", color=color, bbox=box, zorder=5)
    for x, y, symbol, side, paths in _CELL_SYMBOLS:
        color = look(paths)["color"]
        ax.text(x, y, symbol, ha=side, va="center", color=color, fontsize="large", zorder=5)
    ax.set(xlim=(-0.6, 10.5), ylim=(-0.95, 4.6))
    ax.axis("off")


def plot_unrolled(ax, steps=4):
    """Draw a recurrent layer once with its loop, and beside it unrolled over `steps` columns. Seen in lesson 5a."""
    box = {"boxstyle": "square,pad=0.6", "facecolor": "white", "edgecolor": "black"}
    arrow = {"arrowstyle": "-|>", "color": "black", "shrinkA": 0, "shrinkB": 0}
    places = [0.0, *(3.2 + 2.0 * np.arange(steps))]
    for number, x in enumerate(places):
        name = f"_{number}" if number else "_t"
        ax.text(x, 0, "tanh", ha="center", va="center", bbox=box, zorder=3)
        for (start, end), (symbol, y) in {
            (-1.0, -0.35): (f"$x{name}$", -1.2),
            (0.35, 1.0): (f"$h{name}$", 1.2),
        }.items():
            ax.annotate("", (x, end), (x, start), arrowprops=arrow)
            ax.text(x, y, symbol, ha="center", va="center", fontsize="large")
        ax.text(x + 0.1, -0.7, "$w$", color="C0", va="center")
    loop = arrow | {"connectionstyle": "arc3,rad=0.9", "color": "C3"}
    ax.annotate("", (-0.48, -0.1), (-0.08, 0.5), arrowprops=loop)
    ax.text(-1.0, 0.35, "$u$", color="C3", ha="center")
    ax.text(1.45, 0, "=", ha="center", va="center", fontsize="xx-large")
    starts = [places[1] - 1.1, *(x + 0.48 for x in places[1:])]
    ends = [*(x - 0.48 for x in places[1:]), places[-1] + 1.1]
    for number, (start, end) in enumerate(zip(starts, ends)):
        ax.annotate("", (end, 0), (start, 0), arrowprops=arrow | {"color": "C3"})
        if 0 < number < steps:
            ax.text((start + end) / 2, 0.15, "$u$", color="C3", ha="center")
    ax.text(starts[0] - 0.1, 0, "$h_0$", ha="right", va="center", fontsize="large")
    ax.set(xlim=(-1.3, places[-1] + 1.3), ylim=(-1.5, 1.5))
    ax.axis("off")


def plot_lattice(ax, text, shares, walk):
    """Draw the lattice of CTC: a column of nodes a time step, a row a state, and the steps that are allowed.

    `shares`, (time, 2 * len(text) + 1) of 0..1, shade the nodes; `walk`, one state a column, is the path that stands
    out. Seen in lesson 5b.
    """
    states = "-" + "".join(f"{character}-" for character in text)
    columns = range(len(shares))
    for t in columns[1:]:
        for state, symbol in enumerate(states):
            before = {state, max(state - 1, 0)}
            if state > 1 and symbol not in ("-", states[state - 2]):
                before.add(state - 2)
            for other in before:
                ax.plot([t - 1, t], [other, state], color=FAINT, linewidth=1, zorder=1)
    ax.plot(columns, walk, color="C1", linewidth=4, zorder=2)
    t, state = np.mgrid[: len(shares), : len(states)]
    ax.scatter(t, state, c=shares, cmap="gray_r", vmin=0, vmax=1, s=420, edgecolor="black", zorder=3)
    for place, share in np.ndenumerate(shares):
        color = "white" if share > 0.5 else "black"
        ax.text(*place, f"{share:.2f}", color=color, size=8, ha="center", va="center", zorder=4)
    ax.set(xlabel="column t", ylabel="state s", xticks=columns)
    ax.set(yticks=range(len(states)), yticklabels=states, ylim=(len(states) - 0.4, -0.6))
    ax.spines[:].set_visible(False)
