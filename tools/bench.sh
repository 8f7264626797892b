#!/bin/sh
# `npm run bench [NAME [PART…]]`: runs the benchmarks under bench/ with the Node that wherry brings. All, one, or parts of one.
set -eu
home=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
. "$home/tools/setup.sh"
ensure_setup "$home"
cd "$home"
wanted=${1:-}
[ $# -eq 0 ] || shift
for file in bench/*.ts; do
  name=$(basename "$file" .ts)
  if [ -n "$wanted" ] && [ "$wanted" != "$name" ]; then continue; fi
  echo "## $name"
  "$WHERRY_NODE" --disable-warning=ExperimentalWarning "$file" "$@"
done
