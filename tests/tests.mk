# The tests of the whole pipeline on this machine.

.PHONY: test-pipeline
test-pipeline: build $(VENV)/ready ## end to end: demo, functions, readers, kill -9, S3, memory, load
	@mkdir -p $(LOGS)
	$(PYTHON) -m pytest -q tests --ignore=tests/sql --ignore=tests/athena --ignore=tests/aws --ignore=tests/report_browser --ignore=tests/mutations --ignore=tests/integrations_run $(KEEP_LOG)

.PHONY: test-mutations
test-mutations: build $(TOOLS)/ready $(VENV)/ready ## each known fault of a deployment, put back, makes its test fail; compiles twice, long
	$(WITH_TOOLS) PYTHONPATH="$(PYTHONPATH):$(CURDIR)/tests/mutations" $(PYTHON) -m pytest -q tests/mutations

.PHONY: test-import
test-import: bluetick $(VENV)/ready ## 100,000 rows of each source of `bluetick import`, twice
	IMPORT_ROWS=100000 $(PYTHON) -m pytest -q -s tests/test_import.py

.PHONY: soak
soak: $(if $(filter 0,$(MINUTES)),,build $(TOOLS)/ready $(VENV)/ready) ## all tests that draw random cases, with new seeds, for MINUTES (60); 0 lists the commands; SEED=… repeats
	@PATH="$(CURDIR)/$(VENV)/bin:$(CURDIR)/$(TOOLS)/bin:$$PATH" python3 scripts/soak.py $(or $(MINUTES),60) $(SEED)

.PHONY: measure-forwarding
measure-forwarding: bluetick $(VENV)/ready ## rows and bytes if the application forwards Meta's statuses too; MESSAGES=4000 COMMITS=96
	$(PYTHON) scripts/measure_forwarding.py $(or $(MESSAGES),4000) $(or $(COMMITS),96)

# Edge counters that libFuzzer reads. These passes need no nightly compiler; sanitizers would.
COVERAGE := -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
  -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Clink-arg=-Wl,-z,nostart-stop-gc
FUZZ := target/fuzz-coverage
HOST = $(shell rustc -vV | sed -n 's/^host: //p')

.PHONY: fuzz-coverage
fuzz-coverage: ## fuzz webhook bodies guided by coverage for SECONDS (600); needs a C++ compiler
	python3 scripts/fuzz_corpus.py $(FUZZ)/fixtures
	mkdir -p $(FUZZ)/corpus
	RUSTFLAGS="--cfg fuzzing $(COVERAGE)" cargo build --release --locked --manifest-path crates/events/fuzz/Cargo.toml --target $(HOST) --target-dir $(FUZZ)
	$(FUZZ)/$(HOST)/release/bluetick-events-fuzz -max_total_time=$(or $(SECONDS),600) -max_len=65536 -artifact_prefix=$(FUZZ)/ $(FUZZ)/corpus $(FUZZ)/fixtures
