# Two commands are all a new user needs: `make demo` and `make test`.
VENV ?= .venv
PYTHON ?= python3
RUN = $(VENV)/bin

.PHONY: env test test-slow lint types

env: $(VENV)/.installed

# The constraints pin what development and CI install, torch above all: other builds are several gigabytes.
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(RUN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,examples]'
	touch $@

test: env
	$(RUN)/python -m pytest -m 'not slow'

test-slow: env
	$(RUN)/python -m pytest -m slow

lint: env
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/lint-imports

types: env
	$(RUN)/mypy
