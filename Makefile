# For people: set-up, build, train, test, measure. `make help` lists the targets. The build itself is CMake's.
BUILD_DIR ?= build
BUILD_TYPE ?= Release
CMAKE_ARGS ?=
ARGS ?=
TEXT ?=
# A file that includes the whole C++ frontend takes 1.5 GB to compile.
JOBS ?= $(shell awk -v n="$$(nproc)" '/^MemAvailable/ { m = int($$2 / 1572864); print m < 1 ? 1 : m < n ? m : n }' /proc/meminfo)
TEST_JOBS ?= 2

PYTHON_RECORD = $(BUILD_DIR)/libtorch-python
PYTHON_PACKAGES = scripts/python_packages.sh "$$(cat $(PYTHON_RECORD))" $(BUILD_DIR)/python-packages
NINJA = cmake --build $(BUILD_DIR) --parallel $(JOBS) --target

.DEFAULT_GOAL := build
.PHONY: help setup configure build train test conformance steps bench bench-memory accuracy clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile
	@echo "variables: BUILD_DIR=$(BUILD_DIR) BUILD_TYPE=$(BUILD_TYPE) JOBS=$(JOBS) TEST_JOBS=$(TEST_JOBS) CMAKE_ARGS= ARGS="

setup: ## install what is missing: Debian packages, LibTorch
	@scripts/setup.sh $(PYTHON_RECORD)

configure: setup
	@scripts/configure.sh $(BUILD_DIR) -DCMAKE_BUILD_TYPE=$(BUILD_TYPE) \
	  -DLIBTORCH_PYTHON="$$(cat $(PYTHON_RECORD))" $(CMAKE_ARGS)

build: configure ## rt-train, rt-eval, rt-worker and the library, into build/bin and build/lib
	@$(NINJA) programs

train: build ## train Fashion-MNIST; ARGS= adds flags of rt-train
	$(BUILD_DIR)/bin/rt-train --config configs/fashion_mnist_mlp.yaml $(ARGS)

test: configure ## build everything and run all tests; ARGS= adds flags of ctest
	@$(PYTHON_PACKAGES)
	@$(NINJA) all
	ctest --test-dir $(BUILD_DIR) --output-on-failure --no-tests=error --parallel $(TEST_JOBS) $(ARGS)

conformance: build ## PyTorch's whole operator database through a worker; ARGS= adds flags of tests/op_db/op_db.py
	@$(PYTHON_PACKAGES)
	PYTHONPATH=$(BUILD_DIR)/python-packages "$$(cat $(PYTHON_RECORD))" tests/op_db/op_db.py \
	  --library $(BUILD_DIR)/lib/libremotetorch.so --worker $(BUILD_DIR)/bin/rt-worker $(ARGS)

steps: configure ## what each of twelve training steps costs, beside plain LibTorch; ARGS= is the worker's address
	@$(NINJA) training_steps_table
	OMP_NUM_THREADS=1 $(BUILD_DIR)/tests/training_steps_table $(ARGS)

bench: configure ## speed, as ratios to plain LibTorch
	@$(NINJA) rt-bench programs
	$(BUILD_DIR)/bin/rt-bench $(ARGS)

bench-memory: configure ## what a tensor costs the client
	@$(NINJA) rt-bench-memory programs
	$(BUILD_DIR)/bin/rt-bench-memory $(ARGS)

accuracy: build ## accuracy on the full test sets, embedded and through a worker; TEXT= is what char-GPT reads
	scripts/accuracy.sh $(BUILD_DIR)/bin $(TEXT)

clean: ## remove the build folder
	rm -rf $(BUILD_DIR)
