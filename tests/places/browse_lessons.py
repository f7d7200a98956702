"""Lessons in JupyterLab, in a browser, as a learner runs them (`make test-browser`); screenshots: build/browser."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest

from captcha_lib import locate_samples

PROJECT = Path(__file__).resolve().parent.parent.parent
SCREENSHOTS = PROJECT / "build/browser"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
LESSONS = ["01_visualisation", "04_cnn", "05a_lstm", "05b_cnn_lstm_ctc"]

pytestmark = pytest.mark.skipif(not BROWSER, reason=f"no browser here: expected one of {', '.join(BROWSERS)}")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab and its folder: copies of the lessons without outputs, beside the synthetic set."""
    folder = tmp_path_factory.mktemp("lab")
    for name in LESSONS:
        notebook = nbformat.read(PROJECT / f"notebooks/{name}.ipynb", as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        nbformat.write(notebook, folder / f"{name}.ipynb")
    environment = os.environ | {"CAPTCHA_DATA": "synthetic", "CAPTCHA_OUTPUT": str(folder / "build")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CAPTCHA_DATA", "synthetic")
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
        yield address, folder
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


def open_lesson(browser, address, name):
    page = browser.new_page(viewport={"width": 1300, "height": 1000})
    page.goto(f"{address}/lab/tree/{name}.ipynb?reset")
    page.wait_for_selector("text=/Python 3.* \\| Idle/", timeout=60_000)
    return page


def run_all_cells(page):
    """Run → Run All Cells, and wait until the last cell is through."""
    page.click('.lm-MenuBar >> text="Run"')
    page.click('text="Run All Cells"')
    # The status bar says idle between two cells already; this one counts the cells that still wait.
    indicator = ".jp-Notebook-ExecutionIndicator"
    page.wait_for_selector(f'{indicator}:not([data-status="idle"])', timeout=30_000)
    page.wait_for_selector(f'{indicator}[data-status="idle"]', timeout=600_000)


def take_screenshots(page, name):
    """Scroll down by a screen at a time, a screenshot each."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    scroll_to(page, 0)
    place = "panel => [panel.scrollTop, panel.scrollHeight, panel.clientHeight]"
    for number in range(100):
        page.wait_for_timeout(500)  # cells are drawn when they come into view
        page.screenshot(path=SCREENSHOTS / f"{name}_{number:02}.png")
        top, whole, shown = find_panel(page).evaluate(place)
        if top + shown > whole - 2:
            break
        scroll_to(page, top + 0.9 * shown)


def find_panel(page):
    return page.locator(".jp-WindowedPanel-outer").first


def scroll_to(page, top):
    find_panel(page).evaluate("(panel, top) => panel.scrollTo(0, top)", top)


def read_saved(page, file):
    """Save the notebook from the page; return the cells of the file."""
    before = file.stat().st_mtime_ns
    page.keyboard.press("Control+s")
    while file.stat().st_mtime_ns == before:
        page.wait_for_timeout(200)
    return nbformat.read(file, as_version=4).cells


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_runs_without_an_error(name, browser, lab):
    address, folder = lab
    page = open_lesson(browser, address, name)
    run_all_cells(page)
    take_screenshots(page, name)
    cells = [c for c in read_saved(page, folder / f"{name}.ipynb") if c.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not [out for cell in cells for out in cell.outputs if out.output_type == "error"]
    if any("interact(" in cell.source for cell in cells):
        move_a_slider(page, name)
    page.close()


def move_a_slider(page, name):
    """Move the first slider with the keyboard: the picture of its cell must change."""
    slider, top = page.locator(".widget-hslider .noUi-handle").first, 0
    while not slider.count():
        scroll_to(page, top)
        top += 800
        page.wait_for_timeout(300)
    slider.scroll_into_view_if_needed()
    cell = page.locator(".jp-Cell", has=page.locator(".widget-hslider")).first
    before = cell.locator("img").first.get_attribute("src")
    page.screenshot(path=SCREENSHOTS / f"{name}_slider_before.png")
    slider.press("ArrowRight")
    page.wait_for_timeout(3000)
    page.screenshot(path=SCREENSHOTS / f"{name}_slider_after.png")
    assert cell.locator("img").first.get_attribute("src") != before
