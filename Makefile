# Two words to know: `make run` and `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCK   := $(BIN)/pip-compile --quiet --generate-hashes --no-header --no-annotate --strip-extras \
          --allow-unsafe --no-emit-index-url --no-emit-find-links --no-emit-trusted-host

.PHONY: setup setup-test run test check bench lock clean

setup: $(VENV)/.installed $(EXTRAS:%=$(VENV)/.installed-%)   ## what must be there to run; EXTRAS="clouddrive gdrive s3 zh" adds to it
setup-test: $(VENV)/.installed-test      ## and to test

$(BIN)/python:
	@"$(PYTHON)" -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null || { echo "Python 3.11 or newer is needed: make $(MAKECMDGOALS) PYTHON=/path/to/python"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.lock | $(BIN)/python
	$(PIP) install --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.installed-%: requirements-%.lock $(VENV)/.installed
	$(PIP) install --require-hashes -r $<
	@touch $@

run: setup                               ## web, worker and watcher; ROOT=/path adds and crawls a folder first
	@exec $(BIN)/python manage.py up $(if $(ROOT),--root "$(ROOT)") $(if $(LINKS),--links "$(LINKS)")

test: setup-test                         ## every test; ARGS="-k crawl" narrows
	$(BIN)/python -X dev -m pytest -n 2 --dist loadgroup $(ARGS)

check: setup-test                        ## style, types, migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	SECRET_KEY=only-to-check-migrations-0123456789 $(BIN)/python manage.py makemigrations --check --dry-run

bench: setup-test                        ## the figures of README: ratios, each in one run
	$(BIN)/python -m tests.benchmarks $(ARGS)

lock: | $(BIN)/python                    ## new requirements*.lock from pyproject.toml
	$(PIP) install pip-tools
	$(LOCK) -o requirements.lock pyproject.toml
	$(LOCK) --extra clouddrive -c requirements.lock -o requirements-clouddrive.lock pyproject.toml
	$(LOCK) --extra gdrive -c requirements.lock -o requirements-gdrive.lock pyproject.toml
	$(LOCK) --extra s3 -c requirements.lock -o requirements-s3.lock pyproject.toml
	$(LOCK) --extra zh -c requirements.lock -o requirements-zh.lock pyproject.toml
	$(LOCK) --extra test --extra clouddrive --extra gdrive --extra s3 --extra zh -c requirements.lock -o requirements-test.lock pyproject.toml

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
