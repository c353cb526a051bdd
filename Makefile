# Every target makes what it needs: a virtual environment in .venv, with pip and nothing else.

.DEFAULT_GOAL := help
.PHONY: help demo test check lint types wheel docs bench clean

VENV ?= .venv
PYTHON ?= $(or $(shell for python in python3 python3.13 python3.12 python3.11 python; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$python"; break; }; \
	done),$(error Python 3.11 or later is needed; name it with: make PYTHON=/path/to/python3))
BIN := $(VENV)/bin

# $(call install,WHAT): this checkout, editable, into $(VENV). A venv whose Python is gone is made anew; a Python
# without ensurepip (Debian without python3-venv) lends its own pip.
define install
	@echo "installing $(1) into $(VENV) (once) ..." >&2
	@"$(BIN)/python" -c "" 2>/dev/null \
		|| $(PYTHON) -m venv --clear "$(VENV)" 2>/dev/null \
		|| $(PYTHON) -m venv --clear --without-pip "$(VENV)"
	@pip="$(PYTHON) -m pip --python $(BIN)/python"; \
		"$(BIN)/python" -m pip --version >/dev/null 2>&1 && pip="$(BIN)/python -m pip"; \
		$$pip install --quiet --disable-pip-version-check --editable "$(1)"
	@touch "$@"
endef

$(VENV)/installed: pyproject.toml
	$(call install,.)

$(VENV)/installed-dev: pyproject.toml
	$(call install,.[dev])
	@touch "$(VENV)/installed"

help: ## Print this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/installed ## Open the sample shop in the terminal (piped: print the summary)
	@"$(BIN)/python" -m reconstruct samples/shop/logs

test: $(VENV)/installed-dev ## Run the tests
	"$(BIN)/python" -m pytest -q -n auto --dist worksteal

lint: $(VENV)/installed-dev ## Check style and formatting
	"$(BIN)/ruff" check .
	"$(BIN)/ruff" format --check .

types: $(VENV)/installed-dev ## Check types, strictly
	"$(BIN)/mypy"

wheel: $(VENV)/installed-dev ## Build the wheel, install it alone elsewhere, run it there
	"$(BIN)/python" -m pytest -q -m wheel

check: lint types test wheel ## Everything that must hold before a commit lands

docs: $(VENV)/installed-dev ## Write the generated pages and pictures of the documentation
	"$(BIN)/python" docs/make_reference.py
	"$(BIN)/python" docs/make_screenshots.py

bench: $(VENV)/installed-dev ## Measure speed and memory on this machine; figures in bench/results.md
	"$(BIN)/python" bench/cold_start.py
	"$(BIN)/python" bench/throughput.py
	"$(BIN)/python" bench/accuracy.py --simulate
	"$(BIN)/python" bench/elsewhere.py
	"$(BIN)/python" bench/robustness.py
	"$(BIN)/python" bench/growth.py

clean: ## Remove the environment and what tools left behind
	rm -rf "$(VENV)" dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
