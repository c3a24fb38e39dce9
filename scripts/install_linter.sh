#!/usr/bin/env bash
# Builds a linter, pinned, into .tools/bin. Go's module proxy and checksum database vouch for what is built. A second run does nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

case ${1:-} in
  tflint) source=github.com/terraform-linters/tflint@v0.61.0 ;;
  actionlint) source=github.com/rhysd/actionlint/cmd/actionlint@v1.7.12 ;;
  *)
    printf 'install_linter: the linter must be tflint or actionlint, got %s\n' "${1:-none}" >&2
    exit 2
    ;;
esac
linter=.tools/bin/$1

if [ -x "$linter" ] && [[ $("$linter" --version) == *"${source#*@v}"* ]]; then
  touch "$linter" # newer than this script, for make
  exit 0
fi
if ! command -v go >/dev/null; then
  printf 'install_linter: go is not on PATH: install Go 1.25 or later (https://go.dev/dl)\n' >&2
  exit 1
fi
printf 'install_linter: building %s (a minute or two, once)\n' "${source##*/}" >&2
GOBIN=$PWD/.tools/bin go install "$source"
touch "$linter"
