# Everything that README promises. Needs Python 3.11 or newer with venv, and a C++17 compiler; installs the rest itself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := PIP_CONSTRAINT=$(CURDIR)/constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install --quiet
# What is compiled finds pybind11 where it found it last time: each of the installations below compiles what changed alone.
EDITABLE := $(PIP) --no-build-isolation --editable
BENCH := .venv-bench
ATTRIBUTION := .venv-attribution
KERNELS := .venv-kernels
SOURCES := pyproject.toml CMakeLists.txt constraints.txt $(wildcard native/*.* native/loops/*.* native/include/serialprof/*.*)

# What `suite` tests with, which marks it leaves out, and two kinds of rooms that are tested beside each other, the longest
# first, before all others one by one: those that time nothing themselves, and BUSY, which start real runs, kernels and
# guardians, and ask them what a busy machine answers alike: what was measured, kept, refused, given back, never how long it
# took. What judges by times (checking/test_defects.py, native, measure, clocks that are metered) is left alone.
TESTED ?= $(BIN)/python
WITHOUT ?= qemu
BUSY := $(addprefix tests/,examples test_notebooks.py test_tutorial.py test_session.py test_handover.py test_clock_runs.py \
  test_resume.py test_calling.py test_gpu_runs.py test_importing.py test_program.py test_preparation.py \
  $(patsubst %,gating/test_%.py,baseline plugin) \
  $(patsubst %,clock/test_%.py,killing restoring journal control gpucontrol request policies))
BESIDE := $(addprefix tests/,measure/test_coverage.py cli browser \
  checking/test_judging.py checking/test_telling.py live model reports benchmarks machine workloads \
  test_api.py test_doc_commands.py test_docs.py test_store.py test_tables.py test_validation.py test_view.py \
  $(patsubst %,gating/test_%.py,changepoints compilers configuration environments history judging rates reading \
  repository sides))

.PHONY: run test suite bytecode beside alone sanitize check format lint types contracts docs test-browser browser \
  test-qemu qemu aarch64 bench-tools attribution-tools kernel-tools wheel clean

run: $(VENV)/.runs  ## install, profile this machine, say where the page is
	$(BIN)/serialprof run

test: $(VENV)/.tests  ## install with the test extras, run the tests
	@$(MAKE) --no-print-directory suite

suite: bytecode beside alone  ## all tests: first those that may run beside each other, then one by one those that measure time

bytecode:  # the tests start a thousand processes, none of which keeps what it compiles (tests/conftest.py)
	@$(TESTED) -m compileall -q profiler workloads reports

beside:
	$(TESTED) -m pytest -m 'not ($(WITHOUT))' -n logical --maxprocesses 4 --dist loadscope --no-loadscope-reorder $(BUSY) $(BESIDE)

alone:
	$(TESTED) -m pytest -m 'not ($(WITHOUT))' $(addprefix --ignore=,$(BUSY) $(BESIDE))

check: lint types contracts test  ## everything that must hold before a commit

format: $(VENV)/.tools
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/clang-format -i native/*.?pp native/loops/*.?pp native/include/serialprof/*.?pp

lint: $(VENV)/.tools
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/clang-format --dry-run --Werror native/*.?pp native/loops/*.?pp native/include/serialprof/*.?pp

types: $(VENV)/.tools
	$(BIN)/mypy

contracts: $(VENV)/.tools
	$(BIN)/lint-imports

docs: $(VENV)/.tests  ## the reference of the Python face, from its docstrings: build/docs/serialprof.html
	$(BIN)/pdoc --docformat google --output-directory build/docs serialprof

sanitize: $(VENV)/.tests  ## the kernels' tests under AddressSanitizer with UndefinedBehaviorSanitizer, and under ThreadSanitizer
	.ci/sanitize $(BIN)/python

browser:  ## Debian's chromium, for the tests that open the page
	@command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; } \
	  || echo "chromium cannot be installed here: the browser tests will be skipped"

test-browser: browser $(VENV)/.tests
	$(BIN)/python -m pytest -m browser

qemu:  ## Debian's emulator, compiler of firmware tables and archiver, for the tests on emulated machines
	@{ command -v qemu-system-x86_64 && command -v iasl && command -v cpio; } >/dev/null \
	  || { apt-get update -qq && apt-get install -y -qq --no-install-recommends qemu-system-x86 acpica-tools cpio >/dev/null; } \
	  || echo "qemu-system-x86, acpica-tools and cpio cannot be installed here: the tests on emulated machines will be skipped"

test-qemu: qemu $(VENV)/.tests  ## the clock controller against real kernels' cpufreq; packages are kept in build/qemu
	$(BIN)/python -m pytest -m qemu tests/qemu

aarch64: $(VENV)/.backend  ## every C++ file is one for aarch64 too, by Debian's cross compiler; nothing is linked
	@command -v aarch64-linux-gnu-g++ >/dev/null \
	  || { apt-get update -qq && apt-get install -y -qq --no-install-recommends g++-aarch64-linux-gnu >/dev/null; } \
	  || echo "a cross compiler cannot be installed here: nothing is compiled for aarch64"
	@! command -v aarch64-linux-gnu-g++ >/dev/null || printf '%s\n' native/*.cpp native/loops/loops.cpp \
	  | xargs -n 1 -P "$$(nproc)" aarch64-linux-gnu-g++ -std=c++17 -O2 -fsyntax-only -fvisibility=hidden -Wall -Wextra -Werror \
	    -DSERIALPROF_ISA=baseline -Inative -Inative/include $$($(BIN)/python -c 'import pybind11, sysconfig; \
	    print("-isystem", sysconfig.get_path("include"), "-isystem", pybind11.get_include())')

bench-tools: $(BENCH)/.bench  ## what benchmarks/{sampling,report,gate}.py compare, in an environment of their own, and Debian's hyperfine
	@command -v hyperfine >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends hyperfine >/dev/null; } \
	  || echo "hyperfine cannot be installed here: the benchmark will do without"

attribution-tools: $(ATTRIBUTION)/.attribution  ## what benchmarks/attribution.py compares, in an environment of its own

kernel-tools: $(KERNELS)/.kernels  ## what benchmarks/kernels.py compares, in an environment of its own, and Debian's golly
	@command -v bgolly >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends golly >/dev/null; } \
	  || echo "golly cannot be installed here: the benchmark will do without"

wheel: $(VENV)/.python
	PIP_CONSTRAINT=$(CURDIR)/constraints.txt $(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) $(BENCH) $(ATTRIBUTION) $(KERNELS) build dist

$(VENV)/.python:
	@command -v $(PYTHON) >/dev/null || { echo "serialprof needs Python 3.11 or newer; $(PYTHON) is not there (make PYTHON=...)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "serialprof needs Python 3.11 or newer; $(PYTHON) is older (make PYTHON=...)"; exit 1; }
	@command -v $${CXX:-c++} >/dev/null \
	  || { echo "serialprof needs a C++17 compiler; none is called $${CXX:-c++} (on Debian: apt-get install g++, or set CXX)"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "$(PYTHON) cannot make a virtual environment (on Debian: apt-get install python3-venv)"; exit 1; }
	@touch $@

$(VENV)/.backend: $(VENV)/.python
	$(PIP) 'scikit-build-core>=1.1' 'pybind11>=3' cmake ninja
	@touch $@

$(VENV)/.runs: $(VENV)/.backend $(SOURCES)
	$(EDITABLE) '.[torch]'
	@touch $@

$(VENV)/.tests: $(VENV)/.backend $(SOURCES)
	$(EDITABLE) '.[torch,test,examples]'
	@touch $@

$(VENV)/.tools: $(VENV)/.tests
	$(EDITABLE) '.[torch,test,dev]'
	@touch $@

# Not editable: what a benchmark of hours measures must not change under it.
$(BENCH)/.bench: $(VENV)/.python $(SOURCES) $(shell find profiler workloads reports -name '*.py')
	@$(PYTHON) -m venv $(BENCH)
	PIP_CONSTRAINT=$(CURDIR)/constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1 $(BENCH)/bin/python -m pip install --quiet '.[torch,bench]'
	@touch $@

# Extra-P asks for numpy 1 and serialprof for numpy 2, with which it finds the same models: its other needs are in `peers`.
$(ATTRIBUTION)/.attribution: $(VENV)/.python $(SOURCES)
	@$(PYTHON) -m venv $(ATTRIBUTION)
	@echo '*' > $(ATTRIBUTION)/.gitignore
	PIP_CONSTRAINT=$(CURDIR)/constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1 $(ATTRIBUTION)/bin/python -m pip install --quiet --editable '.[peers]'
	PIP_CONSTRAINT=$(CURDIR)/constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1 $(ATTRIBUTION)/bin/python -m pip install --quiet --no-deps extrap
	@touch $@

$(KERNELS)/.kernels: $(VENV)/.python $(SOURCES) $(shell find profiler workloads reports -name '*.py')
	@$(PYTHON) -m venv $(KERNELS)
	@echo '*' > $(KERNELS)/.gitignore
	PIP_CONSTRAINT=$(CURDIR)/constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1 $(KERNELS)/bin/python -m pip install --quiet '.[torch,kernels]'
	@touch $@
