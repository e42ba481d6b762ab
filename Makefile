# Two commands do all the set-up: `make demo` and `make test`.
# `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# Where the published API description and the recordings are, for those who have them.
export OKTANT_SHARED_DATA ?= $(abspath ../shared/data)

.PHONY: help demo build test test-long fmt-check test-rust test-functions test-python test-official test-scim test-provision test-account test-salesforce test-flows codegen-check fidelity \
	lint sdk-groups bench fuzz

help: ## Show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## Build, start a sandbox org and run the SQLAlchemy example against it
	@python3 scripts/demo.py

build: ## Build the program (development profile)
	cargo build --locked --package oktant-cli

test: fmt-check test-rust test-functions codegen-check fidelity test-python test-official test-scim test-provision test-account test-salesforce test-flows ## Install what the tests need and run them all

# The SDK's groups of operations are features; its tests call all of them.
SDK_FEATURES := oktant-sdk/full,oktant-sdk/blocking

test-rust: ## Unit, property and program tests of the workspace, with a private PostgreSQL where there can be one
	@if cargo nextest --version >/dev/null 2>&1; \
	then python3 scripts/postgres.py cargo nextest run --locked --workspace --features $(SDK_FEATURES); \
	else python3 scripts/postgres.py cargo test --locked --workspace --features $(SDK_FEATURES) --lib --bins --tests; fi
	cargo test --locked --doc --workspace --features $(SDK_FEATURES)

test-functions: ## The functions of flows against moment, mathjs and lodash
	@python3 scripts/test_functions.py

codegen-check: ## Fail if the committed catalogue differs from what the description gives
	cargo xtask codegen --check

fidelity: ## Replay recorded traffic of real orgs against the sandbox and print the table per operation
	cargo xtask fidelity

test-python: ## The Python package under SQLAlchemy 1.4, 2.0 and 2.1, with a real browser where there is one
	@python3 scripts/test_python.py

test-official: ## Okta's own Python clients against the sandbox
	@python3 scripts/test_official.py

test-scim: ## Two SCIM testers of others against the SCIM service
	@python3 scripts/test_scim.py

test-provision: ## The provisioner against a SCIM target that others wrote
	@python3 scripts/test_provision.py

test-account: ## Snowflake's, PostgreSQL's and SCIM's own clients against the account
	@python3 scripts/test_account.py

test-salesforce: ## simple-salesforce, jsforce and a browser against the sandbox's Salesforce org
	@python3 scripts/test_salesforce.py

test-flows: ## From an exported pack to a Salesforce user, with a browser, on the sandbox
	@python3 scripts/test_flows.py

fmt-check: ## Fail if something is not formatted
	@if cargo fmt --version >/dev/null 2>&1; \
	then cargo fmt --all --check; \
	else echo "formatting is not checked: rustfmt is not installed"; fi

lint: fmt-check ## Formatting and lints
	cargo clippy --locked --workspace --features $(SDK_FEATURES) --all-targets -- --deny warnings

# The groups as the manifest has them: features that pass on to a feature of the models.
SDK_GROUPS = $(shell sed -n 's/^\([a-z-]*\) = \["oktant-models\/.*/\1/p' crates/sdk/Cargo.toml)

sdk-groups: ## Each group of the SDK's operations by itself, without warnings
	@test -n "$(SDK_GROUPS)"
	@for group in $(SDK_GROUPS); do \
		echo "oktant-sdk with $$group"; \
		cargo clippy --quiet --locked --package oktant-models --package oktant-sdk --lib --no-default-features \
			--features oktant-sdk/$$group -- --deny warnings || exit 1; \
	done

bench: ## Measure against the peers in one run and rewrite docs/benchmarks.md
	@python3 benches/run.py

# Seconds that each target runs.
FUZZ_SECONDS ?= 60

fuzz: ## Feed the readers of links, headers, keys, configuration, models, SCIM, SOQL, functions and flows with mutated inputs
	cargo run --locked --package oktant-sdk --features oktant-sdk/full --example fuzz -- $(FUZZ_SECONDS)

# How much the long set does, and where its chance starts: another place every day, named in the output.
LONG_STATEMENTS ?= 20000
LONG_SEED ?= $(shell date +%Y%m%d)
LONG_CASES ?= 4096
LONG_KILLS ?= 100

test-long: fuzz ## What chance finds in an hour: fuzzing, more statements against SQLite, more cases of each property, more kills
	OKTANT_DIFFERENTIAL_QUERIES=$(LONG_STATEMENTS) OKTANT_DIFFERENTIAL_SEED=$(LONG_SEED) \
		cargo test --locked --package oktant-sql --test it -- --nocapture rows_do_not_depend_on_pushdown
	PROPTEST_CASES=$(LONG_CASES) cargo test --locked --package oktant-catalog --package oktant-filter --test it
	PROPTEST_CASES=$(LONG_CASES) FUNCTIONS_LARGE_BYTES=10000000 cargo test --locked --package oktant-functions --test it
	ORACLE_CASES=$(LONG_STATEMENTS) ORACLE_SEED=$(LONG_SEED) python3 scripts/test_functions.py
	PROPTEST_CASES=$(LONG_CASES) cargo test --locked --package oktant-sql --lib pushdown
	PROPTEST_CASES=50000 cargo test --locked --package oktant-scim --test laws
	OKTANT_PACK_SEEDS=100 cargo test --locked --package oktant-engine --test it -- --nocapture packs
	OKTANT_TEST_KILLS=$(LONG_KILLS) cargo test --locked --package oktant-cli --test it -- --nocapture kills_lose_nothing
	OKTANT_PROVISION_KILLS=$(LONG_KILLS) cargo test --locked --package oktant-provision --test it -- --nocapture a_killed_run
	OKTANT_TEST_CRASH_ROUNDS=$(LONG_KILLS) cargo test --locked --package oktant-warehouse --test it -- --nocapture outlive_kill
	OKTANT_TEST_MEMBERSHIP_SECONDS=30 cargo test --locked --package oktant-server --test it -- --nocapture lose_no_member
	PROPTEST_CASES=$(LONG_CASES) cargo test --locked --package oktant-sandbox --lib soql
