# `make bench`: Bluetick beside its peers, in one run. The peers have an environment of their own.

BENCH_VENV := bench/.venv

$(BENCH_VENV)/ready: pyproject.toml
	$(call install,bench)

.PHONY: bench-build
bench-build:
	cargo build --profile bench-fast --locked -p bluetick-cli -p bluetick-events --bin bluetick --example ingest_cost
	cargo build --release --manifest-path bench/limit/Cargo.toml

.PHONY: bench
bench: bench-build $(BENCH_VENV)/ready ## compare speed, memory and bytes with peers; writes bench-results.json and docs/performance.md; QUICK=1: ten minutes
	$(BENCH_VENV)/bin/python bench/bench.py $(if $(QUICK),--quick)
