import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from captcha_lib.show import mark_mistakes, plot_history, save_figure, show_images, show_readings

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.mark.parametrize(
    "reading, truth, marks",
    [
        ("2g7nm", "2g7nm", "     "),
        ("2g7nw", "2g7nm", "    m"),
        ("4cpy", "n4cpy", "n4cpy"),
        ("2g7nmm", "2g7nm", "     -"),
    ],
)
def test_the_true_character_stands_under_each_wrong_one(reading, truth, marks):
    assert mark_mistakes(reading, truth) == f"{reading:5}\n{marks}"


def test_images_are_titled_with_name_and_shape(drawn_set):
    figure = show_images([drawn_set / "2g7nm.png", drawn_set / "3c7de.jpg", drawn_set / "yge7c.jpg"], columns=2)
    assert [ax.get_title() for ax in figure.axes] == [
        "2g7nm.png (50, 200, 4)",
        "3c7de.jpg (50, 200, 3)",
        "yge7c.jpg (50, 200, 3)",
        "",
    ]


def test_one_path_and_what_glob_gives_are_shown(drawn_set):
    for files in (drawn_set / "2g7nm.png", str(drawn_set / "2g7nm.png"), drawn_set.glob("2g7nm*")):
        assert show_images(files, columns=1).axes[0].get_title() == "2g7nm.png (50, 200, 4)"


def test_wrong_readings_stand_out():
    images = np.zeros((2, 200, 50, 1))
    figure = show_readings(images, ["2g7nm", "bny22"], ["2g7nm", "bny23"], columns=2)
    colors = [ax.title.get_color() for ax in figure.axes]
    assert colors == ["black", "C3"] and figure.axes[0].images[0].get_array().shape == (50, 200)
    assert len(show_readings(images[:1], ["2g7nm"], ["2g7nm"], columns=1).axes) == 1


def test_curves_hold_the_history():
    figure = plot_history({"loss": [3, 2], "val_loss": [3.5, 2.5]}, "loss")
    (ax,) = figure.axes
    assert [list(line.get_ydata()) for line in ax.lines] == [[3, 2], [3.5, 2.5]]
    assert ax.get_xlabel() == "epoch" and ax.get_ylabel() == "loss"


def test_figures_go_where_this_run_keeps_them(tmp_path, monkeypatch):
    monkeypatch.setenv("CAPTCHA_OUTPUT", str(tmp_path))
    figure = plt.figure(figsize=(2, 1))
    save_figure(figure, "screen")
    save_figure(figure, "print", dpi=200)
    sizes = [Image.open(tmp_path / f"figures/{name}.png").size for name in ("screen", "print")]
    assert sizes == [(240, 120), (400, 200)]
