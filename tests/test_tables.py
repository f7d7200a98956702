import execute  # from notebooks/
import measured as module
import pandas as pd
import pytest
from execute import PROJECT
from measured import MEASURED, TABLES, describe_measurement, digest_measured, read_stamp, read_table, write_table

KEYS = ["command", "date", "commit", "Python", "TensorFlow", "Keras", "NumPy", "processor", "code"]


def test_every_table_says_what_it_was_measured_with():
    assert {file.stem for file in TABLES.glob("*")} == set(MEASURED)
    for name, (command, files) in MEASURED.items():
        stamp = read_stamp(name)
        assert list(stamp) == KEYS and stamp["command"] == command, name
        assert pd.read_csv(TABLES / f"{name}.csv", comment="#").shape == read_table(name).shape
        assert all(file.exists() for file in files)


def test_tables_older_than_the_code_they_measure_are_named():
    """Where the code has changed since, the page of results says so."""
    text = (PROJECT / "docs/results.md").read_text(encoding="utf-8")
    lines = {name: describe_measurement(name) for name in MEASURED}
    wrong = [
        name
        for name, line in lines.items()
        if f"<!-- measured {name} -->\n{line}\n<!-- end of measured {name} -->\n" not in text
    ]
    mend = "run `python notebooks/execute.py stamps`"
    assert not wrong, f"docs/results.md does not say how old {', '.join(wrong)} are: {mend}"


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """Where a table `speed`, measured by a module of the library, would lie in a folder of its own."""
    monkeypatch.setattr(module, "TABLES", tmp_path)
    monkeypatch.setattr(module, "MEASURED", {"speed": ("make bench", [PROJECT / "captcha_lib/cnn.py"])})
    return tmp_path / "speed.csv"


def test_a_table_is_written_with_what_it_was_measured_with(measured):
    table = pd.DataFrame({"label": ["2,5", "no"], "result": [0.50, 1]})
    write_table("speed", table, digest_measured("speed"))
    assert read_table("speed").values.tolist() == [["2,5", "0.5"], ["no", "1.0"]]
    pd.testing.assert_frame_equal(pd.read_csv(measured, comment="#"), table)
    stamp = read_stamp("speed")
    assert list(stamp) == KEYS and all(stamp.values())
    assert pd.Timestamp.now() - pd.Timestamp(stamp["date"]) < pd.Timedelta(days=2)
    line = describe_measurement("speed")
    assert line.startswith(f"Measured by `make bench` on {stamp['date']} at commit {stamp['commit']}. Python: 3.1")
    assert line.endswith(f"; NumPy: {stamp['NumPy']}; processor: {stamp['processor']}.")


@pytest.mark.parametrize("code", ["0123456789abcdef", "not recorded"])
def test_a_table_of_other_code_is_older(measured, code):
    write_table("speed", pd.DataFrame({"result": [1]}), code)
    assert describe_measurement("speed").endswith(". Older than the code it measures.")


def test_an_interrupted_writing_leaves_the_old_table(measured, monkeypatch):
    write_table("speed", pd.DataFrame({"result": [1]}), "")
    before = measured.read_bytes()

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(pd.DataFrame, "to_csv", stop)
    with pytest.raises(KeyboardInterrupt):
        write_table("speed", pd.DataFrame({"result": [2]}), "")
    assert measured.read_bytes() == before and list(measured.parent.iterdir()) == [measured]


def test_outside_git_no_commit_is_recorded(measured, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "PROJECT", tmp_path)
    write_table("speed", pd.DataFrame({"result": [1]}), "")
    assert read_stamp("speed")["commit"] == "not recorded"


def test_the_page_and_the_lessons_show_what_was_measured(measured, tmp_path, monkeypatch):
    write_table("speed", pd.DataFrame({"result": [7]}), "")
    (tmp_path / "docs").mkdir()
    (tmp_path / "notebooks").mkdir()
    page, lesson = tmp_path / "docs/results.md", tmp_path / "notebooks/06a_scores.py"
    places = [f"<!-- {name} -->\n<!-- end of {name} -->\n" for name in ("speed", "measured speed")]
    page.write_text("\n".join(places))
    lesson.write_text("# <!-- speed -->\n# <!-- end of speed -->\n")
    for name, value in (("PROJECT", tmp_path), ("NOTEBOOKS", lesson.parent), ("MEASURED", module.MEASURED)):
        monkeypatch.setattr(execute, name, value)
    execute.stamps()
    table = ["<!-- speed -->", "| result |", "| --- |", "| 7 |", "<!-- end of speed -->"]
    line = describe_measurement("speed")
    assert lesson.read_text().splitlines() == [f"# {row}" for row in table]
    shown = [*table, "", "<!-- measured speed -->", line, "<!-- end of measured speed -->"]
    assert page.read_text().splitlines() == shown
