#include "client/cli/approval_wait.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cli/output.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace keyward::client {
namespace {

// Each look is in the audit log, and people take their time.
constexpr absl::Duration kFirstPause = absl::Seconds(1);
constexpr absl::Duration kLongestPause = absl::Seconds(15);

// The approval that must be given first; empty where `status` is something else.
std::string ApprovalRequired(const absl::Status& status) {
  if (ReasonOf(status) != "APPROVAL_REQUIRED") return "";
  const auto metadata = MetadataOf(status);
  const auto found = metadata.find("approval");
  return found == metadata.end() ? "" : found->second;
}

void TellWhatToDo(const std::string& approval, bool wait) {
  const std::string name = Plain(approval);
  std::cerr << "keyward: nothing was changed yet: this needs the approval of a second person.\n"
               "  1. Somebody else who may do the same looks at it and approves:\n"
               "       keyward approval show "
            << name << "\n       keyward approval approve " << name << "\n  2. "
            << (wait ? "This command waits for that and then goes on by itself.\n"
                     : "Then run the same command again (with --wait it does so by itself).\n");
}

// What became of it, for who waits.
absl::Status CheckApproved(const v1::Approval& approval) {
  switch (approval.state()) {
    case v1::Approval::APPROVED:
      return absl::OkStatus();
    case v1::Approval::REFUSED:
      return Error(
          absl::StatusCode::kPermissionDenied, "APPROVAL_REFUSED",
          absl::StrCat(approval.decided_by(), " refused approval ", approval.name(),
                       approval.comment().empty() ? "" : absl::StrCat(": ", approval.comment())));
    case v1::Approval::EXPIRED:
      return Error(absl::StatusCode::kFailedPrecondition, "APPROVAL_EXPIRED",
                   absl::StrCat("nobody approved ", approval.name(),
                                " in time: run the command again to ask anew"));
    default:
      return Error(absl::StatusCode::kFailedPrecondition, "APPROVAL_NOT_PENDING",
                   absl::StrCat("approval ", approval.name(),
                                " was used by another call: look at what it changed"));
  }
}

absl::Status WaitForDecision(SignerClient& signer, const std::string& name) {
  for (absl::Duration pause = kFirstPause;; pause = std::min(pause * 1.5, kLongestPause)) {
    const absl::StatusOr<v1::Approval> approval = signer.GetApproval(name);
    // A signer that restarts is no reason to give up.
    if (!approval.ok() && !absl::IsUnavailable(approval.status())) return approval.status();
    if (approval.ok() && approval->state() != v1::Approval::PENDING) {
      return CheckApproved(*approval);
    }
    absl::SleepFor(pause);
  }
}

}  // namespace

void AddWait(CLI::App& verb, bool& wait) {
  verb.add_flag("--wait", wait,
                "where a second person must approve: wait until they have, then go on");
}

absl::Status CallWithApproval(SignerClient& signer, bool wait,
                              absl::FunctionRef<absl::Status()> call) {
  for (;;) {
    const absl::Status status = call();
    const std::string approval = ApprovalRequired(status);
    if (approval.empty()) return status;
    TellWhatToDo(approval, wait);
    if (!wait) return status;
    RETURN_IF_ERROR(WaitForDecision(signer, approval));
  }
}

}  // namespace keyward::client
