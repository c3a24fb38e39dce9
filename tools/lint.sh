#!/usr/bin/env bash
# Every static check, each named as it runs; all of them run, and the script fails if any failed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
failed=()

check() {
  local name=$1 log
  shift
  log=$(mktemp)
  if "$@" >"$log" 2>&1; then
    printf 'lint: %-20s ok\n' "$name"
  else
    printf 'lint: %-20s FAILED: %s\n' "$name" "$*"
    cat "$log"
    failed+=("$name")
  fi
  rm -f "$log"
}

shell_files() { git ls-files --cached --others --exclude-standard '*.sh' .ci/run; }

tflint_all() {
  local folder status=0
  for folder in modules/* environments/*; do
    compgen -G "$folder/*.tf" >/dev/null || continue
    .tools/bin/tflint --config="$PWD/.tflint.hcl" --chdir="$folder" || status=1
  done
  return "$status"
}

check "ruff check" .venv/bin/ruff check --no-fix .
check "ruff format" .venv/bin/ruff format --check .
check "mypy --strict" .venv/bin/mypy
check "shellcheck" bash -c "$(declare -f shell_files); shell_files | xargs .venv/bin/shellcheck"
check "yamllint" .venv/bin/yamllint --strict -d '{extends: default, rules: {line-length: {max: 120}, document-start: disable, truthy: {check-keys: false}}}' .github
check "terraform fmt" tools/terraform.sh fmt -check -recursive
check "tflint" tflint_all
check "module docs" .venv/bin/python -m tools.moduledocs --check

if [ "${#failed[@]}" -gt 0 ]; then
  printf 'lint: failed: %s\n' "${failed[*]}"
  exit 1
fi
