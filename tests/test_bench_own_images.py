"""The benchmark behind the table of lesson 9 draws the same images in every run, and scores new ones."""

import numpy as np
import pytest
from execute import PROJECT  # from notebooks/

from captcha_lib.family import check_label


@pytest.fixture
def bench(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(PROJECT / "tests" / "benchmarks")
    import bench_own_images

    monkeypatch.setattr(bench_own_images, "BENCH", tmp_path / "bench")
    monkeypatch.setattr(bench_own_images, "NEW", 40)
    return bench_own_images


def test_the_images_of_every_set_are_the_same_in_every_run_and_of_its_family(bench):
    for family, draw, _ in bench.SETS.values():
        first, again, other = (list(draw(12, seed)) for seed in (1, 1, 2))
        assert [text for _, text in first] == [text for _, text in again] != [text for _, text in other]
        assert all(one.tobytes() == two.tobytes() for (one, _), (two, _) in zip(first, again))
        for image, text in first:
            assert image.size == (family.width, family.height) and check_label(text, family)


def test_a_row_is_scored_on_new_images_alone(bench, monkeypatch):
    seen = []

    def train(batches, recipe, epochs, family):
        seen.append((recipe.recurrent, epochs, family, sum(len(labels) for _, labels in batches)))
        return "model", None

    def read(model, files, family):
        import pandas as pd

        texts = [line.split(",")[1] for line in (files[0].parent / "labels.csv").read_text().splitlines()[1:]]
        seen.append(files[0].parent.name)
        return pd.DataFrame({"text": np.where(np.arange(40) < 30, texts, "wrong")})

    monkeypatch.setattr(bench, "train_recipe", train)
    monkeypatch.setattr(bench, "read_captchas", read)
    row = bench.measure(bench.PACKAGE, 40, bench.LSTM)  # as many as are new
    assert seen == [(True, 750, bench.CAPITALS, 40), "0_40_1"]
    assert row.pop("training (s)") < 60
    assert row == {"exact match (%)": 75.0, "95 % interval": "59.8 to 85.8"}
