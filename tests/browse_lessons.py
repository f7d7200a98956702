"""Lessons in JupyterLab, in a browser, as a learner runs them (`make test-browser`); screenshots under build/browser."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from captcha_lib import locate_samples

PROJECT = Path(__file__).resolve().parent.parent
SCREENSHOTS = PROJECT / "build/browser"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)

pytestmark = pytest.mark.skipif(
    not BROWSER, reason=f"no browser here: expected one of {', '.join(BROWSERS)}"
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab on a copy of the lessons, with the embedded set."""
    folder = tmp_path_factory.mktemp("lab")
    for lesson in (PROJECT / "notebooks").glob("*.ipynb"):
        shutil.copy(lesson, folder)
    environment = os.environ | {"CAPTCHA_DATA": "embedded", "CAPTCHA_OUTPUT": str(folder / "build")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CAPTCHA_DATA", "embedded")
        locate_samples()  # drawn before a lesson asks for it
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "ip": "127.0.0.1",
        "port": port,
        "open_browser": False,
        "allow_root": True,
        "root_dir": str(folder),
    }
    command = [sys.executable, "-m", "jupyterlab", "--IdentityProvider.token="]
    command += [f"--ServerApp.{name}={value}" for name, value in settings.items()]
    address = f"http://127.0.0.1:{port}"
    with open(folder / "lab.log", "w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        for _ in range(60):
            try:
                urllib.request.urlopen(f"{address}/api")
                break
            except OSError:
                time.sleep(1)
        yield address
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(scope="module")
def browser():
    with pytest.importorskip("playwright.sync_api").sync_playwright() as driver:
        # Chromium's own sandbox needs rights that root and containers lack; the only page here is our own.
        opened = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield opened
        opened.close()


def open_lesson(browser, lab, name):
    page = browser.new_page(viewport={"width": 1300, "height": 1000})
    page.goto(f"{lab}/lab/tree/{name}.ipynb?reset")
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]', timeout=60_000)
    return page


def run_all_cells(page):
    """Run → Run All Cells, and wait until the last cell is through."""
    page.click('.lm-MenuBar >> text="Run"')
    page.click('text="Run All Cells"')
    indicator = ".jp-Notebook-ExecutionIndicator"
    page.wait_for_selector(f'{indicator}:not([data-status="idle"])', timeout=30_000)
    page.wait_for_selector(f'{indicator}[data-status="idle"]', timeout=600_000)


def look_through(page, name):
    """Scroll down from cell to cell, a screenshot each; return how many cells show an error."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    panel = page.locator(".jp-WindowedPanel-outer").first
    panel.evaluate("panel => panel.scrollTo(0, 0)")
    errors, number = 0, 0
    while True:
        page.wait_for_timeout(500)
        errors += page.locator('[data-mime-type="application/vnd.jupyter.error"]').count()
        page.screenshot(path=SCREENSHOTS / f"{name}_{number:02}.png")
        place = "panel => [panel.scrollTop, panel.scrollHeight, panel.clientHeight]"
        top, whole, shown = panel.evaluate(place)
        if top + shown >= whole - 2:
            return errors
        panel.evaluate("panel => panel.scrollBy(0, panel.clientHeight * 0.9)")
        number += 1


@pytest.mark.parametrize("name", ["01_visualisation", "04_cnn", "05a_lstm", "05b_cnn_lstm_ctc"])
def test_a_lesson_runs_without_an_error(name, browser, lab):
    page = open_lesson(browser, lab, name)
    run_all_cells(page)
    assert look_through(page, name) == 0
    if name.startswith("05b"):
        move_the_slider(page, name)
    page.close()


def move_the_slider(page, name):
    """The picture of the slider's cell must change with it."""
    panel = page.locator(".jp-WindowedPanel-outer").first
    slider = page.locator(".widget-hslider .noUi-handle").first
    panel.evaluate("panel => panel.scrollTo(0, 0)")
    while not slider.count():
        panel.evaluate("panel => panel.scrollBy(0, panel.clientHeight * 0.9)")
        page.wait_for_timeout(300)
    slider.scroll_into_view_if_needed()
    picture = page.locator(".jp-Cell", has=page.locator(".widget-hslider")).first.locator("img")
    before = picture.first.get_attribute("src")
    page.screenshot(path=SCREENSHOTS / f"{name}_slider_before.png")
    slider.press("ArrowRight")
    page.wait_for_timeout(3000)
    page.screenshot(path=SCREENSHOTS / f"{name}_slider_after.png")
    assert picture.first.get_attribute("src") != before
