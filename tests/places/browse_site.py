"""Every page of the site, wide and narrow, light and dark, in a browser (`make test-browser`): build/browser."""

import re
import sys
from xml.etree import ElementTree
from zipfile import ZipFile

import nbformat
import pytest
from browse_lessons import BROWSER, BROWSERS, PROJECT, SCREENSHOTS, browser  # noqa: F401 (a fixture)
from browse_reader import serve

sys.path.insert(0, str(PROJECT / "docs"))
import build_slides  # noqa: E402
from build_site import build_pages, fetch_package  # noqa: E402

pytestmark = pytest.mark.skipif(not BROWSER, reason=f"no browser here: expected one of {', '.join(BROWSERS)}")

AXE = "axe-core-4.14.1", "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745", ["axe.min.js"]
NOTEBOOKS = PROJECT / "notebooks"
LESSONS = [
    file.relative_to(NOTEBOOKS).with_suffix("").as_posix()
    for file in [*sorted(NOTEBOOKS.glob("*.ipynb")), *sorted(NOTEBOOKS.glob("*/*.ipynb"))]
]
PAGES = ["index", "search", *(f"docs/{file.stem}" for file in sorted((PROJECT / "docs").glob("*.md")))]
PAGES += [f"notebooks/{name}" for name in LESSONS]
BADGE = '<svg xmlns="http://www.w3.org/2000/svg" width="117" height="20"/>'
# The last number is how far the page could be moved sideways.
LOOK = """async () => {
  for (const image of document.images) image.loading = "eager";
  await Promise.all([...document.images].map(image => image.decode().catch(() => 0)));
  const {violations} = await axe.run();
  const grave = violations.filter(({impact}) => ["serious", "critical"].includes(impact));
  return {
    missing: [...document.images].filter(image => !image.naturalWidth || !image.alt).map(image => image.src),
    faults: grave.map(({id, nodes}) => [id, nodes[0].html]),
    formulas: document.querySelectorAll("math").length,
    sideways: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  };
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "site"
    build_pages(folder)
    with serve(folder) as address:
        yield folder, address


@pytest.fixture(scope="module")
def axe():
    return fetch_package(*AXE) / "axe.min.js"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_and_for_everybody(browser, site, axe, name, width, scheme):  # noqa: F811
    _, address = site
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    errors, outside = [], []

    def answer(route):
        if route.request.url.startswith((address, "data:")):
            return route.continue_()
        outside.append(route.request.url)
        return route.fulfill(content_type="image/svg+xml", body=BADGE)

    page.route("**/*", answer)
    page.on("console", lambda line: errors.append(line.text) if line.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{address}/{name}.html")
    page.add_script_tag(path=axe)
    seen = page.evaluate(LOOK)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"site_{name.replace('/', '_')}_{width}_{scheme}.png")
    page.close()
    formulas = seen.pop("formulas")
    assert not errors and seen == {"missing": [], "faults": [], "sideways": 0}
    assert all(re.search("colab-badge|open-in-kaggle|badge_logo", url) for url in outside)
    if name.startswith("notebooks/"):
        lesson = nbformat.read(PROJECT / f"{name}.ipynb", as_version=4)
        text = "\n".join(cell.source for cell in lesson.cells if cell.cell_type == "markdown")
        assert formulas == len(re.findall(r"\$\$.+?\$\$|\$.+?\$", text, re.DOTALL))


@pytest.fixture(scope="module")
def slides(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build_slides, "PROJECT", tmp_path_factory.mktemp("slides"))
        patch.setattr(build_slides, "BUILD", build_slides.PROJECT)
        assert build_slides.main() == 0
        with serve(build_slides.BUILD / "slides") as address:
            yield address


@pytest.mark.parametrize("name", LESSONS[:4])
def test_slides_show_each_picture_and_nothing_from_elsewhere(browser, slides, name):  # noqa: F811
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    requests, errors = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{slides}/{name}.html")
    page.wait_for_function("Reveal.isReady()")
    lesson = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    outputs = [output for cell in lesson.cells for output in cell.get("outputs", [])]
    pictures = sum("image/png" in output.get("data", {}) for output in outputs)
    assert page.evaluate("document.querySelectorAll('section img').length") == pictures > 0
    count = page.evaluate("Reveal.getTotalSlides()")
    assert 20 <= count <= 60
    assert page.locator("h2", has_text="What you'll").count() == 2  # to do, to learn
    for number in range(count):
        height, words = page.evaluate(
            "(({scrollHeight, innerText}) => [scrollHeight, innerText])(Reveal.getCurrentSlide())"
        )
        assert height <= 700, words
        assert not re.search(r"Solution|In Colab|\$", words)
        if number in (2, 5, 9):
            page.screenshot(path=SCREENSHOTS / f"slides_{name}_{number}.png")
        page.evaluate("Reveal.next()")
    page.close()
    assert not errors and not [url for url in requests if not url.startswith((slides, "data:"))]


def test_the_search_finds_a_word_and_a_solution_folds(browser, site):  # noqa: F811
    _, address = site
    page = browser.new_page()
    page.goto(f"{address}/search.html?q=plateau")
    page.wait_for_selector("#search-results li a")
    page.goto(f"{address}/notebooks/08_recipe.html")
    solution = page.locator("details", has_text="pixels = 56").first
    assert not solution.locator("code, pre").first.is_visible()
    solution.locator("summary").click()
    assert solution.locator("code, pre").first.is_visible()
    page.close()


def test_each_lesson_can_be_taken_along_and_the_book_holds_all(site):
    folder, _ = site
    for name in LESSONS:
        page = (folder / f"notebooks/{name}.html").read_text(encoding="utf-8")
        assert (folder / f"_sources/notebooks/{name}.ipynb").exists() and f"_sources/notebooks/{name}.ipynb" in page
    (book,) = folder.glob("*.epub")
    with ZipFile(book) as pages:
        names = pages.namelist()
        assert {f"notebooks/{name}.xhtml" for name in LESSONS} <= set(names)
        for page in (name for name in names if name.endswith(("xhtml", "opf", "ncx"))):
            ElementTree.fromstring(pages.read(page))
