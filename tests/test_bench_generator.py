"""The benchmark behind the table of lesson 7 chooses without looking at the real images."""

import numpy as np
import pandas as pd
import pytest
from execute import PROJECT  # from notebooks/


@pytest.fixture
def bench(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(PROJECT / "tests" / "benchmarks")
    import bench_generator

    monkeypatch.setattr(bench_generator, "BENCH", tmp_path / "bench")
    return bench_generator


@pytest.fixture
def trained(bench, monkeypatch):
    """What happens, in order, where each training takes no time and its score is told by the weights that it kept."""
    happened = []

    class Model:
        def save_weights(self, file):
            file.write_text(self.name)

        def load_weights(self, file):
            self.name = file.read_text()

    def train(draw_style, epochs, seed):
        model = Model()
        model.name = f"{draw_style.__name__} {epochs} {seed}"
        happened.append(f"train {model.name}")
        return model, None

    def score(model, images, texts):
        happened.append(f"{texts} {model.name}")
        drawing, epochs, seed = model.name.split()
        best = (drawing == "one_style_of_many_fonts") == (texts == "left out")  # on the real set: all others
        return 90.0 + 5 * best + int(seed) * (-1) ** best

    monkeypatch.setattr(bench, "train_on_drawings", train)
    monkeypatch.setattr(bench, "build_cnn_lstm_ctc", Model)
    monkeypatch.setattr(bench, "draw_left_out", lambda: (None, "left out"))
    monkeypatch.setattr(bench, "score", score)
    monkeypatch.setattr(bench, "encode_image", lambda _: np.zeros(1))
    real = pd.DataFrame({"file_name": ["2g7nm.png"], "label": ["2g7nm"], "extension": ["png"]})
    monkeypatch.setattr(bench, "read_samples", lambda _: real)
    return happened


def test_each_row_has_three_seeds_and_one_is_chosen_before_the_real_images_are_read(bench, trained, tmp_path):
    table = bench.measure_sim_to_real(tmp_path).set_index("drawn")
    assert list(table.index) == list(bench.VARIANTS) and (table["seeds"] == 3).all()
    assert list(table[table["chosen by it"] == "yes"].index) == ["13 fonts, 1 style"]
    assert table.loc["13 fonts, 1 style", "fonts left out, median (%)"] == 94
    assert table.loc["13 fonts, 1 style", "median, exact match (%)"] == 91
    assert table.loc["1 font, 1 style", ["lowest", "highest"]].tolist() == [93, 95]
    kinds = [line.split()[0] for line in trained]
    assert kinds == ["train", "left"] * 15 + ["['2g7nm']"] * 15
    trained.clear()
    bench.measure_sim_to_real(tmp_path)
    assert not trained  # all was kept


def test_of_equal_rows_the_first_is_chosen(bench):
    rows = [("b", 90.0), ("b", 99.0), ("b", 95.0), ("a", 95.0), ("a", 95.0), ("a", 95.0)]
    assert bench.choose(pd.DataFrame(rows, columns=["drawn", "fonts left out (%)"])) == "b"


def test_no_training_draws_the_fonts_left_out(bench):
    rng, draws = np.random.default_rng(0), [draw for draw, _ in bench.VARIANTS.values()]
    drawn = {draw("2g7nm", rng).font for draw in draws for _ in range(200)}
    assert drawn == set(bench.FONTS) and len(bench.FONTS) == 13
    assert len(bench.LEFT_OUT) == 3 and not drawn & set(bench.LEFT_OUT)


def test_what_is_left_out_is_drawn_as_the_trainings_see_it(bench):
    images, texts = bench.draw_left_out(5)
    assert images.shape == (5, 200, 50, 1) and images.dtype == np.float32 and 0 <= images.min() < images.max() <= 1
    assert len(set(texts)) == 5
