# Every target makes .venv by itself if it is missing; only python3 and make are assumed.
PYTHON ?= python3
# The exact versions that CI tests. `make LOCK= test` takes the newest that pyproject.toml admits.
LOCK ?= requirements.lock

BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
READY := .venv/ready

INSTALL = $(BIN)/python -m pip install --quiet $(if $(LOCK),--constraint $(LOCK)) --editable

# Notebooks run in their own folder, so that `~` and relative paths must be made absolute here; `value`, since a name may
# hold a dollar.
QUOTED = '$(subst ','\'',$(value $(1)))'
ABSOLUTE = import os, sys; path = sys.argv[1]; \
	path = path if path in ("", "synthetic", "embedded") else os.path.abspath(os.path.expanduser(path)); \
	sys.stdout.buffer.write(os.fsencode(path))
override CAPTCHA_DATA := $(shell $(PYTHON) -c '$(ABSOLUTE)' $(call QUOTED,CAPTCHA_DATA))
override CAPTCHA_OUTPUT := $(shell $(PYTHON) -c '$(ABSOLUTE)' $(call QUOTED,CAPTCHA_OUTPUT))
export CAPTCHA_DATA CAPTCHA_OUTPUT

# pyenv hides every Python but one: let the targets that need several see them all.
ALL_PYTHONS = $(shell { pyenv version-name && pyenv versions --bare | grep "^3[.]1[123][.]"; } 2>/dev/null | paste -sd : -)

.PHONY: help course test lint test-colab test-browser test-conda test-base matrix lab site slides handout notebooks \
	reader bench results lock clean

LIST = import re; targets = re.findall(r"^([\w-]+):.*\#\# (.*)", open("Makefile", encoding="utf-8").read(), re.MULTILINE); \
	print(*(f"make {name:13}{does}" for name, does in targets), sep="\n")
help:
	@$(PYTHON) -c '$(LIST)'

course: $(READY)  ## execute all lessons, or LESSONS="1 5b", and print the results
	$(BIN)/python notebooks/execute.py course

test: $(READY)  ## the unit tests, then all lessons against their stored outputs
	$(BIN)/python -m pytest tests
	$(BIN)/python notebooks/execute.py compare

lint: $(READY)  ## what the linter and the formatter would mend
	$(BIN)/ruff check
	$(BIN)/ruff format --check

test-colab: export PYENV_VERSION := $(ALL_PYTHONS)
test-colab: $(READY) .venv-colab/ready  ## all lessons, or LESSONS, as Colab and Kaggle open them, in Colab's versions
	$(BIN)/python -m pytest tests/places/rehearse_colab.py

test-browser: $(READY)  ## a learner's path through JupyterLab, the site and the page that reads images, in a browser
	$(INSTALL) ".[browser]"
	$(BIN)/python -m pytest -rs tests/places/browse_*.py

# All columns of versions, or one: `make matrix COLUMN="test(3.11-oldest)"`.
COLUMN ?= test
test-conda: COLUMN = conda
test-base: COLUMN = base
matrix test-conda test-base: export PYENV_VERSION := $(ALL_PYTHONS)
matrix: $(READY)  ## make test in all columns of versions, or one COLUMN
test-conda: $(READY)  ## what environment.yml installs, and lesson 1 in it
test-base: $(READY)  ## reading an image with what is installed without any extra
matrix test-conda test-base:
	$(INSTALL) ".[matrix]"
	$(BIN)/nox --session "$(COLUMN)"

lab: $(READY)  ## JupyterLab, opened on lesson 1
	$(BIN)/jupyter lab notebooks/01_visualisation.ipynb

site: $(READY)  ## lessons and pages as a site and an EPUB, and the page that reads images, in build/site (needs npm)
	$(INSTALL) ".[site]"
	$(BIN)/python docs/build_site.py

slides: $(READY)  ## slides of lessons 1 to 4, or of LESSONS, in build/slides (needs npm)
	$(INSTALL) ".[site]"
	$(BIN)/python docs/build_slides.py

handout: $(READY)  ## lessons, or LESSONS, without outputs and solutions, and a book of these, in build/handout
	$(BIN)/python notebooks/handout.py

notebooks: $(READY)  ## rebuild the .ipynb of changed lessons, or of LESSONS, from their .py
	$(BIN)/python notebooks/execute.py rebuild

reader: export PYTHONPATH := notebooks
reader: $(READY)  ## train the reader that ships, on drawings alone, and write its file (minutes)
	$(BIN)/python tests/benchmarks/shipped_reader.py

bench: export PYTHONPATH := notebooks
bench: $(READY)  ## measure the tables in figures/tables/ (hours; needs the real images)
	for bench in tests/benchmarks/bench_*.py; do $(BIN)/python $$bench || exit 1; done

results: $(READY)  ## measure the results table on the real images
	$(BIN)/python notebooks/execute.py results

lock: $(READY)  ## write the exact versions of .venv to requirements.lock
	$(BIN)/pip freeze --exclude captcha_lib > requirements.lock

clean:  ## remove all environments and outputs
	rm -rf .venv .venv-colab .nox build .hypothesis .pytest_cache .ruff_cache

$(READY): pyproject.toml $(LOCK)
	$(PYTHON) -m venv .venv
	$(INSTALL) ".[test]"
	touch $(READY)

.venv-colab/ready: tests/places/colab_requirements.txt
	python3.13 -m venv .venv-colab
	.venv-colab/bin/python -m pip install --quiet --requirement $<
	touch $@
