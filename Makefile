# `make help` lists the targets. Python packages go to .venv by the pinned requirements files; nothing else is installed.

SHELL := bash
.DEFAULT_GOAL := help
VENV := .venv
PYTHON := $(VENV)/bin/python
BLUETICK := target/debug/bluetick

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(VENV)/ready: sql/requirements.txt tests/requirements.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r sql/requirements.txt -r tests/requirements.txt
	touch $@

.PHONY: build
build: ## build everything for development
	cargo build --workspace --locked

.PHONY: demo
demo: build $(VENV)/ready ## post the sample webhooks, move them to a lake, print CTR and funnel
	$(PYTHON) tests/demo.py

.PHONY: invoke
invoke: $(VENV)/ready ## run both Lambda functions with the sample events; no AWS account needed
	$(PYTHON) tests/invoke.py

.PHONY: samples
samples: ## write the sample webhooks of events/ again
	python3 events/make_samples.py
