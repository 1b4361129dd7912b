#include "keystore/pkcs11/certificate_writer.h"

#include <libp11.h>
#include <openssl/err.h>

#include <string>

#include "common/error.h"
#include "common/openssl.h"
#include "common/status_macros.h"
#include "keystore/pkcs11/ck_error.h"
#include "keystore/pkcs11/session.h"

namespace keyward::pkcs11 {
namespace {

constexpr int kReadWrite = 1;

// libp11 leaves the module's code on OpenSSL's error queue.
absl::Status Libp11Error(absl::string_view call) {
  const unsigned long code = ERR_peek_last_error();  // NOLINT(google-runtime-int): OpenSSL's type
  if (code == 0 || ERR_GET_LIB(code) != ERR_get_CKR_code()) return OpensslError(call);
  ERR_clear_error();
  return CkStatus(ERR_GET_REASON(code), call);
}

// Where no session can be opened, libp11 waits for ever for one to come back to
// its empty pool.
absl::Status CheckSessionCanBeOpened(const CK_FUNCTION_LIST& functions, CK_SLOT_ID slot) {
  const absl::Status status = Session::Open(functions, slot, Session::Mode::kReadWrite).status();
  return Annotate(status, "the token has no session left for storing certificates");
}

}  // namespace

CertificateWriter::CertificateWriter(PKCS11_ctx_st* context, const CK_FUNCTION_LIST& functions)
    : context_(context), functions_(functions) {}

CertificateWriter::~CertificateWriter() {
  MutexLock lock(&mutex_);
  for (const Slots& list : lists_) PKCS11_release_all_slots(context_, list.first, list.count);
}

absl::Status CertificateWriter::Open(CK_SLOT_ID slot) {
  MutexLock lock(&mutex_);
  if (open_.contains(slot)) return absl::OkStatus();
  ASSIGN_OR_RETURN(PKCS11_SLOT * found, Find(slot));
  if (PKCS11_open_session(found, kReadWrite) != 0) return Libp11Error("PKCS11_open_session");
  open_[slot].slot = found;
  return absl::OkStatus();
}

absl::StatusOr<PKCS11_SLOT*> CertificateWriter::Find(CK_SLOT_ID slot) {
  Slots list;
  if (PKCS11_enumerate_slots(context_, &list.first, &list.count) != 0) {
    return Libp11Error("PKCS11_enumerate_slots");
  }
  lists_.push_back(list);
  for (unsigned int i = 0; i < list.count; ++i) {
    PKCS11_SLOT* one = &list.first[i];
    if (PKCS11_get_slotid_from_slot(one) == slot && one->token != nullptr) return one;
  }
  return absl::NotFoundError("libp11 does not see the token");
}

absl::Status CertificateWriter::Store(CK_SLOT_ID slot, const X509& certificate,
                                      absl::string_view label, absl::string_view key_id) {
  MutexLock lock(&mutex_);
  OpenSlot* open = FindOpen(slot);
  if (open == nullptr) {
    return absl::FailedPreconditionError("the token's slot is not open for storing certificates");
  }
  if (!open->has_session) RETURN_IF_ERROR(CheckSessionCanBeOpened(functions_, slot));
  // libp11 changes none of what it takes as non-const.
  std::string name(label);
  auto* id = reinterpret_cast<unsigned char*>(const_cast<char*>(key_id.data()));
  ERR_clear_error();
  const int result = PKCS11_store_certificate(open->slot->token, const_cast<X509*>(&certificate),
                                              name.data(), id, key_id.size(), nullptr);
  open->has_session = true;
  if (result == 0) return absl::OkStatus();
  absl::Status status = Libp11Error("PKCS11_store_certificate");
  open->lost_session = IsSessionFatal(status);
  return status;
}

bool CertificateWriter::HasSession(CK_SLOT_ID slot) {
  MutexLock lock(&mutex_);
  const OpenSlot* open = FindOpen(slot);
  return open != nullptr && open->has_session;
}

bool CertificateWriter::HasLostSession(CK_SLOT_ID slot) {
  MutexLock lock(&mutex_);
  const OpenSlot* open = FindOpen(slot);
  return open != nullptr && open->lost_session;
}

void CertificateWriter::DropSession(CK_SLOT_ID slot) {
  MutexLock lock(&mutex_);
  OpenSlot* open = FindOpen(slot);
  if (open == nullptr || !open->has_session) return;
  // They may all be gone already.
  functions_.C_CloseAllSessions(slot);
  // In the mode that it is in, this only empties libp11's pool.
  PKCS11_open_session(open->slot, kReadWrite);
  open->has_session = false;
  open->lost_session = false;
}

CertificateWriter::OpenSlot* CertificateWriter::FindOpen(CK_SLOT_ID slot) {
  const auto found = open_.find(slot);
  return found == open_.end() ? nullptr : &found->second;
}

}  // namespace keyward::pkcs11
