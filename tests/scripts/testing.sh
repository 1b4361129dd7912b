# What the tests of the scripts share. Sourced by them; they run in the root of
# the repository, each with a directory of its own in $TEST_DIR.
# shellcheck shell=bash
set -euo pipefail

TEST_DIR=$(mktemp -d)
TEST_NAME=
trap 'rm -rf "$TEST_DIR"' EXIT

# fail WORD...: ends the test.
fail() {
  echo "FAILED: $TEST_NAME: $*" >&2
  exit 1
}

# expect_equal WANTED GOT WORD...
expect_equal() {
  [[ $1 == "$2" ]] || fail "${*:3}: wanted '$1', got '$2'"
}

# expect_exit CODE COMMAND...: what COMMAND prints goes to $TEST_DIR/output.
expect_exit() {
  local wanted=$1 code=0
  shift
  "$@" >"$TEST_DIR/output" 2>&1 || code=$?
  [[ $code == "$wanted" ]] ||
    fail "exit code $code instead of $wanted from: $* ($(tail -n 5 "$TEST_DIR/output"))"
}

# expect_output PATTERN: of the command before.
expect_output() {
  grep -q -- "$1" "$TEST_DIR/output" || fail "no '$1' in: $(cat "$TEST_DIR/output")"
}

# run_tests: every function called test_…, in the order of their names, with an
# empty $TEST_DIR.
run_tests() {
  local count=0
  for TEST_NAME in $(compgen -A function test_); do
    find "$TEST_DIR" -mindepth 1 -delete
    "$TEST_NAME"
    count=$((count + 1))
  done
  ((count > 0)) || fail "there is no test"
  echo "$count tests passed"
}
