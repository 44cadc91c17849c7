# Everything a machine needs is Python 3.11 or later, make, and access to a package index.

BASE_PYTHON ?= python3
TEST_PROCESSES ?= 2
FUZZ_SECONDS ?= 180

BIN := .venv/bin
PYTHON := $(BIN)/python
# The product's commands: WITHIN speaks to what `make run` has started, ALONE only reads the code.
WITHIN := $(PYTHON) -m sandbox.within
ALONE := $(WITHIN) --alone
FLASK := flask --app wsgi

.DEFAULT_GOAL := help
.PHONY: help run demo demo-permits test check check-types check-rest check-promises prove-payments openapi clients plugin lock

help:  ## show this list
	@echo "make run      start everything on this machine; Ctrl-C stops it (PORT, DATA_DIR: sandbox/README.md)"
	@echo "make demo     pay a water bill against the running service, one line a step"
	@echo "make demo-permits   eight permits in one working day, their fee and certificates, then with delays, in a fresh house"
	@echo "make test     all checks, then all tests, on real PostgreSQL and Valkey that they start"
	@echo "make check    style, types, import rules, plug-ins, openapi.yaml"
	@echo "make check-promises   the tests of what is promised, with their figures"
	@echo "make prove-payments   kill everything, again and again, while thousands pay (SEED, PAYMENTS, KILLS, FAULT, SHORT=1: docs/proof.md)"
	@echo "make openapi  write openapi.yaml and docs/problems.md from the code"
	@echo "make clients  make the clients in Python and TypeScript from openapi.yaml (clients/…/README.md)"
	@echo "make plugin name=libraries kind=payable   begin a plug-in (kind as in docs/plugins.md)"
	@echo "make lock     pin every version anew (requirements.in -> requirements.txt)"

run: .venv/ready
	@exec $(PYTHON) -m sandbox.run --with-parent

demo: .venv/ready
	@$(WITHIN) $(FLASK) demo

demo-permits: .venv/ready
	@exec $(PYTHON) -m sandbox.fresh $(FLASK) demo-permits

test: check
	$(PYTHON) -m pytest -n $(TEST_PROCESSES) --dist loadfile --fuzz-seconds $(FUZZ_SECONDS)

check-promises: .venv/ready-dev
	$(PYTHON) -m pytest --promises

prove-payments: .venv/ready
	@exec $(PYTHON) -m proof

# Two at a time: the types take as long as all the others.
check: .venv/ready-dev
	@$(MAKE) --no-print-directory -j 2 check-types check-rest

check-types:
	$(BIN)/mypy

check-rest:
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(ALONE) $(FLASK) plugins check
	$(ALONE) $(FLASK) openapi --check
	$(ALONE) $(FLASK) problems --check
	$(ALONE) $(FLASK) personal-data --check
	$(ALONE) $(FLASK) payments graph --check
	$(ALONE) $(FLASK) ledger plan --check
	$(PYTHON) -m tools.compliance --check
	$(ALONE) $(FLASK) audit events --check
	$(ALONE) $(FLASK) staff roles --check

openapi: .venv/ready
	$(ALONE) $(FLASK) openapi
	$(ALONE) $(FLASK) problems
	$(PYTHON) -m tools.compliance
	$(ALONE) $(FLASK) audit events
	$(ALONE) $(FLASK) staff roles
	$(ALONE) $(FLASK) personal-data
	$(ALONE) $(FLASK) payments graph
	$(ALONE) $(FLASK) ledger plan

clients: .venv/ready-dev
	$(PYTHON) -m tools.clients $(ONLY)

plugin: .venv/ready
	@test -n "$(name)" || { echo "say: make plugin name=libraries kind=payable" >&2; exit 2; }
	$(ALONE) $(FLASK) plugins new $(name) $(if $(kind),--kind $(kind))

lock: .venv/made
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate requirements.in -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate requirements-dev.in -o requirements-dev.txt

.venv/made:
	$(BASE_PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed")'
	$(BASE_PYTHON) -m venv .venv
	$(PYTHON) -m pip install --quiet --disable-pip-version-check uv
	@touch $@

# uv is quick but does not read pip's configuration: it is told pip's index, and pip itself is the
# way out where uv cannot get through (a proxy, a private certificate).
define install
	@echo "installing $(1)"
	@index="$${UV_DEFAULT_INDEX:-$$($(PYTHON) -m pip config get global.index-url 2>/dev/null)}"; \
	index="$${index:-$$PIP_INDEX_URL}"; \
	VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet $${index:+--default-index "$$index"} -r $(1) \
	|| $(PYTHON) -m pip install --quiet --disable-pip-version-check -r $(1)
endef

.venv/ready: requirements.txt .venv/made
	$(call install,requirements.txt)
	@touch $@

.venv/ready-dev: requirements-dev.txt requirements.txt .venv/ready
	$(call install,requirements-dev.txt)
	@touch $@
