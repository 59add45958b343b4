# Targets of the SQL: queries, their tests and their page.
ENGINE ?= duckdb
FORMAT ?= table
LAKE ?= .demo/lake
HOURS ?= 72
# The environment's TZ is the machine's, not the report's.
QUERY_ZONE = $(if $(filter command line,$(origin TZ)),$(TZ),UTC)

# DuckDB on a local lake needs few packages; a lake on S3 and the other engines need all.
QUERY_ENVIRONMENT = $(if $(and $(filter duckdb,$(ENGINE)),$(filter-out s3://%,$(LAKE))),$(VENV)/query,$(VENV)/ready)

# A file of prices for the cost queries; without one, sql/rate_card.csv.
RATE_CARD ?=

# Days: FROM= and TO=, or LAST=7d, or LAST=month.
WINDOW = $(if $(FROM),--from "$(FROM)") $(if $(TO),--to "$(TO)") $(if $(LAST),$(if $(filter month,$(LAST)),--last-month,--last "$(LAST)"))

.PHONY: query
# SQL of the caller reaches the program by the environment: make and the shell leave its quotes and $ as they are.
query: export BLUETICK_SQL = $(value SQL)
# Through the environment, because the shell would take away the quotes of PARAMS='template_name="Spring sale"'.
query: export QUERY_PARAMS = $(value PARAMS)
query: $(QUERY_ENVIRONMENT) ## one query: Q=ctr_by_button FROM=2026-11-01 TO=2026-11-20 [TZ=Asia/Kolkata] [FORMAT=table|csv|json|parquet] [OUT=file] [LAKE=dir or s3://bucket] [ENGINE=duckdb|trino|athena] [PARAMS='template_name="Spring sale" …'] [RATE_CARD=file]; LAST=7d or LAST=month for the days; SQL="SELECT …" or Q=file.sql for one of your own; without Q, their names
	@$(PYTHON) -m bluetick_sql $(Q) $(if $(SQL),--sql "$$BLUETICK_SQL") $(WINDOW) $(if $(OUT),--out "$(OUT)") --timezone "$(QUERY_ZONE)" \
	  --attribution-hours "$(HOURS)" --engine $(ENGINE) --format $(FORMAT) --lake "$(LAKE)" --params "$$QUERY_PARAMS" \
	  $(if $(RATE_CARD),--rate-card "$(RATE_CARD)")

.PHONY: report
report: $(QUERY_ENVIRONMENT) ## the report of a period as one HTML file: FROM=2026-11-01 TO=2026-11-30, or LAST=7d, or LAST=month [TZ=Asia/Kolkata] [LAKE=dir or s3://bucket] [ENGINE=duckdb|trino|athena] [TITLE=…] [OUT=file]
	@$(PYTHON) -m bluetick_report $(WINDOW) --timezone $(QUERY_ZONE) --attribution-hours $(HOURS) \
	  --engine $(ENGINE) --lake $(LAKE) $(if $(TITLE),--title "$(TITLE)") $(if $(OUT),--out "$(OUT)")

.PHONY: sql-shell
sql-shell: $(QUERY_ENVIRONMENT) ## SQL on the tables and views, line by line: [LAKE=dir or s3://bucket] [ENGINE=duckdb|trino|athena] [TZ=…] [LAST=7d]
	@$(PYTHON) -m bluetick_sql.shell $(WINDOW) --timezone $(QUERY_ZONE) --attribution-hours $(HOURS) --engine $(ENGINE) --lake $(LAKE)

.PHONY: test-report
test-report: build $(VENV)/ready ## the report in headless Chromium; needs the command chromium (Debian's package)
	$(PYTHON) -m pytest -q tests/report_browser

.PHONY: test-sql
test-sql: build $(VENV)/ready ## the SQL: figures by hand and by simulation, mutations, differences between engines, syntax, DDL
	@mkdir -p $(LOGS)
	$(PYTHON) -m pytest -q tests/sql $(KEEP_LOG)

.PHONY: test-laws
test-laws: build $(VENV)/ready ## the laws of docs/metrics.md on 200 random lakes and 200 simulations; long
	BLUETICK_LAKES=200 $(PYTHON) -m pytest -q tests/sql/test_laws.py tests/sql/test_order_of_arrival.py

.PHONY: test-truth
test-truth: build $(VENV)/ready ## every query against the truth of 20 simulations of 10,000 messages; long
	BLUETICK_SEEDS=20 BLUETICK_MESSAGES=10000 $(PYTHON) -m pytest -q tests/sql/test_truth.py

.PHONY: test-athena
test-athena: build $(VENV)/ready ## every query on Trino, the engine that Athena is built on; fetches a server (800 MB) the first time
	$(PYTHON) -m pytest -q tests/athena

.PHONY: query-docs
query-docs: $(VENV)/ready ## write docs/queries.md again
	$(PYTHON) scripts/query_docs.py

.PHONY: measure-query-bytes
measure-query-bytes: $(VENV)/ready ## measure on Trino what each query reads; QUERIES="ctr_total …" measures these alone
	$(PYTHON) scripts/measure_query_bytes.py tests/athena/measured_bytes.json $(QUERIES)

.PHONY: measure-report
measure-report: bluetick $(VENV)/ready ## seconds and bytes of the report of a month of a million messages; MESSAGES=200000 COPIES=5; long
	$(PYTHON) scripts/measure_report.py --messages $(or $(MESSAGES),200000) --copies $(or $(COPIES),5)

.PHONY: report-screenshots
report-screenshots: $(VENV)/ready ## pictures of a report in headless Chromium: PAGE=file.html SHOTS=directory
	$(PYTHON) scripts/report_screenshots.py "$(PAGE)" "$(SHOTS)"
