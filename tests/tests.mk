# The tests of the whole pipeline on this machine.

.PHONY: test-pipeline
test-pipeline: build $(VENV)/ready ## end to end: demo, functions, readers, kill -9, S3, memory, load
	@mkdir -p $(LOGS)
	$(PYTHON) -m pytest -q tests --ignore=tests/sql --ignore=tests/athena --ignore=tests/aws --ignore=tests/report_browser $(KEEP_LOG)
