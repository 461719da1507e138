# The one door: each target sets up what it needs in .venv, and is quickly a no-op the second time.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest

# The dependencies change with setup.py; the links of the editable install with the list of our files.
DEPENDENCIES := $(VENV)/.dependencies-$(shell cksum < setup.py | cut -d' ' -f1)
LINKS := build/.links-$(shell find vissl_monoimage configs benchmarks -name '*.py' -o -name '*.yaml' -o -name '*.j2' -o -name '*.csv' -o -name '*.jsonl' | sort | cksum | cut -d' ' -f1)

.PHONY: demo test test-slow test-vissl lint docs bench lock venv

demo: venv  ## from one photo to a report of what each layer learned: demo/report/report.html
	$(BIN)/monoimage demo

test: venv  ## everything that takes seconds
	$(PYTEST) -m "not slow" -n 2 --dist worksteal $(ARGS)

test-slow: venv  ## everything
	$(PYTEST) -n 2 --dist worksteal $(ARGS)

test-vissl: venv  ## VISSL's own tests, of a checkout of its tag v0.1.6: make test-vissl VISSL_SRC=FOLDER
	@test -f "$(VISSL_SRC)/tests/test_tasks.py" || { echo "VISSL_SRC must be a checkout of VISSL's tag v0.1.6" >&2; exit 2; }
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/vissl_own_tests.py $(VISSL_SRC) $(ARGS)

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

docs: venv  ## the documentation as a site: build/docs/index.html
	OMP_NUM_THREADS=1 $(BIN)/python -m sphinx -q -W --keep-going -n docs build/docs

bench: venv  ## speed beside peers, one core, minutes each: benchmarks/speed/README.md
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/speed $(ARGS)

lock: venv  ## the versions that are installed: requirements-lock.txt
	@{ head -n 2 requirements-lock.txt; $(BIN)/pip freeze --all --exclude-editable --exclude vissl --exclude pip; } > build/lock && mv build/lock requirements-lock.txt

venv: $(LINKS)

$(DEPENDENCIES): setup.py
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet torch==2.14.1 torchvision==0.29.1
	$(BIN)/pip install --quiet --editable ".[dev]" --config-settings editable_mode=strict
	$(BIN)/monoimage setup --no-hook  # last, or pip prints an ERROR for each of VISSL's pins
	rm -f $(VENV)/.dependencies-* && touch $@

# Strict: the plain editable install finds neither the YAMLs nor the Hydra plugin. It links file by file.
$(LINKS): $(DEPENDENCIES)
	rm -rf build && $(BIN)/pip install --quiet --no-deps --no-build-isolation --editable . --config-settings editable_mode=strict
	touch $@
