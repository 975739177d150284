# The tasks of the project. `make demo` and `make test` do all their own set-up.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
JOBS   ?= 2

.PHONY: demo test check format lint types contracts interop serve bench mutants docs lock clean

# A virtual environment with exactly the locked packages, each checked against its hash.
$(READY): requirements/dev.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements/dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $(READY)

demo: $(READY)            ## show the main job, end to end, on this machine
	$(BIN)/python -m demo

serve: $(READY)           ## keep a demo installation running and print how to connect
	$(BIN)/python -m demo --serve

test: $(READY)            ## every test that needs Python alone
	$(BIN)/python -m pytest -n $(JOBS) --ignore=tests/interop

interop: $(READY)         ## tests with Java, Node and .NET clients, and with the xmlsec1 command
	tests/interop/install
	$(BIN)/python -m pytest tests/interop

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix --quiet .

lint: $(READY)
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .

types: $(READY)
	$(BIN)/mypy

contracts: $(READY)
	$(BIN)/lint-imports

check: lint types contracts test   ## what must pass before a change lands

bench: $(READY)           ## measure, and write docs/performance.md
	$(BIN)/python -m bench

mutants: $(READY)         ## change what decides in small ways, and see that a test notices (SAMPLE=1: a tenth of DATE)
	nice -n 19 $(BIN)/python -m tests.mutants --jobs $(JOBS) $(if $(SAMPLE),--sample $(or $(DATE),$(shell date +%F)))

docs: $(READY)            ## write the pages of docs/ that are made from the code
	$(BIN)/python -m docs.generate

lock:                     ## renew the locked packages (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links pyproject.toml -o requirements/run.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links pyproject.toml --group dev -o requirements/dev.lock

clean:
	rm -rf $(VENV) var .coverage .mypy_cache .ruff_cache .hypothesis
