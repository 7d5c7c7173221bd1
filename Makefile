# Every target that CI runs is here; `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo development)
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME ?= 60s

.PHONY: help run build dashboard api deps fmt lint vet test test-go test-web test-e2e bench fuzz soak clean

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

run: build ## Build everything and start the demo town (needs Go and Node only)
	exec bin/gateway demo $(ARGS)

build: dashboard ## Build the dashboard and bin/gateway
	go build -trimpath -ldflags "-X main.stamp=$(VERSION)" -o bin/gateway ./gateway

dashboard: dashboard/dist/index.html

dashboard/dist/index.html: dashboard/node_modules/.stamp $(shell find dashboard/src dashboard/public -type f 2>/dev/null) dashboard/index.html dashboard/vite.config.ts
	cd dashboard
	npm run build

dashboard/node_modules/.stamp: dashboard/package.json dashboard/package-lock.json
	cd dashboard
	npm ci --no-audit --no-fund
	touch node_modules/.stamp

api: dashboard/node_modules/.stamp ## Write the dashboard's API types from the server's OpenAPI document
	doc=$$(mktemp --suffix .json); trap 'rm -f $$doc' EXIT
	go run ./gateway openapi > $$doc
	cd dashboard
	OPENAPI=$$doc TYPES=$(or $(TYPES),src/api/schema.d.ts) npm run --silent api

deps: ## Install what the tests need (Debian packages)
	bash .ci/deps

fmt: dashboard/node_modules/.stamp ## Format Go, mend what eslint can in TypeScript
	gofmt -w $$(git ls-files '*.go')
	cd dashboard
	npx eslint . --fix

lint: dashboard/node_modules/.stamp ## gofmt, go vet, staticcheck, eslint, types
	test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not gofmt-ed:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...
	$(MAKE) --no-print-directory api TYPES=node_modules/.schema.d.ts >/dev/null
	diff -q dashboard/node_modules/.schema.d.ts dashboard/src/api/schema.d.ts || { echo "the API changed: run make api"; exit 1; }
	cd dashboard
	npm run lint

test: deps lint ## Every test, on real Redis, ffmpeg and Chromium; ends with a count
	bash .ci/test

test-go: ## Go tests with the race detector
	go test -race -timeout 30m ./...

test-web: dashboard/node_modules/.stamp ## Unit tests of the dashboard
	cd dashboard
	npm test

test-e2e: build ## Browser tests on the real binary
	cd dashboard
	npm run e2e

bench: ## Benchmarks of the hot paths
	go test -run '^$$' -bench . -benchmem ./streams/... ./alerts/... ./gateway/...

fuzz: ## Every fuzz target for FUZZTIME each
	bash .ci/fuzz $(FUZZTIME)

soak: ## The long campaigns: 200 kills, 200 flaps, long walks
	SHARPEYES_SOAK=200 go test -race -timeout 120m ./alerts/store/... ./streams/... ./gateway/...

clean: ## Remove what was built
	rm -rf bin dashboard/dist/assets dashboard/dist/index.html dashboard/node_modules
