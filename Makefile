# Every target sets up what it needs: a virtual environment from hash-pinned requirements.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BENCH_VENV := .venv-bench
BENCH_READY := $(BENCH_VENV)/.ready
SPARK_VENV := .venv-spark
SPARK_READY := $(SPARK_VENV)/.ready

.PHONY: demo test policies findings relations lint bench soak spark requirements clean

demo: $(READY)
	$(BIN)/policygrounds policies
	$(BIN)/policygrounds determine examples/vignettes.json
	$(BIN)/policygrounds explain examples/denied.json

test: $(READY)
	$(BIN)/python -m pytest -n auto tests

# The days on which earlier versions began; what they say badly stays as it was.
EARLIER := 2022-08-01 2023-08-01 2024-08-01

policies: $(READY)
	$(BIN)/policygrounds check
	for day in $(EARLIER); do $(BIN)/policygrounds check CP.PHAR.302 --on $$day --fail-on error || exit; done
	$(BIN)/policygrounds test
	$(BIN)/policygrounds verify

findings: $(READY)
	$(BIN)/policygrounds check --markdown > docs/findings.md

relations: $(READY)
	$(BIN)/python -m queries.relation_page > docs/relations.md

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy tests benchmarks
	$(BIN)/lint-imports

MEASURED := --json benchmarks/results.json

bench: $(BENCH_READY)
	$(BENCH_VENV)/bin/python benchmarks/determine.py
	$(BENCH_VENV)/bin/python benchmarks/one_case.py $(MEASURED)
	$(BENCH_VENV)/bin/python benchmarks/many_cases.py $(MEASURED)
	$(BENCH_VENV)/bin/python benchmarks/picture.py
	$(BENCH_VENV)/bin/python benchmarks/packed_cases.py
	$(BENCH_VENV)/bin/python benchmarks/batch_file.py
	$(BENCH_VENV)/bin/python benchmarks/explain.py
	$(BENCH_VENV)/bin/python benchmarks/library.py
	$(BENCH_VENV)/bin/python benchmarks/query_library.py

soak: $(READY)
	$(BIN)/python benchmarks/soak.py
	$(BIN)/python benchmarks/soak_compiled.py
	$(BIN)/python benchmarks/soak_batch.py
	$(BIN)/python benchmarks/soak_explanations.py
	$(BIN)/python benchmarks/soak_analysis.py
	$(BIN)/python benchmarks/soak_queries.py
	$(BIN)/python benchmarks/seeded_faults.py
	$(BIN)/python benchmarks/interview.py

# Spark is large and needs Java, so its tests have an environment of their own.
spark: $(SPARK_READY)
	$(SPARK_VENV)/bin/python -m pytest -n 0 tests/queries/test_spark.py

$(READY): requirements-dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --no-build-isolation --no-deps --editable .
	touch $(READY)

# The benchmarks compare with other packages, which have an environment of their own.
$(BENCH_READY): benchmarks/requirements.txt pyproject.toml
	$(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/python -m pip install --quiet --require-hashes -r benchmarks/requirements.txt
	$(BENCH_VENV)/bin/python -m pip install --quiet --no-build-isolation --no-deps --editable .
	touch $(BENCH_READY)

$(SPARK_READY): requirements-spark.txt pyproject.toml
	$(PYTHON) -m venv $(SPARK_VENV)
	$(SPARK_VENV)/bin/python -m pip install --quiet --require-hashes -r requirements-spark.txt
	$(SPARK_VENV)/bin/python -m pip install --quiet --no-build-isolation --no-deps --editable .
	touch $(SPARK_READY)

LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
	--python-version 3.11 pyproject.toml

requirements: $(READY)
	$(LOCK) --output-file requirements.txt
	$(LOCK) --extra dev --output-file requirements-dev.txt
	$(LOCK) --extra dev --extra spark --constraint requirements-dev.txt \
		--output-file requirements-spark.txt
	$(LOCK) benchmarks/requirements.in --constraint requirements.txt \
		--output-file benchmarks/requirements.txt

clean:
	rm -rf $(VENV) $(BENCH_VENV) $(SPARK_VENV) build dist *.egg-info
