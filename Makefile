# `make search` and `make test` need Python and pip, nothing else; each prepares .venv by itself, `make judges` another.
PYTHON ?= python3
VENV   := .venv
JUDGES := .venv-judges
PEERS  := .venv-peers
SINABS := .venv-sinabs
BIN    := $(VENV)/bin
JOBS   ?= 2
ARGS   ?=

.PHONY: help search test judges peers lint clean
help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

search: $(VENV)/installed  ## install and run the default search (ARGS="--seed 1" adds options)
	$(BIN)/msenas search $(ARGS)

test: $(VENV)/installed-test  ## install with the test extra and run the whole suite (ARGS="-k name" for a part; JOBS=4)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(ARGS)

judges: $(JUDGES)/installed  ## install other tools in an environment of their own and let them judge the counts
	$(JUDGES)/bin/python -m pytest tests/judges $(ARGS)

peers: $(PEERS)/installed $(SINABS)/installed  ## let other simulators run exported networks, in environments of their own
	$(PEERS)/bin/python -m pytest tests/peers $(ARGS)

lint: $(VENV)/installed-test  ## format and check
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .

clean:  ## remove the environments
	rm -rf $(VENV) $(JUDGES) $(PEERS) $(SINABS)

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

$(PEERS)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[peers]'
	@touch $@

$(SINABS)/installed: tests/peers/sinabs.txt
	$(PYTHON) -m venv $(SINABS)
	$(SINABS)/bin/python -m pip install --quiet --disable-pip-version-check -r tests/peers/sinabs.txt
	@touch $@
