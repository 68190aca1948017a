#!/bin/sh
# Runs the README's two commands on a machine as it was just installed: a minimal Debian, made with debootstrap, with git,
# certificates, and the Node and npm that run here. What is missing in the README, and is on every machine of ours, shows
# here alone. As root, in half an hour or more:
#
#   sh scripts/fresh-machine.sh              both commands as root, and the first as a user without rights
#   sh scripts/fresh-machine.sh --tour       the first one alone, as both
#   sh scripts/fresh-machine.sh -- COMMAND   instead of the README's, this one, as root, in the clone
#
# --keep leaves the root directory there. What is tested is the last commit. Ends with 1 and the name of what failed.
set -eu

RELEASE=bookworm
MACHINE_PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# What it takes to reach the registries from here, whatever that is: the settings of proxies, mirrors and certificates.
NETWORK_VARIABLES='^(https?_proxy|no_proxy|all_proxy|HTTPS?_PROXY|NO_PROXY|ALL_PROXY|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|SSL_CERT_DIR|GIT_SSL_CAINFO|CURL_CA_BUNDLE)='
NPM_SETTINGS='(@[^:=]+:)?registry|//[^=]+|ca|ca\[\]|cafile|cert|key|proxy|https?-proxy|noproxy|strict-ssl|replace-registry-host|fetch-[a-z]+'

checkout=$(cd "$(dirname "$0")/.." && pwd)

say() {
  echo "== $*"
}

fail() {
  echo "fresh-machine: $*" >&2
  exit 1
}

main() {
  keep= only= command=
  while [ $# -gt 0 ]; do
    case $1 in
    --keep) keep=yes ;;
    --tour) only=tour ;;
    --)
      shift
      command=$*
      [ -n "$command" ] || fail 'what is to be run after --?'
      break
      ;;
    *) fail "unknown argument '$1'; the beginning of $0 says which there are" ;;
    esac
    shift
  done
  [ "$(id -u)" = 0 ] || fail 'only root can make and enter such a machine'
  for program in debootstrap unshare pivot_root setpriv setsid node npm git; do
    command -v "$program" >/dev/null || fail "$program is not installed"
  done
  [ -z "$(git -C "$checkout" status --porcelain)" ] || say 'changes that are not committed are not tested'

  # For root alone, since credentials of registries may be copied into it.
  work=$(mktemp -d "${TMPDIR:-/tmp}/fresh-machine-XXXXXX")
  inside=
  trap clean_up EXIT
  # The process that waits is ended with everything that it started: see below.
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP PIPE
  # Mounts and processes are in namespaces of their own, and end with them, however this ends.
  KEEP=$keep ONLY=$only COMMAND=$command unshare --mount --pid --fork --kill-child --mount-proc \
    sh "$checkout/scripts/fresh-machine.sh" --inside "$work" </dev/null &
  inside=$!
  status=0
  wait "$inside" || status=$?
  inside=
  exit "$status"
}

clean_up() {
  trap '' INT TERM HUP
  if [ -n "$inside" ]; then
    kill -KILL "$inside" 2>/dev/null || true
    wait "$inside" 2>/dev/null || true
  fi
  if [ -n "$keep" ]; then
    say "kept: $work/root"
    return
  fi
  # What was just killed may still be writing.
  for _ in 1 2 3 4 5; do
    rm -rf --one-file-system "$work" 2>/dev/null && return
    sleep 1
  done
  echo "fresh-machine: $work could not be removed" >&2
}

# In the namespaces: makes the machine, and runs the steps in it.
inside() {
  work=$1
  root=$work/root
  say "Debian $RELEASE, Node $(node --version), npm $(npm --version)"
  make_root
  copy_node
  carry_network
  copy_checkout
  enter_root
  run_steps
}

make_root() {
  # An apt of the host's may go through a proxy that debootstrap knows by this variable alone.
  eval "$(apt-config shell http_proxy Acquire::http::Proxy 2>/dev/null || true)"
  if [ -n "${http_proxy:-}" ]; then
    export http_proxy
  fi
  mirror=$(apt-get indextargets --format "\$(RELEASE) \$(REPO_URI)" 'Created-By: Packages' 2>/dev/null |
    sed -n "s/^$RELEASE //p" | head -n 1)
  # shellcheck disable=SC2086 # none where the host has no mirror of that release
  debootstrap --variant=minbase --include=git,ca-certificates "$RELEASE" "$root" $mirror >"$work/debootstrap.log" 2>&1 || {
    tail -n 20 "$work/debootstrap.log" >&2
    fail 'debootstrap failed'
  }
  chroot "$root" useradd --create-home --shell /bin/bash guest
}

copy_node() {
  modules=$root/usr/local/lib/node_modules
  mkdir -p "$modules"
  cp "$(node -p process.execPath)" "$root/usr/local/bin/node"
  cp -R "$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")" "$modules/npm"
  for name in npm npx; do
    ln -s "../lib/node_modules/npm/bin/$name-cli.js" "$root/usr/local/bin/$name"
  done
  chroot "$root" /usr/bin/env -i "PATH=$MACHINE_PATH" npm --version >/dev/null || fail 'this Node does not run on it'
}

