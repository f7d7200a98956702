import os
from pathlib import Path

import platformdirs
import pytest

from captcha_lib import sources
from captcha_lib.files import digest, list_images
from captcha_lib.generator import write_samples
from captcha_lib.sources import REAL_SET_DIGEST


@pytest.fixture(scope="session")
def drawn_set(tmp_path_factory):
    """A folder of 30 drawn PNG and 4 JPEG."""
    return write_samples(tmp_path_factory.mktemp("drawn") / "samples", png=30, jpg=4)


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A machine without images: an empty cache, no CAPTCHA_DATA, no Kaggle, no Drive. Returns the cache folder."""
    monkeypatch.delenv("CAPTCHA_DATA", raising=False)
    monkeypatch.delenv("KAGGLE_KERNEL_RUN_TYPE", raising=False)
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: tmp_path / "cache")
    monkeypatch.setattr(sources, "KAGGLE_INPUT", tmp_path / "kaggle")
    monkeypatch.setattr(sources, "DRIVE", tmp_path / "drive")
    monkeypatch.setattr(sources, "write_samples", lambda folder: write_samples(folder, png=5, jpg=2))
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def real_set():
    """The folder of the 1,070 real images, where CAPTCHA_DATA names it."""
    folder = Path(os.environ.get("CAPTCHA_DATA") or "synthetic")
    if not folder.is_dir() or digest(list_images(folder)) != REAL_SET_DIGEST:
        pytest.skip("CAPTCHA_DATA does not name the real images")
    return folder
