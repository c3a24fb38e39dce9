#!/usr/bin/env bash
# Makes the Python environments that the project works in, from hash-pinned requirements:
#   .venv          the newest supported Python found: tools, local cloud, tests
#   .venv-oldest   the oldest Python found that Lambda sources support (3.8 where there is one): their tests
#   .venv-checkov  the newest supported Python found: checkov and all that it needs; only when named
# A second run does nothing unless a requirements file changed. Progress goes to standard error.
set -euo pipefail
cd "$(dirname "$0")/.."

newest=(3.13 3.12 3.11)
oldest=(3.8 3.9 3.10 3.11 3.12 3.13)

say() { printf 'setup: %s\n' "$*" >&2; }

# Prints the first interpreter of the given versions that really starts. A pyenv shim on PATH may exist and yet
# refuse to run, so each candidate must print its version; pyenv's own folders are searched as well.
find_python() {
  local version candidate
  for version in "$@"; do
    for candidate in "$(command -v "python$version" || true)" \
      "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$version".*/bin/python \
      /usr/local/bin/"python$version" /usr/bin/"python$version" /opt/homebrew/bin/"python$version" \
      "$(command -v python3 || true)"; do
      [ -x "$candidate" ] || continue
      if [ "$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "$version" ]; then
        printf '%s\n' "$candidate"
        return 0
      fi
    done
  done
  return 1
}

if ! python=$(find_python "${newest[@]}"); then
  say "no Python ${newest[*]} found (looked on PATH, in pyenv's versions and in the usual folders); install one of them"
  exit 1
fi
lambda_python=$(find_python "${oldest[@]}")

# uv installs both environments; it is itself installed from a hash-pinned requirements file.
uv=.tools/uv/bin/uv
if ! cmp -s requirements/uv.txt .tools/uv/installed.txt; then
  say "installing uv"
  rm -rf .tools/uv
  if ! "$python" -m venv .tools/uv >&2; then
    say "$python cannot make a virtual environment (on Debian: apt-get install python3-venv)"
    exit 1
  fi
  .tools/uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt >&2
  cp requirements/uv.txt .tools/uv/installed.txt
fi

# make_environment FOLDER INTERPRETER REQUIREMENTS [DISTRIBUTION...]
# The distributions are the repository's own: installed as they lie here, so that an edit needs no second installation.
make_environment() {
  local folder=$1 interpreter=$2 requirements=$3 stamp distribution
  shift 3
  stamp=$("$interpreter" -c 'import sys; print(sys.version)'; cat "$requirements" "${@/%//pyproject.toml}")
  if [ -f "$folder/installed.txt" ] && [ "$stamp" = "$(cat "$folder/installed.txt")" ]; then
    return 0
  fi
  say "making $folder with $("$interpreter" --version) from $requirements"
  rm -rf "$folder"
  UV_PYTHON_DOWNLOADS=never "$uv" venv --quiet --python "$interpreter" "$folder" >&2
  "$uv" pip sync --quiet --require-hashes --python "$folder/bin/python" "$requirements" >&2
  for distribution in "$@"; do
    "$uv" pip install --quiet --no-deps --no-build-isolation --python "$folder/bin/python" --editable "$distribution" >&2
  done
  printf '%s\n' "$stamp" > "$folder/installed.txt"
}

if [ "${1:-}" = .venv-checkov ]; then
  make_environment .venv-checkov "$python" requirements/checkov.txt
else
  make_environment .venv "$python" requirements/dev.txt . ./localcloud
  make_environment .venv-oldest "$lambda_python" requirements/py38.txt
fi
