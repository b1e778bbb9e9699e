# Everything there is to run. `make help` lists it; `make run` and `make test` are the two that matter.

# The first Python that is new enough; another one: make PYTHON=/path/to/python3 ...
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for each in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$each -c '$(NEW_ENOUGH)' 2>/dev/null && { echo $$each; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed.stamp
IMAGE := $(VENV)/contracts.binpb
TYPED := shared/laurel_kit shared/laurel_cli services

# pip's own settings and caches stay the user's; nothing here names where packages come from.
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test check lint format types contracts protos docs lock bench soak clean

help: ## List what can be made.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(INSTALLED) ## Start the whole suite with a demo member; Ctrl-C stops it (ARGS="--no-demo" and the like are passed on).
	@$(BIN)/python -m laurel_cli up $(ARGS)

test: lint types contracts ## Run every check that CI runs, against a PostgreSQL of its own.
	$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder

check: lint types contracts ## Run the fast checks: no database, under a minute.
	$(BIN)/python -m pytest tests/tidy tests/unit -m "not slow"

lint: $(INSTALLED) ## Check style and layout of the code.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(INSTALLED) ## Lay out code and contracts.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	cd protos && ../$(BIN)/buf format -w --path laurel

types: $(INSTALLED) ## Check types, strictly.
	$(BIN)/mypy $(TYPED)

contracts: $(INSTALLED) ## Check style and comments of the contracts.
	$(BIN)/python protos/generate.py --image $(IMAGE)
	$(BIN)/buf lint "$(IMAGE)#format=binpb" --config protos/buf.yaml
	cd protos && ../$(BIN)/buf format --diff --exit-code --path laurel

protos: $(INSTALLED) ## Generate shared/laurel from the contracts.
	$(BIN)/python protos/generate.py

docs: $(INSTALLED) ## Generate the reference pages from contracts and program files.
	$(BIN)/python docs/generate.py

lock: $(INSTALLED) ## Resolve the dependencies anew: all of them, and those of the image.
	$(BIN)/python -m venv $(VENV)/lock
	$(VENV)/lock/bin/pip install --quiet uv
	$(VENV)/lock/bin/uv pip compile pyproject.toml --extra dev --universal --generate-hashes \
		--no-header --quiet --upgrade --output-file requirements.lock
	$(VENV)/lock/bin/uv pip compile pyproject.toml --extra telemetry --universal --generate-hashes \
		--no-header --quiet --upgrade --constraint requirements.lock --output-file docker/requirements.lock

bench: $(INSTALLED) ## Measure the services on this machine (ARGS="--json FILE" keeps the figures).
	@$(BIN)/python -m laurel_cli bench ledger $(ARGS)

soak: $(INSTALLED) ## Simulate 3,000,000 commands, then hurt a ledger under load (ARGS="--minutes 120 --seed 7").
	@$(BIN)/python -m tests.simulation
	@$(BIN)/python -m tests.histories $(ARGS)

clean: ## Remove the environment, caches and the demo's data.
	@# What root's PostgreSQL keeps where its user can reach it; the note in the data folder says where.
	find .laurel -name moved-to.txt -exec head -n 1 {} \; 2>/dev/null | xargs -r rm -rf --
	rm -rf $(VENV) .laurel .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist

# The environment is made again only when what it holds has changed.
$(INSTALLED): requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing the locked dependencies into $(VENV); this takes about a minute, once."
	@$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(BIN)/python:
	@'$(PYTHON)' -c '$(NEW_ENOUGH)' 2>/dev/null || { \
		echo "Laurel needs Python 3.11 or newer, and none was found;" \
			"name one: make PYTHON=/path/to/python3 ..." >&2; exit 1; }
	@'$(PYTHON)' -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "This Python has no venv module; install it (Debian, Ubuntu: apt install python3-venv)." >&2; exit 1; }
	@'$(PYTHON)' -m venv $(VENV)
