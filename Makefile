# Everything works on a fresh machine with Python 3.11 or newer and make: the first run sets up .venv.
# Tools run as `.venv/bin/python -m ...` and paths are relative, so the folder may have spaces in its path.

.DEFAULT_GOAL := help
.PHONY: help demo up test lint proto bench bench-guard faults clean packages servers

# python3 where it is new enough, else the newest one found; `make PYTHON=...` chooses.
ifndef PYTHON
PYTHON := $(shell for name in python3 python3.19 python3.18 python3.17 python3.16 python3.15 python3.14 \
	python3.13 python3.12 python3.11; do \
	if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	echo "$$name"; break; fi; done)
endif

PY := .venv/bin/python
# What is given to the command, such as: make demo ARGS="--output json"
ARGS ?=
# One for each core of CI: with a third a run is shorter by a fifth, and the stream processor comes too late at times.
# A file's tests stay in one process and share its servers.
PYTEST_ARGS ?= -n 2 --dist loadfile

# Where it is set, as in many containers, each of the hundreds of processes of a run would compile everything
# again that it imports: a third of the time that a service takes to start.
unexport PYTHONDONTWRITEBYTECODE

# Runs one step under a heading and says which one failed: $(STEP) "name" command ...
STEP := sh -c 'name=$$1; shift; printf "== %s\n" "$$name"; "$$@" && exit; \
	status=$$?; printf "\n%s failed (status %s): %s\n" "$$name" "$$status" "$$*" >&2; exit "$$status"' step

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

demo: servers ## play a referral through the real services and print its timeline
	@$(PY) -m services.operator demo $(ARGS)

up: servers ## run the whole stack until Ctrl-C
	@$(PY) -m services.operator up $(ARGS)

bench: servers ## measure, each benchmark beside its baseline
	@$(PY) -m services.operator bench $(ARGS)

bench-guard: servers ## fail when a ratio of the bench fell by a third
	@$(PY) -m services.operator bench-guard $(ARGS)

faults: servers ## runs with faults and a checker, then the seeded bugs; writes build/faults.html and build/bugs.html
	@$(PY) -m tests.faults --report build/faults.html $(ARGS)
	@$(PY) -m tests.faults --bugs --report build/bugs.html

lint: packages ## style, types, architecture and contracts
	@$(STEP) "ruff check" $(PY) -m ruff check .
	@$(STEP) "ruff format" $(PY) -m ruff format --check .
	@$(STEP) "mypy" $(PY) -m mypy
	@$(STEP) "lint-imports" $(PY) -c "from importlinter.cli import lint_imports_command as run; run()"
	@$(STEP) "buf lint" .venv/bin/buf lint protos

test: servers lint ## lint, then all tests
	@$(STEP) "pytest" $(PY) -m pytest $(PYTEST_ARGS) $(ARGS)

proto: packages ## generate gen/ from protos/
	@$(PY) deploy/generate_protos.py

clean: ## remove what the commands made here, but no data
	@rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
	@find services tests deploy gen -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment with the locked packages; at once when it is up to date.
packages:
	@$(if $(PYTHON),,$(error Tierlink needs Python 3.11 or newer, and none was found. Debian and Ubuntu: \
	apt-get install python3 python3-venv. macOS: brew install python3. Or: make PYTHON=/path/to/python3))
	@"$(PYTHON)" deploy/bootstrap.py

# And what the embedded Kafka and PostgreSQL need.
servers: packages
	@"$(PYTHON)" deploy/bootstrap.py --servers
