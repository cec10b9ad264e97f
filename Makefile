.PHONY: lint test requirements
lint:
	.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy . && .venv/bin/lint-imports
	.venv/bin/djlint templates --lint --quiet && .venv/bin/python manage.py check --fail-level WARNING
	.venv/bin/python manage.py makemigrations --check --dry-run
test:
	bin/test
requirements:
	.venv/bin/uv pip compile pyproject.toml --python-version 3.11.0 --generate-hashes --no-emit-index-url -q -o requirements.txt --custom-compile-command "make requirements"
	.venv/bin/uv pip compile pyproject.toml --extra dev --python-version 3.11.0 -c requirements.txt --generate-hashes --no-emit-index-url -q -o requirements-dev.txt --custom-compile-command "make requirements"
