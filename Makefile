# Every command of the project. On a fresh machine `make demo` and `make test` do everything, nothing else typed.
# Needed beforehand: Python 3.11 or newer with pip, make, bash, gcc, git, a Rust toolchain.
# Deliberately not here: anything installed outside this folder, and any index address (pip and cargo have their own).

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

SECONDS ?= 60
PROVE_FUZZ_SECONDS ?= 900
PYTEST_ARGS ?=
# A process for each core; a test that needs several of its own takes its share.
PYTEST := -m pytest --numprocesses auto --dist worksteal

VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python

# The first interpreter that is new enough; `make PYTHON=/path/to/python3.12 setup` overrides it.
PYTHON ?= $(shell for candidate in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$candidate" -c 'import sys; sys.version_info >= (3, 11) or sys.exit(1); print(getattr(sys, "_base_executable", sys.executable))' 2>/dev/null && break; done)
ifeq ($(strip $(PYTHON)),)
$(error no Python 3.11 or newer found: install one, or name it with PYTHON=/path/to/python3)
endif

# A virtual environment holds absolute paths. When the checkout moves or the interpreter changes, this key
# changes, its stamps are missing, and the environment is made anew.
KEY := $(shell { pwd -P; "$(PYTHON)" -c 'import sys; print(sys.base_prefix, sys.version)'; } | cksum | cut -d' ' -f1)
VENV_STAMP := $(VENV)/.made-$(KEY)
LOCK_STAMP := $(VENV)/.lock-$(KEY)
EXTENSION_STAMP := $(VENV)/.extension-$(KEY)
PLANTED_STAMP := target/planted/.built-$(KEY)
RUST_LOG := target/cargo-test.log

RUST_SOURCES := $(shell find crates contract -type f 2>/dev/null) Cargo.toml Cargo.lock
# An extension that was deleted by hand is built again, whatever its stamp says.
EXTENSION_MISSING := $(if $(wildcard python/cracktrader/_core*.so),,force)

# One interpreter for every cargo command: a change of it would make pyo3 build again.
export PYO3_PYTHON := $(CURDIR)/$(PY)

.PHONY: help setup demo test test-rust test-python test-without-extension planted check docs laws prove fuzz generate format lock clean force

help:
	@echo 'make demo      set up what is missing, run the demo on bundled real data'
	@echo 'make test      set up what is missing, run the tests of both languages'
	@echo 'make check     linters, types, stubs, formatting, generated docs, the laws of the repository'
	@echo 'make prove     the long forms: proofs, then $(PROVE_FUZZ_SECONDS) s of differential fuzzing'
	@echo 'make fuzz      differential fuzzing for SECONDS=$(SECONDS)'
	@echo 'make docs      build the documentation site into target/site, strictly'
	@echo 'make generate  write the generated docs again from contract/'
	@echo 'make format    format both languages'
	@echo 'make setup     the environment and the extension only'
	@echo 'make lock      write requirements/dev.lock from the environment as it is'
	@echo 'make clean     remove everything that was built'

# A stamp is touched before its build and moved into place after it, so that a source edited meanwhile counts as new.

# --- what is built -------------------------------------------------------------------------------------------

setup: $(EXTENSION_STAMP)

$(VENV_STAMP):
	@command -v cargo >/dev/null || { echo 'cargo not found: install a Rust toolchain first (see README.md)' >&2; exit 1; }
	@echo 'making $(VENV) with $(PYTHON)'
	@"$(PYTHON)" -m venv --clear $(VENV) || { "$(PYTHON)" -m venv --clear --without-pip $(VENV) \
		&& "$(PYTHON)" -m pip --python $(PY) install --quiet pip; }
	@touch $@

$(LOCK_STAMP): $(VENV_STAMP) requirements/dev.lock
	@echo 'installing requirements/dev.lock'
	@$(PY) -m pip install --no-input --disable-pip-version-check --quiet -r requirements/dev.lock
	@touch $@

$(EXTENSION_STAMP): $(LOCK_STAMP) pyproject.toml $(RUST_SOURCES) $(EXTENSION_MISSING)
	@echo 'building the Rust core'
	@touch $@.new
	@VIRTUAL_ENV='$(CURDIR)/$(VENV)' PIP_QUIET=1 $(BIN)/maturin develop --release --locked --quiet
	@mv $@.new $@

# The test build whose defects are chosen at run time. It has a folder of its own, so that it is never installed,
# and no link-time optimisation, which would double its build time and prove nothing.
planted: $(PLANTED_STAMP)

$(PLANTED_STAMP): $(LOCK_STAMP) $(RUST_SOURCES)
	@echo 'building the test build with planted defects'
	@mkdir -p target/planted && touch $@.new
	@PYO3_BUILD_EXTENSION_MODULE=1 cargo build --quiet --locked --release -p cracktrader-python --features planted \
		--target-dir target/planted --config 'profile.release.lto="off"' --config 'profile.release.codegen-units=16'
	@mv $@.new $@

# --- what is run ---------------------------------------------------------------------------------------------

demo: setup
	@$(BIN)/cracktrader demo

# Both suites always run, and both closing summaries stand together at the end.
test: setup planted
	@mkdir -p target; failed=0; \
	$(MAKE) --no-print-directory test-rust || failed=1; \
	$(MAKE) --no-print-directory test-python || failed=1; \
	echo; echo 'cargo test:'; grep -E '^(test result|error)' $(RUST_LOG) || true; \
	grep -qE '^test result: ok\. [1-9]' $(RUST_LOG) || { echo 'no Rust test passed'; failed=1; }; \
	exit $$failed

test-rust:
	@mkdir -p target
	cargo test --locked 2>&1 | tee $(RUST_LOG)

test-python: setup planted
	$(PY) $(PYTEST) $(PYTEST_ARGS)

# The Python suite in a copy of the tree that never held the extension.
WITHOUT := target/without-extension
test-without-extension: $(LOCK_STAMP)
	@rm -rf $(WITHOUT); mkdir -p $(WITHOUT)
	@tar -cf - --exclude='_core*.so' --exclude=./target --exclude=./.venv --exclude=./.git --exclude='.*_cache' --exclude=.hypothesis . | tar -xf - -C $(WITHOUT)
	cd $(WITHOUT) && PYTHONPATH=python '$(CURDIR)/$(PY)' $(PYTEST) --without-extension $(PYTEST_ARGS)

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(PY) -m mypy
	$(PY) -m mypy.stubtest cracktrader._core
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo clippy --locked --workspace --all-targets --features cracktrader-core/planted -- -D warnings
	$(PY) docs/generate.py --check
	$(MAKE) --no-print-directory docs
	$(PY) -m pytest -q tests/unit/test_repository_laws.py

# The banner of mkdocs-material about its own future is no warning about these pages.
docs: $(LOCK_STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo 'target/site/index.html'

laws: $(LOCK_STAMP)
	$(PY) -m pytest -q tests/unit/test_repository_laws.py

prove: setup planted
	CRACKTRADER_PROVE=1 $(PY) $(PYTEST) -m prove $(PYTEST_ARGS)
	$(MAKE) --no-print-directory test-without-extension
	$(MAKE) --no-print-directory fuzz SECONDS=$(PROVE_FUZZ_SECONDS)

fuzz: setup
	$(PY) tests/contracts/fuzz.py --seconds $(SECONDS)

generate: setup
	$(PY) docs/generate.py

format: $(LOCK_STAMP)
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .
	cargo fmt --all

# The comment of the lock file stays; everything below it is what is installed now.
lock: $(LOCK_STAMP)
	@{ grep '^#' requirements/dev.lock; $(PY) -m pip freeze --disable-pip-version-check --exclude-editable \
		| grep -v '^cracktrader'; } > target/dev.lock && mv target/dev.lock requirements/dev.lock

clean:
	rm -rf $(VENV) target build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	rm -f python/cracktrader/_core*.so
	find python tests docs examples -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
