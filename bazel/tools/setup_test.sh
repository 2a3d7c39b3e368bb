#!/bin/bash
# setup.sh against a machine made of fakes: apt, dpkg, df and sudo are small scripts that read and
# write files of the test's folder.
set -euo pipefail

SETUP=$PWD/bazel/tools/setup.sh
passed=0
failed=0

# Makes a fresh Debian 12 in $MACHINE: no package installed; apt finds "base-package", and
# "late-package" once backports are enabled.
new_machine() {
  MACHINE=$(mktemp -d "$TEST_TMPDIR/machine.XXXXXX")
  mkdir -p "$MACHINE/bin" "$MACHINE/apt/sources.list.d"
  touch "$MACHINE/installed"
  printf 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian 12"\n' >"$MACHINE/os-release"
  printf 'base-package  # comment\n\n# note\nlate-package backports\n' >"$MACHINE/packages.txt"
  echo 'deb [signed-by=/k.gpg] http://mirror.invalid/debian/ bookworm main' \
    >"$MACHINE/apt/sources.list"
  fake dpkg-query "sed 's/\$/ ii /' $MACHINE/installed"
  fake df 'echo Avail; echo 9999M'
  fake apt-cache "case \$2 in
    base-package) echo '  Candidate: 1' ;;
    late-package)
      if grep -rqs backports $MACHINE/apt; then echo '  Candidate: 1'; fi ;;
  esac"
  fake apt-get "echo \"\$*\" >>$MACHINE/apt-get.calls
  for word; do case \$word in *-package) echo \$word >>$MACHINE/installed ;; esac; done"
}

fake() {
  printf '#!/bin/bash\n%s\n' "$2" >"$MACHINE/bin/$1"
  chmod +x "$MACHINE/bin/$1"
}

# Runs setup.sh on the machine; sets STATUS and OUTPUT.
run_setup() {
  STATUS=0
  OUTPUT=$(PATH=$MACHINE/bin:$PATH WEFT_PACKAGES_FILE=$MACHINE/packages.txt TMPDIR=$MACHINE \
    WEFT_APT_FOLDER=$MACHINE/apt WEFT_OS_RELEASE=$MACHINE/os-release "$SETUP" "$@" 2>&1) ||
    STATUS=$?
}

expect() {
  local what=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAILED: %s\nstatus %s, output:\n%s\n' "$what" "$STATUS" "$OUTPUT"
  fi
}

says() { [[ $OUTPUT == *"$1"* ]]; }
fails_saying() { ((STATUS == 1)) && says "$1"; }
succeeds() { ((STATUS == 0)); }
source_is() { [[ $(cat "$MACHINE/apt/sources.list.d/weft-backports.$1") == "$2" ]]; }

new_machine
run_setup --check
expect "check names what is missing" fails_saying "missing: base-package late-package"
run_setup
expect "a fresh machine is set up" succeeds
expect "the source of backports keeps mirror and key" source_is list \
  'deb [signed-by=/k.gpg] http://mirror.invalid/debian/ bookworm-backports main'
run_setup
expect "a second run succeeds" succeeds
expect "a second run says nothing" test -z "$OUTPUT"

new_machine
rm "$MACHINE/apt/sources.list"
cat >"$MACHINE/apt/sources.list.d/debian.sources" <<'TEXT'
# A comment.
Types: deb deb-src
URIs: http://mirror.invalid/debian-security
Suites: bookworm-security
Components: main

Types: deb
URIs: http://mirror.invalid/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By:
 -----BEGIN-----
 abc
TEXT
run_setup
expect "sources in deb822 format are understood" source_is sources \
  $'Types: deb\nURIs: http://mirror.invalid/debian\nSigned-By:\n -----BEGIN-----\n abc
Suites: bookworm-backports\nComponents: main'

new_machine
echo 'deb http://other.invalid/ubuntu jammy main' >"$MACHINE/apt/sources.list"
run_setup
expect "no source for Debian 12" fails_saying "no apt source for Debian's bookworm"

new_machine
printf 'ID=ubuntu\nVERSION_ID="22.04"\nPRETTY_NAME="Ubuntu 22.04"\n' >"$MACHINE/os-release"
run_setup
expect "another system" fails_saying "runs Ubuntu 22.04; Weft builds on Debian 12"

new_machine
fake df 'echo Avail; echo 12M'
run_setup
expect "a full disk" fails_saying "only 12 MiB are free"

new_machine
echo 'unheard-of-package' >>"$MACHINE/packages.txt"
run_setup
expect "a package that no source has" fails_saying "no apt source has the package unheard-of"

new_machine
fake apt-get "[[ \$* != *install* ]] || { echo 'E: Failed to fetch it'; exit 100; }"
run_setup
expect "apt fails" fails_saying "could not install the packages: E: Failed to fetch it"

echo "$passed passed, $failed failed"
((failed == 0))
