# Gatehouse: every command that a user or a build machine needs.
#
#   make run       release build, then the gateway and its management API on ./var
#   make test      everything that can be checked, from a clean clone on a fresh machine
#   make bench     benchmarks, side by side with nginx
#   make soak      connections, changes and dying backends for SOAK_SECONDS (default 1800)
#   make fuzz      one fuzz target (TARGET=, FUZZ_SECONDS=600), its corpus in Fuzz/Corpora
#   make contract  regenerate the code that is made from Contract/apic.openapi.yaml
#   make setup     only what the others install by themselves: system packages, Python environment
#   make clean     remove build products
#
# GATEHOUSE_BUILD_DIR names the build folder (default .build); it may be kept between runs.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

SWIFT ?= swift
GATEHOUSE_BUILD_DIR ?= .build
BUILD := $(abspath $(GATEHOUSE_BUILD_DIR))
VENV := $(BUILD)/venv
PYTHON := $(VENV)/bin/python
SWIFT_FLAGS := --scratch-path $(BUILD)

.PHONY: help run test bench soak fuzz contract setup clean release packages-build packages-test packages-bench venv

help:
	@sed -n 's/^#   //p' Makefile

run: release
	exec $(BUILD)/release/gatehouse serve --data-dir ./var

test: packages-build packages-test venv
	$(PYTHON) Scripts/run-tests.py --build-dir $(BUILD) --swift "$(SWIFT)"

bench: packages-bench venv release
	$(PYTHON) Benchmarks/run.py --gatehouse $(BUILD)/release/gatehouse --output bench-results $(BENCH_ARGS)

soak: packages-test venv release
	$(PYTHON) Soak/soak.py --gatehouse $(BUILD)/release/gatehouse --seconds $(or $(SOAK_SECONDS),1800)

# A build folder of its own: everything is compiled with the fuzzer's counters.
fuzz: packages-build
	GATEHOUSE_FUZZ=1 $(SWIFT) build --scratch-path $(BUILD)-fuzz -c release --sanitize fuzzer --product Fuzz
	Scripts/fuzz.sh $(BUILD)-fuzz/release/Fuzz "$(TARGET)" "$(or $(FUZZ_SECONDS),600)"

contract: packages-test venv
	$(PYTHON) Scripts/generate-contract.py

setup: packages-build packages-test packages-bench venv

# Release builds do not check exclusivity at run time, in no package: the debug tests prove it, and the check is
# felt on every request (docs/decisions/0003-request-path.md). Swift's own libraries are part of the program: counting a
# reference is then a call, not a jump through a table (docs/decisions/0035-release-builds.md), and the program
# runs where no Swift is installed.
release: packages-build
	$(SWIFT) build $(SWIFT_FLAGS) -c release --product gatehouse --static-swift-stdlib -Xswiftc -enforce-exclusivity=unchecked

# System packages are looked at on every run (some milliseconds) rather than stamped: a kept build
# folder may meet another machine.
packages-build packages-test packages-bench: packages-%:
	@Scripts/system-packages.sh $*

venv: packages-test
	@Scripts/python-environment.sh $(VENV) Tests/BlackBox/requirements.txt

# Only what this Makefile makes: the build folder may be shared with other things.
clean:
	$(SWIFT) package $(SWIFT_FLAGS) clean
	rm -rf $(VENV) bench-results
