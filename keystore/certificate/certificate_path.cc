#include "keystore/certificate/certificate_path.h"

#include <openssl/err.h>

#include <algorithm>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "keystore/certificate/x509_builder.h"

namespace keyward {
namespace {

// At least 112 bits of security: RSA of 2048 bits, SHA-224
// (SSL_CTX_set_security_level(3)).
constexpr int kSecurityLevel = 2;

using StorePtr = std::unique_ptr<X509_STORE, OpensslDeleter<&X509_STORE_free>>;
using StoreCtxPtr = std::unique_ptr<X509_STORE_CTX, OpensslDeleter<&X509_STORE_CTX_free>>;

void FreeStack(STACK_OF(X509) * certificates) { sk_X509_free(certificates); }
// Holds no references.
using StackPtr = std::unique_ptr<STACK_OF(X509), OpensslDeleter<&FreeStack>>;

std::string SubjectOf(const X509& certificate) {
  return absl::StrCat("\"", NameForPeople(X509_get_subject_name(&certificate)), "\"");
}

absl::Status Invalid(absl::string_view message) {
  return Error(absl::StatusCode::kInvalidArgument, "CERTIFICATE_CHAIN_INVALID", message);
}

absl::Status CheckNoDuplicates(const X509& leaf, const std::vector<X509Ptr>& chain) {
  std::vector<const X509*> seen = {&leaf};
  for (const X509Ptr& certificate : chain) {
    for (const X509* other : seen) {
      if (X509_cmp(other, certificate.get()) != 0) continue;
      return Invalid(absl::StrCat("the certificate ", SubjectOf(*certificate),
                                  other == &leaf ? " is itself in its chain; leave it out there"
                                                 : " is in the chain twice; leave one out"));
    }
    seen.push_back(certificate.get());
  }
  return absl::OkStatus();
}

// Which of `chain` issued `certificate`. Of several with the right name the one whose
// key verifies the signature, else any, so that verification can say what is wrong.
std::optional<size_t> FindIssuer(X509& certificate, const std::vector<X509Ptr>& chain,
                                 const std::vector<size_t>& used) {
  std::optional<size_t> found;
  for (size_t i = 0; i < chain.size(); ++i) {
    X509* candidate = chain[i].get();
    if (std::find(used.begin(), used.end(), i) != used.end() ||
        X509_NAME_cmp(X509_get_subject_name(candidate), X509_get_issuer_name(&certificate)) != 0) {
      continue;
    }
    if (X509_verify(&certificate, X509_get0_pubkey(candidate)) == 1) return i;
    found = i;
  }
  return found;
}

absl::StatusOr<std::vector<size_t>> Order(X509& leaf, const std::vector<X509Ptr>& chain) {
  std::vector<size_t> path;
  X509* current = &leaf;
  while (path.size() < chain.size() && X509_self_signed(current, /*verify_signature=*/1) != 1) {
    const std::optional<size_t> issuer = FindIssuer(*current, chain, path);
    if (!issuer) break;
    path.push_back(*issuer);
    current = chain[*issuer].get();
  }
  for (size_t i = 0; i < chain.size(); ++i) {
    if (std::find(path.begin(), path.end(), i) != path.end()) continue;
    return Invalid(absl::StrCat("the certificate ", SubjectOf(*chain[i]),
                                " does not belong to the chain, which goes from ", SubjectOf(leaf),
                                " to ", SubjectOf(*current), ", issued by \"",
                                NameForPeople(X509_get_issuer_name(current)), "\""));
  }
  return path;
}

absl::Status VerificationError(X509_STORE_CTX* context) {
  const X509* certificate = X509_STORE_CTX_get_current_cert(context);
  return Invalid(
      absl::StrCat("the chain does not verify: ",
                   certificate == nullptr ? "" : absl::StrCat(SubjectOf(*certificate), ": "),
                   X509_verify_cert_error_string(X509_STORE_CTX_get_error(context))));
}

// `issuers` in issuing order, the last of them the trust anchor; where there is none
// `leaf` is.
absl::Status Verify(X509& leaf, const std::vector<X509*>& issuers, absl::Time now) {
  const StorePtr store(X509_STORE_new());
  const StackPtr untrusted(sk_X509_new_null());
  const StoreCtxPtr context(X509_STORE_CTX_new());
  X509* top = issuers.empty() ? &leaf : issuers.back();
  if (store == nullptr || untrusted == nullptr || context == nullptr ||
      X509_STORE_add_cert(store.get(), top) != 1) {
    return OpensslError("cannot verify the chain");
  }
  for (X509* issuer : issuers) {
    if (issuer != top && sk_X509_push(untrusted.get(), issuer) <= 0) {
      return OpensslError("cannot verify the chain");
    }
  }
  if (X509_STORE_CTX_init(context.get(), store.get(), &leaf, untrusted.get()) != 1) {
    return OpensslError("cannot verify the chain");
  }
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(parameters, absl::ToTimeT(now));
  X509_VERIFY_PARAM_set_auth_level(parameters, kSecurityLevel);
  X509_VERIFY_PARAM_set_flags(parameters,
                              X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_CHECK_SS_SIGNATURE);
  if (X509_verify_cert(context.get()) != 1) return VerificationError(context.get());
  const auto length = static_cast<size_t>(sk_X509_num(X509_STORE_CTX_get0_chain(context.get())));
  if (length != issuers.size() + 1) {
    return Invalid("not every certificate of the chain is needed; leave out what is not");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<size_t>> FindPath(X509& leaf, const std::vector<X509Ptr>& chain,
                                             absl::Time now) {
  RETURN_IF_ERROR(CheckNoDuplicates(leaf, chain));
  absl::StatusOr<std::vector<size_t>> path = Order(leaf, chain);
  if (path.ok()) {
    std::vector<X509*> issuers;
    issuers.reserve(path->size());
    for (const size_t index : *path) issuers.push_back(chain[index].get());
    const absl::Status verified = Verify(leaf, issuers, now);
    if (!verified.ok()) path = verified;
  }
  // Signatures that were tried and did not verify.
  ERR_clear_error();
  return path;
}

}  // namespace keyward
