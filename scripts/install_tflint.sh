#!/usr/bin/env bash
# Builds tflint, pinned, into .tools/bin. Go's module proxy and checksum database vouch for what is built. A second run does nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

version=v0.61.0
tflint=.tools/bin/tflint

if [ -x "$tflint" ] && [ "$("$tflint" --version | sed -n '1s/^TFLint version /v/p')" = "$version" ]; then
  exit 0
fi
if ! command -v go >/dev/null; then
  printf 'install_tflint: go is not on PATH: install Go 1.25 or later (https://go.dev/dl)\n' >&2
  exit 1
fi
printf 'install_tflint: building tflint %s (a minute or two, once)\n' "$version" >&2
GOBIN=$PWD/.tools/bin go install "github.com/terraform-linters/tflint@$version"
touch "$tflint" # newer than this script, for make
