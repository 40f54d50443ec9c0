# Everything from a fresh machine: `make run` serves, `make test` tests.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8311

.PHONY: run test rasa setup setup-dev lint types bench evaluate clean

run: $(VENV)/.installed
	$(BIN)/chengda train
	$(BIN)/chengda serve --port $(PORT)

test: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/chengda check
	$(BIN)/chengda train
	$(BIN)/pytest -n 2 --dist loadfile -m "not rasa and not faults and not bench"

# The project on a real Rasa 3.6 (needs Python 3.10): trains it, holds its conversations on both engines, compares.
rasa: $(VENV)/.installed
	$(BIN)/chengda train
	$(BIN)/chengda rasa conversations

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt torch
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

setup: $(VENV)/.installed
setup-dev: $(VENV)/.installed-dev

bench: $(VENV)/.installed-dev
	$(BIN)/chengda bench

evaluate: $(VENV)/.installed
	$(BIN)/chengda evaluate

clean:
	rm -rf $(VENV) .chengda
