#!/usr/bin/env bash
# Installs what PyTorch's operator database imports beside torch, into a folder of its own: no Python is changed.
#
# usage: scripts/python_packages.sh PYTHON FOLDER
set -euo pipefail

readonly python=${1:?usage: scripts/python_packages.sh PYTHON FOLDER} folder=${2:?}
readonly packages=(numpy expecttest)

PYTHONPATH=$folder "$python" -c "import ${packages[0]}, ${packages[1]}" 2> /dev/null && exit
echo "setup: installing ${packages[*]} into $folder" >&2
"$python" -m pip install --disable-pip-version-check --quiet --target "$folder" "${packages[@]}" < /dev/null >&2 || {
  echo "setup: pip could not install ${packages[*]} (its own words are above): is there a network, and has $python pip?" >&2
  exit 2
}
