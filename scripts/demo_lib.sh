# What scripts/demo checks, and how it starts daemons. Sourced by it; every check
# asks something other than Keyward: the token, openssl, the file on disk.
# shellcheck shell=bash disable=SC2154  # DIR, TOKEN, SUBJECT and CONSUMER_KEY are demo's

PIDS=()
SUMMARY=()

# checked WORD...: a line of the summary.
checked() { SUMMARY+=("$*"); }

# require DESCRIPTION COMMAND...: one check.
require() {
  local description=$1
  shift
  "$@" || die "not so: $description"
}

# start LOG COMMAND...: a daemon in a session of its own, so that Ctrl-C reaches
# the demo alone, which then stops the daemons in order.
start() {
  local output=$DIR/$1
  shift
  setsid "$@" >"$output" 2>&1 </dev/null &
  PIDS+=($!)
}

says_or_died() { grep -qs "$2" "$DIR/$1" || is_stopped "${PIDS[-1]}"; }

# wait_for LOG PATTERN: prints the line by which the last daemon says it serves.
wait_for() {
  wait_until 60 says_or_died "$1" "$2" || die "no answer within 60 seconds"
  grep -m 1 "$2" "$DIR/$1" || die "it ended at once"
}

# json_string NAME: the value of the first string member NAME of the JSON on
# stdin, or nothing.
json_string() {
  tr -d '\n' | grep -o "\"$1\" *: *\"[^\"]*\"" | head -n 1 | sed 's/.*"\([^"]*\)"$/\1/' || true
}

# Asks the token, not Keyward.
check_key() {
  local -x KEYWARD_PIN
  KEYWARD_PIN=$(<"$DIR/token/pin")
  local pkcs11=(pkcs11-tool --module "$SOFTHSM_MODULE" --token-label "$TOKEN" --login
    --pin env:KEYWARD_PIN)
  step signer.log "asking the token about the key, with pkcs11-tool"
  "${pkcs11[@]}" --list-objects --type privkey >"$DIR/key" 2>"$DIR/output"
  require "the connection's private key is on the token" \
    grep -q 'label: *keyward/acme/1$' "$DIR/key"
  require "there is one more, the audit log's" test "$(grep -c 'label:' "$DIR/key")" = 2
  require "both are sensitive, were never extractable, and were made on the token" test 2 = \
    "$(grep -c 'Access: *sensitive, always sensitive, never extractable, local$' "$DIR/key")"
  require "both can sign and nothing else" test "$(grep -c 'Usage: *sign$' "$DIR/key")" = 2
  checked "the RSA key keyward/acme/1 was made on the token, never left it, and can only sign"

  "${pkcs11[@]}" --read-object --type pubkey --label keyward/acme/1 --output-file "$DIR/token.der" \
    >"$DIR/output" 2>&1
  openssl pkey -pubin -inform DER -in "$DIR/token.der" -out "$DIR/token.pub"
  openssl x509 -in "$DIR/acme.pem" -noout -pubkey >"$DIR/acme.pub"
  require "the certificate is of the token's key" cmp -s "$DIR/token.pub" "$DIR/acme.pub"
  require "the certificate verifies" \
    run_quietly openssl verify -check_ss_sig -CAfile "$DIR/acme.pem" "$DIR/acme.pem"
  checked "the certificate of acme is for that key and signed by it"
}

