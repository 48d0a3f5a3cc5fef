# Everything a person does here: `make demo`, `make test`, `make lint`, `make bench`.
# uv lives in .tools/ and the project in .venv/; both are made on first use.

PYTHON ?= python3
UV := .tools/bin/uv
BIN := .venv/bin
# Four, also on two cores: much of the fault suite is waiting.
TEST_WORKERS ?= 4
PYTEST := pytest -n $(TEST_WORKERS) --dist loadfile --no-loadscope-reorder
ROOMS := common dataset producer workers tests

.PHONY: demo survey-demo test tests coverage lint format bench gpu-check soak containers cluster-test lock machine clean

demo: .venv/ready ## two parts of toy pictures, captioned end to end on this machine
	$(BIN)/python -m tests.demo --output output/demo

survey-demo: .venv/ready ## a survey of toy captions, true and machine-written, served on http://127.0.0.1:8000
	$(BIN)/python -m tests.dataset.survey.demo --output output/survey-demo

test: .venv/ready ## everything that CI runs, linters and tests side by side; TESTS_WITHOUT=chromium,... hides programs
	$(MAKE) --jobs=2 --no-print-directory lint tests

tests: export OMP_NUM_THREADS = 1 # of torch, in each process
tests: export PYTHONDONTWRITEBYTECODE = # a thousand processes start, and each would compile the project anew

tests: .venv/ready ## the tests alone
	$(if $(COVERAGE),rm -rf output/coverage)
	$(BIN)/$(if $(COVERAGE),coverage run,python) -m $(PYTEST)
	$(if $(COVERAGE),$(BIN)/coverage combine --quiet)
	$(if $(COVERAGE),$(BIN)/coverage report)

coverage: ## make test, and the share of lines that it runs, child processes included, with a floor: what CI does
	$(MAKE) test COVERAGE=1

lint: .venv/ready
	$(BIN)/ruff format --check $(ROOMS)
	$(BIN)/ruff check $(ROOMS)
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/ready
	$(BIN)/ruff check --fix $(ROOMS)
	$(BIN)/ruff format $(ROOMS)

bench: .venv/ready ## what the cascade, fetching, reading and queueing cost: JSON in output/bench, half an hour or more
	mkdir -p output/bench
	for name in cascade toy fetch decode end_to_end rows enqueue listing; do \
		$(BIN)/python -m tests.benchmarks.$$name > output/bench/$$name.json || exit 1; \
	done

gpu-check: .venv/ready ## what CUDA does differently, on the GPU of this machine: under eight minutes; exit code 2 without one
	mkdir -p output
	$(BIN)/python -m tests.gpu.check --json output/gpu-check.json

soak: .venv/ready ## an hour of faults, another of strangers; SOAK='--kills 50 --broker-faults 5' ADVERSARY='--minutes 5' are short
	$(BIN)/python -m pytest -m soak
	FAULTS=long $(BIN)/python -m pytest tests/faults
	$(BIN)/python -m tests.faults.soak --json output/soak.json $(SOAK)
	$(BIN)/python -m tests.faults.adversary --json output/adversary.json $(ADVERSARY)

containers: .venv/ready ## both images built, and a toy run in containers; as root, with podman, runc, catatonit, debootstrap
	$(BIN)/python -m tests.containers

cluster-test: .venv/ready ## a scenario on the cluster that KUBECONFIG names; both images must be in it
	$(BIN)/python -m tests.cluster

lock: $(UV) ## resolve again; the lean and the worker's lock agree with the developers'
	$(UV) pip compile -q --universal --generate-hashes pyproject.toml --extra worker --group dev -o requirements-dev.lock
	$(UV) pip compile -q --universal --generate-hashes pyproject.toml -c requirements-dev.lock -o requirements.lock
	$(UV) pip compile -q --universal --generate-hashes pyproject.toml --extra worker -c requirements-dev.lock -o requirements-worker.lock
	$(UV) pip compile -q --universal --generate-hashes --group build -o requirements-build.lock
	$(UV) pip compile -q --universal --generate-hashes --group tools -o requirements-tools.lock

clean:
	rm -rf .venv .tools output dist

machine: ## says what is missing here, and how much is about to be fetched, before anything is
	@scripts/check-machine "$(PYTHON)"

$(UV): requirements-tools.lock | machine
	$(PYTHON) -m venv .tools
	.tools/bin/pip install --quiet --require-hashes --requirement requirements-tools.lock
	touch $@

.venv/ready: $(UV) requirements-dev.lock pyproject.toml | machine
	test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) .venv
	$(UV) pip sync --quiet --compile-bytecode --require-hashes --python $(BIN)/python requirements-dev.lock
	$(UV) pip install --quiet --no-deps --python $(BIN)/python --editable .
	touch $@
