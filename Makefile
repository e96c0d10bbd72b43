PYTHON ?= python3
BIN := .venv/bin
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: run test lint slow fuzz audit sbom benchmark benchmark-long peers reliability docs clean

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

# Two hundred thousand damaged inputs, each read or refused: some ten minutes on two cores.
fuzz: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[fuzz]"
	$(BIN)/python tests/fuzz.py

# Known weaknesses of the pinned versions. They are looked up in a database elsewhere: without a network nothing is
# audited, and that is said and is a failure.
audit: build/supply
	build/supply/bin/pip-audit --strict --requirement constraints.txt --no-deps --disable-pip || { echo "make audit: a weakness is named above, or the database was not reached (a network is needed)."; exit 1; }

# What is installed with the package, as CycloneDX in build/sbom.json.
sbom: build/supply
	$(PYTHON) -m venv --clear build/installed
	build/installed/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt .
	build/installed/bin/python -m pip uninstall --quiet --yes pip setuptools
	build/supply/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --output-file build/sbom.json build/installed/bin/python

build/supply: pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear $@
	$@/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt pip-audit cyclonedx-bom

benchmark: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[benchmark]"
	$(BIN)/psa-engine benchmark --out benchmarks/results/latest.json
	$(BIN)/python benchmarks/tables.py

benchmark-long: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[benchmark]"
	$(BIN)/psa-engine benchmark --long --out benchmarks/results/long.json
	$(BIN)/python benchmarks/tables.py

# Other packages side by side; voiage wants an older JAX, and so an environment of its own.
peers: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[benchmark,peers]"
	test -x build/voiage/bin/python || $(PYTHON) -m venv build/voiage
	build/voiage/bin/python -m pip install --quiet --disable-pip-version-check voiage==0.2.1
	$(BIN)/psa-engine benchmark --only peers --out benchmarks/results/peers.json
	$(BIN)/python benchmarks/tables.py

reliability: .venv/installed
	$(BIN)/python benchmarks/reliability.py
	$(BIN)/python tests/fuzz.py --document

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
