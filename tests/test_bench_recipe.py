"""What `make bench` makes of the readings of the cross-validations, and what it calls the engines."""

import pandas as pd
import pytest
from digests import PROJECT  # from notebooks/


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(PROJECT / "tests" / "benchmarks")
    import bench_recipe

    return bench_recipe


def test_a_cross_validation_counts_wrong_labels_and_sure_readings_apart(bench):
    """Two folds of two images under one seed, one of two under another; `mxnw4` shows `mxmw4`."""
    readings = pd.DataFrame(
        [
            (42, 0, "2g7nm.png", "2g7nm", "2g7nm", 0.99),
            (42, 0, "mxnw4.png", "mxnw4", "mxmw4", 0.95),
            (42, 1, "4cpy2.png", "4cpy2", "4epy2", 0.6),
            (42, 1, "bny23.png", "bny23", "bny23", 0.9),
            (7, 0, "2g7nm.png", "2g7nm", "2g7mm", 0.91),
            (7, 0, "mxnw4.png", "mxnw4", "mxnw4", 0.5),
        ],
        columns=["folds", "fold", "file", "label", "reading", "confidence"],
    )
    table, folds, misread = bench.summarise_folds(readings)
    assert table.values.tolist() == [
        ["seed 42", 50, 2, 1, 50, 50, 100],
        ["seed 7", 50, 1, 0, 50, 50, 0],
        ["all", 50, 3, 1, 50, 50, 66.67],
    ]
    assert folds.fillna(-1).values.tolist() == [[0, 1, 1], [1, 1, -1]]
    assert misread[["file", "verdict"]].values.tolist() == [
        ["mxnw4.png", "wrong label"],
        ["4cpy2.png", "model"],
        ["2g7nm.png", "model"],
    ]


def test_the_engines_of_others_are_shown_in_the_versions_that_are_installed(bench):
    table = pd.read_csv(PROJECT / "figures/tables/engines.csv", comment="#")
    assert set(bench.name_peers().values()) < set(table["engine"])
