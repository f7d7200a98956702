"""By which rule `make bench` chooses the recipe's settings."""

import numpy as np
import pandas as pd
import pytest
from digests import PROJECT  # from notebooks/

from captcha_lib import encode_label
from captcha_lib.recipe import build_recipe, count_batches, shuffle_batches


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(PROJECT / "tests" / "benchmarks")
    import bench_choices

    return bench_choices


def test_drawn_images_stand_behind_the_real_ones_of_each_batch(bench):
    images, numbers = np.full((40, 200, 50, 1), 2, "float32"), np.full((40, 5), 7)
    mixed = bench.draw_beside(shuffle_batches(images, numbers), 16, seed=0)
    assert count_batches(mixed) == 2
    for (pictures, labels), real in zip(mixed, (32, 8)):
        assert pictures.shape == (real + 16, 200, 50, 1) and labels.shape == (real + 16, 5)
        assert (pictures[:real] == 2).numpy().all() and (pictures[real:] <= 1).numpy().all()
        assert (labels[:real] == 7).numpy().all() and not (labels[real:] == 7).numpy().all()


def test_images_with_m_or_n_come_twice(bench):
    numbers = np.array([encode_label(label) for label in ("2345m", "23456", "n2345", "bcdef")])
    images, repeated = bench.repeat_hard(np.arange(4), numbers)
    assert images.tolist() == [0, 1, 2, 3, 0, 2] and (repeated == numbers[images]).all()


def test_a_distilled_model_learns_what_its_teachers_say_and_no_label(bench):
    """Each image is varied before its teachers see it, and what they say is averaged."""
    images, numbers = np.random.default_rng(0).random((40, 200, 50, 1), "float32"), np.zeros((40, 5), int)
    teachers = [build_recipe(), build_recipe()]
    batches = bench.ask(teachers)(shuffle_batches(images, numbers), 0)
    varied, said = next(iter(batches))
    expected = np.mean([teacher.predict_on_batch(varied) for teacher in teachers], axis=0)
    assert said.shape == (32, 50, 20)
    assert np.abs(said - expected).max() < 1e-5
    assert not (np.sort(varied, axis=None) == np.sort(images[:32], axis=None)).all()


@pytest.mark.parametrize("mistakes, chosen", [((3, 3, 2), "with strides"), ((4, 3, 2), "pooled instead of strided")])
def test_the_simplest_within_a_tenth_of_a_point_is_chosen(bench, mistakes, chosen):
    """Of 1,000 readings, 0.1 points are one. A wrong label that is read as it looks counts for nobody.

    What was tried after the choice takes no part in it, even without a mistake.
    """
    ways = bench.WAYS
    wrong = dict(zip(ways, mistakes)) | dict.fromkeys(ways[3:], 3) | dict.fromkeys(bench.ON_TOP, 0)
    rows = [
        (way, 0, 0, f"{image}.png", "2g7nm", "2g7mm" if image < number else "2g7nm", 10.0)
        for way, number in wrong.items()
        for image in range(999)
    ]
    rows += [(way, 0, 0, "mxnw4.png", "mxnw4", "mxmw4", 10.0) for way in ways]
    columns = ["way", "seed", "fold", "file", "label", "reading", "training (s)"]
    table = bench.summarise(pd.DataFrame(rows, columns=columns)).set_index("way")
    assert list(table["mistakes"][:3]) == list(mistakes)
    assert list(table.index[table["chosen"] == "yes"]) == [chosen]
