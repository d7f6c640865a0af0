#!/usr/bin/env bash
# Trains the shipped configs on the full data, embedded and through a separate rt-worker, and holds each to its target.
#
# usage: scripts/accuracy.sh BIN_DIR [TEXT]
#   TEXT is what char_gpt.yaml trains on. Its target is the one known for tiny Shakespeare (1.1 MB); without TEXT the
#   config's own text is used and no target is held.
#
# Prints one line per run; exits 1 if any run failed or missed its target.
set -euo pipefail

readonly bin=${1:?usage: scripts/accuracy.sh BIN_DIR [TEXT]}
readonly text=${2:-}
readonly out=$(mktemp -d)
cd "$(dirname "${BASH_SOURCE[0]}")/.."

"$bin/rt-worker" --listen 127.0.0.1:0 --port-file "$out/port" > "$out/worker.log" 2>&1 &
readonly worker=$!
trap 'kill "$worker" 2> /dev/null || true' EXIT
for _ in $(seq 100); do
  [ -s "$out/port" ] && break
  kill -0 "$worker" 2> /dev/null || { cat "$out/worker.log" >&2; exit 1; }
  sleep 0.1
done
port=$(cat "$out/port")
readonly address=127.0.0.1:${port##*:}

missed=0
# train CONFIG WHERE METRIC CONDITION|- OVERRIDE...
train() {
  local config=$1 where=$2 metric=$3 condition=$4 run="$out/$1-$2" flags=() verdict=ok
  shift 4
  [ "$where" = worker ] && flags+=(--worker "$address")
  [ "$condition" = - ] || flags+=(--require "$metric$condition")
  if ! "$bin/rt-train" --config "configs/$config.yaml" --output "$run" "${flags[@]}" "$@" > "$run.log" 2>&1; then
    verdict="MISSED (see $run.log)"
    missed=1
  fi
  python3 - "$run/summary.json" "$config" "$where" "$metric" "$condition" "$verdict" << 'PYTHON'
import json, sys
path, config, where, metric, condition, verdict = sys.argv[1:]
try:
    summary = json.load(open(path))
    value, seconds = f"{summary['metrics'][metric]:.4f}", f"{summary.get('seconds', 0):.0f} s"
except (OSError, KeyError, ValueError):
    value, seconds = "none", "-"
print(f"{config:24} {where:9} {metric} {value:8} target {condition:8} {seconds:8} {verdict}", flush=True)
PYTHON
}

for where in embedded worker; do
  train fashion_mnist_mlp $where val/accuracy '>=0.855' trainer.epochs=2
  train fashion_mnist_cnn $where val/accuracy '>=0.900' trainer.epochs=3
  train fashion_mnist_resnet8 $where val/accuracy '>=0.912' trainer.epochs=6
  if [ -n "$text" ]; then
    train char_gpt $where val/loss '<=1.95' trainer.max_steps=2000 "data.path=$text"
  else
    train char_gpt $where val/loss - trainer.max_steps=2000
  fi
done
exit $missed
