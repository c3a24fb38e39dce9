#!/usr/bin/env bash
# Puts axe-core, the checker of accessibility, from npm into .tools/axe, pinned by its digest. A second run does nothing. Without npm the
# tests that need it say so.
set -euo pipefail
cd "$(dirname "$0")/.."

version=4.14.1
digest=29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c
script=.tools/axe/axe.min.js

right() { [ -f "$script" ] && sha256sum --check --status <<<"$digest  $script"; }

if right; then
  touch "$script" # newer than this file, for make
  exit 0
fi
if ! command -v npm >/dev/null; then
  printf 'install_axe: npm is not on PATH, so the report page is not checked for accessibility (install Node.js)\n' >&2
  exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm pack --silent --pack-destination "$folder" "axe-core@$version" >/dev/null
mkdir -p "${script%/*}"
tar -xzf "$folder/axe-core-$version.tgz" -O package/axe.min.js > "$script"
if ! right; then
  rm "$script"
  printf 'install_axe: axe.min.js of axe-core %s must have the SHA-256 %s\n' "$version" "$digest" >&2
  exit 1
fi
