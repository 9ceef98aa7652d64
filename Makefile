# One command each, on a machine that has Python (3.10 or later), venv and make: everything else goes into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
# .venv has the oldest Django that the package works with, .newest the newest, on a Python that it runs on.
OLDEST_DJANGO := Django~=5.2.0
NEWEST := .newest

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD := 1

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo demo-check test test-newest lint fix docs pages heavy databases mutants wheel release-check messages clean pictures

help:  ## say what there is
	@grep -E '^[a-z-]+:.*  ## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*  ## /  make \1	/' | expand -t 20

demo: $(VENV)/with-run  ## a provider and a site to click through, on this machine
	$(BIN)/python -m oidc_login.demo

demo-check: $(VENV)/with-run  ## the demo's sign-ins without a browser
	$(BIN)/python -m tests.demo.check

test: $(VENV)/with-test  ## the suite, with Django's user model and with a custom one
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup
	$(BIN)/python -m pytest --ds tests.settings.custom_user tests/customuser

test-newest: $(NEWEST)/with-test  ## the same with the newest Django, on Python 3.12 or later
	$(NEWEST)/venv/bin/python -m pytest -n $(WORKERS) --dist loadgroup
	$(NEWEST)/venv/bin/python -m pytest --ds tests.settings.custom_user tests/customuser

heavy: $(VENV)/with-test $(VENV)/with-heavy  ## what is too slow for every day
	$(BIN)/python -m pytest -m heavy

DATABASE ?= postgresql
databases: $(VENV)/with-test $(VENV)/with-heavy  ## the suite on DATABASE=postgresql (or mariadb), which it starts
	$(BIN)/python -m pytest -m heavy -rs tests/databases/test_other_databases.py -k "suite and $(DATABASE)"

mutants: $(VENV)/with-test  ## take each rule of protocol/ and linking away in turn: some test must fail
	$(BIN)/python -m tests.mutants.run --workers $(WORKERS) $(MODULES)

lint: $(VENV)/with-lint $(VENV)/with-test  ## ruff, mypy and the floors
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: $(VENV)/with-lint  ## what ruff can mend by itself
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(VENV)/with-docs  ## docs/_build/html
	$(BIN)/python docs/provider_pages.py --check
	$(BIN)/python docs/check_pages.py --check
	$(BIN)/python docs/error_pages.py --check
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html
	$(BIN)/python docs/markdown_pages.py docs/_build/html

pages: $(VENV)/with-docs  ## write docs/providers.md, docs/checks.md and docs/errors.md from the code
	$(BIN)/python docs/provider_pages.py
	$(BIN)/python docs/check_pages.py
	$(BIN)/python docs/error_pages.py

pictures: $(VENV)/with-test  ## write docs/images with Chromium from the pages as they are
	OIDC_LOGIN_PICTURES=1 $(BIN)/python -m pytest -m heavy tests/browser/test_pictures.py

wheel: $(VENV)/with-run  ## dist/*.whl
	rm -rf dist
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

release-check: $(VENV)/with-test $(VENV)/with-heavy  ## what must hold before a release, in dist/
	rm -rf dist
	mkdir dist
	$(BIN)/python -m tests.packaging.release_check dist
	$(BIN)/python -m pytest -m "heavy or not heavy" tests/packaging/test_lower_bounds.py tests/packaging/test_wheel.py

messages: $(VENV)/with-run  ## collect and compile translations (needs gettext)
	cd oidc_login && ../$(BIN)/django-admin makemessages --all --no-obsolete --no-location --no-wrap && ../$(BIN)/django-admin compilemessages

clean:  ## remove what make made
	rm -rf $(VENV) $(NEWEST) dist build docs/_build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache tests/interop/node_modules tests/headless/typescript/node_modules

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or later is needed (make PYTHON=...)")'
	$(PYTHON) -m venv $(VENV)

# $(VENV)/with-run is the package alone; $(VENV)/with-test and so on add that extra.
$(VENV)/with-run: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable . '$(OLDEST_DJANGO)'
	@touch $@

$(VENV)/with-%: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[$*]' '$(OLDEST_DJANGO)'
	@touch $@

$(NEWEST)/with-test: export PIP_CACHE_DIR := $(CURDIR)/$(NEWEST)/pip
$(NEWEST)/with-test: pyproject.toml | $(NEWEST)/venv/bin/python
	$(NEWEST)/venv/bin/python -m pip install --quiet --upgrade --editable '.[test]'
	$(NEWEST)/venv/bin/python -c 'import django, sys; sys.exit(django.VERSION < (6, 1) and "pip gave an older Django than 6.1")'
	@touch $@

$(NEWEST)/venv/bin/python:
	python=$$(.ci/newest-python $(NEWEST)) && "$$python" -m venv $(NEWEST)/venv
