// One PKCS#11 token: its module, and the login on a session held for it.
#ifndef KEYWARD_KEYSTORE_PKCS11_TOKEN_H_
#define KEYWARD_KEYSTORE_PKCS11_TOKEN_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/secret.h"
#include "keystore/pkcs11/mechanism.h"
#include "keystore/pkcs11/module.h"
#include "keystore/pkcs11/session.h"
#include "keystore/pkcs11/token_uri.h"

namespace keyward::pkcs11 {

struct TokenOptions {
  std::string module_path;
  TokenUri uri;
  // Reads the user PIN. Called for each login, so that none is kept in memory.
  std::function<absl::StatusOr<Secret>()> read_pin;
  // Where that PIN comes from, for messages: "file /etc/keyward/pin".
  std::string pin_source;
};

// Not thread-safe: the session pool sees to it that one thread at a time calls
// what is not const, and that no other session is in use meanwhile.
class Token {
 public:
  // Loads the module, finds the token and logs in as the user, once: a wrong PIN
  // is an error that names its source and is not tried again.
  static absl::StatusOr<std::unique_ptr<Token>> New(TokenOptions options);
  ~Token();
  Token(const Token&) = delete;
  Token& operator=(const Token&) = delete;

  // Lower rungs of recovery: keeps the held session where it still is logged in,
  // else opens another, else logs in again.
  absl::Status Reconnect();

  // Highest rung: finalises and unloads the module, loads it, finds the token and
  // logs in. Every other session must have been closed.
  absl::Status Reload();

  absl::StatusOr<Session> OpenSession() const;

  // The session that holds the login: read-write, also used for administration.
  // There is one unless Reload() has failed.
  const Session* held_session() const { return held_session_ ? &*held_session_ : nullptr; }

  Rs256Mechanism rs256() const { return rs256_; }

 private:
  explicit Token(TokenOptions options);
  absl::Status LogIn() const;

  TokenOptions options_;
  std::unique_ptr<Module> module_;
  CK_SLOT_ID slot_ = 0;
  Rs256Mechanism rs256_ = Rs256Mechanism::kDigestInfo;
  // Closed before the module goes.
  std::optional<Session> held_session_;
};

}  // namespace keyward::pkcs11

#endif  // KEYWARD_KEYSTORE_PKCS11_TOKEN_H_
