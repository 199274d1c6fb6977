# Every target bootstraps what it needs: python3 (3.11 to 3.13) and make are enough on a fresh machine.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet

# What is there: a virtualenv, what Pharos itself needs, and what its development needs besides.
MADE := $(VENV)/.made
RUNTIME := $(VENV)/.runtime
STAMP := $(VENV)/.installed
KERNELS := $(VENV)/.warm

# $(call phase,name,command): run the command and say how long it took.
phase = @began=$$(date +%s); { $(2); } && echo "$(1): $$(($$(date +%s) - began)) s"

.PHONY: venv up demo test check check-pages check-code format bench ui pages docs reference constraints wheel clean

venv: $(STAMP) $(KERNELS)

$(MADE):
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] < (3, 14) else "Pharos needs Python 3.11, 3.12 or 3.13; this is " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.12")'
	$(call phase,virtualenv,test -x $(BIN)/python || $(PYTHON) -m venv $(VENV))
	@touch $@

# Of what is installed the modules that a server imports are compiled, not all that there are.
$(RUNTIME): $(MADE) pyproject.toml constraints.txt
	$(call phase,packages,\
	  $(PIP) install --no-compile -c constraints.txt hatchling editables && \
	  PHAROS_SKIP_UI=1 $(PIP) install --no-compile -c constraints.txt --no-build-isolation -e . && \
	  $(BIN)/python -c 'import sys; sys.dont_write_bytecode = False; import pharos.commands.up; import pharos.serve')
	@touch $@

$(STAMP): $(RUNTIME)
	$(call phase,development packages,\
	  PHAROS_SKIP_UI=1 $(PIP) install -c constraints.txt --no-build-isolation -e ".[dev]" && \
	  $(BIN)/python -m compileall -q src/pharos)
	@touch $@

$(KERNELS): $(STAMP)
	$(call phase,kernels,$(BIN)/pharos warm)
	@touch $@

pages: $(MADE)
	$(call phase,pages,$(BIN)/python hatch_build.py)

ui: $(STAMP) $(KERNELS) pages

# Packages and pages are worked on side by side; the server compiles its kernels by itself.
up:
	@$(MAKE) --no-print-directory --jobs=2 $(RUNTIME) pages
	@$(BIN)/pharos up $(ARGS) || { code=$$?; echo 'options go like this: make up ARGS="--listen 127.0.0.1:8081"' >&2; exit $$code; }

demo: up

# Code, pages and what the tests need besides are worked on side by side.
check:
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target check-pages check-code $(KERNELS)

check-pages: $(MADE)
	@$(BIN)/python hatch_build.py --check

check-code: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# A file's tests stay together, so that what they share is started once. Many of them wait: for a server's start,
# for what is due in a second. So there is one worker more than two cores would need.
WORKERS ?= 3
test: ui
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder --durations 20 $(ARGS)

bench: $(STAMP) $(KERNELS)
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

# With pages and compiled kernels inside: what installs it needs neither make nor Node nor a compiler's time.
wheel: $(RUNTIME) pages
	$(call phase,wheel,$(PIP) wheel --no-deps --no-build-isolation --wheel-dir dist .)

clean:
	rm -rf build dist $(VENV) src/pharos/api/static ui/node_modules site
