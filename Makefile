PYTHON ?= python3
BIN := .venv/bin
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: run test lint slow fuzz benchmark reliability docs clean

run: .venv/installed
	$(BIN)/psa-engine run configs/ruxolitinib_ad_systemic_naive.yaml

test: .venv/installed
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not slow and not gpu"

slow: .venv/installed
	$(BIN)/python -m pytest -m "slow and not gpu"

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/basedpyright

# A hundred thousand damaged files, each read or refused: some ten minutes.
fuzz: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[fuzz]"
	$(BIN)/python tests/fuzz.py

benchmark: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[benchmark]"
	$(BIN)/psa-engine benchmark --out benchmarks/results/latest.json
	$(BIN)/python benchmarks/tables.py

reliability: .venv/installed
	$(BIN)/python benchmarks/reliability.py

docs: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[docs]"
	$(BIN)/python .ci/generated_pages.py
	$(BIN)/zensical build --clean --strict

.venv/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[test,lint]"
	touch $@

clean:
	rm -rf .venv build dist *.egg-info
