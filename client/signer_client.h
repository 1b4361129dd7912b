// Calls to keyward-signer over mutual TLS.
#ifndef KEYWARD_CLIENT_SIGNER_CLIENT_H_
#define KEYWARD_CLIENT_SIGNER_CLIENT_H_

#include <keyward/v1/approvals.pb.h>
#include <keyward/v1/connections.pb.h>
#include <keyward/v1/key_versions.pb.h>
#include <keyward/v1/policy.pb.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/retry_policy.h"
#include "common/secret.h"

namespace keyward::client {

struct SignerClientOptions {
  // host:port of each keyward-signer, at least one. An IPv6 address stands in brackets;
  // a name may have several addresses. They share one registry, so that any of them can
  // answer any call.
  std::vector<std::string> signers;
  // PEM file: the CA of the signer's server certificate.
  std::string ca_file;
  // PEM file: our client certificate, followed by intermediate ones.
  std::string certificate_file;
  // PEM file: the private key of the client certificate, not encrypted.
  std::string private_key_file;
  // For each call, repeats included.
  absl::Duration timeout = absl::Seconds(30);
  // In place of `timeout` for calls that make or destroy keys on the token.
  absl::Duration key_timeout = absl::Seconds(120);
  RetryPolicy retry;
  // For daemons: watch the health of each signer (grpc.health.v1, "keyward.v1.Signer")
  // and leave out one that says it does not serve. Costs the signer a thread for each
  // client that watches, and it takes no more than 64.
  bool watch_health = false;
  // While a call waits on a silent connection, the signer is pinged this often, and a
  // connection without an answer is given up. 20 s or more: signers take offence at less.
  absl::Duration keepalive = absl::Seconds(60);
};

struct SignOptions {
  // Without it the ACTIVE version signs.
  std::optional<uint32_t> key_version;
  // The identity for which the caller asks, for the audit log ("spiffe://…"); empty
  // where it asks for itself. At most what the signer allows; not checked here.
  std::string on_behalf_of;
  // The W3C Trace Context of the call this one is part of ("00-…-…-01"), sent along;
  // empty, or not of that form, for none.
  std::string traceparent;
  absl::Time deadline = absl::InfiniteFuture();
};

// Of calls that are recorded as made for somebody else.
struct CallOptions {
  // As in SignOptions, all three.
  std::string on_behalf_of;
  std::string traceparent;
  absl::Time deadline = absl::InfiniteFuture();
};

// A signed assertion.
struct Assertion {
  // JWS compact serialization (RFC 7515 section 7.1). A credential until it
  // expires.
  Secret jws;
  // The key version that signed.
  uint32_t key_version = 0;
  // RFC 7638 SHA-256 thumbprint of the public key, base64url.
  std::string kid;
  // The assertion's `exp`.
  absl::Time expire_time;
};

// One client serves a whole process; it is safe to use from many threads. It
// connects when it is first used, and again by itself when the connection
// breaks. Every call blocks, at most until the earlier of `deadline` and the
// timeout of the options; the signer is told that time.
//
// With several signers, calls go to one after the other, passing over those to which
// there is no connection (with watch_health: those that do not serve), and a repeated
// call goes to another one than before. The addresses of one name are used in turn in
// the same way.
//
// Sign, PreferAudience, freezing and the calls that read are repeated after UNAVAILABLE, and after
// RESOURCE_EXHAUSTED where the signer says how long to wait, as the RetryPolicy
// has it. Calls that change something are sent once: after UNAVAILABLE or
// DEADLINE_EXCEEDED look at the connection before doing it again. (A request
// that never left this process is sent again by gRPC itself.)
//
// Errors of all calls have a reason (common/error.h): the signer's own, which
// the messages in proto/keyward/v1/ and docs/errors.md list, or
//   UNAVAILABLE SIGNER_UNREACHABLE         no connection, or TLS failed
//   DEADLINE_EXCEEDED DEADLINE_EXCEEDED    no answer in time
//   UNIMPLEMENTED NOT_A_SIGNER             something else listens there
//   SIGNER_FAILED with any other code      the connection failed otherwise
class SignerClient {
 public:
  // Reads and checks the three files; a certificate renewed later needs a new
  // client. INVALID_ARGUMENT OPTIONS_INVALID where an option is malformed, a
  // file holds no PEM of its kind, the certificate has expired, or the key is not the
  // certificate's; the system's error where a file cannot be read.
  static absl::StatusOr<std::unique_ptr<SignerClient>> New(const SignerClientOptions& options);
  ~SignerClient();
  SignerClient(const SignerClient&) = delete;
  SignerClient& operator=(const SignerClient&) = delete;

  // Signs `claims_json` (see BuildClaims()) with the connection's ACTIVE key
  // version, or with the one that `options` name.
  absl::StatusOr<Assertion> Sign(absl::string_view connection, absl::string_view claims_json,
                                 const SignOptions& options = {});

