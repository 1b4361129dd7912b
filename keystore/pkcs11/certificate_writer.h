// libp11's hold on a module's slots, for the one thing that it does on a token:
// storing certificates.
#ifndef KEYWARD_KEYSTORE_PKCS11_CERTIFICATE_WRITER_H_
#define KEYWARD_KEYSTORE_PKCS11_CERTIFICATE_WRITER_H_

#include <openssl/x509.h>

#include <map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/mutex.h"
#include "keystore/pkcs11/cryptoki.h"

struct PKCS11_ctx_st;
struct PKCS11_slot_st;

namespace keyward::pkcs11 {

// libp11 closes every session of a slot, ours too, when it lets go of the slot and
// when it changes the slot's mode. So a slot is opened once, read-write, before
// any session of ours, and kept as long as the module is loaded. Thread-safe.
//
// libp11 opens a session of its own for the first certificate and keeps it. Until
// then it takes none.
class CertificateWriter {
 public:
  // Both must outlive the writer.
  CertificateWriter(PKCS11_ctx_st* context, const CK_FUNCTION_LIST& functions);
  ~CertificateWriter();
  CertificateWriter(const CertificateWriter&) = delete;
  CertificateWriter& operator=(const CertificateWriter&) = delete;

  // Must come before any session on `slot`; does nothing for one that is open.
  absl::Status Open(CK_SLOT_ID slot);

  // Stores a certificate as a public object (PKCS11_store_certificate). The user must
  // be logged in. RESOURCE_EXHAUSTED where the token has no session left for libp11;
  // else the module's error (ck_error.h).
  absl::Status Store(CK_SLOT_ID slot, const X509& certificate, absl::string_view label,
                     absl::string_view key_id);

  // Whether libp11 has a session on `slot`, which takes one from us.
  bool HasSession(CK_SLOT_ID slot);

  // Whether that session was seen to be dead; libp11 would use it again.
  bool HasLostSession(CK_SLOT_ID slot);

  // Takes it away, so that the next certificate gets another. Closes every session of
  // the slot if libp11 has one, as there is no way to close only that.
  void DropSession(CK_SLOT_ID slot);

 private:
  struct Slots {
    PKCS11_slot_st* first = nullptr;
    unsigned int count = 0;
  };
  struct OpenSlot {
    PKCS11_slot_st* slot = nullptr;
    bool has_session = false;
    bool lost_session = false;
  };

  absl::StatusOr<PKCS11_slot_st*> Find(CK_SLOT_ID slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  OpenSlot* FindOpen(CK_SLOT_ID slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  PKCS11_ctx_st* const context_;
  const CK_FUNCTION_LIST& functions_;
  Mutex mutex_;
  // Every list that libp11 has made: to bring one up to date or to let go of one
  // would close sessions.
  std::vector<Slots> lists_ ABSL_GUARDED_BY(mutex_);
  std::map<CK_SLOT_ID, OpenSlot> open_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace keyward::pkcs11

#endif  // KEYWARD_KEYSTORE_PKCS11_CERTIFICATE_WRITER_H_
