#!/usr/bin/env bash
# Makes a Debian machine ready to build: installs the packages of debian-packages.txt that are missing, and finds or
# installs LibTorch (the `torch` wheel). Quick when nothing is missing.
#
# usage: scripts/setup.sh [FILE]
#   FILE gets the path of the Python whose torch is to be used; the choice found there is kept while it still works.
#
# Environment:
#   LIBTORCH_PYTHON        use the torch of this Python
#   REMOTE_SKIP_PACKAGES=1 install no system packages
#   PIP_INDEX_URL, ...     pip's own settings choose where the wheel comes from, for instance an index with CPU builds
set -euo pipefail
shopt -s inherit_errexit

readonly torch_version=2.13.0   # installed where no torch is found
readonly torch_minimum=2.11     # accepted where one is found
readonly root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly record=${1:-}

say() { echo "setup: $*" >&2; }
fail() { say "$*"; exit 2; }

install_packages() {
  local packages installed missing=()
  packages=$(sed -e 's/#.*//' -e 's/[[:space:]].*//' -e '/^$/d' "$root/scripts/debian-packages.txt")
  command -v dpkg-query > /dev/null && command -v apt-get > /dev/null ||
    fail "this is no Debian system: install what scripts/debian-packages.txt lists, then set REMOTE_SKIP_PACKAGES=1"
  # A package that apt knows only by another's Provides is installed, too.
  installed=$(dpkg-query -W -f='${db:Status-Status} ${binary:Package} ${Provides}\n' | sed -n 's/^installed //p' |
    sed -e 's/([^)]*)//g' | tr -s ', ' '\n' | sed 's/:.*//' | sort -u)
  for package in $packages; do
    grep -qxF -- "$package" <<< "$installed" || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return

  say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo > /dev/null ||
      fail "system packages are missing and there is no sudo: as root, run: apt-get install ${missing[*]}"
    as_root=(sudo)
    [ -t 0 ] || as_root+=(-n)   # nobody is there to type a password
    "${as_root[@]}" true || fail "sudo was refused: as root, run: apt-get install ${missing[*]}"
  fi
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300)
  "${apt[@]}" update < /dev/null >&2 ||
    fail "apt-get update failed: is there a network, and are the sources in /etc/apt reachable?"
  "${apt[@]}" install --no-install-recommends "${missing[@]}" < /dev/null >&2 ||
    fail "apt-get could not install ${missing[*]} (its own words are above): is there a network, and is this Debian 12 or newer?"
}

# Succeeds where $1 is a Python whose torch is recent enough and has LibTorch in it. Never imports torch.
has_torch() {
  [ -x "$(command -v "$1")" ] && "$1" - "$torch_minimum" 2> /dev/null << 'PYTHON'
import importlib.util, os, re, sys
spec = importlib.util.find_spec("torch")
if not spec or not spec.submodule_search_locations:
    sys.exit(1)
folder = spec.submodule_search_locations[0]
text = open(os.path.join(folder, "version.py")).read()
version = re.search(r"__version__\s*=\s*'(\d+)\.(\d+)", text)
enough = version and [int(part) for part in version.groups()] >= [int(part) for part in sys.argv[1].split(".")]
sys.exit(0 if enough and os.path.exists(os.path.join(folder, "lib", "libtorch_cpu.so")) else 1)
PYTHON
}

# Prints a Python that can make a virtual environment with pip in it and is recent enough for the wheel.
python_for_venv() {
  local python
  for python in python3 /usr/bin/python3 python3.13 python3.12 python3.11 python3.10; do
    if "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2> /dev/null; then
      command -v "$python"
      return
    fi
  done
  fail "no Python >= 3.10 that has the modules venv and ensurepip: install the package python3-venv"
}

install_torch() {
  local venv=$root/.venv python
  # Without pip: not there, interrupted, or made by a tool that leaves pip out. venv adds what is missing.
  if ! "$venv/bin/python" -m pip --version > /dev/null 2>&1; then
    python=$(python_for_venv)
    say "making the virtual environment .venv with $python"
    "$python" -m venv "$venv" >&2 || fail "could not make the virtual environment $venv"
  fi
  say "installing torch==$torch_version into .venv"
  "$venv/bin/python" -m pip install --disable-pip-version-check --quiet "torch==$torch_version" < /dev/null >&2 ||
    fail "pip could not install torch==$torch_version (its own words are above): is there a network? Or set LIBTORCH_PYTHON to a Python that has torch >= $torch_minimum"
  has_torch "$venv/bin/python" || fail "torch==$torch_version was installed but holds no LibTorch: $venv"
  install_cuda_headers "$venv/bin/python"
}

# A CUDA 13 wheel brings the CUDA runtime's library but not all of its headers; with them CUDA code can be compiled.
install_cuda_headers() {
  local cuda
  cuda=$("$1" -c 'import importlib.util as u, os, re
folder = u.find_spec("torch").submodule_search_locations[0]
found = re.search(r"^cuda.*\x27(1[3-9]\.\d+)\x27", open(os.path.join(folder, "version.py")).read(), re.M)
print(found.group(1) if found else "")')
  [ -n "$cuda" ] || return 0
  "$1" -m pip install --disable-pip-version-check --quiet "nvidia-cuda-crt==$cuda.*" "nvidia-cuda-cccl==$cuda.*" \
    < /dev/null >&2 || say "no CUDA headers for CUDA $cuda: the build will be for the CPU only"
}

# Prints the Python to use, installing torch where none has it.
choose_python() {
  local python
  if [ -n "${LIBTORCH_PYTHON:-}" ]; then
    has_torch "$LIBTORCH_PYTHON" || fail "LIBTORCH_PYTHON=$LIBTORCH_PYTHON has no torch >= $torch_minimum: unset it, or install torch there"
    command -v "$LIBTORCH_PYTHON"
    return
  fi
  for python in "$(cat "$record" 2> /dev/null || true)" "${VIRTUAL_ENV:+$VIRTUAL_ENV/bin/python}" \
      "$root/.venv/bin/python" python3; do
    if [ -n "$python" ] && has_torch "$python"; then
      command -v "$python"
      return
    fi
  done
  install_torch
  echo "$root/.venv/bin/python"
}

[ "${REMOTE_SKIP_PACKAGES:-0}" = 1 ] || install_packages
python=$(choose_python)
if [ -n "$record" ] && [ "$(cat "$record" 2> /dev/null || true)" != "$python" ]; then
  mkdir -p "$(dirname "$record")"
  echo "$python" > "$record"
  say "LibTorch comes from $python"
fi
