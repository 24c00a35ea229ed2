# mbctl: what a person types. `make help` lists it. Packages of the system are in
# test/lab/install_packages.sh, those of the program in package.json.

PREFIX ?= /usr/local
DESTDIR ?=
HOST ?=

BUN := node_modules/.bin/bun
BIOME := node_modules/.bin/biome
BUN_VERSION := $(shell sed -n 's/.*"bun": "\([0-9][^"]*\)".*/\1/p' package.json | sed 1q)
# Where bun's own npm package goes for the moment in which there is no bun yet.
BOOTSTRAP := build/bootstrap

CODE := lib scripts test examples
SHELL_FILES := $(sort $(shell find init-templates lib test -name '*.sh'))
SOURCES := $(shell find lib scripts init-templates systemd-configs -type f) package.json bunfig.toml Makefile
# Everything but what has a target of its own.
UNIT_TESTS := $(filter-out test/e2e test/lab test/golden test/structure,$(wildcard test/*))
UNIT_TESTS := $(addprefix ./,$(filter-out %.ts,$(UNIT_TESTS)) $(filter %_test.ts,$(UNIT_TESTS)))

# Those that take longest come first, so that none is left alone at the end.
E2E_LONG := $(patsubst %,./test/%_test.ts,lab/lab e2e/apps e2e/base e2e/connector e2e/host_setup e2e/firewall e2e/network_manager e2e/host_check e2e/health e2e/upgrade e2e/move e2e/kill e2e/rebuild e2e/images)
E2E_TESTS := $(E2E_LONG) $(filter-out $(E2E_LONG),$(sort $(wildcard ./test/e2e/*_test.ts ./test/lab/*_test.ts)))

REPORTS := build/reports
# $(call tests,NAME,FLAGS AND PATHS): runs tests, and leaves the counts in a report.
tests = $(BUN) test --reporter=junit --reporter-outfile=$(REPORTS)/$(1).xml $(2)

.PHONY: help build check fmt test test-unit test-e2e demo lab bench bench-pull install uninstall packages clean

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' Makefile | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 14

# bun comes by npm, pinned: its npm package installs what bun.lock says, bun itself among it.
# A later npm may skip install scripts, which bun's package needs: install.js finishes the job.
node_modules/.installed: package.json bun.lock
	@mkdir -p $(REPORTS)
	@if [ "$$($(BUN) --version 2>/dev/null)" = "$(BUN_VERSION)" ]; then \
		set -- $(BUN); \
	else \
		set -- $(BOOTSTRAP)/node_modules/.bin/bun; mkdir -p $(BOOTSTRAP); \
		npm install --no-save --no-package-lock --no-audit --no-fund --no-update-notifier --loglevel=error --prefix $(BOOTSTRAP) bun@$(BUN_VERSION) </dev/null && \
		{ "$$@" --version >/dev/null 2>&1 || node $(BOOTSTRAP)/node_modules/bun/install.js; }; \
	fi && "$$@" install --frozen-lockfile
	@$(BUN) --version >/dev/null 2>&1 || node node_modules/bun/install.js
	@rm -rf $(BOOTSTRAP)
	@touch $@

build: build/mbctl ## the program: build/mbctl

# --splitting: without it all modules of Bun that any verb imports are loaded at every start, which
# takes twice as long. The two last flags: a bunfig.toml or .env where mbctl is called must not run.
build/mbctl: node_modules/.installed $(SOURCES)
	@mkdir -p build
	$(BUN) build --compile --splitting --minify --bytecode --format=esm --sourcemap --no-compile-autoload-dotenv --no-compile-autoload-bunfig scripts/mbctl.ts --outfile build/mbctl
	@# The program carries its source maps itself.
	@rm -f build/*.map

check: node_modules/.installed ## types, format, lint, shell files, layering, lock file: seconds, no root
	@sh test/lab/install_packages.sh busybox-static dash shellcheck
	$(BUN) check $(CODE)
	$(BUN) fmt --check
	$(BIOME) lint --error-on-warnings
	shellcheck $(SHELL_FILES) .ci/run
	@for file in $(SHELL_FILES); do dash -n "$$file" && busybox sh -n "$$file" || exit 1; done
	@echo 'the lock file names no server'; ! grep -nE '"(https?|git)[+:]' bun.lock
	@$(call tests,structure,./test/structure)

fmt: node_modules/.installed ## format all code
	$(BUN) fmt

packages:
	@sh test/lab/install_packages.sh

test: packages build ## all tests: pure, effects, and end to end in the lab (root)
	@rm -rf $(REPORTS) && mkdir -p $(REPORTS)
	@for part in check test-unit test-e2e; do \
		printf '\n== make %s\n' "$$part"; \
		$(MAKE) --no-print-directory "$$part"; echo "$$?" >"$(REPORTS)/$$part.status"; \
	done
	@echo; $(BUN) test/summary.ts $(REPORTS) check=structure test-unit=unit test-e2e=e2e

test-unit: packages build ## the tests outside of the lab
	@$(call tests,unit,--parallel $(UNIT_TESTS))

# Three files at once: a test in the lab mostly waits, for systemd, a lease, the mesh.
test-e2e: packages build ## the tests in the lab; make test-e2e HOST=debian12 for one system
	@rm -rf $(REPORTS)/e2e && mkdir -p $(REPORTS)/e2e
	@printf '%s\n' $(E2E_TESTS) | MBCTL_LAB_HOSTS=$(HOST) xargs -P 3 -n 1 sh test/e2e/run_file.sh $(BUN) $(REPORTS)/e2e

demo: packages build ## the main job, from nothing to a page fetched over the mesh (root)
	@$(BUN) test/lab/demo.ts $(HOST)

lab: packages build ## a shell in a throw-away host with mbctl installed (root)
	@$(BUN) test/lab/shell.ts $(HOST)

bench: packages build ## start-up of the program, and of a machine (root)
	@$(BUN) test/bench/bench.ts $(HOST)

# Those who pull beside mbctl, what makes images and file systems, and what compiles the floor.
PEERS := btrfs-progs e2fsprogs gcc isal libc6-dev pigz podman skopeo umoci xfsprogs zstd

bench-pull: packages build ## pulls of images, beside podman, importctl and umoci; QUICK=1 for 3 minutes (root)
	@sh test/lab/install_packages.sh $(PEERS)
	@QUICK=$(QUICK) $(BUN) test/bench/pull.ts

SHARE = $(DESTDIR)$(PREFIX)/share
# systemd looks there for both PREFIXes that are usual (systemd.unit(5)).
UNITS = $(DESTDIR)$(PREFIX)/lib/systemd/system
# Where each shell looks, below SHARE. Words of make cannot hold a blank, and DESTDIR may.
COMPLETIONS := bash:bash-completion/completions/mbctl zsh:zsh/site-functions/_mbctl fish:fish/vendor_completions.d/mbctl.fish

install: build ## program, bridge files, the upgrade timer, completions and a default configuration; PREFIX, DESTDIR
	install -D -m 0755 build/mbctl "$(DESTDIR)$(PREFIX)/bin/mbctl"
	install -d -m 0755 "$(SHARE)/mbctl/systemd-configs/templates" "$(SHARE)/doc/mbctl"
	install -m 0644 systemd-configs/*.* "$(SHARE)/mbctl/systemd-configs"
	install -m 0644 systemd-configs/templates/*.toml "$(SHARE)/mbctl/systemd-configs/templates"
	install -D -m 0644 systemd-configs/mbctl-upgrade.timer "$(UNITS)/mbctl-upgrade.timer"
	for unit in mbctl-upgrade.service mbctl-recover.service; do \
		sed 's,/usr/local/bin/,$(PREFIX)/bin/,' "systemd-configs/$$unit" >"$(UNITS)/$$unit" && chmod 0644 "$(UNITS)/$$unit" || exit 1; \
	done
	install -m 0644 LICENSE config.toml.example $(wildcard README*.md CHANGELOG.md) "$(SHARE)/doc/mbctl"
	install -d -m 0755 "$(SHARE)/doc/mbctl/docs"
	install -m 0644 docs/*.md "$(SHARE)/doc/mbctl/docs"
	for row in $(COMPLETIONS); do \
		file="$(SHARE)/$${row#*:}"; \
		install -d -m 0755 "$${file%/*}" && build/mbctl completion "$${row%%:*}" >"$$file" && chmod 0644 "$$file" || exit 1; \
	done
	[ -e "$(DESTDIR)/etc/mbctl/config.toml" ] || install -D -m 0644 config.toml.example "$(DESTDIR)/etc/mbctl/config.toml"

uninstall: ## what install put there, but for /etc/mbctl; machines stay
	rm -f "$(DESTDIR)$(PREFIX)/bin/mbctl"
	for row in $(COMPLETIONS); do rm -f "$(SHARE)/$${row#*:}"; done
	rm -f "$(UNITS)/mbctl-upgrade.service" "$(UNITS)/mbctl-upgrade.timer" "$(UNITS)/mbctl-recover.service"
	rm -rf "$(SHARE)/mbctl" "$(SHARE)/doc/mbctl"

clean: ## remove what was built, and the packages of node_modules
	rm -rf build node_modules
