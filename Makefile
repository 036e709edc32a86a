# Two commands do everything: `make demo` sets up and runs the demo, `make test` sets up and runs the tests.
# Each step leaves a stamp in .venv, so that a second run starts in seconds.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?=

export VOICEBOT_MODELS ?= $(HOME)/.local/share/voicebot/models
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo test serve check lock clean

demo: $(VENV)/.run models-run
	$(BIN)/voicebot demo $(DEMO_ARGS)

serve: $(VENV)/.run models-run
	$(BIN)/voicebot serve

test: $(VENV)/.test models-test peers
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not alone" $(PYTEST_ARGS)
	$(BIN)/python -m pytest -m alone $(PYTEST_ARGS)

check: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: models-run models-test peers
models-run: $(VENV)/.run
	@$(BIN)/voicebot models pull --default

models-test: $(VENV)/.test
	@$(BIN)/voicebot models pull --default
	@$(BIN)/voicebot models pull piper-en-joe vosk-small-ko

peers:
	@script/debian-packages sip-tester baresip-core kamailio sox espeak-ng postgresql chromium chromium-driver graphviz

# pip brings the installer, checked by its hash, and the installer brings everything else, checked by theirs.
$(VENV)/bin/uv: requirements/installer.lock
	@test -x $(BIN)/pip || script/python $(PYTHON) $(VENV)
	@$(BIN)/pip install --quiet --require-hashes -r requirements/installer.lock
	@touch $@

INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python

$(VENV)/.run: $(VENV)/bin/uv requirements/run.lock pyproject.toml
	@test -e $(VENV)/.test || $(INSTALL) --require-hashes -r requirements/run.lock
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.test: $(VENV)/bin/uv requirements/test.lock pyproject.toml
	@$(INSTALL) --require-hashes -r requirements/test.lock
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/.run

lock:
	script/lock

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis dist build