  // Makes the connection and its first key pair, on the token.
  absl::StatusOr<v1::Connection> CreateConnection(const v1::Connection& connection,
                                                  absl::Time deadline = absl::InfiniteFuture());
  absl::StatusOr<v1::Connection> GetConnection(absl::string_view name,
                                               absl::Time deadline = absl::InfiniteFuture());
  // All that the caller may view, by name; asks for page after page.
  absl::StatusOr<std::vector<v1::Connection>> ListConnections(
      absl::Time deadline = absl::InfiniteFuture());
  // Changes the fields that `fields` names (consumer_key, environment,
  // login_url, audiences, subjects, subject_patterns, include_kid) of the connection
  // `connection.name()`, provided that its etag is still `connection.etag()`.
  absl::StatusOr<v1::Connection> UpdateConnection(const v1::Connection& connection,
                                                  const std::vector<std::string>& fields,
                                                  absl::Time deadline = absl::InfiniteFuture());
  // Puts `audience`, one of the connection's, first. Repeated like a call that reads:
  // doing it twice changes nothing more.
  absl::StatusOr<v1::Connection> PreferAudience(absl::string_view name, absl::string_view audience,
                                                const CallOptions& options = {});
  // Destroys the connection's keys. How many there were is the answer.
  absl::StatusOr<uint32_t> DeleteConnection(absl::string_view name, absl::string_view etag,
                                            absl::Time deadline = absl::InfiniteFuture());
  // The certificate of `key_version`, without it the ACTIVE version's.
  absl::StatusOr<v1::Certificate> GetCertificate(absl::string_view connection,
                                                 std::optional<uint32_t> key_version = std::nullopt,
                                                 absl::Time deadline = absl::InfiniteFuture());
  // Oldest first.
  absl::StatusOr<std::vector<v1::KeyVersion>> ListKeyVersions(
      absl::string_view connection, absl::Time deadline = absl::InfiniteFuture());

  // A JWK Set (RFC 7517) of the keys that verify the connection's signatures.
  absl::StatusOr<std::string> GetJwks(absl::string_view connection,
                                      absl::Time deadline = absl::InfiniteFuture());
  // What the token says of a key; without `key_version` of the ACTIVE version's.
  absl::StatusOr<v1::KeyVersionDetails> InspectKeyVersion(
      absl::string_view connection, std::optional<uint32_t> key_version = std::nullopt,
      const CallOptions& options = {});
  absl::StatusOr<v1::CreateCertificateRequestResponse> CreateCertificateRequest(
      const v1::CreateCertificateRequestRequest& request,
      absl::Time deadline = absl::InfiniteFuture());
  // `chain_der`: the certificates above it, in any order.
  absl::StatusOr<v1::Certificate> ImportCertificate(absl::string_view connection,
                                                    uint32_t key_version, absl::string_view der,
                                                    const std::vector<std::string>& chain_der,
                                                    absl::Time deadline = absl::InfiniteFuture());
  // `validity_days` 0 is the signer's own setting.
  absl::StatusOr<v1::Certificate> RenewCertificate(absl::string_view connection,
                                                   std::optional<uint32_t> key_version,
                                                   uint32_t validity_days,
                                                   absl::Time deadline = absl::InfiniteFuture());
  // `uri`: which private key of the signer's token (RFC 7512).
  absl::StatusOr<v1::KeyVersion> AdoptKey(absl::string_view connection, absl::string_view uri,
                                          absl::Time deadline = absl::InfiniteFuture());

  // From the answer on nothing is signed for the connection, until it is thawed.
  // `comment` says why, for the audit log. The three are repeated like calls that read.
  absl::StatusOr<v1::Connection> FreezeConnection(absl::string_view name, absl::string_view comment,
                                                  absl::Time deadline = absl::InfiniteFuture());
  absl::StatusOr<v1::Connection> ThawConnection(absl::string_view name, absl::string_view comment,
                                                absl::Time deadline = absl::InfiniteFuture());
  // The same for every connection at once.
  absl::Status SetEmergencyFreeze(bool frozen, absl::string_view comment,
                                  absl::Time deadline = absl::InfiniteFuture());

  // The newest first; without `all` those that wait for a second person.
  absl::StatusOr<std::vector<v1::Approval>> ListApprovals(
      bool all = false, absl::string_view connection = "",
      absl::Time deadline = absl::InfiniteFuture());
  absl::StatusOr<v1::Approval> GetApproval(absl::string_view name,
                                           absl::Time deadline = absl::InfiniteFuture());
  // Yes or no to what somebody else wants to do.
  absl::StatusOr<v1::Approval> Approve(absl::string_view name, absl::string_view comment,
                                       absl::Time deadline = absl::InfiniteFuture());
  absl::StatusOr<v1::Approval> Refuse(absl::string_view name, absl::string_view comment,
                                      absl::Time deadline = absl::InfiniteFuture());

  // What the signer's policy says of a call like that one, and why.
  absl::StatusOr<v1::ExplainPolicyResponse> ExplainPolicy(
      const v1::ExplainPolicyRequest& request, absl::Time deadline = absl::InfiniteFuture());

 private:
  class Impl;
  explicit SignerClient(std::unique_ptr<Impl> impl);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_SIGNER_CLIENT_H_
