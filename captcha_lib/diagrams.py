"""The diagrams of lessons 5a and 5b: an unrolled network, the LSTM cell path by path, the lattice of CTC.

Each is drawn into a Matplotlib axis, in the colours of `use_course_style`; nothing is computed here.
"""

import numpy as np

FAINT = "0.75"
PATHS = ("forgetting", "writing", "ignoring", "selection")

# The LSTM cell: what stands where. At "inputs" two lines meet.
_PLACES = {
    "old c": (0.0, 4.0, "$c_{t-1}$"),
    "old h": (0.0, 0.4, "$h_{t-1}$"),
    "x": (1.0, -0.65, "$x_t$"),
    "inputs": (1.0, 0.4, ""),
    "f": (2.0, 1.4, "logistic"),
    "i": (3.6, 1.4, "logistic"),
    "g": (5.2, 1.4, "tanh"),
    "o": (6.8, 1.4, "logistic"),
    "keep": (2.0, 4.0, "×"),
    "write": (5.2, 2.6, "×"),
    "add": (5.2, 4.0, "+"),
    "squash": (8.2, 3.1, "tanh"),
    "say": (8.2, 2.2, "×"),
    "c": (9.9, 4.0, "$c_t$"),
    "h": (9.9, 0.4, "$h_t$"),
}
# Its lines: from where, which way first (- across, | up or down), to where; and the initials of the paths they are in.
_LINES = [
    ("old h", "-", "inputs", "fwis"),
    ("x", "|", "inputs", "fwis"),
    ("inputs", "-", "f", "f"),
    ("inputs", "-", "i", "wi"),
    ("inputs", "-", "g", "wi"),
    ("inputs", "-", "o", "s"),
    ("old c", "-", "keep", "f"),
    ("f", "|", "keep", "f"),
    ("keep", "-", "add", "f"),
    ("i", "|", "write", "wi"),
    ("g", "|", "write", "wi"),
    ("write", "|", "add", "w"),  # past a shut input gate nothing goes on
    ("add", "-", "c", "fw"),
    ("add", "-", "squash", "s"),
    ("squash", "|", "say", "s"),
    ("o", "|", "say", "s"),
    ("say", "|", "h", "s"),
]


def _write(ax, x, y, text, color="black"):
    """Write a symbol, a step in a circle or a function in a box; return it, for `_connect`."""
    box = {"boxstyle": "circle,pad=0.15" if text in ("×", "+") else "square,pad=0.35", "facecolor": "white"}
    box |= {"edgecolor": "none" if "$" in text or not text else color, "linewidth": 1.5}
    size = "large" if "$" in text else "medium"
    return ax.text(x, y, text, ha="center", va="center", color=color, size=size, bbox=box, zorder=2)


def _connect(ax, start, end, shape="arc3", color="black", width=1.5):
    """Draw an arrow from the border of one text to that of another, or a line to the middle of an empty one."""
    arrow = {"arrowstyle": "-|>" if end.get_text() else "-", "connectionstyle": shape, "color": color}
    arrow |= {"linewidth": width, "mutation_scale": 12, "shrinkA": 0, "shrinkB": 0}
    arrow |= {f"patch{side}": text.get_bbox_patch() for side, text in [("A", start), ("B", end)] if text.get_text()}
    # The borders are known once the texts are drawn: so the texts come first.
    ax.annotate("", end.get_position(), start.get_position(), arrowprops=arrow, zorder=3 + (color != FAINT))


def plot_cell(ax, path=None):
    """Draw one LSTM cell; `path` ('forgetting', 'writing', 'ignoring' or 'selection') is the one that stands out.

    Raises ValueError for another path. Source: the cell of Gers, Schmidhuber and Cummins (2000). Seen in lesson 5a.
    """
    if path not in (None, *PATHS):
        raise ValueError(f"the cell has no path {path!r}: expected one of {', '.join(PATHS)}")
    seen = [line for line in _LINES if path and path[0] in line[3]]
    places = {name for start, _, end, _ in seen for name in (start, end)}
    color, rest, width = ("C3", FAINT, 2.4) if path else (None, "black", 1.5)
    texts = {name: _write(ax, *place, color if name in places else rest) for name, place in _PLACES.items()}
    for line in _LINES:
        start, way, end, _ = line
        (x, y), to = texts[start].get_position(), texts[end].get_position()
        bend = "angle,rad=0,angleA=0,angleB=90" if way == "-" else "angle,rad=0,angleA=90,angleB=0"
        shape = "arc3" if x == to[0] or y == to[1] else bend
        look = {"color": color, "width": width} if line in seen else {"color": rest}
        _connect(ax, texts[start], texts[end], shape, **look)
    for name in "figo":
        x, y, _ = _PLACES[name]
        ax.text(x + 0.15, y + 0.6, f"${name}_t$", va="center", color=color if name in places else rest, size="large")
    ax.set(xlim=(-0.6, 10.5), ylim=(-0.95, 4.6))
    ax.axis("off")


