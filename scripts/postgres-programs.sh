#!/bin/sh
# Prints the directory with the programs of a PostgreSQL server, the newest one; ends with 1 where there is none.
# Debian keeps them out of PATH, a directory for each version; one with the client alone has no initdb.
set -u

is_server() {
  for program in initdb postgres pg_isready pg_dump; do
    [ -x "$1/$program" ] || return 1
  done
}

# MESA_TEST_POSTGRES_ROOT: for the tests of this search.
for directory in $(ls -d "${MESA_TEST_POSTGRES_ROOT:-/usr/lib/postgresql}"/*/bin 2>/dev/null | sort -Vr); do
  if is_server "$directory"; then
    echo "$directory"
    exit 0
  fi
done

# Elsewhere they are in PATH.
found=$(command -v initdb) || exit 1
directory=$(dirname "$found")
is_server "$directory" || exit 1
echo "$directory"
