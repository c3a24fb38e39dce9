#!/usr/bin/env bash
# Every test and static check: what needs little but waiting (applies on the local cloud) runs beside what needs the processors.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
logs=build/test
mkdir -p "$logs"
names=()
pids=()

# aside NAME COMMAND...: runs a command beside the others; what it prints is shown when all have ended.
aside() {
  local name=$1
  shift
  printf 'test: %s runs beside the tests (%s)\n' "$name" "$logs/$name.log"
  "$@" >"$logs/$name.log" 2>&1 &
  names+=("$name")
  pids+=($!)
}

end_all() {
  trap - INT TERM
  kill "${pids[@]}" 2>/dev/null
  wait
  exit 130
}
trap end_all INT TERM

aside lint tools/lint.sh
aside "oldest" .venv-oldest/bin/python -m pytest -q -c tests/oldest.ini --rootdir=. tests/transform tests/clip_fetch

# More at a time than there are cores: an apply, which a group of tests shares, is mostly waiting for the provider's timers.
.venv/bin/python -m pytest -q -n 5 --dist loadgroup -m 'not localstack' &
pids+=($!)
failed=()
wait "$!" || failed+=("the tests")

for index in "${!names[@]}"; do
  wait "${pids[index]}" || failed+=("${names[index]}")
  printf '\n'
  cat "$logs/${names[index]}.log"
done

if [ "${#failed[@]}" -gt 0 ]; then
  printf 'test: failed: %s\n' "${failed[*]}"
  exit 1
fi