carry_network() {
  for file in /etc/hosts /etc/resolv.conf; do
    if [ -e "$file" ]; then
      # A link there may lead to what only a running system has.
      rm -f "$root$file"
      cp -L "$file" "$root$file"
    fi
  done
  if [ -d /usr/local/share/ca-certificates ]; then
    cp -R /usr/local/share/ca-certificates/. "$root/usr/local/share/ca-certificates/"
    chroot "$root" update-ca-certificates >/dev/null 2>&1
  fi
  apt-config dump 2>/dev/null | grep '^Acquire::' | grep -vE '^Acquire::(IndexTargets|cdrom)' \
    >"$root/etc/apt/apt.conf.d/99network" || true
  for file in /etc/apt/auth.conf /etc/apt/auth.conf.d; do
    [ ! -e "$file" ] || cp -R "$file" "$root/etc/apt/"
  done

  # Later lines count: the user's own before those of the machine.
  mkdir -p "$root/usr/local/etc"
  for file in "$(npm config get globalconfig)" "$(npm config get userconfig)"; do
    [ ! -f "$file" ] || grep -E "^ *($NPM_SETTINGS) *=" "$file" || true
  done >"$root/usr/local/etc/npmrc"
  env | grep -E "$NETWORK_VARIABLES" >"$root/network-variables" || true
  env | grep -iE '^npm_config_(registry|cafile|proxy|https_proxy|noproxy|strict_ssl)=' >>"$root/network-variables" || true

  # Files and directories with certificates, where those settings say that they are.
  sed -n 's/^[^=]*= *"\{0,1\}\(\/[^"]*\)"\{0,1\}$/\1/p' "$root/usr/local/etc/npmrc" "$root/network-variables" | sort -u |
    while read -r path; do
      if [ -f "$path" ]; then
        mkdir -p "$root$(dirname "$path")"
        cp -L "$path" "$root$path"
      elif [ -d "$path" ]; then
        mkdir -p "$root$path"
        cp -RLn "$path/." "$root$path/" 2>/dev/null || true
      fi
    done
}

copy_checkout() {
  commit=$(git -C "$checkout" rev-parse HEAD)
  for home in root home/guest; do
    clone=$root/$home/mesa-auth
    git clone --quiet --no-checkout --no-hardlinks "$checkout" "$clone"
    git -C "$clone" checkout --quiet --detach "$commit"
  done
  chroot "$root" chown -R guest:guest /home/guest/mesa-auth
  say "commit $(git -C "$checkout" log -1 --format='%h %s')"
}

# By pivot_root, because in a chroot no user namespace can be made, and nothing be mounted by those who make one.
enter_root() {
  mount --bind "$root" "$root"
  mount -t proc proc "$root/proc"
  mount --rbind /sys "$root/sys"
  mount --rbind /dev "$root/dev"
  mkdir -p "$root/dev/shm" "$root/host"
  mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
  cd "$root"
  pivot_root . host
  umount -l /host
  rmdir /host
}

run_steps() {
  if [ -n "$COMMAND" ]; then
    step root 'npm ci'
    step root "$COMMAND"
  else
    # The commands are those of the README, so that it cannot say anything else.
    commands=$(sed -n 's/ *#.*//; /^npm ci && npm /p' /root/mesa-auth/README.md)
    tour=$(echo "$commands" | sed -n 1p)
    tests=$(echo "$commands" | sed -n 2p)
    [ -n "$tests" ] && [ "$(echo "$commands" | wc -l)" = 2 ] || fail 'README.md does not have two commands'
    step guest "$tour"
    step root "$tour"
    [ "$ONLY" = tour ] || step root "$tests"
  fi
  say 'everything passed'
}

# Runs a command as somebody, in the clone of theirs, without a terminal and with standard input closed.
step() {
  user=$1 line=$2
  home=$(getent passwd "$user" | cut -d: -f6)
  say "as $user: $line"
  started=$(date +%s)
  status=0
  (
    cd "$home/mesa-auth" || exit 1
    # Variables have no newlines in them: they are addresses and paths.
    IFS='
'
    set -f
    # shellcheck disable=SC2046 # a variable each
    exec env -i --default-signal $(cat /network-variables) "HOME=$home" "USER=$user" "PATH=$MACHINE_PATH" CI=true \
      setsid --wait setpriv "--reuid=$user" "--regid=$user" --init-groups sh -c "$line" <&-
  ) || status=$?
  say "as $user: $line: status $status after $(($(date +%s) - started)) seconds"
  [ "$status" = 0 ] || fail "failed as $user: $line"
}

if [ "${1:-}" = --inside ]; then
  inside "$2"
else
  main "$@"
fi
