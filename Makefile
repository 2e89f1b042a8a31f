# The words people and continuous integration use. Everything is set up in .venv of this checkout.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
CSRC := $(wildcard src/meter_model/core/csrc/*)

.PHONY: recovery station area weight crash year demo test test-construct check bench fuzz docs bless setup clean

setup: $(STAMP)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV) || (apt-get install -y python3-venv && $(PYTHON) -m venv $(VENV))
	$(BIN)/python -m pip install -q -U pip "setuptools>=77" wheel

$(STAMP): pyproject.toml setup.py $(CSRC) | $(VENV)/bin/python
	$(BIN)/python -m pip install -q -e ".[test,check]"
	mkdir -p $(VENV)/typing && ln -sfn ../../src $(VENV)/typing/meterwire
	touch $@

demo: $(STAMP)
	$(BIN)/meterwire demo

test: $(STAMP)
	$(BIN)/python -m pytest -q -n 3 --dist worksteal --durations=10

test-construct: $(STAMP)
	METERWIRE_CODEC=construct $(BIN)/python -m pytest -q -n 3 --dist worksteal --durations=10

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/lint-imports
	$(BIN)/python tests/size_report.py

year: $(STAMP)
	METERWIRE_DAYS=$(or $(DAYS),400) $(BIN)/python -m pytest -q --durations=3 tests/simulation/test_year.py

area: $(STAMP)
	METERWIRE_NODES=$(or $(NODES),500) $(BIN)/python -m pytest -q --durations=5 tests/simulation/test_area.py

station: $(STAMP)
	METERWIRE_STATION=$(or $(METERS),200) $(BIN)/python -m pytest -q --durations=3 tests/simulation/test_master_station.py

recovery: $(STAMP)
	METERWIRE_RECOVERY_CASES=$(or $(CASES),10000) $(BIN)/python -m pytest -q -s tests/properties/test_recovery.py

crash: $(STAMP)
	METERWIRE_KILLS=$(or $(KILLS),1000) $(BIN)/python -m pytest -q tests/cli/test_state.py -k kill
	METERWIRE_CUTS=$(or $(CUTS),100000) $(BIN)/python -m pytest -q tests/meter_model/test_power_cuts.py

weight: $(STAMP)
	$(BIN)/python -m benchmarks.weight whole

bench: $(STAMP)
	$(BIN)/python -m benchmarks

fuzz: $(STAMP)
	$(BIN)/python -m fuzz --inputs 1000000

docs: $(STAMP)
	$(BIN)/python -m docs.generate

bless: $(STAMP)
	$(BIN)/python -m captures.bless
	$(BIN)/python tests/golden/dlt645_answers.py

clean:
	rm -rf $(VENV) build dist src/*.egg-info
