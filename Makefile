# `make help` lists the targets. Python packages go to .venv by pinned requirements files; nothing else is installed.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
PYTHON := $(VENV)/bin/python
REQUIREMENTS := sql/requirements-test.txt tests/requirements.txt

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(VENV)/ready: sql/requirements.txt sql/requirements-trino.txt $(REQUIREMENTS)
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check $(addprefix -r ,$(REQUIREMENTS))
	touch $@

.PHONY: build
build: ## build everything for development
	cargo build --workspace --bins --locked

.PHONY: demo
demo: build $(VENV)/ready ## post the sample webhooks, move them to a lake, print CTR and funnel
	$(PYTHON) tests/demo.py

.PHONY: invoke
invoke: build $(VENV)/ready ## run the Lambda functions with the sample events; no AWS account needed
	$(PYTHON) tests/invoke.py

.PHONY: samples
samples: ## write the sample webhooks of events/ again
	python3 events/make_samples.py

.PHONY: test
test: lint test-rust test-pipeline test-sql test-aws ## everything but Trino (make test-athena) and the long runs (make model, make fuzz)

.PHONY: lint
lint: ## formatting and lints
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

.PHONY: test-rust
test-rust: ## unit tests, properties, fixtures, the model of the lake
	cargo test --workspace --locked

.PHONY: test-pipeline
test-pipeline: build $(VENV)/ready ## end to end: demo, functions, readers, kill -9, S3, memory, load
	$(PYTHON) -m pytest -q tests --ignore=tests/sql --ignore=tests/athena --ignore=tests/aws

.PHONY: model
model: ## the model of the lake's protocol: 100,000 schedules; a quarter of an hour
	MODEL_SCHEDULES=$${MODEL_SCHEDULES:-100000} cargo test --locked -p bluetick-lake --test model -- --nocapture

.PHONY: fuzz
fuzz: ## ten million mutated bodies through the adapters; a quarter of an hour
	FUZZ_EXECUTIONS=$${FUZZ_EXECUTIONS:-2100000} cargo test --release --locked -p bluetick-events --test fuzz -- --nocapture --test-threads 1

include sql/Makefile.inc infra/Makefile.inc
