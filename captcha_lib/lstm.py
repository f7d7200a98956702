"""A recurrent layer with a memory, in NumPy (lesson 5a)."""

import numpy as np
from scipy.special import expit as logistic


def run_lstm(columns, kernel, recurrent_kernel, bias):
    """Return what an LSTM does at each column: a dict of `f, i, g, o, c, h`, each float (time, units).

    These are the forget gate, the input gate, the candidate, the output gate, the cell state and the output. `columns`
    is (time, inputs); the three others are `get_weights()` of a keras.layers.LSTM. Source: Hochreiter and
    Schmidhuber (1997), Gers et al. (2000). Taught in lesson 5a.
    """
    h = c = np.zeros(len(recurrent_kernel))
    steps = []
    for x in columns:
        i, f, g, o = np.split(x @ kernel + h @ recurrent_kernel + bias, 4)
        f, i, g, o = logistic(f), logistic(i), np.tanh(g), logistic(o)
        c = f * c + i * g
        h = o * np.tanh(c)
        steps.append((f, i, g, o, c, h))
    return dict(zip("figoch", np.array(steps).swapaxes(0, 1)))
