"""Put slides of lessons 1 to 4, or of LESSONS, into build/slides: sections, questions, pictures, short code.

`make slides` makes them from the lessons as committed. What becomes a slide follows from what a cell holds: no lesson
carries marks for it.
"""

import os
import re
import shutil
import sys
from pathlib import Path

import latex2mathml.converter
import nbformat
from build_site import BUILD, PROJECT, fetch_package
from nbconvert.exporters import SlidesExporter
from nbformat.v4 import new_markdown_cell

sys.path.insert(0, str(PROJECT / "notebooks"))
from execute import list_wanted  # noqa: E402
from translations import BADGES  # noqa: E402

from captcha_lib.workspace import written_beside  # noqa: E402

REVEAL = "reveal.js-5.2.1", "359b575dd51bbda32f89b2fd4c7dc46ad7389a805572158916c29252f7a27333"
REVEAL_FILES = ["dist/reveal.js", "dist/reveal.css", "dist/theme/white.css"]
NOT_SHOWN = {"What you'll need", "Set-up", "Exercises", "Sources", "The way on"}
MOST_LINES = 12  # of code, and of what it prints, that a slide has room for


def make_slides(lesson):
    """Return the cells of a lesson's slides: a slide a section, and below it its questions, pictures and short code."""
    cells, shown, lead = [], True, ""

    def add(cell, kind):
        cell.metadata = {"slideshow": {"slide_type": kind}}
        cells.append(cell)

    for cell in lesson.cells:
        if cell.cell_type == "markdown":
            text = re.sub(r"<details>.*?</details>", "", BADGES.sub("", cell.source), flags=re.DOTALL)
            text = re.sub(r"\$\$?(.+?)\$\$?", lambda formula: latex2mathml.converter.convert(formula[1]), text)
            for part in re.split(r"\n(?=#+ )", text.strip()):
                title, _, rest = part.partition("\n") if part.startswith("#") else ("", "", part)
                shown = title.lstrip("# ") not in NOT_SHOWN if title else shown
                paragraphs = [paragraph for paragraph in rest.strip().split("\n\n") if paragraph]
                lead = " ".join(paragraphs[-1].split()) if paragraphs else ""
                if title and shown:
                    add(new_markdown_cell("\n\n".join([title, *paragraphs[:1]])), "slide")
                elif shown:
                    questions = re.findall(r"(?:\A|(?<=[.!?:)]\s))[^.!?]*\?(?!`)", " ".join(rest.split()))
                    if questions:
                        add(
                            new_markdown_cell("\n\n".join(f"**{question.strip()}**" for question in questions)),
                            "subslide",
                        )
        elif shown and cell.outputs:
            printed = "".join(output.get("text", "") for output in cell.outputs)
            pictures = [output.data["image/png"] for output in cell.outputs if "image/png" in output.get("data", {})]
            if pictures:
                shows = [f'<img alt="" src="data:image/png;base64,{picture}">' for picture in pictures]
                add(new_markdown_cell("\n\n".join([lead, *shows])), "subslide")
            elif printed and max(cell.source.count("\n"), printed.count("\n")) < MOST_LINES:
                add(cell, "subslide")
    lesson.cells = cells
    return lesson


def main():
    """Write the slides and what shows them; return the exit status."""
    os.environ.setdefault("LESSONS", "1 2 3 4")
    exporter = SlidesExporter(
        template_name="slides", extra_template_basedirs=[str(Path(__file__).parent)], exclude_input_prompt=True
    )
    exporter.exclude_output_prompt = True
    exporter.reveal_url_prefix, exporter.reveal_theme = "reveal.js", "white"
    folder = BUILD / "slides"
    try:
        reveal = fetch_package(*REVEAL, REVEAL_FILES)
        with written_beside(folder) as unfinished:
            (unfinished / "reveal.js/dist/theme").mkdir(parents=True)
            for file in REVEAL_FILES:
                text = (reveal / Path(file).name).read_text(encoding="utf-8")
                text = re.sub(r"@import url\([^)]*\);?", "", text)  # a font from elsewhere; the system's will do
                (unfinished / "reveal.js" / file).write_text(text, encoding="utf-8")
            for twin in list_wanted():
                lesson = nbformat.read(twin.with_suffix(".ipynb"), as_version=4)
                page, _ = exporter.from_notebook_node(make_slides(lesson), {"metadata": {"name": twin.stem}})
                (unfinished / f"{twin.stem}.html").write_text(page, encoding="utf-8")
            shutil.rmtree(folder, ignore_errors=True)
    except (OSError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{folder.relative_to(PROJECT)}: {', '.join(sorted(file.name for file in folder.glob('*.html')))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
