#!/bin/sh
# The tests drive real programs. Where one is missing and this is Debian with root rights, install it.
set -eu
scripts=$(dirname "$0")

# program:package, by Debian's names. Some are on every Debian; elsewhere they may be others of the same name, or none.
TOOLS='age:age git:git strace:strace flock:util-linux prlimit:util-linux setpriv:util-linux
  unshare:util-linux script:bsdutils mount:mount ps:procps pgrep:procps perl:perl bash:bash zsh:zsh fish:fish
  openssl:openssl'

missing_packages() {
  {
    for tool in $TOOLS; do
      command -v "${tool%%:*}" >/dev/null 2>&1 || echo "${tool#*:}"
    done
    sh "$scripts/postgres-programs.sh" >/dev/null || echo postgresql
  } | uniq | tr '\n' ' ' | sed 's/ $//'
}

missing=$(missing_packages)
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  # Another apt-get may be at work, and a mirror may fail once.
  apt() {
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3 "$@" >/dev/null
  }
  # What apt could not do shows in what is missing afterwards, all of it.
  # shellcheck disable=SC2086 # a list of words
  { apt update && apt install -y --no-install-recommends $missing; } || true
  missing=$(missing_packages)
fi
if [ -n "$missing" ]; then
  echo "the tests need these packages first: $missing" >&2
  if command -v apt-get >/dev/null 2>&1; then
    echo "hint: sudo apt-get install -y --no-install-recommends $missing" >&2
  fi
  exit 1
fi
