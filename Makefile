# Needs Python 3.11 or newer, and make. Everything else is installed into .venv.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo test test-browser measure-screen drill prove soak web worker beat push wallet \
	migrate seed shell lint format translations clean

help: ## Show this list
	@echo "Nodrop. Start with: make demo"
	@echo
	@sed -n 's/^\([a-z][a-z -]*\):.*## \(.*\)/\1\t\2/p' Makefile | awk -F'\t' '{ printf "  %-32s %s\n", $$1, $$2 }'
	@echo
	@echo "Without DATABASE_URL and REDIS_URL an embedded PostgreSQL and Valkey are used; .env.example"
	@echo "explains every setting. Ports: NODROP_WEB_PORT, NODROP_WALLET_PORT, NODROP_PUSH_PORT."

demo: install ## Buy something, lose the callback, watch the order become paid (ONCE=1: then exit)
	@$(BIN)/python -m demo $(if $(filter-out 0,$(ONCE)),--once)

test: install ## Run everything that CI runs
	@PATH="$(CURDIR)/$(BIN):$$PATH" .ci/checks

drill: install ## What drops with callbacks only, with the usual remedies, and here (SEED= ORDERS= PLOT=1)
	@$(BIN)/python -m proof.drill --seed $(or $(SEED),1) --orders $(or $(ORDERS),800) $(if $(filter-out 0,$(PLOT)),--plot)

soak: install ## Real processes, a fault every 5 to 15 s for MINUTES=60; then every cent is counted
	@$(BIN)/python -m proof.soak --minutes $(or $(MINUTES),60) --seed $(or $(SEED),1)

prove: install ## Check the model, simulate 10,000 payments, look for races, plant bugs
	@failed=; for part in model "simulator 1-150 --pure --orders 1000 --keep-going" \
	  "simulator $(or $(WORLDS),1-80) --orders 125 --keep-going" "races --seeds $(or $(SEEDS),1000)" mutants; do \
	  echo "--- proof.$$part"; $(BIN)/python -m proof.$$part || failed="$$failed $${part%% *}"; \
	done; [ -z "$$failed" ] || { echo "Failed:$$failed"; exit 1; }

test-browser: install ## Buy in a real browser; as root it installs Debian's Chromium first
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -qq -y chromium; } || \
	  { echo "There is no Chromium here: apt-get install chromium"; exit 1; }
	@BROWSER_DEVICES=phone,desktop $(BIN)/python -m pytest tests/browser $(PYTEST_OPTIONS)

measure-screen: install ## Time from the wallet's "paid" to the shopper's screen (needs Chromium)
	@$(BIN)/python -m tests.benchmarks.screen

web: migrate seed ## Run one part in this terminal, until Ctrl-C
	@$(BIN)/python -m config.run $@

worker beat push: migrate ## The same for these
	@$(BIN)/python -m config.run $@

wallet: install ## The sandbox wallet: where the shopper of a demo pays
	@$(BIN)/python -m config.run $@

migrate: install ## Bring the database's tables and beat's entries up to date
	@$(BIN)/python -m config.run manage migrate --verbosity 0
	@$(BIN)/python -m config.run manage sync_beat

seed: migrate ## Put the demo's products and people into the database, if they are missing
	@$(BIN)/python -m config.run manage seed

shell: install ## Open Django's shell
	@$(BIN)/python -m config.run manage shell

lint: install ## Check style, types and who imports whom
	@PATH="$(CURDIR)/$(BIN):$$PATH" .ci/checks lint

format: install ## Bring the code into shape
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format --quiet .

translations: install ## Bring the shop's translations into step with its texts, and compile them
	@$(BIN)/python manage.py translate

clean: ## Delete .venv, the caches and the demo's data
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m config.run clean; fi
	@rm -rf clients/typescript/node_modules clients/typescript/dist
	@rm -rf .venv .nodrop staticfiles artefacts .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -prune -exec rm -rf {} +

install: $(INSTALLED)

$(INSTALLED): requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Nodrop needs Python 3.11 or newer as $(PYTHON): make PYTHON=/path/to/python3.11"; exit 1; }
	@[ -x $(BIN)/python ] || { echo "Making .venv ..."; $(PYTHON) -m venv --clear .venv; }
	@echo "Installing (a minute or two, once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
