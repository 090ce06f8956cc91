#!/bin/sh
# Installs the packages of a server into a virtual environment in its folder: sh setup.sh FOLDER
set -eu
cd "$1"
# MLServer needs a Python older than 3.13, and all servers get the same one, which is fair.
for python in python3.12 python3.11 python3; do
  if "$python" --version >/dev/null 2>&1; then break; fi
done
"$python" -m venv .venv
PIP_USER=0 .venv/bin/pip install --quiet --only-binary :all: --require-hashes --requirement requirements.txt
