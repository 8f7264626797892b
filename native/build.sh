#!/bin/sh
# Compiles the native helper into dist/wherry-native (or the file named as first argument) with nothing but a C compiler.
# Linked statically when libc.a is there: containers then never see a library of the host through it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/../dist/wherry-native}
mkdir -p "$(dirname "$out")"
flags="-std=gnu11 -O2 -Wall -Wextra -Wno-missing-field-initializers -fno-plt -D_FORTIFY_SOURCE=2 -fstack-protector-strong"
temporary="$out.$$"
# shellcheck disable=SC2086 # a list of flags
${CC:-cc} $flags -static -s -o "$temporary" "$here"/*.c 2>/dev/null ||
  ${CC:-cc} $flags -s -o "$temporary" "$here"/*.c
mv "$temporary" "$out"

# The image store's small program for device nodes and extended attributes stands beside it.
nodes=$(dirname "$out")/wherry-nodes
# shellcheck disable=SC2086 # a list of flags
${CC:-cc} $flags -static -s -o "$nodes.$$" "$here"/nodes/nodes.c 2>/dev/null ||
  ${CC:-cc} $flags -s -o "$nodes.$$" "$here"/nodes/nodes.c
mv "$nodes.$$" "$nodes"
