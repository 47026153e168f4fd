# Two commands for a fresh machine: `make audit` and `make test`. Everything else is for those who work on the project.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
REPORT ?= report.html

.DEFAULT_GOAL := help
.PHONY: help audit test check static lowest golden bench docs clean browser

help: ## what can be made
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

audit: $(STAMP) ## audit the sample estate into an HTML report
	@$(BIN)/auditor --no-config scan azure: --replay samples/estate/live --format html=$(REPORT) || test $$? -le 3
	@$(BIN)/auditor --no-config scan azure: --replay samples/estate/live || test $$? -le 3
	@echo; echo "Open $(REPORT) in a browser."

test: $(STAMP) browser ## set up and run the tests
	$(BIN)/python -m pytest -n 2 --cov --cov-report=term --cov-fail-under=95 $(ARGS)

browser: # a headless Chromium for the report's tests; they are skipped, visibly, where it cannot be had
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
	    apt-get install -y -qq --no-install-recommends chromium >/dev/null 2>&1; } || \
	  echo "No Chromium: the browser tests will be skipped."

check: test static ## what CI runs

static: $(STAMP) ## linters, types, layers, rules, generated docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/auditor --no-config rules test
	$(BIN)/python -m tools.docs --check

# What touches a dependency: the Azure SDK and aiohttp; PyYAML; Jinja2; click and rich.
TOUCHING = tests/sources/azure/test_live.py tests/sources/azure/test_expansions.py tests/test_rules.py \
  tests/test_waivers.py tests/test_cli.py tests/test_promises.py tests/renderers/test_formats.py \
  tests/renderers/test_templates.py tests/drift/test_formats.py

lowest: ## the tests of what touches a dependency, on exactly the lower bounds
	$(PYTHON) -m venv $(VENV)-lowest
	$(PYTHON) tools/lowest.py > $(VENV)-lowest/requirements.txt
	$(VENV)-lowest/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]' -r $(VENV)-lowest/requirements.txt
	$(VENV)-lowest/bin/python -m pytest -n 2 -m 'not browser' $(TOUCHING) $(ARGS)

golden: $(STAMP) ## write the golden reports anew
	$(BIN)/python -m tests.renderers.golden
	$(BIN)/python -m tests.drift.golden

docs: $(STAMP) ## write the generated docs anew
	$(BIN)/python -m tools.docs

bench: $(STAMP) ## measure, as ratios in one run
	$(BIN)/python -m tools.bench

clean: ## remove what was made
	rm -rf $(VENV) $(VENV)-lowest .coverage* .mypy_cache .pytest_cache .ruff_cache .import_linter_cache report.html
