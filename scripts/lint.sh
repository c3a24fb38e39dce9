#!/usr/bin/env bash
# Every static check. All of them run, side by side, and the script fails if any failed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
# shellcheck source=scripts/parallel.sh
. scripts/parallel.sh

shellcheck_all() { git ls-files --cached --others --exclude-standard '*.sh' .ci/run | xargs .venv/bin/shellcheck -x; }

tflint_all() {
  local folder status=0
  for folder in modules/* environments/* examples/*; do
    compgen -G "$folder/*.tf" >/dev/null || continue
    .tools/bin/tflint --config="$PWD/.tflint.hcl" --chdir="$folder" || status=1
  done
  return "$status"
}

# checkov has an environment of its own, which nothing but this check needs.
plans() { scripts/setup.sh .venv-checkov && .venv/bin/python -m harness.plancheck; }

yaml_rules='{extends: default, rules: {line-length: {max: 120}, document-start: disable, truthy: {check-keys: false}}}'

# The longest first, so that none begins late.
check "checkov on plans" plans
check "mypy --strict" .venv/bin/mypy
check "secrets" .venv/bin/python -m scripts.secretscan
check "tflint" tflint_all
check "terraform fmt" scripts/terraform.sh fmt -check -recursive
check "generated docs" .venv/bin/python -m harness.docs --check
check "ruff check" .venv/bin/ruff check --no-fix .
check "ruff format" .venv/bin/ruff format --check .
check "shellcheck" shellcheck_all
check "yamllint" .venv/bin/yamllint --strict -d "$yaml_rules" .github
check "actionlint" .tools/bin/actionlint -shellcheck=.venv/bin/shellcheck
# Offline: what it would ask GitHub for is whether a pinned commit has a known hole.
check "zizmor" .venv/bin/zizmor --offline --no-progress --persona=pedantic .github
finish lint
