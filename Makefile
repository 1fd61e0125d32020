# Proofhouse. `make` alone says what there is; ARCHITECTURE.md says what stands where.

.DEFAULT_GOAL := help
.PHONY: help demo test serve fmt lint tidy tools bench preflight preflight-test
# A rustup installed a minute ago is not on the PATH of every shell.
export PATH := $(HOME)/.cargo/bin:$(PATH)
SHELL := /bin/sh
PROOFHOUSE := target/release/proofhouse

help: ## say what there is
	@echo "make TARGET, with TARGET one of"
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)$$/  \1\t\2/p' Makefile | expand -t 12

demo: preflight ## build, then carry real vulnerabilities from report to notice (embedded store, npm's registry)
	@echo "== build the program (release; some minutes the first time)"
	cargo build --locked --release --package cli
	@echo "== run the demo"
	$(PROOFHOUSE) demo

test: preflight-test ## format, lint, tidy, fetch the tests' tools, run every test on both stores
	@echo "== 1/5 format"
	cargo fmt --all -- --check
	@echo "== 2/5 lint"
	cargo clippy --locked --workspace --all-targets -- --deny warnings
	@echo "== 3/5 tidy"
	cargo xtask tidy
	@echo "== 4/5 tools"
	cargo xtask tools
	@echo "== 5/5 tests"
	cargo test --locked --workspace
	@echo "== all passed"

serve: preflight ## build and serve on 127.0.0.1:8080 (PROOFHOUSE_STORE=postgres://… for PostgreSQL)
	cargo build --locked --release --package cli --package symbols
	$(PROOFHOUSE) serve

fmt: ## format every Rust file
	cargo fmt --all

lint: preflight-test ## clippy, warnings refused
	cargo clippy --locked --workspace --all-targets -- --deny warnings

tidy: preflight ## check the rules of the house
	cargo xtask tidy

tools: preflight ## fetch what the tests need beside Rust into target/tools
	cargo xtask tools

bench: preflight tools ## measure: the sandbox's start, the store's commits, and whatever else has a benchmark
	cargo bench --locked --workspace --bench '*'

preflight:
	@bash .ci/preflight

preflight-test:
	@bash .ci/preflight test
