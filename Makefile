# `make help` lists the targets. Each area adds its own in <area>/<area>.mk. Python packages go to .venv and .venv-tools by the
# pinned groups of pyproject.toml; nothing else is installed.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
TOOLS := .venv-tools
PYTHON := $(VENV)/bin/python
# The first pip that installs the dependency groups of pyproject.toml is 25.1; Python 3.11 brings an older one.
PIP_VERSION := 26.3
# Where programs and tests find each other's modules; pytest has the same list in pyproject.toml.
export PYTHONPATH := $(subst $(eval) ,:,$(addprefix $(CURDIR)/,scripts sql infra tests tests/sql tests/aws tests/athena))

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The virtual environment of a stamp $@, its pip new enough, with the dependency group $1.
define install
	test -x $(@D)/bin/pip || python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check pip==$(PIP_VERSION)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --no-compile --group $1
	touch $@
endef

$(VENV)/query: pyproject.toml
	$(call install,query)

$(VENV)/ready: pyproject.toml | $(VENV)/query
	$(call install,dev)

$(TOOLS)/ready: pyproject.toml
	$(call install,tools)

.PHONY: build
build: ## build everything for development
	cargo build --workspace --bins --locked

.PHONY: bluetick
bluetick: ## build the command for development
	cargo build --package bluetick-cli --bin bluetick --locked

.PHONY: demo
demo: ## post the sample webhooks, move them to a lake, print CTR and funnel
	@$(MAKE) --no-print-directory --jobs 2 bluetick $(VENV)/query
	$(PYTHON) scripts/demo.py

.PHONY: invoke
invoke: build $(VENV)/ready ## run the Lambda functions with the sample events; no AWS account needed
	$(PYTHON) scripts/invoke.py

.PHONY: samples
samples: ## write the sample webhooks of events/ again
	python3 scripts/make_samples.py

# The suites of `make test`, in the order in which two of them run side by side: those that wait most come first. Each leaves
# its output in $(LOGS)/<suite>.txt, from which the last line counts the tests.
SUITES := test-aws test-pipeline test-rust test-sql
LOGS := target/test-logs
# Ends a suite's command: shows its output, and keeps it.
KEEP_LOG = 2>&1 | tee $(LOGS)/$@.txt

.PHONY: test
test: ## everything but Trino (make test-athena) and the long runs (make model, make fuzz)
	@rm -rf $(LOGS) && mkdir -p $(LOGS)
	@$(MAKE) --no-print-directory --jobs 2 build-tests $(VENV)/ready $(TOOLS)/ready
	@$(MAKE) --no-print-directory lint-format lint-python
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target --keep-going --assume-old=build $(SUITES) lint-rust && status=0 || status=$$?; \
	  python3 scripts/test_summary.py $(LOGS) $(SUITES) && exit $$status

.PHONY: build-tests
build-tests:
	cargo build --workspace --bins --tests --locked

.PHONY: lint
lint: lint-format lint-python lint-rust ## formatting and lints of Rust and Python

# Every file by its name: cargo fmt does not find modules that a macro declares.
RUSTFMT = find crates -name '*.rs' -exec rustfmt --edition 2024

.PHONY: lint-format
lint-format: $(VENV)/ready
	$(RUSTFMT) --check {} +
	$(VENV)/bin/ruff format --check

.PHONY: lint-python
lint-python: $(VENV)/ready
	$(VENV)/bin/ruff check
	$(PYTHON) scripts/same_features.py
	$(PYTHON) scripts/import_cycles.py

.PHONY: lint-rust
lint-rust:
	cargo clippy --workspace --all-targets --locked -- -D warnings

.PHONY: format
format: $(VENV)/ready ## format Rust and Python
	$(RUSTFMT) {} +
	$(VENV)/bin/ruff format
	$(VENV)/bin/ruff check --fix

# Examples are compiled by clippy alone.
.PHONY: test-rust
test-rust: ## unit tests, properties, fixtures, the model of the lake
	@mkdir -p $(LOGS)
	cargo test --workspace --tests --locked $(KEEP_LOG)
	cargo test --workspace --doc --locked 2>&1 | tee -a $(LOGS)/$@.txt

.PHONY: model
model: ## the model of the lake's protocol: 100,000 schedules; a quarter of an hour
	MODEL_SCHEDULES=$${MODEL_SCHEDULES:-100000} cargo test --locked -p bluetick-lake --test lake model:: -- --nocapture

.PHONY: fuzz
fuzz: ## ten million mutated bodies through the adapters; a quarter of an hour
	FUZZ_EXECUTIONS=$${FUZZ_EXECUTIONS:-2100000} cargo test --release --locked -p bluetick-events --test fuzz -- --nocapture --test-threads 1

include $(sort $(wildcard */*.mk))
