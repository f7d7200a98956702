"""Stands in for Colab's module that mounts a Drive."""

import os
from pathlib import Path


def mount(mountpoint):
    """Let the folder in CAPTCHA_STAND_IN_DRIVE appear at /content/drive, or fail as Colab does without consent."""
    assert mountpoint == "/content/drive"
    if "CAPTCHA_STAND_IN_DRIVE" not in os.environ:
        raise ValueError("mount failed: credential propagation was unsuccessful")
    Path(mountpoint).symlink_to(os.environ["CAPTCHA_STAND_IN_DRIVE"])
    print(f"Mounted at {mountpoint}")
