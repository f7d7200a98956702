import nbformat
import pytest
from execute import execute, fill_table  # from notebooks/
from nbclient.output_widget import OutputWidget
from pandas import DataFrame

SLIDER = """from ipywidgets import interact
@interact(number=(0, 9))
def show(number=3):
    print("the number is", number)"""


def test_a_slider_is_executed_without_an_answer_to_its_kernel(tmp_path, monkeypatch):
    """An answer can make nbclient miss the reply to the cell and wait for its timeout (nbclient issue 312)."""
    sent = []
    monkeypatch.setattr(OutputWidget, "send", lambda *_, **__: sent.append("answer"))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SLIDER)])
    with open(tmp_path / "log", "w") as log:
        execute(notebook, "a slider", log)
    (output,) = notebook.cells[0].outputs
    assert "application/vnd.jupyter.widget-view+json" in output["data"] and sent == []


@pytest.mark.parametrize("margin", ["", "# "])
def test_a_table_is_filled_in_between_its_comments(tmp_path, margin):
    file = tmp_path / "text.md"
    file.write_text(f"before\n{margin}<!-- best -->\nold\n{margin}<!-- end of best -->\nafter\n")
    fill_table(file, "best", DataFrame({"model": ["CNN"], "exact": [82.7]}), margin)
    lines = [
        "<!-- best -->",
        "| model | exact |",
        "| --- | --- |",
        "| CNN | 82.7 |",
        "<!-- end of best -->",
    ]
    assert file.read_text() == "\n".join(
        ["before", *(margin + line for line in lines), "after", ""]
    )
