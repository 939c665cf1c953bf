# `make search` and `make test` need Python and pip, nothing else; each prepares .venv by itself.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=

.PHONY: help search test lint clean
help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

search: $(VENV)/installed  ## install and run the default search (ARGS="--seed 1" adds options)
	$(BIN)/msenas search $(ARGS)

test: $(VENV)/installed-test  ## install with the test extra and run the whole suite (ARGS="-k name" for a part)
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/installed-test  ## format and check
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .

clean:  ## remove the environment
	rm -rf $(VENV)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/installed-test: $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@ $(VENV)/installed
