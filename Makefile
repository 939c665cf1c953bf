# `make search` and `make test` need Python and pip, nothing else; each prepares .venv by itself, `make judges` another.
PYTHON ?= python3
VENV   := .venv
JUDGES := .venv-judges
BIN    := $(VENV)/bin
ARGS   ?=

.PHONY: help search test judges lint clean
help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

search: $(VENV)/installed  ## install and run the default search (ARGS="--seed 1" adds options)
	$(BIN)/msenas search $(ARGS)

test: $(VENV)/installed-test  ## install with the test extra and run the whole suite (ARGS="-k name" for a part)
	$(BIN)/python -m pytest $(ARGS)

judges: $(JUDGES)/installed  ## install other tools in an environment of their own and let them judge the counts
	$(JUDGES)/bin/python -m pytest tests/judges $(ARGS)

lint: $(VENV)/installed-test  ## format and check
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .

clean:  ## remove the environments
	rm -rf $(VENV) $(JUDGES)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/installed-test: $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@ $(VENV)/installed

$(JUDGES)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(JUDGES)
	$(JUDGES)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[judges]'
	@touch $@
