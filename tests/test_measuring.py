"""How `make bench` keeps its figures, and spreads its trainings over processes and machines."""

import os
import pickle
import time

import cloudpickle
import pandas as pd
import pytest
from digests import PROJECT  # from notebooks/
from joblib.externals.loky import get_reusable_executor

KEYS = [{"fold": fold, "seed": 7} for fold in range(6)]


@pytest.fixture
def measuring(monkeypatch):
    monkeypatch.syspath_prepend(PROJECT / "tests" / "benchmarks")
    monkeypatch.delenv("SCHEDULER", raising=False)
    import measuring

    return measuring


def measure(fold, seed):
    time.sleep(0.05 * (6 - fold))  # the last is ready first
    return [{"image": f"{fold}.png", "process": os.getpid()}, {"image": "x.png", "process": os.getpid()}]


def test_figures_are_kept_as_soon_as_they_are_measured(measuring, tmp_path):
    file, measured = tmp_path / "folds.csv", []

    def stop_at_three(fold, seed):
        if fold == 3 and len(measured) == 3:
            raise KeyboardInterrupt
        measured.append(fold)
        return {"right": fold + 100}

    with pytest.raises(KeyboardInterrupt):
        measuring.measure_once(file, KEYS, stop_at_three)
    assert list(pd.read_csv(file)["fold"]) == [0, 1, 2]
    measured.append("again")
    table = measuring.measure_once(file, KEYS, stop_at_three)
    assert measured == [0, 1, 2, "again", 3, 4, 5]
    assert list(table["right"]) == [100, 101, 102, 103, 104, 105]
    pd.testing.assert_frame_equal(measuring.measure_once(file, KEYS, stop_at_three), table)


def test_several_processes_give_the_same_table_in_the_same_order(measuring, tmp_path):
    get_reusable_executor().shutdown()  # an earlier test's processes do not know this path
    alone = measuring.measure_once(tmp_path / "alone.csv", KEYS, measure)
    together = measuring.measure_once(tmp_path / "together.csv", KEYS, measure, n_jobs=3)
    assert set(alone["process"]) == {os.getpid()} and len(set(together["process"]) - {os.getpid()}) > 1
    pd.testing.assert_frame_equal(together.drop(columns="process"), alone.drop(columns="process"))


def test_a_worker_that_is_killed_loses_no_fold(measuring, tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    killed = tmp_path / "killed"

    def measure(fold, seed):
        if fold == 2 and not killed.exists():
            killed.touch()
            os.kill(os.getpid(), 9)
        return {"right": fold + 100}

    monkeypatch.setenv("SCHEDULER", "set below")
    settings = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0", "silence_logs": 50}
    with distributed.LocalCluster(**settings) as cluster:
        monkeypatch.setenv("SCHEDULER", cluster.scheduler_address)
        table = measuring.measure_once(tmp_path / "folds.csv", KEYS, measure, **measuring.choose_workers())
        distributed.default_client().close()
    assert killed.exists() and list(table["right"]) == [100, 101, 102, 103, 104, 105]


def test_a_scheduler_that_does_not_answer_is_named_in_a_line(measuring, monkeypatch):
    monkeypatch.setenv("SCHEDULER", "tcp://127.0.0.1:1")
    monkeypatch.setattr("distributed.Client", lambda address, timeout: (_ for _ in ()).throw(OSError(address)))
    with pytest.raises(SystemExit, match="^no scheduler answers at tcp://127.0.0.1:1: expected the address that"):
        measuring.choose_workers()


def test_jobs_are_trained_at_once_with_a_thread_each(measuring, monkeypatch):
    for name in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "8")
    assert measuring.choose_workers() == {"n_jobs": 1} and os.environ["OMP_NUM_THREADS"] == "8"
    monkeypatch.setenv("JOBS", "4")
    assert measuring.choose_workers() == {"n_jobs": 4} and os.environ["TF_NUM_INTRAOP_THREADS"] == "1"


def test_a_worker_gets_the_name_of_the_real_set_and_opens_it_once(measuring, real_set):
    real = measuring.open_real_set(real_set)
    sent = cloudpickle.dumps(lambda: len(real.names))
    assert len(sent) < 2000 and pickle.loads(sent)() == 1040
    assert pickle.loads(pickle.dumps(real)) is real
