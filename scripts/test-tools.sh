#!/bin/sh
# The tests drive real programs. Where one is missing and this is Debian with root rights, install it.
set -eu

missing=
for tool in age:age git:git strace:strace flock:util-linux bash:bash zsh:zsh fish:fish; do
  command -v "${tool%%:*}" >/dev/null 2>&1 || missing="$missing ${tool#*:}"
done
# Debian keeps the server out of PATH.
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing="$missing postgresql"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  apt-get update -qq
  # shellcheck disable=SC2086 # a list of words
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
  echo "the tests need these packages first:$missing" >&2
  exit 1
fi
