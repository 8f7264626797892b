#!/bin/sh
# `npm run bench [NAME]`: runs the benchmarks under bench/ with the Node that wherry brings.
set -eu
home=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
. "$home/tools/setup.sh"
ensure_setup "$home"
cd "$home"
for file in bench/*.ts; do
  name=$(basename "$file" .ts)
  case $name in *.test) continue ;; esac
  if [ $# -gt 0 ] && [ "$1" != "$name" ]; then continue; fi
  echo "## $name"
  "$WHERRY_NODE" --disable-warning=ExperimentalWarning "$file"
done
