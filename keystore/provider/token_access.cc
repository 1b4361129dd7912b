#include "keystore/provider/token_access.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "keystore/pkcs11/ck_error.h"
#include "keystore/pkcs11/cryptoki_types.h"
#include "keystore/provider/provider_error.h"
#include "keystore/provider/refused_pins.h"

namespace keyward::provider {
namespace {

// As many as sign at once. Small, since tokens have few and each process of a server
// has its own.
constexpr size_t kMaxSessions = 8;

// PKCS#11 5.5: what a token without that limit writes is zero, or all ones.
size_t SessionLimit(const CK_TOKEN_INFO& info) {
  const CK_ULONG limit = info.ulMaxSessionCount;
  if (limit == CK_UNAVAILABLE_INFORMATION || limit == CK_EFFECTIVELY_INFINITE) return kMaxSessions;
  return std::min<size_t>(kMaxSessions, limit);
}

}  // namespace

SessionLease::SessionLease(std::shared_ptr<TokenAccess> token, pkcs11::Session session,
                           uint64_t generation)
    : token_(std::move(token)), session_(std::move(session)), generation_(generation) {}

SessionLease::~SessionLease() {
  if (token_ != nullptr) token_->GiveBack(std::move(session_), generation_, given_up_);
}

TokenAccess::TokenAccess(std::shared_ptr<SharedModule> module, CK_SLOT_ID slot,
                         const CK_TOKEN_INFO& info)
    : module_(std::move(module)),
      slot_(slot),
      info_(info),
      label_(pkcs11::PaddedText(info.label)),
      name_(
          absl::StrCat(module_->path(), "\n", label_, "\n", pkcs11::PaddedText(info.serialNumber))),
      process_(getpid()),
      limit_(SessionLimit(info)) {}

void TokenAccess::EnterProcess() {
  if (process_ == getpid()) return;
  // They are the parent's, to use and to close.
  for (pkcs11::Session& session : idle_) session.Abandon();
  idle_.clear();
  open_ = 0;
  ++generation_;
  process_ = getpid();
}

absl::StatusOr<pkcs11::Session> TokenAccess::Open(uint64_t& generation) {
  for (;;) {
    absl::StatusOr<pkcs11::Session> session =
        pkcs11::Session::Open(module_->functions(), slot_, pkcs11::Session::Mode::kReadOnly);
    const MutexLock lock(&mutex_);
    // Another thread may have given a generation up meanwhile.
    generation = generation_;
    if (session.ok()) return session;
    --open_;
    const auto rv = pkcs11::CkRvOf(session.status());
    if (rv != CKR_SESSION_COUNT || open_ == 0) return session.status();
    // The token has no more than we have already: wait for one of those.
    limit_ = open_;
    mutex_.Await([this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return shut_down_ || !idle_.empty() || open_ < limit_;
    });
    generation = generation_;
    if (!idle_.empty()) {
      pkcs11::Session idle = std::move(idle_.back());
      idle_.pop_back();
      return idle;
    }
    ++open_;
  }
}

absl::StatusOr<SessionLease> TokenAccess::Take() {
  RETURN_IF_ERROR(module_->EnterProcess());
  std::optional<pkcs11::Session> session;
  uint64_t generation = 0;
  bool logged_in = false;
  {
    const MutexLock lock(&mutex_);
    EnterProcess();
    mutex_.Await([this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return shut_down_ || !idle_.empty() || open_ < limit_;
    });
    if (shut_down_) return ProviderError(Reason::kModuleNotLoaded, "the process is ending");
    generation = generation_;
    logged_in = logged_in_;
    if (idle_.empty()) {
      ++open_;
    } else {
      session = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (!session) {
    ASSIGN_OR_RETURN(session, Open(generation));
  }
  SessionLease lease(shared_from_this(), *std::move(session), generation);
  if (logged_in) {
    absl::Status status = LogInAgain(lease.session(), generation);
    if (!status.ok()) {
      lease.GiveUp();
      return status;
    }
  }
  return lease;
}

void TokenAccess::GiveBack(pkcs11::Session session, uint64_t generation, bool given_up) {
  std::vector<pkcs11::Session> closed;
  const MutexLock lock(&mutex_);
  if (process_ != getpid()) {
    session.Abandon();
    return;
  }
  if (generation == generation_ && !given_up && !shut_down_) {
    idle_.push_back(std::move(session));
    return;
  }
  if (generation == generation_) {
    // What broke one session may have taken the login and the handles with it.
    ++generation_;
    open_ -= idle_.size();
    closed.swap(idle_);
  }
  --open_;
  closed.push_back(std::move(session));
}

absl::Status TokenAccess::Refused(const Pin& pin, absl::string_view what) const {
  return ProviderError(Reason::kPinRefused, absl::StrCat("the PIN from ", pin.source, " ", what,
                                                         "; the token is \"", label_, "\""));
}

absl::StatusOr<bool> TokenAccess::LogInOn(const pkcs11::Session& session, const Pin& pin) {
  if (session.CheckLoggedIn().ok()) return false;
  if (!MayTry(name_, pin)) {
    return Refused(pin,
                   "is not tried: the token has refused one before, and wrong PINs lock it. "
                   "Correct the file of pin-source that held it, or restart the program");
  }
  // C_Login takes the PIN as non-const but does not change it (PKCS#11 11.6).
  auto* text = reinterpret_cast<CK_UTF8CHAR_PTR>(const_cast<char*>(pin.value.Expose().data()));
  const CK_RV rv = module_->functions().C_Login(session.handle(), CKU_USER, text,
                                                static_cast<CK_ULONG>(pin.value.Expose().size()));
  if (rv == CKR_USER_ALREADY_LOGGED_IN) return false;
  absl::Status status = pkcs11::CkStatus(rv, "C_Login");
  if (pkcs11::IsPinError(status)) {
    RememberRefused(name_, pin);
    return ProviderError(
        Reason::kPinRefused,
        absl::StrCat(status.message(), ": the token \"", label_, "\" refused the PIN from ",
                     pin.source, "; correct it. Wrong PINs lock the token, so it was tried once"),
        status);
  }
  RETURN_IF_ERROR(status);
  return true;
}

// The token is not asked while somebody is logged in, so the answer is ours.
absl::Status TokenAccess::CompareWith(const Pin& kept, const Pin& pin) const {
  ASSIGN_OR_RETURN(const Pin opened_with, Recall(kept));
  if (SamePin(opened_with, pin)) return absl::OkStatus();
  RememberDifferent(name_);
  return Refused(pin, absl::StrCat("is not the one from ", kept.source, ", which opened it"));
}

absl::Status TokenAccess::LogIn(const Pin& pin) {
  const MutexLock login(&login_mutex_);
  // Whatever the file holds now serves for the next login.
  if (pin_ && pin_->is_file && pin.is_file && pin_->source == pin.source) return absl::OkStatus();
  if (!MayCompare(name_, pin)) {
    return Refused(pin,
                   "is not looked at: a URI gave another than the one that opened the token "
                   "before. Correct the URIs and restart the program");
  }
  if (pin_) return CompareWith(*pin_, pin);
  uint64_t generation = 0;
  ASSIGN_OR_RETURN(const bool checked, WithSession(*this, [&](const SessionLease& lease) {
                     generation = lease.generation();
                     return LogInOn(lease.session(), pin);
                   }));
  // Another part of the program has logged in: whether this PIN is right nobody knows.
  if (!checked) return absl::OkStatus();
  pin_ = Keep(pin);
  login_generation_ = generation;
  const MutexLock lock(&mutex_);
  logged_in_ = true;
  return absl::OkStatus();
}

absl::Status TokenAccess::LogInAgain(const pkcs11::Session& session, uint64_t generation) {
  const MutexLock login(&login_mutex_);
  if (login_generation_ >= generation || !pin_) return absl::OkStatus();
  // A child whose module has not noticed the fork needs no PIN, and may not read it.
  if (!session.CheckLoggedIn().ok()) {
    ASSIGN_OR_RETURN(const Pin pin, Recall(*pin_));
    RETURN_IF_ERROR(LogInOn(session, pin).status());
  }
  login_generation_ = generation;
  return absl::OkStatus();
}

bool TokenAccess::ShutDown() {
  const MutexLock lock(&mutex_);
  shut_down_ = true;
  if (process_ != getpid()) {
    for (pkcs11::Session& session : idle_) session.Abandon();
    open_ = 0;
  } else {
    open_ -= idle_.size();
  }
  idle_.clear();
  return open_ == 0;
}

}  // namespace keyward::provider
