.PHONY: help run test check lock
help: ## This list
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' Makefile
run: ## Set up and start Guardian
	@sh scripts/run
test: ## Set up and run every test
	@sh scripts/test
check: ## Lint, types, import contracts, house rules
	@sh scripts/check
lock: ## Write the lock files anew from pyproject.toml
	@sh scripts/lock
