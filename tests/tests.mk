# The tests of the whole pipeline on this machine.

.PHONY: test-pipeline
test-pipeline: build $(VENV)/ready ## end to end: demo, functions, readers, kill -9, S3, memory, load
	@mkdir -p $(LOGS)
	$(PYTHON) -m pytest -q tests --ignore=tests/sql --ignore=tests/athena --ignore=tests/aws --ignore=tests/report_browser --ignore=tests/mutations $(KEEP_LOG)

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
