#!/usr/bin/env bash
# Every test and static check: what needs little but waiting (applies on the local cloud) runs beside what needs the processors.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
# shellcheck source=scripts/parallel.sh
. scripts/parallel.sh

check "lint" scripts/lint.sh
# What holds for any message is searched on the newest Python; the oldest has to run it.
check "oldest Python" env PROPERTY_EXAMPLES=25 .venv-oldest/bin/python -m pytest -q -c tests/oldest.ini --rootdir=. tests/unit/transform tests/unit/clip_fetch
printf 'test: lint and the tests on the oldest Python run beside the others and are reported at the end\n'

# More at a time than there are cores: an apply, which a group of tests shares, is mostly waiting for the provider's timers.
.venv/bin/python -m pytest -q -n 5 --dist loadgroup -m 'not localstack' &
tests=$!
check_pids+=("$tests") # so that it ends with the others when this script is ended
status=0
wait "$tests" || status=1
finish test || status=1
exit "$status"
