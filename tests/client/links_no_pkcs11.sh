#!/usr/bin/env bash
# links_no_pkcs11.sh BINARY: fails when BINARY links PKCS#11 code, or anything of
# the keystore or the signer. Only what it links itself counts: Debian's libcurl
# brings GnuTLS and that p11-kit, for its LDAP and RTMP.
set -euo pipefail

binary=$1
needed=$(readelf --dynamic --wide "$binary" | grep NEEDED)
symbols=$(nm "$binary"; nm --dynamic "$binary")

# Neither list may be empty for the wrong reason.
grep -q libcurl <<<"$needed"
grep -q N7keyward6client <<<"$symbols"

status=0
if grep -E 'p11|pkcs11|softhsm|soci|sqlite' <<<"$needed"; then
  echo "$binary needs the libraries above" >&2
  status=1
fi
if grep -E 'C_GetFunctionList|C_Sign|PKCS11_|p11_kit|N7keyward(6pkcs11|8registry|11certificate|6signer)' \
  <<<"$symbols"; then
  echo "$binary has the symbols above" >&2
  status=1
fi
exit "$status"
