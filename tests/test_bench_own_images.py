"""The benchmark behind the table of lesson 9 draws the same images in every run, and scores new ones."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from execute import PROJECT  # from notebooks/
from joblib import parallel_config

from captcha_lib.dataset import stream_dataset
from captcha_lib.family import check_label
from captcha_lib.reader import TRAINING_BATCH
from captcha_lib.samples import read_samples


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


def test_a_training_from_memory_gets_the_batches_that_reader_train_streams(bench, monkeypatch):
    folder = bench.fill(bench.PACKAGE, bench.draw_with_package, 40, seed=0)
    learn = read_samples(folder, bench.CAPITALS)
    seen = []

    def train(batches, *_, **__):
        seen.append([(images.numpy(), labels.numpy()) for _ in range(2) for images, labels in batches])
        return (SimpleNamespace(get_weights=list),)

    monkeypatch.setattr(bench, "train_recipe", train)
    bench.train(learn, bench.Recipe(), 3, bench.CAPITALS)
    train(stream_dataset(learn, TRAINING_BATCH, seed=3, family=bench.CAPITALS))
    assert [len(labels) for _, labels in seen[0]] == [32, 8] * 2
    for ours, streamed in zip(*seen, strict=True):
        assert np.array_equal(ours[0], streamed[0]) and np.array_equal(ours[1], streamed[1])


@pytest.mark.parametrize("model, seeds", [("LSTM", [0]), ("TWO", [0, 1])])
def test_a_row_is_scored_on_new_images_alone(bench, monkeypatch, model, seeds):
    """The stand-ins keep the seed of their training as weights, and do not read the last ten of 40 images."""
    learned, weights, read_by = [], [], []
    texts = [text for _, text in bench.draw_with_package(40, seed=1)]
    readings = iter(texts[:30] + ["wrong"] * 10)

    def train(batches, recipe, epochs, seed, family):
        learned.append((recipe.recurrent, epochs, seed, family, sum(len(labels) for _, labels in batches)))
        return SimpleNamespace(get_weights=lambda: seed), None

    def read(networks, images, family):
        read_by.append(
            (len(networks) if isinstance(networks, list) else 1, {Path(file).parent.name for file in images})
        )
        return pd.DataFrame({"text": [next(readings) for _ in images]})

    def build(recipe, family):
        return SimpleNamespace(set_weights=weights.append, predict_on_batch=lambda images: images)

    monkeypatch.setattr(bench, "train_recipe", train)
    monkeypatch.setattr(bench, "build_recipe", build)
    monkeypatch.setattr(bench, "read_captchas", read)
    monkeypatch.setattr(bench, "encode_image", lambda file, family: str(file))
    monkeypatch.setattr(
        bench, "decode_together", lambda outputs, family: list(read(outputs, outputs[0], family)["text"])
    )
    with parallel_config("threading"):
        row = bench.measure(bench.PACKAGE, 40, getattr(bench, model))  # as many as are new
    assert sorted(learned) == [(True, 750, seed, bench.CAPITALS, 40) for seed in seeds] and weights == seeds
    assert all(read == (len(seeds), {"0_40_1"}) for read in read_by)
    assert row.pop("training (s)") < 60
    assert row == {"exact match (%)": 75.0, "95 % interval": "59.8 to 85.8"}
