# leaktap's tasks. "make run" and "make test" set up what they need, on Debian with
# nothing but Go; everything but Debian packages stays in .tools and bin.
SHELL := /bin/bash -o pipefail
.DEFAULT_GOAL := help
.SUFFIXES:
.NOTPARALLEL: # tests share two cores as it is

GOLANGCI_LINT_VERSION := v2.15.0
KUBECONFORM_VERSION := v0.8.0
GITLEAKS_VERSION := v8.30.1
BETTERLEAKS_VERSION := v1.10.1
# How long prove runs each fuzz target.
FUZZTIME ?= 60s

TOOLS := $(CURDIR)/.tools/bin
export PATH := $(TOOLS):$(PATH):/usr/sbin:/sbin
LINT := $(TOOLS)/golangci-lint
KUBECONFORM := $(TOOLS)/kubeconform
step = @printf '\n== %s\n' '$(1)'

.PHONY: help run build test unit lint e2e screenshots deploy-check score bench bench-counts bench-peers prove fmt tools deps clean

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

run: build ## Build leaktap and start its demo
	@bin/leaktap demo

build: ## Build bin/leaktap, static
	@CGO_ENABLED=0 go build -trimpath -o bin/leaktap ./cmd/leaktap

test: deps tools unit lint deploy-check e2e ## Prove everything; sets up what it needs
	@printf '\n== all passed\n'

unit: ## Run unit tests and laws with the race detector
	$(call step,unit tests)
	@if command -v gcc >/dev/null; then CGO_ENABLED=1 go test -race ./...; \
	else echo "   not run: the race detector, which needs gcc"; go test ./...; fi

lint: $(LINT) ## Run the linters, tests included
	$(call step,lint)
	@$(LINT) run --build-tags e2e ./...

deploy-check: $(KUBECONFORM) ## Check the manifests
	$(call step,deployment manifests)
	@if [ -x deploy/check.sh ]; then deploy/check.sh; else echo "   not run: there is no deploy/check.sh"; fi

e2e: ## Run the binary against real Kafka, Prometheus, Alertmanager and Flask
	$(call step,end to end)
	@go test -tags e2e -count=1 -timeout 15m -v ./e2e
	@go test -tags e2e -count=1 -run Tshark -v ./capture

screenshots: ## Make the pictures of docs/ anew, in Chromium
	@LEAKTAP_PICTURES='$(CURDIR)/docs' go test -tags e2e -count=1 -run TestPictures ./e2e

score: ## Measure precision, recall and false alarms per family (SCORE='-misses 3 -alarms 3')
	@go run ./score families $(SCORE)

bench: build ## Measure MB per CPU second of leaktap scan, and run the benchmarks
	@go run ./score bench $(BENCH)
	@go test -run '^$$' -bench . -benchmem ./...

bench-counts: build ## Count the instructions of leaktap scan for each byte: the same on a busy machine (needs valgrind)
	@go run ./score counts

bench-peers: build ## Run other scanners on the same file beside leaktap
	@for peer in gitleaks-$(GITLEAKS_VERSION) betterleaks-$(BETTERLEAKS_VERSION); do \
		$(MAKE) --no-print-directory -s .tools/$$peer || echo "   $$peer cannot be had here"; done
	@go run ./score peers $(BENCH)

.tools/gitleaks-$(GITLEAKS_VERSION):
	@$(call install,gitleaks,github.com/zricethezav/gitleaks/v8@$(GITLEAKS_VERSION))

.tools/betterleaks-$(BETTERLEAKS_VERSION):
	@$(call install,betterleaks,github.com/betterleaks/betterleaks@$(BETTERLEAKS_VERSION))

prove: deps ## Fuzz every target for FUZZTIME each, replay at full rate, watch a busy server, kill brokers and agents (slow)
	@go list ./... | while read -r package; do \
		go test -list '^Fuzz' "$$package" </dev/null | sed -n '/^Fuzz/p' | while read -r target; do \
			printf '\n== %s %s for %s\n' "$$package" "$$target" '$(FUZZTIME)'; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime '$(FUZZTIME)' "$$package" </dev/null || exit 1; \
		done || exit 1; \
	done
	$(call step,live capture at a rate that is kept up)
	@LEAKTAP_PROVE=1 go test -count=1 -v -run '^TestLive$$' ./capture
	$(call step,what a server pays for being watched)
	@LEAKTAP_PROVE=1 go test -tags e2e -count=1 -timeout 60m -v -run '^TestWatchedServer$$' ./e2e
	$(call step,brokers and agents are killed)
	@LEAKTAP_PROVE=1 go test -tags e2e -count=1 -timeout 30m -v -run 'Killed' ./e2e

fmt: $(LINT) ## Format the code
	@$(LINT) fmt

deps: ## Install what the e2e tests need
	$(call step,what the tests need)
	@e2e/setup.sh packages python kafka browser

tools: $(LINT) $(KUBECONFORM) ## Install the linters into .tools/bin

# The version is in a stamp's name: another version is another file.
$(LINT): .tools/golangci-lint-$(GOLANGCI_LINT_VERSION)
$(KUBECONFORM): .tools/kubeconform-$(KUBECONFORM_VERSION)

.tools/golangci-lint-$(GOLANGCI_LINT_VERSION):
	@$(call install,golangci-lint,github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION))

.tools/kubeconform-$(KUBECONFORM_VERSION):
	@$(call install,kubeconform,github.com/yannh/kubeconform/cmd/kubeconform@$(KUBECONFORM_VERSION))

# install puts a Go program into .tools/bin unless that version is there.
install = echo '   $(2)'; mkdir -p $(TOOLS) && \
	{ go version -m $(TOOLS)/$(1) 2>/dev/null | grep -q $(lastword $(subst @, ,$(2))) || \
	GOBIN=$(TOOLS) go install $(2); } && touch $@

clean: ## Remove what was built and installed here
	@rm -rf bin .tools .bench
