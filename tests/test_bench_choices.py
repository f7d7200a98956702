"""By which rule `make bench` chooses the recipe's settings."""

import numpy as np
import pandas as pd
import pytest
from digests import PROJECT  # from notebooks/

from captcha_lib.recipe import count_batches, shuffle_batches


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


@pytest.mark.parametrize("mistakes, chosen", [((3, 3, 2), "with strides"), ((4, 3, 2), "pooled instead of strided")])
def test_the_simplest_within_a_tenth_of_a_point_is_chosen(bench, mistakes, chosen):
    """Of 1,000 readings, 0.1 points are one. A wrong label that is read as it looks counts for nobody."""
    ways = [*bench.TRAINED, *bench.READ_ONLY]
    wrong = dict(zip(ways, mistakes)) | dict.fromkeys(ways[3:], 3)
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
