# factory-lake: every task of the project is one target; `make` alone lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON := .venv/bin/python
OLDEST := .venv-oldest/bin/python
LINTERS := .tools/bin/tflint .tools/bin/actionlint
AXE := .tools/axe/axe.min.js
# When the user's command began: what set-up takes counts too.
export FACTORY_LAKE_STARTED := $(shell date +%s.%N)
# Empty: the many processes share compiled bytecode even where the environment forbids it.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Make the Python environments (every target that needs them does this by itself)
	@scripts/setup.sh

.PHONY: package
package: setup ## Build the Lambda packages into build/packages
	@$(PYTHON) -m scripts.package

.PHONY: demo
demo: package ## The main job on the local cloud: gateways and cameras to SQL and clips (MESSAGES=file.jsonl sends yours)
	@$(PYTHON) -m harness.demo $(if $(MESSAGES),--messages '$(MESSAGES)')

.PHONY: up
up: package ## Leave a local lake running and say how to use it
	@.venv/bin/factory-lake local up

.PHONY: down
down: setup ## Stop the lake that `make up` started
	@.venv/bin/factory-lake local down

.PHONY: test
test: package $(LINTERS) $(AXE) ## Lint and every test, on the newest and the oldest Python
	@scripts/test.sh

.PHONY: test-units
test-units: package $(AXE) ## Tests that need no local cloud
	@$(PYTHON) -m pytest -n 2 -m 'not cloud and not localstack'

.PHONY: test-oldest
test-oldest: package ## The Lambda functions' tests on the oldest Python found
	@echo "Lambda functions on $$($(OLDEST) --version)"
	@$(OLDEST) -m pytest -c tests/oldest.ini --rootdir=. tests/unit/transform tests/unit/clip_fetch

.PHONY: test-cloud
test-cloud: package ## Tests on the embedded local cloud
	@$(PYTHON) -m pytest -n 2 --dist loadgroup -m 'cloud and not localstack'

.PHONY: test-localstack
test-localstack: package ## Integration tests against a LocalStack that already runs (LOCALSTACK_HOST, AWS_ENDPOINT_URL)
	@$(PYTHON) -m pytest -m localstack

.PHONY: test-nodered
test-nodered: package ## The LoopEdge flow in a real Node-RED from npm, through a line that breaks
	@{ command -v node && command -v npm; } >/dev/null || \
	  { echo 'test-nodered: needs Node.js 20 or newer, and npm' >&2; exit 2; }
	@node --test tests/unit/loopedge/
	@$(PYTHON) -m harness.nodered

.PHONY: lint
lint: setup $(LINTERS) ## Every static check: Python, Terraform, plans, shell, workflows, secrets
	@scripts/lint.sh

.tools/bin/%: scripts/install_linter.sh
	@scripts/install_linter.sh $*

$(AXE): scripts/install_axe.sh
	@scripts/install_axe.sh

.PHONY: fmt
fmt: setup ## Format Python and Terraform
	@$(PYTHON) -m ruff format . && $(PYTHON) -m ruff check --fix --quiet . ; scripts/terraform.sh fmt -recursive

.PHONY: bench
bench: package ## Compare speed and memory with peers, and show a month of a thousand tags; writes build/bench
	@$(PYTHON) -m harness.bench.transform
	@$(PYTHON) -m harness.bench.clip_fetch
	@$(PYTHON) -m harness.bench.report

N ?= 10000
.PHONY: simulate
simulate: setup ## Run N random fault histories of the video archive (N=10000)
	@$(PYTHON) -m harness.simulation --n $(N)

.PHONY: fuzz
fuzz: setup ## Compare the transform's two paths over N broken messages (N=10000, SEED by chance)
	@$(PYTHON) -m harness.fuzz --n $(N) $(if $(filter file,$(origin SEED)),,--seed '$(SEED)')

MINUTES ?= 10
SEED ?= 1
.PHONY: soak
soak: package ## Gateways, cameras and random faults for MINUTES=10 (SEED=1), then a reconciliation; writes build/soak
	@$(PYTHON) -m harness.soak --minutes '$(MINUTES)' --seed '$(SEED)'

.PHONY: docs
docs: setup ## Regenerate the tables in docs and module READMEs
	@$(PYTHON) -m harness.docs

.PHONY: conformance
conformance: setup ## What the lake believes about AWS, tried on a local cloud; writes build/conformance (ONLY=name)
	@$(PYTHON) -m harness.conformance $(if $(ONLY),--only '$(ONLY)')

.PHONY: changes
changes: package ## Plan a change of every input against a local lake; writes the table of docs/changes.md
	@$(PYTHON) -m harness.changes

.PHONY: permissions
permissions: package ## Record on a local lake what `factory-lake policy` allows; writes its permissions.json
	@$(PYTHON) -m harness.permissions

.PHONY: scale
scale: setup ## Plan lakes of up to 200 factories with a mocked provider (some six minutes); writes docs/scale.md
	@$(PYTHON) -m harness.scale

.PHONY: release
release: setup ## Build release VERSION=x.y.z and show its tag, a dry run (PUBLISH=1 makes the tag)
	@$(PYTHON) -m scripts.release $(if $(filter 1,$(PUBLISH)),--publish) -- '$(VERSION)'

.PHONY: lock
lock: setup ## Compile requirements/*.in to hash-pinned *.txt (UPGRADE=1 takes newer versions)
	@.venv/bin/python -m scripts.lock $(if $(UPGRADE),--upgrade)

.PHONY: clean
clean: ## Remove what was built (environments and downloaded tools stay)
	@rm -rf build .mypy_cache .ruff_cache .pytest_cache .hypothesis
