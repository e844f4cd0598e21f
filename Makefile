# Everything here sets itself up: it needs Python 3.11 or newer and make, and keeps what it installs in .venv.
#   make demo    see it all once
#   make test    what CI runs: style, floors, types, tests on both databases
#   make quick   the same without the tests that take tens of seconds
#   make check   only what takes seconds: style, floors, types
#   make bench   measure (benchmarks/)
#   make studio  build the Studio's pages anew (needs Node >= 20.19; the build is committed)
#   make lock    choose newer versions for requirements/
#   make clean   remove what the above made

PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11 python3.14; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$name" && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
CODE := src tests benchmarks examples
WORKERS ?= auto
TESTS ?=

# The caches of bytecode are what makes commands start quickly; nothing of the caller's Python may leak in.
unexport PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONHOME VIRTUAL_ENV

.PHONY: demo test quick check bench studio lock clean
demo: $(READY)
	@$(BIN)/zaffre demo $(DIR)

test: check
	$(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 4 --dist loadfile $(TESTS)

quick: check
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "not slow" $(TESTS)

check: $(READY)
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check --quiet $(CODE)
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy

bench: $(READY)
	@for file in benchmarks/[a-z]*.py; do echo "== $$file"; $(BIN)/python "$$file" || exit 1; done

# Types and addresses of the API are made from the operation table, so a change of that makes the build stale too.
studio: $(READY)
	$(BIN)/python tools/studio_types.py
	cd studio && npm ci --no-audit --no-fund && npm run build
	$(BIN)/python tools/studio_hash.py

# Versions and hashes are fixed in requirements/; uv, fixed as well, installs them in seconds, pip where it cannot.
$(READY): requirements/dev.txt requirements/uv.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: Python 3.11 or newer was not found; install it, or say make PYTHON=/path/to/python" >&2; exit 1; }
	@echo "Setting up $(VENV) with $$($(PYTHON) --version) (once)"
	@test -x $(BIN)/python && $(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt \
		|| $(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q src/zaffre -x 'init-project|demo-project'
	@touch $@

lock:
	$(BIN)/uv pip compile --quiet pyproject.toml --group dev --extra postgres --extra s3 --extra azure --extra http \
		--extra tables --universal --python-version 3.11 --upgrade --generate-hashes --no-emit-index-url --no-header \
		--no-annotate --output-file requirements/dev.txt
	grep -A99 '^uv==' requirements/dev.txt | awk 'NR > 1 && /^[^ ]/ {exit} {print}' > requirements/uv.txt

clean:
	@test ! -x $(BIN)/zaffre -o ! -d zaffre-demo || $(BIN)/zaffre down --home zaffre-demo/.zaffre 2>/dev/null || true
	rm -rf $(VENV) zaffre-demo build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
