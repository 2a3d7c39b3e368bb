#!/bin/bash
# Installs the Debian packages of bazel/packages.txt that are missing. Run by `./weft setup` and
# before every build; says nothing when nothing is missing.
set -euo pipefail

readonly PACKAGES_FILE="${WEFT_PACKAGES_FILE:-$(dirname "$(readlink -f "$0")")/../packages.txt}"
readonly APT_FOLDER="${WEFT_APT_FOLDER:-/etc/apt}"
readonly OS_RELEASE="${WEFT_OS_RELEASE:-/etc/os-release}"  # The three are set by setup_test.sh.
readonly SUITE=bookworm
readonly SPACE_MIB_MIN=3072  # A fresh debian:12 takes 1.9 GiB, packages and their archives.

say() { printf 'weft: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

# Prints the names, or with "backports" the names so marked.
listed_packages() {
  sed -e 's/#.*//' "$PACKAGES_FILE" |
    awk -v mark="${1:-}" 'NF && (mark == "" || $2 == mark) { print $1 }'
}

missing_packages() {
  local installed
  installed=$(dpkg-query --show --showformat '${Package} ${db:Status-Abbrev}\n' 2>/dev/null |
    awk '$2 == "ii" { print $1 }')
  comm -23 <(listed_packages "${1:-}" | sort -u) <(sort -u <<<"$installed")
}

# Prints a field of os-release without its quotes.
release_field() { sed -n "s/^$1=//p" "$OS_RELEASE" 2>/dev/null | tr -d \" || true; }

require_supported_system() {
  local id version name
  id=$(release_field ID)
  version=$(release_field VERSION_ID)
  name=$(release_field PRETTY_NAME)
  [[ $id == debian && $version == 12 ]] ||
    fail "this machine runs ${name:-an unknown system}; Weft builds on Debian 12 (bookworm):" \
      "use such a machine or a debian:12 container"
}

# Sets AS_ROOT, the command prefix that makes a command run as root.
require_root() {
  AS_ROOT=(env)
  ((EUID == 0)) && return
  local script
  script=$(readlink -f "$0")
  command -v sudo >/dev/null ||
    fail "installing packages needs root and there is no sudo: run as root: $script"
  if [[ ! -t 0 ]] && ! sudo -n true 2>/dev/null; then
    fail "installing packages needs root and sudo wants a password: run: sudo $script"
  fi
  AS_ROOT=(sudo env)
}

# Requires room for so many missing packages; for a few, for what they may bring along.
require_space() {
  local free needed=$SPACE_MIB_MIN
  (($1 >= 10)) || needed=$((SPACE_MIB_MIN / 4))
  free=$(df --output=avail -BM /usr | tail -n 1 | tr -dc '0-9')
  ((free >= needed)) ||
    fail "only $free MiB are free on the disk of /usr; the packages need about $needed MiB:" \
      "free some space and run ./weft setup again"
}

# Prints a source entry for the suite's backports, made from the entry that the machine already
# has for the suite itself: same archive, same key, same options. The first line says the format.
backports_entry() {
  local file
  for file in "$APT_FOLDER"/sources.list.d/*.sources; do
    [[ -r $file ]] || continue
    awk -v suite="$SUITE" '
      function flush() {
        if (binary && matches && main && !done) {
          printf "sources\nTypes: deb\n%sSuites: %s-backports\nComponents: main\n", kept, suite
          done = 1
        }
        kept = ""; binary = matches = main = 0; enabled = 1; field = ""
      }
      BEGIN { enabled = 1 }
      /^#/ { next }
      /^[ \t]*$/ { flush(); next }
      /^[^ \t]/ { field = tolower($1) }
      {
        if (field == "types:") { if (" " $0 " " ~ / deb /) binary = 1; next }
        if (field == "suites:") {
          for (i = 1; i <= NF; i++) if ($i == suite || $i == "stable") matches = 1
          next
        }
        if (field == "components:") { if (" " $0 " " ~ / main /) main = 1; next }
        if (field == "enabled:" && tolower($2) ~ /^(no|false|off|0)$/) { binary = -9; next }
        kept = kept $0 "\n"
      }
      END { flush() }
    ' "$file" | grep . && return
  done
  for file in "$APT_FOLDER"/sources.list "$APT_FOLDER"/sources.list.d/*.list; do
    [[ -r $file ]] || continue
    sed -nE "s/#.*//
      /^deb +((\[[^]]*\] +)?[^ ]+) +($SUITE|stable) +(.* )?main( .*)?\$/ {
        s//list\ndeb \1 $SUITE-backports main/p
        q
      }" "$file" | grep . && return
  done
  return 1
}

enable_backports() {
  local entry format file
  entry=$(backports_entry) ||
    fail "no apt source for Debian's $SUITE with component main is set up in $APT_FOLDER, so" \
      "$SUITE-backports cannot be added: add both to the apt sources and run ./weft setup again"
  format=${entry%%$'\n'*}
  file="$APT_FOLDER/sources.list.d/weft-backports.$format"
  say "enabling Debian's $SUITE-backports in $file (needed for: $(missing_packages backports |
    paste -sd ' '))"
  "${AS_ROOT[@]}" tee "$file" >/dev/null <<<"${entry#*$'\n'}" || fail "could not write $file"
}

