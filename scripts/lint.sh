#!/usr/bin/env bash
# Every static check, or those that the arguments name. They run side by side, and the script fails if any failed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
# shellcheck source=scripts/parallel.sh
. scripts/parallel.sh

shellcheck_all() { git ls-files --cached --others --exclude-standard '*.sh' .ci/run | xargs .venv/bin/shellcheck -x; }

tflint_all() {
  local folder status=0
  for folder in modules/* environments/* examples/* examples/*/*; do
    compgen -G "$folder/*.tf" >/dev/null || continue
    .tools/bin/tflint --config="$PWD/.tflint.hcl" --chdir="$folder" || status=1
  done
  return "$status"
}

# checkov has an environment of its own, which nothing but this check needs.
plans() { scripts/setup.sh .venv-checkov && .venv/bin/python -m harness.plancheck; }

# Against the last release that this commit follows.
schemas() {
  local tag
  tag=$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null) ||
    { echo 'schemas: no release is tagged yet, so there is nothing to compare with'; return 0; }
  .venv/bin/factory-lake schema check --against "$tag"
}

yaml_rules='{extends: default, rules: {line-length: {max: 120}, document-start: disable, truthy: {check-keys: false}}}'

# Names are read from this file before anything starts.
known=$(sed -n 's/^lint "\([^"]*\)".*/\1/p' scripts/lint.sh)
for name in "$@"; do
  if ! grep -Fxq -- "$name" <<<"$known"; then
    names=$(paste -s -d , - <<<"$known" | sed 's/,/, /g')
    printf 'lint: each name must be one of %s; got "%s"\n' "$names" "$name" >&2
    exit 2
  fi
done

wanted=$(printf '%s\n' "$@")
# lint NAME COMMAND... starts the check, if all are wanted or this one is.
lint() {
  if [ -z "$wanted" ] || grep -Fxq -- "$1" <<<"$wanted"; then check "$@"; fi
}

# The longest first, so that none begins late.
lint "checkov on plans" plans
lint "mypy --strict" .venv/bin/mypy
lint "secrets" .venv/bin/python -m scripts.secretscan
lint "tflint" tflint_all
lint "deprecations" .venv/bin/python -m scripts.deprecations
lint "terraform fmt" scripts/terraform.sh fmt -check -recursive
lint "generated docs" .venv/bin/python -m harness.docs --check
lint "schemas" schemas
lint "ruff check" .venv/bin/ruff check --no-fix .
lint "ruff format" .venv/bin/ruff format --check .
lint "shellcheck" shellcheck_all
lint "yamllint" .venv/bin/yamllint --strict -d "$yaml_rules" .github .pre-commit-config.yaml
# actionlint 1.7.12 does not know `$/`, GitHub's reference to the workflow's own repository.
lint "actionlint" .tools/bin/actionlint -shellcheck=.venv/bin/shellcheck -ignore 'reusable workflow call "\$/'
# Offline: what it would ask GitHub for is whether a pinned commit has a known hole.
lint "zizmor" .venv/bin/zizmor --offline --no-progress --persona=pedantic .github
finish lint
