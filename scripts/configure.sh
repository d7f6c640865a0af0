#!/usr/bin/env bash
# Runs CMake for a build folder, if it was never run there or would be run with other settings now.
# usage: scripts/configure.sh BUILD_DIR CMAKE_ARGUMENT...
set -euo pipefail

readonly root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly build=$1
shift
readonly settings=$build/configured-with   # written last, so that an interrupted run is run again
wanted=$(printf '%s\n' "$@")

if [ ! -f "$build/build.ninja" ] || [ "$(cat "$settings" 2> /dev/null || true)" != "$wanted" ]; then
  rm -f "$settings"
  cmake -S "$root" -B "$build" -G Ninja "$@"
  printf '%s\n' "$wanted" > "$settings"
fi
