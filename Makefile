# Every target bootstraps what it needs: python3 (3.11 to 3.13) and make are enough on a fresh machine.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: venv up demo test check format bench ui docs reference constraints clean

venv: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] < (3, 14) else "Pharos needs Python 3.11, 3.12 or 3.13; this is " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing what Pharos needs (once)"
	@$(PIP) install -c constraints.txt hatchling editables
	@PHAROS_SKIP_UI=1 $(PIP) install -c constraints.txt --no-build-isolation -e ".[dev]"
	@$(BIN)/pharos warm
	@touch $(STAMP)

ui: $(STAMP)
	@$(BIN)/python hatch_build.py

up: ui
	$(BIN)/pharos up $(ARGS)

demo: up

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(BIN)/python hatch_build.py --check

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# A file's tests stay together, so that what they share is started once.
WORKERS ?= 2
test: ui
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --durations 20 $(ARGS)

bench: $(STAMP)
	$(BIN)/python -m bench $(ARGS)

docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

reference: $(STAMP)
	$(BIN)/python -m tests.docs.reference

# Pins exactly what this virtualenv holds; remove the file first to take the newest versions that fit.
constraints: $(STAMP)
	( echo '# Exact versions that the project is tested with, the development tools too, on Python 3.11 to 3.13.'; \
	  echo '# Written by `make constraints`.'; $(PIP) freeze --exclude-editable ) > constraints.new
	mv constraints.new constraints.txt

clean:
	rm -rf $(VENV) src/pharos/api/static ui/node_modules site