def plot_unrolled(ax):
    """Draw a recurrent layer once with its loop, and beside it unrolled over 50 columns. Seen in lesson 5a."""
    chain = {}
    for x, t in [(0, "t"), (4, "0"), (6, "1"), (8, "2"), (12, "49")]:
        chain[t] = _write(ax, x, 0, "tanh")
        _connect(ax, _write(ax, x, -1.2, f"$x_{{{t}}}$"), chain[t])
        _connect(ax, chain[t], _write(ax, x, 1.2, f"$h_{{{t}}}$"))
        ax.text(x + 0.1, -0.65, "$w$", color="C0", va="center")
    loop = {"arrowstyle": "-|>", "connectionstyle": "arc3,rad=0.9", "color": "C3", "linewidth": 1.5, "shrinkB": 0}
    ax.annotate("", (-0.42, -0.1), (0, 0.55), arrowprops=loop)
    ax.text(-1.0, 0.35, "$u$", color="C3", ha="center")
    stops = [_write(ax, 2.6, 0, "$0$"), chain["0"], chain["1"], chain["2"], _write(ax, 10, 0, "$\\cdots$"), chain["49"]]
    for start, end in zip(stops, stops[1:]):
        _connect(ax, start, end, color="C3")
        middle = (start.get_position()[0] + end.get_position()[0]) / 2
        ax.text(middle, 0.15, "$u$", color="C3", ha="center")
    for x, title in [(0, "the layer"), (8, "the same layer, unrolled")]:
        ax.text(x, 1.75, title, ha="center", va="center")
    ax.set(xlim=(-1.3, 12.8), ylim=(-1.5, 2.0))
    ax.axis("off")


def plot_lattice(ax, text, shares, walk):
    """Draw the lattice of CTC: a column of nodes a time step, a row a state, and the steps that walks may take.

    `shares`, (time, 2 * len(text) + 1) of 0..1, shade the nodes; `walk`, one state a column, is the path that stands
    out. A node that no walk from the first column to the last passes is a dot without steps. Seen in lesson 5b.
    """
    states = "-" + "".join(f"{character}-" for character in text)
    sources = [{state, max(state - 1, 0)} for state in range(len(states))]
    for state in range(2, len(states)):
        if states[state] != states[state - 2]:
            sources[state].add(state - 2)
    passed = [{0, 1}]
    for _ in shares[1:]:
        passed.append({state for state, before in enumerate(sources) if before & passed[-1]})
    passed[-1] &= {len(states) - 2, len(states) - 1}
    for t in range(len(shares) - 1, 0, -1):
        passed[t - 1] &= set().union(*(sources[state] for state in passed[t]))
        for state in passed[t]:
            for other in sources[state] & passed[t - 1]:
                ax.plot([t - 1, t], [other, state], color=FAINT, linewidth=1, zorder=1)
    columns = range(len(shares))
    ax.plot(columns, walk, color="C1", linewidth=4, zorder=2)
    for (t, state), share in np.ndenumerate(shares):
        if state not in passed[t]:
            ax.scatter(t, state, color=FAINT, s=12, zorder=3)
            continue
        ax.scatter(t, state, c=share, cmap="gray_r", vmin=0, vmax=1, s=420, edgecolor="black", zorder=3)
        color = "white" if share > 0.5 else "black"
        ax.text(t, state, f"{share:.2f}", color=color, size=8, ha="center", va="center", zorder=4)
    ax.set(xlabel="column t", ylabel="state s", xticks=columns)
    ax.set(yticks=range(len(states)), yticklabels=states, ylim=(len(states) - 0.4, -0.6))
    ax.spines[:].set_visible(False)