decode_base64url() {
  local text=$1
  while ((${#text} % 4 != 0)); do text+='='; done
  tr -- '-_' '+/' <<<"$text" | openssl base64 -d -A
}

# Uses no code of Keyward's: RFC 7515 section 5.2 with the openssl command.
verify_jws() {
  local jws signed
  step signer.log "signing, and verifying with the openssl command"
  jws=$(keyward sign acme)
  [[ $jws =~ ^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$ ]] || die "not a compact JWS"
  signed=${BASH_REMATCH[1]}.${BASH_REMATCH[2]}
  decode_base64url "${BASH_REMATCH[1]}" >"$DIR/header.json"
  decode_base64url "${BASH_REMATCH[2]}" >"$DIR/claims.json"
  decode_base64url "${BASH_REMATCH[3]}" >"$DIR/signature"
  require "the algorithm is RS256" test "$(json_string alg <"$DIR/header.json")" = RS256
  require "iss is the consumer key" test "$(json_string iss <"$DIR/claims.json")" = "$CONSUMER_KEY"
  require "sub is the user" test "$(json_string sub <"$DIR/claims.json")" = "$SUBJECT"
  printf '%s' "$signed" >"$DIR/signing-input"
  require "the signature verifies" run_quietly openssl dgst -sha256 -verify "$DIR/acme.pub" \
    -signature "$DIR/signature" "$DIR/signing-input"
  checked "openssl verifies the signature of \`keyward sign acme\` with the certificate"
}

# audit_records TEXT...: the records of the audit log that hold every TEXT.
audit_records() {
  local text records
  records=$(<"$DIR/audit.jsonl")
  for text in "$@"; do records=$(grep -F -- "$text" <<<"$records" || true); done
  [[ -z $records ]] || printf '%s\n' "$records"
}

check_refusal() {
  local code=0 records
  step signer.log "asking as someone without a role"
  "$KEYWARD_ROOT/scripts/dev-pki" --client stranger --uri spiffe://keyward.example/stranger "$DIR/pki"
  keyward --certificate "$DIR/pki/stranger.pem" --private-key "$DIR/pki/stranger.key" \
    connection show acme >"$DIR/output" 2>&1 || code=$?
  require "a stranger is refused with exit code 1 (it was $code)" test "$code" = 1
  records=$(audit_records '"identity":"spiffe://keyward.example/stranger"' '"connection":"acme"')
  require "the audit log has the refusal" grep -qF '"outcome":"refused"' <<<"$records"
  require "the audit log has nothing but the refusal" test "$(wc -l <<<"$records")" = 1
  checked "a client whose certificate has no role was refused, and the audit log says so"
}

# The exchange and `keyward sign` made one signature each, in this order.
check_audit() {
  local signatures digest
  step signer.log "reading the audit log"
  signatures=$(audit_records '"method":"Sign"' '"outcome":"done"' '"connection":"acme"' \
    "\"sub\":\"$SUBJECT\"")
  require "there are records of two signatures" test "$(wc -l <<<"$signatures")" = 2
  digest=$(openssl dgst -sha256 -r "$DIR/claims.json" | cut -d ' ' -f 1)
  require "the last has the digest of the verified claims" \
    grep -qF "\"claims_sha256\":\"$digest\"" <(tail -n 1 <<<"$signatures")
  checked "the audit log has both signatures, the last with the SHA-256 of the verified claims"
}

# logins: how many the stand-in granted.
logins() { http --fail-with-body "$ADMIN/journal" | grep -o '"endpoint" *: *"/services/oauth2/token"' | wc -l; }

# The second caller gets the first one's token, and Salesforce sees one login more.
check_exchange() {
  local before
  local backend=(--exchange "$EXCHANGE" --certificate "$DIR/pki/backend.pem" --private-key "$DIR/pki/backend.key")
  step exchange.log "asking keyward-exchange for a token, twice"
  before=$(logins)
  keyward token acme "${backend[@]}" >"$DIR/first"
  keyward token acme "${backend[@]}" >"$DIR/second"
  require "both calls get a token, the same one" cmp -s "$DIR/first" "$DIR/second"
  require "there was one login for both" test "$(($(logins) - before))" = 1
  require "the signer's audit log says for whom keyward-exchange asked" \
    test -n "$(audit_records '"identity":"spiffe://keyward.example/exchange"' \
      '"on_behalf_of":"spiffe://keyward.example/backend"' '"outcome":"done"')"
  checked "keyward-exchange gave a backend the same token twice, with one login and one signature on its behalf"
}

check_test_connection() {
  local code=0
  step signer.log "testing the connection"
  keyward test acme >"$DIR/test"
  require "the test ends well" grep -qx 'Connection verified.' "$DIR/test"
  http --fail-with-body --request DELETE "$ADMIN/apps/$CONSUMER_KEY/certificate"
  keyward test acme >"$DIR/test" 2>&1 || code=$?
  require "without the certificate in the app it fails with exit code 1 (it was $code)" test "$code" = 1
  require "and says which setting to change" grep -q 'keyward certificate download acme' "$DIR/test"
  http --fail-with-body --upload-file "$DIR/acme.pem" "$ADMIN/apps/$CONSUMER_KEY/certificate"
  checked "\`keyward test acme\` verified the connection, and named the fix once the app had lost its certificate"
}

check_freeze() {
  local code=0
  step signer.log "freezing the connection, and thawing it"
  run_quietly keyward connection freeze acme --comment 'shown by the demo'
  keyward sign acme >"$DIR/output" 2>&1 || code=$?
  require "while it is frozen signing fails with exit code 1 (it was $code)" test "$code" = 1
  require "and says why" grep -q CONNECTION_FROZEN "$DIR/output"
  run_quietly keyward connection thaw acme
  run_quietly keyward sign acme
  checked "while acme was frozen nothing was signed for it, and once it was thawed it was again"
}

# audit_holds ANCHOR FILE: whether the log is whole, has that record, and its token
# vouches for it.
audit_holds() {
  keyward audit verify "$2" --certificate "$DIR/audit.pem" --anchor "$1" >"$DIR/verify" 2>&1
}

vouched_for() {
  audit_holds "$1" "$DIR/audit.jsonl" && grep -q '^anchor ' "$DIR/verify" &&
    (($(sed -n 's/^anchor \([0-9]*\):.*/\1/p' "$DIR/verify") >= ${1%%:*}))
}

# What was written down is in a log that is whole; a digit that is changed is found.
check_audit_log() {
  local anchor code=0
  step signer.log "verifying the audit log offline"
  run_quietly keyward audit certificate --out "$DIR/audit.pem"
  anchor=$(keyward audit head)
  wait_until 30 vouched_for "$anchor" ||
    die "the log is not whole, or nothing vouches for it: $(<"$DIR/verify")"
  sed '3s/"outcome":"done"/"outcome":"refused"/' "$DIR/audit.jsonl" >"$DIR/changed.jsonl"
  audit_holds "$anchor" "$DIR/changed.jsonl" || code=$?
  require "a copy with another word fails with exit code 1 (it was $code)" test "$code" = 1
  require "and names the record" grep -q 'changed-record: .*record 3' "$DIR/verify"
  rm "$DIR/changed.jsonl"
  checked "\`keyward audit verify\` found the audit log whole up to a signed checkpoint, and a word that was changed in a copy"
}
