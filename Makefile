# Two commands are all a new user needs: `make demo` and `make test`.
VENV ?= .venv
PYTHON ?= python3
RUN = $(VENV)/bin

.PHONY: env demo test test-slow lint types docs reproduce reproduce-quick bench bench-full

env: $(VENV)/.installed

# The constraints pin what development and CI install, torch above all: other builds are several gigabytes.
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(RUN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,examples,bench]'
	touch $@

# The main job on real data: representations of 2,469 households, scored on eight tasks.
demo: env
	$(MAKE) --no-print-directory -C examples/completejourney LURM=$(abspath $(RUN))/lurm PYTHON=$(abspath $(RUN))/python
	@echo "Report: examples/completejourney/evaluation/report.html"

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

# Every table of the paper on public data: docs/reproduce.md and reproduce/report.html. Goes on where it stopped.
reproduce: env
	$(RUN)/python -m reproduce.run

# The same on a small generated log, in minutes: whether everything runs.
reproduce-quick: env
	$(RUN)/python -m reproduce.run --quick

# The command reference, from the commands themselves.
docs: env
	$(RUN)/python docs/generate_cli.py

# Each stage next to what one would run without it; docs/benchmarks.md is written from the results. A quarter of an hour.
bench: env
	$(RUN)/python benchmarks/run.py --sizes 1M 10M

# The same with a hundred million events: hours, and 40 GB of disk under build/.
bench-full: env
	$(RUN)/python benchmarks/run.py --sizes 1M 10M 100M
