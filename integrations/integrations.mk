# Targets of the files for other tools. dbt has an environment of its own, because its pins conflict with those of .venv.
DBT_VENV := .venv-dbt

$(DBT_VENV)/ready: pyproject.toml
	$(call install,dbt)

.PHONY: integrations
integrations: $(VENV)/ready ## write the files for Grafana, Superset, Metabase, QuickSight and dbt; for a deployment: OUT=directory DATABASE=… TZ=… HOURS=… FIRST_DAY=…
	$(PYTHON) -m bluetick_tools $(if $(OUT),--out "$(OUT)") $(if $(DATABASE),--database "$(DATABASE)") --timezone "$(QUERY_ZONE)" \
	  --attribution-hours "$(HOURS)" $(if $(FIRST_DAY),--first-day "$(FIRST_DAY)")

.PHONY: quicksight
quicksight: $(VENV)/ready ## deploy the data sets for QuickSight beside a stack: PRINCIPAL=<ARN of a user or group> (STACK, DAYS)
	$(WITH_TOOLS) infra/deploy_quicksight.sh

.PHONY: test-dbt
test-dbt: build $(VENV)/ready $(DBT_VENV)/ready ## the dbt project on a simulated lake with DuckDB, and compiled for Athena; installs dbt
	$(PYTHON) -m pytest -q tests/integrations_run/test_dbt.py
