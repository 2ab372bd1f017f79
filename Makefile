# The two commands of the README, and what stands behind them.
PYTHON ?= python3
BIN = .venv/bin
DEMO = demo-company

.PHONY: install demo test test-fuzz test-spark test-soundness test-compare test-profile test-effects lint docs bench clean

$(BIN)/staycurve: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $(BIN)/staycurve

.venv/.test: $(BIN)/staycurve
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,spark]'
	touch .venv/.test

install: $(BIN)/staycurve

demo: install
	$(BIN)/staycurve --project $(DEMO) demo

lint: .venv/.test
	$(BIN)/ruff check src tests benchmarks docs
	$(BIN)/mypy

test: .venv/.test lint
	$(BIN)/python -m pytest -n 2 --dist loadfile

# Requests drawn from the OpenAPI document, hostile addresses and forms, as each role.
test-fuzz: .venv/.test
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,fuzz]'
	STAYCURVE_FUZZ=5 $(BIN)/python -m pytest tests/access/test_fuzz.py tests/access/test_schemathesis.py

test-spark: .venv/.test
	STAYCURVE_ENGINES=full $(BIN)/python -m pytest tests/engines

# Random sequences of loads, corrections, undos and settings: after each step, incremental is full.
N ?= 1000
test-soundness: .venv/.test
	STAYCURVE_SEQUENCES=$(N) $(BIN)/python -m pytest -n 2 tests/invariants/test_sequences.py

# Companies without any cause: in how many of them a segment is said to differ from the rest.
test-compare: .venv/.test
	STAYCURVE_COMPANIES=$(N) $(BIN)/python -m pytest tests/insights/test_value_compare_causes.py

test-profile: .venv/.test
	STAYCURVE_PROFILE_RUNS=$(N) $(BIN)/python -m pytest tests/insights/test_fit_profile.py

# Companies that ran a playbook with a holdout: in how many the planted effect is in its interval.
test-effects: .venv/.test
	STAYCURVE_COMPANIES=$(N) $(BIN)/python -m pytest tests/insights/test_effects_companies.py tests/insights/test_effects_plan.py

docs: .venv/.test
	$(BIN)/python docs/generate.py

bench: .venv/.test
	$(BIN)/python benchmarks/run.py

clean:
	rm -rf .venv $(DEMO) build dist
