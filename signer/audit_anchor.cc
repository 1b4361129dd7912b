#include "signer/audit_anchor.h"

#include <spdlog/spdlog.h>

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "signer/audit/link_search.h"

namespace keyward::signer {
namespace {

absl::Status Lost(const AuditConfig& config, const ChainLink& anchor, const std::string& found) {
  const std::string setting = config.accept_loss == 0
                                  ? absl::StrCat("set audit.accept_loss: ", anchor.sequence)
                                  : absl::StrCat("set audit.accept_loss: ", anchor.sequence,
                                                 " (it is ", config.accept_loss, ")");
  return absl::FailedPreconditionError(absl::StrCat(
      config.file, ": records are missing or were changed: the registry says that the log has ",
      "record ", anchor.sequence, " with SHA-256 ", anchor.sha256, ", and there is ", found,
      "; keep what is there as evidence and bring the log's files back, or, if they are lost for "
      "good, ",
      setting, " in signer.yaml for one start"));
}

}  // namespace

absl::Status CheckAuditAnchor(const AuditConfig& config, registry::Registry& registry,
                              const AuditLog& audit, DaemonEvents& events) {
  ASSIGN_OR_RETURN(const std::optional<registry::AuditAnchor> anchor, registry.GetAuditAnchor());
  std::optional<std::string> instead;
  if (anchor) {
    ASSIGN_OR_RETURN(instead, FindInsteadOf({anchor->sequence, anchor->sha256}, config.file));
  }
  if (!instead) {
    if (config.accept_loss != 0) {
      spdlog::warn(
          "audit.accept_loss: the log has all that it should, so the setting has no effect; "
          "remove it");
    }
    return absl::OkStatus();
  }
  const ChainLink link{anchor->sequence, anchor->sha256};
  if (config.accept_loss != link.sequence) return Lost(config, link, *instead);
  const std::string text = absl::StrCat(link.sequence, ":", link.sha256);
  spdlog::critical(
      "audit: record {} is not in the log, where there is {}; that records are lost is accepted "
      "by audit.accept_loss; remove the setting",
      text, *instead);
  RETURN_IF_ERROR(events.RecordAcceptedLoss(text));
  // At once, so that the setting counts for one start.
  const ChainLink end = audit.head().last;
  return registry.SetAuditAnchor(end.sequence, end.sha256);
}

}  // namespace keyward::signer
