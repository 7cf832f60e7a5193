# `make` alone lists what there is.
SHELL := /bin/bash
.NOTPARALLEL:
.DEFAULT_GOAL := help

DEPL_ENVIRONMENT ?= vagrant
VENV := .venv
ON_DEPLOY := ssh -F .vagrant/ssh_config deploy export DEPL_ENVIRONMENT=$(DEPL_ENVIRONMENT)\;

.PHONY: help demo bench-image bench-route bench-flip bench-fleet bench-peers bench-branches bench-clone sim bench-compare test test-long test-faults test-infra browser check check-teamcity format prepare up setup_deploy setup_appserver setup_balancer setup_staging setup_service setup_infra sandbox venv lint-ansible clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z_-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- the two commands ---

demo:  ## from nothing to both hello pages of a promoted version, and a rollback
	@conf/sandbox/demo

test: check sandbox browser  ## all tests: check, then the integration tests on the sandbox's hosts
	$(VENV)/bin/pytest -m 'integration and not long' tests/integration

test-long: venv sandbox  ## what `make test` leaves out: canaries by their verdict, services' spaces, TeamCity (12 minutes)
	$(VENV)/bin/pytest -m 'integration and long' tests/integration

browser:  ## install Chromium, in which tests look at pages
	@conf/sandbox/browser

POINTS ?= 100
test-faults: venv sandbox  ## every fault of docs/reliability.md under live traffic; FAULT=name for one (an hour)
	$(VENV)/bin/pytest -m integration tests/faults --points $(POINTS) -k '$(FAULT)'

test-infra: venv sandbox browser setup_infra  ## tests of the company's own services; takes the host infra too (25 minutes)
	$(VENV)/bin/pytest -m integration tests/infra tests/docker

check: venv lint-ansible  ## format, lint, types, layers, unit tests
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	PATH="$(abspath $(VENV))/bin:$$PATH" $(VENV)/bin/lint-imports
	$(VENV)/bin/pytest -n auto -m 'not integration' tests

check-teamcity:  ## compile TeamCity's settings against stand-ins for its DSL (needs Debian's kotlin; half a minute)
	@tests/dsl/check

format: venv  ## put the code in form
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix-only .

# --- measurements: each prints its table and writes build/bench/NAME.json ---

bench-image:  ## the image's size beside a naive one's, and what a code change pushes
	@mkdir -p build/bench
	@$(ON_DEPLOY) "cd /vagrant && /opt/depl/venv/bin/python -m bench.image HEAD $$(bench/changed-commit)" > build/bench/image.new
	@mv build/bench/image.new build/bench/image.json && cat build/bench/image.json

bench-route: venv  ## requests per second through depl's routing, beside a static upstream
	@$(VENV)/bin/python -m bench.route

bench-flip: venv  ## requests lost through 200 live changes, beside nginx reloads (15 minutes)
	$(VENV)/bin/python -m bench.flip

bench-fleet: venv  ## one command over 1, 10 and 100 hosts: seconds, skew, round trips (4 minutes)
	@$(VENV)/bin/python -m bench.fleet

bench-compare: venv  ## how long a host takes to count two million log lines, and in how much memory (1 minute)
	@$(VENV)/bin/python -m bench.compare

bench-clone: venv  ## how long a branch waits for a copy of a database of 1 GB (5 minutes)
	@$(VENV)/bin/python -m bench.clone

bench-peers: venv  ## a code change, and a promote, beside Ansible and Capistrano (10 minutes)
	$(VENV)/bin/python -m bench.peers

bench-branches: venv  ## 50 branches on one host: seconds up, memory of an idle one, seconds to wake (20 minutes)
	$(VENV)/bin/python -m bench.branches

sim: venv  ## canary verdicts over 24,000 simulated rollouts, beside other tools' rules (15 minutes)
	$(VENV)/bin/python -m bench.sim

# --- the sandbox ---

prepare:  ## install what vagrant needs here: Docker, Vagrant, the image of a plain host
	@conf/sandbox/prepare

up:  ## prepare, and start the hosts deploy, app1, app2 and staging
	@conf/sandbox/up

setup_deploy:  ## bootstrap the deploy host (Ansible)
	@$(ON_DEPLOY) /vagrant/conf/ansible/bootstrap deploy

setup_appserver:  ## bootstrap the app hosts (Ansible, run on the deploy host)
	@$(ON_DEPLOY) /vagrant/conf/ansible/bootstrap appserver

setup_balancer:  ## bootstrap the balancer (Ansible)
	@$(ON_DEPLOY) /vagrant/conf/ansible/bootstrap balancer

setup_staging:  ## bootstrap the staging host (Ansible)
	@$(ON_DEPLOY) /vagrant/conf/ansible/bootstrap staging

setup_service:  ## bootstrap the host of services (Ansible), build their images and start them (inv services.up)
	@$(ON_DEPLOY) /vagrant/conf/ansible/bootstrap service
	@$(ON_DEPLOY) "cd /vagrant && inv services.up"

setup_infra:  ## beside the sandbox: start the host infra, the company's own services, agents (Ansible); `make test` needs none
	@conf/sandbox/up infra
	@$(ON_DEPLOY) /vagrant/conf/ansible/bootstrap services
	@$(ON_DEPLOY) "cd /vagrant && inv infra.apps"
	@cp conf/sandbox/told.yml conf/inventory/vagrant/told.yml

sandbox: up setup_deploy setup_appserver setup_balancer setup_staging setup_service  ## all of the above: a sandbox ready for `inv`

clean:  ## remove this checkout's hosts, volumes, network, images and .vagrant/
	@conf/sandbox/clean

# --- this machine's own tools ---

# Made anew when requirements change; uv, itself a requirement, is the quicker installer.
VENV_STAMP := $(VENV)/requirements.$(shell cat requirements.txt requirements-dev.txt 2>/dev/null | sha256sum | cut -c1-12)

venv: $(VENV_STAMP)  ## the virtual environment of developers and CI

$(VENV_STAMP):
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install -q --disable-pip-version-check "$$(grep '^uv' requirements.txt)"
	VIRTUAL_ENV=$(VENV) $(VENV)/bin/uv pip install -q -r requirements-dev.txt
	@rm -f $(VENV)/requirements.* && touch $@

lint-ansible: venv  ## ansible-lint, production profile
	PATH="$(abspath $(VENV))/bin:$$PATH" ANSIBLE_CONFIG=conf/ansible/ansible.cfg $(VENV)/bin/ansible-lint conf/ansible
