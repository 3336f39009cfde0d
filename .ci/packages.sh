# shellcheck shell=bash disable=SC2034
# Sourced by quickstart, check and .ci/run, never run: which Debian and Ubuntu packages the project needs, and how the
# missing ones are installed. `a|b` means: a where the archive has it, else b.

build_packages=(
  cmake ninja-build pkg-config clang-19 libc6-dev
  liburing-dev libssl-dev "libllhttp-dev|node-llhttp" libpugixml-dev libc-ares-dev libexpected-dev libfmt-dev
  nlohmann-json3-dev libyaml-cpp-dev libisal-dev libcli11-dev
)

test_packages=(
  ccache g++ lld-19 llvm-19 libclang-rt-19-dev clang-format-19 git python3
  libgtest-dev libgmock-dev libbenchmark-dev libseccomp-dev
  nginx-light wrk curl openssl groff-base zsh
)

# Programs nobody here wrote, which the integration tests drive. A release that has dropped one of them still runs the
# rest: the tests that need it say so.
peer_packages=(
  radosgw ceph-mon ceph-osd ceph-common docker-registry skopeo umoci
  awscli s3cmd rclone python3-boto3 python3-botocore
)

say() { printf '%s\n' "$*"; }
die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

is_installed() { [[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]; }

has_candidate() {
  local candidate
  candidate=$(LC_ALL=C apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: //p')
  [[ -n "$candidate" && "$candidate" != "(none)" ]]
}

# The first of `a|b` that can be installed, or nothing.
candidate_of() {
  local alternative
  for alternative in ${1//|/ }; do
    if has_candidate "$alternative"; then
      printf '%s\n' "$alternative"
      return
    fi
  done
}

# The alternatives of each name that is not installed, `a|b` as given.
missing_of() {
  local name alternative found
  for name in "$@"; do
    found=
    for alternative in ${name//|/ }; do
      if is_installed "$alternative"; then found=1; fi
    done
    [[ -n "$found" ]] || printf '%s\n' "$name"
  done
}

# True on the systems whose package names are those above.
is_known_system() {
  local ID="" VERSION_ID=""
  [[ -r /etc/os-release ]] || return 1
  . /etc/os-release
  command -v apt-get >/dev/null && command -v dpkg-query >/dev/null || return 1
  case "$ID" in
    debian) [[ -z "$VERSION_ID" ]] || ((${VERSION_ID%%.*} >= 12)) ;;
    ubuntu) ((${VERSION_ID%%.*} >= 24)) ;;
    *) return 1 ;;
  esac
}

as_root() {
  if ((EUID == 0)); then
    "$@"
  else
    sudo "$@"
  fi
}

# Services that a package brings must stay off: the tests start their own. Debian asks this file before it starts one.
policy_file=/usr/sbin/policy-rc.d
policy_is_ours=
remove_policy() {
  if [[ -n "$policy_is_ours" ]]; then as_root rm -f "$policy_file"; fi
  policy_is_ours=
}
forbid_service_starts() {
  [[ -e "$policy_file" ]] && return
  trap remove_policy EXIT
  policy_is_ours=1
  printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy_file" >/dev/null
  as_root chmod 755 "$policy_file"
}

# install_packages NAME...: installs those that are missing; stops when that cannot be done. Names that begin with `?`
# are wanted but may be absent from the archive, and are then named in RINGPULL_ABSENT_PACKAGES for the tests.
install_packages() {
  local missing=() chosen=() absent=() name pick
  mapfile -t missing < <(missing_of "${@#\?}")
  ((${#missing[@]})) || return 0

  if ! is_known_system; then
    say "This script installs packages on Debian 12 and Ubuntu 24.04 or later, and this is another system."
    say "Install these (Debian's names), then build with: cmake --workflow --preset release"
    say "  ${missing[*]}"
    exit 1
  fi
  if ((EUID != 0)) && ! command -v sudo >/dev/null; then
    say "Packages are missing, and installing them takes root or sudo. As root:"
    say "  apt-get update && apt-get install --no-install-recommends ${missing[*]%%|*}"
    exit 1
  fi

  for name in "${missing[@]}"; do
    [[ -z "$(candidate_of "$name")" ]] || continue
    # What may be absent is not asked for again and again.
    if [[ " $* " != *" ?$name "* || -z "$(find /var/lib/apt/lists -maxdepth 0 -mmin -1440)" ]]; then
      say "Refreshing the package lists (apt-get update)"
      as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
      break
    fi
  done
  for name in "${missing[@]}"; do
    pick=$(candidate_of "$name")
    if [[ -n "$pick" ]]; then
      chosen+=("$pick")
    elif [[ " $* " == *" ?$name "* ]]; then
      absent+=("$name")
    else
      die "the package $name is not in this system's archive; add the archive that has it (on Ubuntu: universe)"
    fi
  done
  if ((${#absent[@]})); then
    say "Not in this system's archive, so ctest will list the tests that need them as skipped: ${absent[*]}"
    export RINGPULL_ABSENT_PACKAGES=${absent[*]}
  fi
  ((${#chosen[@]})) || return 0
  say "Installing ${#chosen[@]} packages: ${chosen[*]}"
  forbid_service_starts
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${chosen[@]}" >/dev/null
  remove_policy
}

# quietly LOG COMMAND...: on a terminal the command shows its progress; elsewhere its output goes to LOG, whose end is
# printed when the command fails.
quietly() {
  local log=$1
  shift
  if [[ -t 1 ]]; then
    "$@"
  elif ! "$@" >"$log" 2>&1; then
    tail -n 60 "$log" >&2
    die "failed: $* (the whole output: $log)"
  fi
}
