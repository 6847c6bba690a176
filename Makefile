# make serve    set up and start the server on http://localhost:9000
# make test     set up everything and run all tests
# make check    lint, types and the import rule
# make cluster  a cluster on this machine, for trying: PostgreSQL, Redis, HAProxy and three nodes
# make bench    the benchmark; make compliance: the whole Autobahn conformance suite
#
# PYTHON picks the interpreter (3.11 or later), VENV where the environment goes, ARGS what is passed on,
# WORKERS how many test files run at a time.

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
WORKERS ?= 2
BIN := $(VENV)/bin

.PHONY: serve cluster test check format bench compliance docs clean

serve: $(VENV)/.serve
	$(BIN)/twistd -n chatroom $(ARGS)

cluster: $(VENV)/.cluster
	tools/system-packages cluster
	@$(BIN)/python -m tools.cluster $(ARGS)

test: $(VENV)/.test
	tools/system-packages test
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_imports.py

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.test
	$(BIN)/python -m bench $(ARGS)

compliance: $(VENV)/.test
	$(BIN)/python tests/compliance/run.py --cases all $(ARGS)

# What is generated from the code: docs/protocol.md's tables and docs/asyncapi.json.
docs: $(VENV)/.test
	$(BIN)/python tools/protocol_docs.py

clean:
	rm -rf $(VENV) build dist *.egg-info

$(VENV)/bin/python:
	tools/system-packages python $(PYTHON)
	$(PYTHON) -m venv $(VENV)

$(VENV)/.serve: $(VENV)/bin/python setup.cfg pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/.cluster: $(VENV)/bin/python setup.cfg pyproject.toml
	@echo "setting up $(VENV), which takes a minute or two"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[postgres,redis]"
	touch $@ $(VENV)/.serve

$(VENV)/.test: $(VENV)/bin/python setup.cfg pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[test,check,compliance]"
	touch $@ $(VENV)/.serve $(VENV)/.cluster
