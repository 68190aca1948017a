#!/bin/sh
# The tests drive real programs. Where one is missing and this is Debian with root rights, install it.
set -eu

missing_packages() {
  for tool in age:age git:git strace:strace flock:util-linux ps:procps bash:bash zsh:zsh fish:fish openssl:openssl; do
    command -v "${tool%%:*}" >/dev/null 2>&1 || printf ' %s' "${tool#*:}"
  done
}

missing=$(missing_packages)
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  # Another apt-get may be at work, and a mirror may fail once.
  apt() {
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3 "$@" >/dev/null
  }
  apt update
  # shellcheck disable=SC2086 # a list of words
  apt install -y --no-install-recommends $missing
  missing=$(missing_packages)
fi
if [ -n "$missing" ]; then
  echo "the tests need these packages first:$missing" >&2
  exit 1
fi
