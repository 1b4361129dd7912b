#include "common/server/client_verifier.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/pem.h"
#include "common/status_macros.h"

namespace keyward::server {
namespace {

using StoreCtxPtr = std::unique_ptr<X509_STORE_CTX, OpensslDeleter<&X509_STORE_CTX_free>>;

// Not the certificates in it.
void FreeStack(STACK_OF(X509) * stack) { sk_X509_free(stack); }
using StackPtr = std::unique_ptr<STACK_OF(X509), OpensslDeleter<&FreeStack>>;

absl::Status Refused(absl::string_view reason, absl::string_view sentence) {
  return Error(absl::StatusCode::kUnauthenticated, reason, sentence);
}

absl::Status Invalid(absl::string_view why) {
  return Refused(
      "CLIENT_CERTIFICATE_INVALID",
      absl::StrCat("use another client certificate: this one does not verify now: ", why));
}

absl::Status StatusOf(X509_STORE_CTX& failed) {
  const int error = X509_STORE_CTX_get_error(&failed);
  const bool is_leaf = X509_STORE_CTX_get_error_depth(&failed) == 0;
  const char* which = is_leaf ? "the client certificate" : "an authority of the client certificate";
  switch (error) {
    case X509_V_ERR_CERT_REVOKED:
      return Refused("CLIENT_CERTIFICATE_REVOKED",
                     absl::StrCat(which, " has been revoked: have a new one issued"));
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return Refused("CLIENT_CERTIFICATE_EXPIRED",
                     absl::StrCat(which, " has expired: have a new one issued"));
    case X509_V_ERR_CRL_HAS_EXPIRED:
      return Refused("CLIENT_CRL_EXPIRED",
                     "the server's list of revoked certificates has expired, so nobody can be told "
                     "from a revoked client; ask the operator to renew tls.client_crl");
    default:
      return Invalid(X509_verify_cert_error_string(error));
  }
}

// An authority of the file that is no root is trusted because it stands there: what its issuer's
// list says of it cannot be verified without that issuer.
int ToleratesUnlistedAnchor(int ok, X509_STORE_CTX* context) {
  if (ok == 1) return 1;
  const int error = X509_STORE_CTX_get_error(context);
  const int depth = X509_STORE_CTX_get_error_depth(context);
  const int last = sk_X509_num(X509_STORE_CTX_get0_chain(context)) - 1;
  const bool is_unlisted = error == X509_V_ERR_UNABLE_TO_GET_CRL ||
                           error == X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER ||
                           error == X509_V_ERR_CRL_SIGNATURE_FAILURE;
  if (!is_unlisted || depth == 0 || depth != last) return 0;
  X509_STORE_CTX_set_error(context, X509_V_OK);
  return 1;
}

// Whether a chain to a root was found, and not accepted because of what a list says.
bool IsRevocationError(int error) {
  return error == X509_V_ERR_CERT_REVOKED || error == X509_V_ERR_CRL_HAS_EXPIRED;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const ClientVerifier>> ClientVerifier::New(const TlsSet& set,
                                                                          int64_t generation) {
  StorePtr store(X509_STORE_new());
  if (store == nullptr) return OpensslError("cannot make a certificate store");
  absl::StatusOr<std::vector<X509Ptr>> authorities = ParsePemCertificates(set.client_ca);
  RETURN_IF_ERROR(authorities.status());
  for (const X509Ptr& authority : *authorities) {
    if (X509_STORE_add_cert(store.get(), authority.get()) != 1) {
      return OpensslError("cannot store a client authority");
    }
  }
  std::vector<X509CrlPtr> crls;
  unsigned long flags = X509_V_FLAG_TRUSTED_FIRST;  // NOLINT(google-runtime-int): OpenSSL's type
  if (!set.client_crl.empty()) {
    ASSIGN_OR_RETURN(crls, ParsePemCrls(set.client_crl));
    flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
  }
  for (const X509CrlPtr& crl : crls) {
    if (X509_STORE_add_crl(store.get(), crl.get()) != 1) return OpensslError("cannot store a CRL");
  }
  if (X509_STORE_set_flags(store.get(), flags) != 1 ||
      X509_STORE_set_purpose(store.get(), X509_PURPOSE_SSL_CLIENT) != 1) {
    return OpensslError("cannot set up a certificate store");
  }
  return std::shared_ptr<const ClientVerifier>(
      new ClientVerifier(std::move(store), std::move(crls), generation));
}

ClientVerifier::ClientVerifier(StorePtr store, std::vector<X509CrlPtr> crls, int64_t generation)
    : store_(std::move(store)), crls_(std::move(crls)), generation_(generation) {}

absl::StatusOr<absl::Time> ClientVerifier::Verify(absl::string_view leaf_pem,
                                                  absl::string_view chain_pem,
                                                  absl::Time now) const {
  const absl::StatusOr<std::vector<X509Ptr>> leaf = ParsePemCertificates(leaf_pem);
  if (!leaf.ok()) return Invalid("it cannot be read");
  std::vector<X509Ptr> chain;
  if (!chain_pem.empty()) {
    absl::StatusOr<std::vector<X509Ptr>> parsed = ParsePemCertificates(chain_pem);
    if (!parsed.ok()) return Invalid("what was sent along cannot be read");
    chain = *std::move(parsed);
  }
  const StackPtr untrusted(sk_X509_new_null());
  if (untrusted == nullptr) return OpensslError("cannot verify a client");
  for (const X509Ptr& one : chain) sk_X509_push(untrusted.get(), one.get());

  const auto verify = [&](bool to_any_authority) -> absl::StatusOr<StoreCtxPtr> {
    StoreCtxPtr context(X509_STORE_CTX_new());
    if (context == nullptr || X509_STORE_CTX_init(context.get(), store_.get(), leaf->front().get(),
                                                  untrusted.get()) != 1) {
      return OpensslError("cannot verify a client");
    }
    X509_STORE_CTX_set_time(context.get(), /*flags=*/0, absl::ToTimeT(now));
    if (to_any_authority) {
      X509_STORE_CTX_set_flags(context.get(), X509_V_FLAG_PARTIAL_CHAIN);
      X509_STORE_CTX_set_verify_cb(context.get(), &ToleratesUnlistedAnchor);
    }
    X509_verify_cert(context.get());
    ForgetOpensslErrors();
    return context;
  };
  ASSIGN_OR_RETURN(StoreCtxPtr context, verify(/*to_any_authority=*/false));
  const int error = X509_STORE_CTX_get_error(context.get());
  // As gRPC does in the handshake. Not at once, for such a chain ends at the first authority of the
  // file, and what is above it is not looked at.
  if (error != X509_V_OK && !IsRevocationError(error)) {
    ASSIGN_OR_RETURN(context, verify(/*to_any_authority=*/true));
  }
  if (X509_STORE_CTX_get_error(context.get()) != X509_V_OK) return StatusOf(*context);
  return EndOf(*context, now);
}

absl::StatusOr<absl::Time> ClientVerifier::EndOf(X509_STORE_CTX& accepted, absl::Time now) const {
  absl::Time end = absl::InfiniteFuture();
  STACK_OF(X509)* const chain = X509_STORE_CTX_get0_chain(&accepted);
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    X509* const one = sk_X509_value(chain, i);
    ASSIGN_OR_RETURN(const absl::Time not_after, ToTime(X509_get0_notAfter(one)));
    end = std::min(end, not_after);
    // Of two lists of one issuer either may have been used: what the other ends is looked at again.
    for (const X509CrlPtr& crl : crls_) {
      if (X509_NAME_cmp(X509_get_issuer_name(one), X509_CRL_get_issuer(crl.get())) != 0) continue;
      ASSIGN_OR_RETURN(const absl::Time next_update, ToTime(X509_CRL_get0_nextUpdate(crl.get())));
      if (next_update > now) end = std::min(end, next_update);
    }
  }
  return end;
}

ClientVerifiers::ClientVerifiers(std::shared_ptr<const ClientVerifier> first)
    : verifier_(std::move(first)), generation_(verifier_->generation()) {}

std::shared_ptr<const ClientVerifier> ClientVerifiers::Get() const {
  MutexLock lock(&mutex_);
  return verifier_;
}

void ClientVerifiers::Set(std::shared_ptr<const ClientVerifier> verifier) {
  MutexLock lock(&mutex_);
  verifier_ = std::move(verifier);
  // Last: whoever sees it finds the verifier, or a later one.
  generation_.store(verifier_->generation(), std::memory_order_release);
}

}  // namespace keyward::server
