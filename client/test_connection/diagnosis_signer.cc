// What is wrong on our side: the connection's settings, its key, its certificate, the
// signer.
#include "client/test_connection/diagnosis_table.h"

namespace keyward::client {
namespace {

constexpr DiagnosisRow kRows[] = {
    {"CONSUMER_KEY_MISSING",
     "The connection has no consumer key.",
     "It says which app logs in; nothing is signed before it is there.",
     {"Create the app if there is none yet: Setup → External Client App Manager → New External "
      "Client App, with OAuth, the JWT Bearer Flow and this connection's certificate (keyward "
      "certificate download {name} --no-chain --out {name}.crt).",
      "Copy its consumer key. {consumer_key}",
      "Store it: keyward connection update {name} --consumer-key KEY"}},
    {"NO_SUBJECT",
     "The connection has no user.",
     "A login needs the Salesforce user name that it is for.",
     {"Store it: keyward connection update {name} --subject USER"}},
    {"SUBJECT_AMBIGUOUS",
     "The connection has several users, and none was chosen.",
     "{said}",
     {"Name one: {test} --subject USER"}},
    {"SUBJECT_NOT_ALLOWED",
     "The user is none of the connection's.",
     "{said}",
     {"Choose one that \"keyward connection show {name}\" lists: {test} --subject USER",
      "Or add it, with those that are there: keyward connection update {name} --subject USER "
      "--subject USER"}},
    {"NO_AUDIENCE",
     "The connection has no audience.",
     "An assertion says for whom it is meant.",
     {"Store it: keyward connection update {name} --audience https://login.salesforce.com (for a "
      "sandbox https://test.salesforce.com)."}},
    {"KEY_REFUSED",
     "The signer does not use this key.",
     "The key is not on the token, is not the certificate's, or could leave the token. {said}",
     {"Look at it: keyward key inspect {name}{version}",
      "Have the operator of keyward-signer check that the token is the right one and look into the "
      "signer's log.",
      "If the key is lost: make a new one, and upload its certificate."}},
    {"KEY_VERSION_NOT_FOUND",
     "The connection has no such key version.",
     "{said}",
     {"See which there are: keyward key list {name}"}},
    {"KEY_VERSION_DISABLED",
     "The key version is disabled.",
     "It signs nothing until someone enables it.",
     {"See which one is ACTIVE: keyward key list {name}",
      "Test that one, without --version: keyward test {name}"}},
    {"KEY_VERSION_DESTROYED",
     "The key version is destroyed.",
     "Its key is gone from the token for good.",
     {"See which one is ACTIVE: keyward key list {name}",
      "Test that one, without --version: keyward test {name}"}},
    {"NO_ACTIVE_KEY_VERSION",
     "The connection has no ACTIVE key version.",
     "None signs unless it is asked for by number.",
     {"See which there are: keyward key list {name}",
      "Test one that is PENDING by its number: keyward test {name} --version N"}},
    {"CERTIFICATE_EXPIRED",
     "The certificate has expired.",
     "Salesforce may refuse what it verifies with an expired certificate, today or later. {said}",
     {"Issue a new one for the same key: keyward certificate renew {name}{version} --out "
      "{name}.crt "
      "(where a CA issued it: keyward key csr {name}{version} --out {name}.csr, and keyward key "
      "import-certificate).",
      "{upload}", "Wait two to ten minutes, and test again: {test}."}},
    {"CERTIFICATE_EXPIRING",
     "The certificate expires soon.",
     "{said}",
     {"Issue a new one for the same key: keyward certificate renew {name}{version} --out "
      "{name}.crt "
      "(where a CA issued it: keyward key csr {name}{version} --out {name}.csr, and keyward key "
      "import-certificate).",
      "{upload}"}},
    {"CERTIFICATE_NOT_YET_VALID",
     "The certificate is not valid yet.",
     "{said}",
     {"Check the clocks of this machine and of keyward-signer: timedatectl status.",
      "If they are right: wait until then, or have its CA issue another one."}},
    {"CERTIFICATE_TOO_LONG",
     "The certificate is too large for Salesforce.",
     "An app takes at most 4,096 bytes. {said}",
     {"Have the CA issue one with fewer names and extensions, or use a self-signed one: keyward "
      "key "
      "csr {name}{version} --out {name}.csr makes the request.",
      "Store it: keyward key import-certificate {name} FILE{version}", "{upload}"}},
    {"CERTIFICATE_KEY_TOO_SHORT",
     "The certificate's key is too short for Salesforce.",
     "RSA keys must have 2,048 bits or more. {said}",
     {"Make a new key of at least 2,048 bits, and upload its certificate."}},
    {"CERTIFICATE_KEY_MISMATCH",
     "The certificate is not this key's.",
     "{said}",
     {"Compare them: keyward key inspect {name}{version}",
      "Have one issued for this key: keyward key csr {name}{version} --out {name}.csr, then "
      "keyward "
      "key import-certificate."}},
    {"CERTIFICATE_MALFORMED",
     "The stored certificate cannot be read.",
     "{said}",
     {"Issue a new one: keyward certificate renew {name}{version} --out {name}.crt", "{upload}"}},
    {"NOT_ALLOWED",
     "The signer's policy does not allow it.",
     "The identity that runs this test has no role for it on {name}. {said}",
     {"Have the operator of keyward-signer add a role to policy.yaml with the operations view and "
      "sign on {name} for the identity that ran this test.",
      "If you ran it yourself: check which certificate the settings name."}},
    {"QUEUE_FULL",
     "The signer is overloaded.",
     "{said}",
     {"Wait, and test again: {test}.", "If it lasts: have its operator look at its metrics."},
     Waiting::kPasses},
    {"TOKEN_UNAVAILABLE",
     "The signer's token does not answer.",
     "Nothing can be signed until it does. {said}",
     {"Have the operator of keyward-signer check the token or HSM, its network and its log.",
      "Test again: {test}."},
     Waiting::kPasses},
    {"AUDIT_UNAVAILABLE",
     "The signer cannot write its audit log.",
     "Nothing is signed that is not recorded. {said}",
     {"Have the operator of keyward-signer make room on its disk or repair the log.",
      "Test again: {test}."}},
    {"REGISTRY_UNAVAILABLE",
     "The signer's registry does not answer.",
     "{said}",
     {"Have the operator of keyward-signer look at its database and its log.",
      "Test again: {test}."},
     Waiting::kPasses},
    {"SIGNATURE_INVALID",
     "The token signs wrong.",
     "A signature that does not fit the certificate was thrown away. {said}",
     {"Have the operator of keyward-signer take the token out of service and look into the log."}},
    {"SIGNER_UNREACHABLE",
     "keyward-signer cannot be reached.",
     "{said}",
     {"Check that it runs, and the settings signer, ca, certificate and private_key.",
      "Test again: {test}."},
     Waiting::kPasses},
    {"SIGNER_UNAVAILABLE",
     "keyward-signer does not answer keyward-exchange.",
     "Nothing can be signed until it does. {said}",
     {"Have the operator of keyward-exchange look into its log, which says why.",
      "Test again: {test}."},
     Waiting::kPasses},
    {"SIGNER_REFUSES_EXCHANGE",
     "The signer's policy does not allow keyward-exchange to do it.",
     "It is keyward-exchange's role at the signer that is missing, not its caller's. {said}",
     {"Have the operator of keyward-signer add a role to policy.yaml with the operations view and "
      "sign on {name} for keyward-exchange's identity; the refusal in the signer's audit log names "
      "it.",
      "Test again: {test}."}},
    {"CLAIMS_EXP_PAST",
     "The signer's clock and this machine's disagree.",
     "The assertion to be signed is expired already, by the signer's clock. {clock}",
     {"Set both clocks by NTP: timedatectl set-ntp true, then look at timedatectl status.",
      "Test again: {test}."}},
    {"CLAIMS_EXP_TOO_FAR",
     "The signer's clock and this machine's disagree.",
     "The assertion to be signed ends too far in the future, by the signer's clock; or the signer "
     "allows less than three minutes (limits.max_assertion_lifetime_seconds). {clock}",
     {"Set both clocks by NTP: timedatectl set-ntp true, then look at timedatectl status.",
      "Test again: {test}."}},
};

}  // namespace

absl::Span<const DiagnosisRow> SignerDiagnoses() { return kRows; }

}  // namespace keyward::client
