# Shared by the scripts of this folder, which source it. Needs nothing but bash
# and coreutils, since it runs before anything is installed.
# shellcheck shell=bash

KEYWARD_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
KEYWARD_SCRIPT=${0##*/}
# The module that the development token uses.
# shellcheck disable=SC2034  # read by the scripts that source this file
SOFTHSM_MODULE=${SOFTHSM_MODULE:-/usr/lib/softhsm/libsofthsm2.so}

# log WORD...: progress, on stderr so that stdout stays a script's result.
log() { printf '%s: %s\n' "$KEYWARD_SCRIPT" "$*" >&2; }

# die WORD...: the reason, and exit 1.
die() {
  log "$*"
  exit 1
}

# usage_error WORD...: wrong usage, and exit 2.
usage_error() {
  log "$*"
  log "see $KEYWARD_SCRIPT --help"
  exit 2
}

# print_help FILE: the comment at the top of the script, without the shebang.
print_help() {
  sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$1"
}

# on_exit COMMAND: runs COMMAND when the script ends, however it ends. The last
# one given runs first. Signals end the script with their customary code.
ON_EXIT=()
on_exit() {
  if [[ ${#ON_EXIT[@]} -eq 0 ]]; then
    trap run_on_exit EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
  fi
  ON_EXIT+=("$1")
}

# The commands may read EXIT_CODE. One that fails does not keep the others from
# running, and none of them changes the script's own exit code.
run_on_exit() {
  EXIT_CODE=$?
  trap - EXIT
  trap '' HUP INT TERM
  set +e
  local i
  for ((i = ${#ON_EXIT[@]} - 1; i >= 0; i--)); do eval "${ON_EXIT[i]}"; done
  exit "$EXIT_CODE"
}

# run_quietly COMMAND...: shows what COMMAND said only if it failed.
run_quietly() {
  local file output code=0
  # Removed at once, so that nothing is left however the script ends.
  file=$(mktemp)
  exec {output}<>"$file"
  rm -f "$file"
  "$@" >&"$output" 2>&1 </dev/null || code=$?
  if ((code != 0)); then
    log "failed with exit code $code: $*"
    tail -n 60 "/dev/fd/$output" >&2
  fi
  exec {output}>&-
  return "$code"
}

# wait_until SECONDS COMMAND...: polls until COMMAND succeeds; fails after SECONDS.
wait_until() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < end)) || return 1
    sleep 0.05
  done
}

# is_running PID: whether the process exists and is not a zombie.
is_running() {
  local stat
  { IFS= read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  # The state follows the name, which is in parentheses and may hold any byte.
  [[ ${stat##*) } != Z* ]]
}

is_stopped() { ! is_running "$1"; }

# stop_process PID [SECONDS]: SIGTERM, SECONDS (10) to finish, then SIGKILL.
stop_process() {
  local grace=${2:-10}
  is_running "$1" || return 0
  kill -TERM "$1" 2>/dev/null || return 0
  wait_until "$grace" is_stopped "$1" && return 0
  log "process $1 did not stop in $grace seconds: killing it"
  kill -KILL "$1" 2>/dev/null || return 0
}

# tracked_files PATTERN...: the repository's own files, NUL-terminated. The
# clone may belong to someone else than the one who checks it.
tracked_files() {
  git -c safe.directory="$KEYWARD_ROOT" -C "$KEYWARD_ROOT" ls-files -z -- "$@"
}
