#!/bin/sh
# `npm test`: sets up what is missing, then runs all checks and tests. Arguments choose stages: checks, unit, root, e2e.
set -eu
home=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
. "$home/tools/setup.sh"
ensure_setup "$home"
case " $* " in "  " | *" root "*) setup_debian_for_tests "$home" ;; esac
cd "$home"
exec "$WHERRY_NODE" --disable-warning=ExperimentalWarning tools/test.ts "$@"
