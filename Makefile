# One environment per interpreter: .venv, or .venv-3.13 for `make test PYTHON=python3.13`.
PYTHON  ?= python3
WORKERS ?= 3

VENV := .venv$(if $(filter-out python3,$(PYTHON)),-$(patsubst python%,%,$(notdir $(PYTHON))))
BIN  := $(VENV)/bin

# Coverage of child processes needs one place that does not depend on where a child works.
export COVERAGE_FILE := $(CURDIR)/$(VENV)/.coverage
# The theme warns about a MkDocs 2 that the lock file keeps out.
export NO_MKDOCS_2_WARNING := 1
unexport VIRTUAL_ENV
# Tests start hundreds of processes; without byte code each of them would compile every module again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test prove check fix bench docs clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile
	@echo "  Another interpreter: make test PYTHON=python3.13"

setup: $(VENV)/.ready ## Make .venv with everything in uv.lock (the other targets do it when needed)

$(VENV)/.ready: pyproject.toml uv.lock .ci/venv
	@echo "Setting up $(VENV)"
	@bash .ci/venv $(VENV) $(PYTHON)
	@touch $@

demo: setup ## Watch schedules fire, retry, overlap, time out and survive a kill; 15 seconds
	@$(BIN)/foliot demo

test: setup ## Run all tests, on real servers too, and hold coverage at 95 %
	@bash .ci/servers
	@$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n $(WORKERS) -q
	@$(BIN)/coverage combine -q
	@$(BIN)/coverage report

prove: setup ## Let real processes and servers go wrong on three stores, and see that every promise holds
	@bash .ci/servers
	$(BIN)/foliot prove --store sqlite --store postgres --store redis --minutes 0.3 --parts 500 --processes 3 --slack 30

check: setup ## Format, lint, types, layers and documentation: all that is not a test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports --no-logo --cache-dir $(VENV)/import-linter
	$(BIN)/mkdocs build --strict --quiet

fix: setup ## Format, and repair what the linter can repair
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup ## Measure against the peers; each gets an environment of its own
	$(BIN)/python -m benchmarks

docs: setup ## Show the documentation while you write it, on http://127.0.0.1:8000
	$(BIN)/mkdocs serve --strict

clean: ## Remove what these targets made
	rm -rf .venv .venv-* site dist .coverage* .hypothesis .pytest_cache .ruff_cache
