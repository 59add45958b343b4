# Targets of the AWS stack. Its programs and tests use .venv; `sam` and `checkov` are in .venv-tools.
WITH_TOOLS := PATH="$(CURDIR)/$(VENV)/bin:$(CURDIR)/$(TOOLS)/bin:$$PATH"

.PHONY: test-aws
test-aws: build $(TOOLS)/ready $(VENV)/ready ## the stack: linters, scan, roles, and end to end with faults in an emulator
	@mkdir -p $(LOGS)
	$(WITH_TOOLS) $(PYTHON) -m pytest -q -s tests/aws $(KEEP_LOG)

.PHONY: test-deploy
test-deploy: $(TOOLS)/ready $(VENV)/ready ## `sam build` (ARCH) compiles the template's functions, and they can start on Lambda; takes minutes
	$(WITH_TOOLS) SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 bash -euo pipefail -c 'source infra/toolchain.sh; \
	  sam build --template-file infra/template.yaml --parameter-overrides "Architecture=$$ARCH"; \
	  python3 infra/check_binaries.py --architecture "$$ARCH" .aws-sam/build/*Function/bootstrap'

.PHONY: measure-aws
measure-aws: build $(VENV)/ready ## how long a webhook waits while Firehose hangs
	$(PYTHON) scripts/measure_deadlines.py

.PHONY: cost-docs
cost-docs: ## write the table of docs/costs.md again, by infra/costs.py and the measured bytes of a query
	python3 infra/costs.py --write

.PHONY: generate
generate: ## write the generated files: sql/schema.json, sql/ddl, infra/tables.yaml
	cargo run --quiet --locked -p bluetick-cli --bin bluetick -- schema --write sql
	python3 infra/generate.py

.PHONY: package
package: $(VENV)/ready ## build the Lambda functions for release (ARCH=arm64 or x86_64)
	$(WITH_TOOLS) ARCH="$${ARCH:-arm64}" infra/package.sh

.PHONY: test-package
test-package: $(VENV)/ready ## package the committed source twice in two directories: the bytes must be the same; takes two builds for release
	$(WITH_TOOLS) infra/check_reproducible.sh

.PHONY: deploy
deploy: $(TOOLS)/ready $(VENV)/ready ## build and deploy the stack (STACK, ARCH, PARAMETERS, TAGS, FUNCTIONS)
	$(WITH_TOOLS) infra/deploy.sh

.PHONY: publish
publish: $(VENV)/ready ## put views and queries of sql/ into Athena for a deployed stack (STACK)
	$(WITH_TOOLS) bash -c 'source infra/region.sh && python3 infra/publish_sql.py --stack "$${STACK:-bluetick}"'

.PHONY: destroy
destroy: $(VENV)/ready ## delete the stack, all but its buckets and secrets (STACK)
	$(WITH_TOOLS) infra/destroy.sh

.PHONY: replay
replay: ## feed raw objects to the lake again (RAW, LAKE)
	cargo run --release --locked -p bluetick-cli --bin bluetick -- replay "$${RAW:?the URL of raw objects}" --lake "$${LAKE:?the URL of the lake}"
