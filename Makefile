# The one list of checks. `make demo` and `make test` do all the set-up they need.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CONSOLE := hub/web/console/source
BUILT := hub/web/console/built/sources.sha256

# Bytecode is kept, whatever the shell says: else each process of the tests and of the demonstration compiles the hub anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test console picture lint types rooms bench oracle schema check clean

demo: $(READY) $(BUILT)
	@exec $(BIN)/icorn-hub demo

# Three workers for two cores: many tests wait for other processes.
test: $(READY) $(BUILT)
	$(BIN)/pytest -n 3 --dist worksteal

console: $(BUILT)

picture: $(READY) $(BUILT)
	CONSOLE_PICTURE=docs/console.png $(BIN)/pytest -q tests/browser/test_at_the_console.py -k signs_in

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

rooms: $(READY)
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/python -m tests.bench --docs

oracle: $(READY)
	$(BIN)/python -m tests.planner.long

schema: $(READY)
	$(BIN)/icorn-hub schema > schema.graphql

check: test lint types rooms

clean:
	rm -rf $(VENV) hub/web/console/built .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=...")'
	@echo 'Installing, once: two to three minutes, without a word meanwhile.'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

# Installing builds the console too; this is for when a source of it has changed since.
$(BUILT): $(shell find $(CONSOLE) -name node_modules -prune -o -type f -print) | $(READY)
	$(BIN)/python $(CONSOLE)/build.py
