# shellcheck shell=bash
# Runs checks side by side and reports them in the order in which they were named. To be sourced:
#
#   check NAME COMMAND...   starts a command, which may be a function
#   finish PREFIX           waits for all and prints a line for each, with the last of its output, or all of it if it failed; fails
#                           if any failed
#
# Nothing that bash 3.2 lacks (the one of macOS) is used.
check_names=()
check_pids=()
check_logs=$(mktemp -d)
trap 'rm -rf "$check_logs"' EXIT
trap 'kill "${check_pids[@]}" 2>/dev/null; exit 130' INT TERM

check() {
  local name=$1
  shift
  "$@" >"$check_logs/${#check_names[@]}" 2>&1 &
  check_pids+=($!)
  check_names+=("$name")
}

finish() {
  local prefix=$1 index last failed=
  for index in "${!check_names[@]}"; do
    if wait "${check_pids[index]}"; then
      last=$(tail -n 1 "$check_logs/$index")
      printf '%s: %-20s ok%s\n' "$prefix" "${check_names[index]}" "${last:+  $last}"
    else
      printf '%s: %-20s FAILED\n' "$prefix" "${check_names[index]}"
      cat "$check_logs/$index"
      failed+=", ${check_names[index]}"
    fi
  done
  if [ "$failed" ]; then
    printf '%s: failed: %s\n' "$prefix" "${failed#, }"
    return 1
  fi
  printf '%s: all %d passed\n' "$prefix" "${#check_names[@]}"
}
