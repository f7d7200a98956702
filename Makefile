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

.PHONY: course test test-colab test-browser test-conda matrix lab notebooks bench results lock clean

course: $(READY)
	$(BIN)/python notebooks/execute.py course

test: $(READY)
	$(BIN)/python -m pytest tests
	$(BIN)/python notebooks/execute.py compare

test-colab: export PYENV_VERSION := $(ALL_PYTHONS)
test-colab: $(READY) .venv-colab/ready
	$(BIN)/python -m pytest tests/colab/rehearse.py

test-browser: $(READY)
	$(INSTALL) ".[browser]"
	$(BIN)/python -m pytest -rs tests/browse_lessons.py

# All columns of versions, or one: `make matrix COLUMN="test(3.11-oldest)"`.
COLUMN ?= test
test-conda: COLUMN = conda
matrix test-conda: export PYENV_VERSION := $(ALL_PYTHONS)
matrix test-conda: $(READY)
	$(INSTALL) ".[matrix]"
	$(BIN)/nox --session "$(COLUMN)"

lab: $(READY)
	$(BIN)/jupyter lab notebooks/01_visualisation.ipynb

notebooks: $(READY)
	$(BIN)/python notebooks/execute.py rebuild

bench: $(READY)
	for bench in tests/bench_*.py; do $(BIN)/python $$bench || exit 1; done

results: $(READY)
	$(BIN)/python notebooks/execute.py results

lock: $(READY)
	$(BIN)/pip freeze --exclude captcha_lib > requirements.lock

clean:
	rm -rf .venv .venv-colab .nox build *.egg-info

$(READY): pyproject.toml $(LOCK)
	$(PYTHON) -m venv .venv
	$(INSTALL) ".[test]"
	touch $(READY)

.venv-colab/ready: tests/colab/requirements.txt
	python3.13 -m venv .venv-colab
	.venv-colab/bin/python -m pip install --quiet --requirement $<
	touch $@
