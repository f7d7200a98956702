"""What `make bench` makes of the readings of lesson 8's ladder."""

import numpy as np
import pandas as pd
import pytest
from digests import PROJECT  # from notebooks/


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(PROJECT / "tests" / "benchmarks")
    import bench_ladder

    return bench_ladder


def test_no_variant_is_compared_by_an_image_that_it_has_learned_or_that_tests(bench):
    for fold in range(bench.LADDER_FOLDS):
        train, validation = bench.split_validation(fold)
        together = np.concatenate([train, validation, bench.FOLDS[fold][1]])
        assert len(validation) == 104 and sorted(together) == list(range(1040))
    parts = [bench.split_validation(fold)[1] for fold in range(bench.LADDER_FOLDS)]
    assert len(np.unique(np.concatenate(parts))) == 312  # as lesson 8 and the results say


def test_a_gain_has_the_interval_of_bonett_and_price(bench):
    """Ten images newly read, three no longer, of 94: with pseudo-counts 11 and 4 of 96."""
    after = pd.Series([1] * 10 + [0] * 3 + [1] * 81)
    before = pd.Series([0] * 10 + [1] * 3 + [1] * 81)
    newly, no_longer = 11 / 96, 4 / 96
    width = 1.96 * np.sqrt((newly + no_longer - (newly - no_longer) ** 2) / 96)
    low, high = 100 * (newly - no_longer - width), 100 * (newly - no_longer + width)
    said = bench.describe_gain(after, before, "gain")
    assert said == {"gain": "+7.4", "95 % interval of the gain": f"{low:+.1f} to {high:+.1f}"}
    assert bench.describe_gain(after, after, "gain") == {"gain": "+0.0", "95 % interval of the gain": "-2.9 to +2.9"}


@pytest.fixture
def ladder(bench):
    """Ten images, each read with two seeds; `right` of them by every variant, one more where five letters are asked."""
    right = dict(zip(bench.ABLATION, (4, 5, 5, 6, 8, 8, 9)))
    right |= {f"without {change}": 6 for change in bench.LEFT_OUT}
    rows = [
        (change, 0, seed, f"{image}.png", int(image < number), int(image <= number), 20.4 + seed)
        for change, number in right.items()
        for seed in range(2)
        for image in range(10)
    ]
    columns = ["change", "fold", "seed", "file", "greedy", "five letters", "training (s)"]
    return pd.DataFrame(rows, columns=columns)


def test_each_gain_is_over_the_rung_before_and_the_last_ones_over_the_recipe(bench, ladder):
    table = bench.summarise_ladder(ladder).set_index("change")
    assert list(table["exact match (%)"].astype(float)) == [40, 50, 50, 60, 80, 80, 90, 100]
    assert list(table["gain"]) == ["", *"+10.0 +0.0 +10.0 +20.0 +0.0 +10.0 +10.0".split()]
    assert table.loc["+ five letters", "95 % interval"] == "59.6 to 98.2"  # 9 of 10, not 18 of 20
    assert (table["training (s)"] == 21).all()


def test_what_is_left_out_is_compared_with_the_recipe(bench, ladder):
    table = bench.summarise_left_out(ladder).set_index("left out")
    assert list(table["difference"]) == ["", *["-20.0"] * 5, "-10.0"]
    assert list(table.index) == ["nothing: the recipe", *bench.LEFT_OUT, "five letters"]
