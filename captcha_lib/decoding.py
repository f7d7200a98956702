"""From columns of probabilities to texts, and how probable each text is (lessons 5b, 6b and 8).

NumPy alone: a reader that has left the notebook needs no more.
"""

from collections import defaultdict
from heapq import nlargest

import numpy as np

from captcha_lib.family import ALPHABET, BLANK, COURSE, check_numbers, decode_label, encode_label


def check_columns(probabilities, blank=BLANK):
    """Raise ValueError unless `probabilities` are (n, time, 20), as CTC has them; five heads give (n, 5, 19)."""
    shape = tuple(probabilities.shape)
    if len(shape) != 3 or shape[2] != blank + 1:
        raise ValueError(
            f"probabilities have shape {shape}: expected (images, columns, {blank + 1}), the last class for the blank"
        )


def interleave_blanks(labels, blank=BLANK):
    """Return labels (n, length) with a blank before, between and behind their letters: int (n, 2 * length + 1).

    Raises what `check_numbers` raises. Taught in lesson 5b.
    """
    labels = check_numbers(labels, least=0, blank=blank)
    states = np.full((len(labels), 2 * labels.shape[1] + 1), blank)
    states[:, 1::2] = labels
    return states


def ctc_forward(probabilities, labels, blank=BLANK):
    """Return how probable it is to have come to each state of the lattice: float64 (n, time, 2 * length + 1).

    `probabilities` are softmax outputs (n, time, 20), `labels` character numbers (n, length). The odd states are the
    letters, the even ones the blanks around them; the last two of the last column together are the text's probability.
    Raises what `check_columns` and `check_numbers` raise. Source: the forward recursion of Graves et al. (2006). Taught
    in lesson 5b.
    """
    check_columns(probabilities, blank)
    states = interleave_blanks(labels, blank)
    y = np.take_along_axis(probabilities.astype("float64"), states[:, np.newaxis], axis=2)
    may_skip = states[:, 2:] != states[:, :-2]  # from letter to letter, unless they are the same
    alpha = np.zeros_like(y)
    alpha[:, 0, :2] = y[:, 0, :2]
    for t in range(1, y.shape[1]):
        arriving = alpha[:, t - 1].copy()
        arriving[:, 1:] += alpha[:, t - 1, :-1]
        arriving[:, 2:] += may_skip * alpha[:, t - 1, :-2]
        alpha[:, t] = arriving * y[:, t]
    return alpha


def text_probability(probabilities, texts, family=COURSE):
    """Return how probable each text is, over all its alignments: float64 (n,), 0 for texts of another length than five.

    `probabilities` are softmax outputs (n, 50, 20). Another family's texts may be of several lengths; those of a length
    that it does not have get 0. Raises what `check_columns` and `encode_label` raise. Taught in lesson 6b.
    """
    sums, blank = np.zeros(len(texts)), len(family.alphabet)
    for length in range(family.shortest, family.longest + 1):
        places = [place for place, text in enumerate(texts) if len(text) == length]
        numbers = [encode_label(texts[place], family) for place in places]
        labels = np.reshape(numbers, (-1, length)).astype(int)
        alpha = ctc_forward(probabilities[places], labels, blank)
        sums[places] = alpha[:, -1, -2:].sum(axis=1)
    return sums


def beam_search(probabilities, beam_width, top_paths=1, alphabet=ALPHABET):
    """Return the `top_paths` most probable texts that a beam search finds in each of softmax outputs (n, time, 20).

    A list of them for each image, the most probable first; `beam_width` beginnings are kept at each column, and a
    letter is not looked at in a column that gives it less than a millionth. There may be fewer texts than `top_paths`.
    Source: Graves and Jaitly (2014). Taught in lesson 5b.
    """
    found = []
    for columns in np.asarray(probabilities).tolist():
        beam = {"": (1, 0)}
        for *letters, blank in columns:
            likely = [pair for pair in zip(alphabet, letters) if pair[1] > 1e-6]
            grown = defaultdict(lambda: [0, 0])
            for text, (in_blank, in_letter) in beam.items():
                grown[text][0] += (in_blank + in_letter) * blank
                for letter, share in likely:
                    if text[-1:] == letter:
                        grown[text][1] += in_letter * share
                        grown[text + letter][1] += in_blank * share
                    else:
                        grown[text + letter][1] += (in_blank + in_letter) * share
            beam = dict(nlargest(beam_width, grown.items(), lambda item: sum(item[1])))
        found.append(list(beam)[:top_paths])
    return found


def decode_ctc(probabilities, beam_width=None, alphabet=ALPHABET):
    """Return the texts in softmax outputs (n, time, 20): the best class of each column, repeats merged, blanks dropped.

    With a `beam_width` the most probable text that a beam search of that width finds, instead. Raises what
    `check_columns` raises. Taught in lesson 5b.
    """
    blank = len(alphabet)
    check_columns(probabilities, blank)
    if beam_width:
        return [texts[0] for texts in beam_search(probabilities, beam_width, alphabet=alphabet)]
    best = np.argmax(probabilities, axis=-1)
    changed = np.diff(best, axis=1, prepend=-1) != 0
    shown = changed & (best != blank)
    return [decode_label(row[keep], alphabet) for row, keep in zip(best, shown)]


def decode_fixed_length(probabilities, family=COURSE):
    """Return the texts in softmax outputs (n, 50, 20), of five letters each wherever the model can be read so.

    The best class of each column, as `decode_ctc` has it; where that gives another length than the family's, the most
    probable text of a fitting one among those that a beam search keeps. Raises what `check_columns` raises. Taught in
    lesson 8.
    """

    def fits(text):
        return family.shortest <= len(text) <= family.longest

    texts = decode_ctc(probabilities, alphabet=family.alphabet)
    odd = [number for number, text in enumerate(texts) if not fits(text)]
    beams = beam_search(probabilities[odd], 50, 50, family.alphabet)
    for number, found in zip(odd, beams):
        texts[number] = next(filter(fits, found), texts[number])
    return texts


def decode_together(outputs, family=COURSE):
    """Return for each image, of the texts that several models propose, the most probable to all of them together.

    `outputs` holds a softmax array (n, 50, 20) for each model, of the same images. The text is chosen for which the
    product of all models' probabilities is largest; of equals, that of the first model. Raises what `check_columns`
    raises. Taught in lesson 9.
    """
    proposed = [decode_fixed_length(each, family) for each in outputs]
    joint = [np.prod([text_probability(each, texts, family) for each in outputs], axis=0) for texts in proposed]
    return [texts[best] for texts, best in zip(zip(*proposed), np.argmax(joint, axis=0))]
