# Everything runs in an environment of its own, .venv, made when it is first needed.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO := build/demo

.PHONY: help demo install check format test test-jax test-long docs dist screenshots clean

help: ## list these recipes
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $(READY)

install: $(READY) ## make the environment

demo: $(READY) ## a whole search on scikit-learn's digits, in a few minutes
	rm -rf $(DEMO)
	$(BIN)/tunekit search cnn-digits --home $(DEMO)
	$(BIN)/tunekit ls --home $(DEMO)

check: $(READY) ## formatting, lint, types, direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY) ## format and mend what lint can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: $(READY) ## the tests, some 18 minutes on two cores
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

test-jax: $(READY) ## searches and pictures with Keras on JAX
	KERAS_BACKEND=jax $(BIN)/python -m pytest tests/insight tests/trial/test_jax_step.py
	$(BIN)/python -m pytest -m jax

test-long: $(READY) ## the long forms of the tests, some two hours, and their figures
	$(BIN)/python -m pytest -m long --timeout 14400 --numprocesses 2 --dist loadfile

docs: $(READY) ## the pages of docs/ as a site in build/docs; a broken link or anchor is an error
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --nitpicky --fresh-env docs build/docs

dist: $(READY) ## wheel and sdist in dist/, checked as a package index checks them
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/python -m twine check --strict dist/*

screenshots: $(READY) ## the pictures in docs/images, with a browser, in some three minutes
	$(BIN)/python docs/screenshots.py

clean: ## remove the environment and what was built
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
