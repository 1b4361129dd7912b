#!/usr/bin/env bash
# links_no_pkcs11.sh BINARY NAMESPACE...: fails when BINARY links PKCS#11 code, or
# anything of those namespaces within keyward. Only what it links itself counts: Debian's libcurl
# brings GnuTLS and that p11-kit, for its LDAP and RTMP.
set -euo pipefail

binary=$1
shift
# As the compiler writes them: "N7keyward6signer".
namespaces=$(for name in "$@"; do printf '%d%s|' "${#name}" "$name"; done)
namespaces=${namespaces%|}
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
if grep -E "C_GetFunctionList|C_Sign|PKCS11_|p11_kit|N7keyward($namespaces)" \
  <<<"$symbols"; then
  echo "$binary has the symbols above" >&2
  status=1
fi
exit "$status"