# Runs apt-get with its output in the log; prints a line now and then so that one sees it work.
run_apt() {
  "${AS_ROOT[@]}" DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -y -q \
    -o DPkg::Lock::Timeout=600 "$@" </dev/null 2>&1 | tee -a "$LOG" |
    awk '/^Setting up/ { if (++n % 40 == 0) { print "weft: " n " packages set up"; fflush() } }
         /^Fetched/ { print "weft: " tolower(substr($0, 1, 1)) substr($0, 2); fflush() }' >&2
}

has_candidate() {
  local policy
  policy=$(LC_ALL=C apt-cache policy "$1" 2>/dev/null)
  [[ $policy =~ Candidate:\ [^\(] ]]
}

update_lists() {
  # One unreachable source that is none of ours must not stop us: a package that then cannot be
  # found is reported by name.
  run_apt update || say "apt-get update reported a problem (see $LOG); trying to go on"
}

require_candidates() {
  local package
  for package in "$@"; do
    has_candidate "$package" || fail "no apt source has the package $package: check the apt" \
      "sources in $APT_FOLDER (Debian $SUITE, and $SUITE-backports), then run ./weft setup again"
  done
}

explain_failure() {
  local reason
  reason=$(grep -E '^(E:|dpkg: error|.*No space left)' "$LOG" | head -n 1 || true)
  fail "apt could not install the packages: ${reason:-see the log}: full log in $LOG"
}

main() {
  local missing package
  command -v dpkg-query >/dev/null || require_supported_system
  mapfile -t missing < <(missing_packages)
  ((${#missing[@]})) || return 0
  if [[ ${1:-} == --check ]]; then
    fail "Debian packages missing: ${missing[*]}: run ./weft setup"
  fi
  require_supported_system
  require_root
  require_space "${#missing[@]}"
  LOG=$(mktemp "${TMPDIR:-/tmp}/weft-setup.XXXXXX.log")
  say "installing ${#missing[@]} Debian packages and what they need: ${missing[*]}"
  update_lists
  for package in $(missing_packages backports); do
    if ! has_candidate "$package"; then
      enable_backports
      update_lists
      break
    fi
  done
  require_candidates "${missing[@]}"
  run_apt install --no-install-recommends "${missing[@]}" || explain_failure
  mapfile -t missing < <(missing_packages)
  ((${#missing[@]} == 0)) || fail "still missing after the installation: ${missing[*]}: see $LOG"
  rm -f "$LOG"
  say "all packages are installed"
}

main "$@"
