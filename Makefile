# gridroll: what you can do here. `make` alone lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BIN := .venv/bin
STAMP := .venv/.installed
PYTEST_WORKERS ?= 2
UV_COMPILE := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --quiet \
	--generate-hashes --no-emit-index-url --custom-compile-command "make lock"

.PHONY: help setup demo test lint format unit lock accuracy accuracy-lock worlds portal serve-airflow system-packages clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## create .venv from the hash-pinned lock (needs Python 3.11 to 3.13 and pip)

$(STAMP): requirements-dev.lock pyproject.toml scripts/setup
	@scripts/setup
	@touch $@

demo: $(STAMP) ## set up everything, then two nights of a fictional district through Airflow's own runner
	@scripts/demo

test: $(STAMP) system-packages ## set up everything, then lint, types and every test
	@$(MAKE) --no-print-directory lint
	$(BIN)/pytest -n $(PYTEST_WORKERS) --dist loadfile --no-loadscope-reorder

unit: $(STAMP) ## only the quick tests
	$(BIN)/pytest -m "not slow" -n $(PYTEST_WORKERS) --dist loadfile

lint: $(STAMP) ## ruff (with its Airflow rules) and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --num-workers 2

format: $(STAMP) ## let ruff correct what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(STAMP) ## resolve pyproject.toml again into requirements.lock and requirements-dev.lock
	$(UV_COMPILE) -o requirements.lock
	$(UV_COMPILE) --extra dev -c requirements.lock -o requirements-dev.lock

# The public data sets need an older pandas, hence an environment of their own beside .venv.
DATA_ENV := .venv-accuracy
SAMPLE ?=
accuracy: $(STAMP) $(DATA_ENV)/.tables ## accuracy on public and fictional data beside plain Splink (SAMPLE=folder/night=... adds exports); 15 minutes
	$(BIN)/python -m benchmarks.accuracy.run --out $(DATA_ENV)/results --packages $(DATA_ENV)/lib/python3*/site-packages \
		--pseudopeople $(DATA_ENV)/tables $(if $(SAMPLE),--sample $(SAMPLE))

$(DATA_ENV)/.tables: benchmarks/accuracy/requirements.lock benchmarks/accuracy/pseudopeople_tables.py scripts/accuracy-data
	@scripts/accuracy-data $(DATA_ENV)
	@touch $@

worlds: $(STAMP) ## 200 random worlds: what a night carries over is what it would work out (50 in make test)
	GRIDROLL_WORLDS=200 $(BIN)/pytest tests/night/test_incremental.py -q -n $(PYTEST_WORKERS)

accuracy-lock: $(STAMP) ## resolve benchmarks/accuracy/requirements.in again
	cd benchmarks/accuracy && ../../$(BIN)/uv pip compile requirements.in --universal --python-version 3.11 --quiet --generate-hashes \
		--no-emit-index-url --custom-compile-command "make accuracy-lock" -o requirements.lock

portal: $(STAMP) ## the portal over the demo on http://127.0.0.1:8090, with an account for each role (after make demo)
	@scripts/serve-portal

serve-airflow: $(STAMP) ## Airflow's own pages for the demo on http://127.0.0.1:8080 (development only)
	@scripts/serve-airflow

system-packages: # Chromium and PostgreSQL, which some tests drive
	@scripts/system-packages

clean: ## remove the environment, caches and the demo
	rm -rf .venv $(DATA_ENV) demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
