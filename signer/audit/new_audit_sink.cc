// NewAuditSink() of signer/audit/forwarding_sink.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "signer/audit/forwarding_sink.h"
#include "signer/audit/tls_transport.h"
#include "signer/audit/unix_transport.h"

namespace keyward::signer {
namespace {

std::string TargetName(const ForwardConfig& config) {
  const bool is_journal = config.kind == ForwardConfig::Kind::kJournald;
  return absl::StrCat(is_journal ? "the journal at " : "syslog at ", config.address);
}

ConnectAuditTransport Connector(const ForwardConfig& config) {
  switch (config.kind) {
    case ForwardConfig::Kind::kUnixSocket:
      return [path = config.address](absl::Time deadline) {
        return ConnectUnixSyslog(path, deadline);
      };
    case ForwardConfig::Kind::kJournald:
      return
          [path = config.address](absl::Time deadline) { return ConnectJournal(path, deadline); };
    case ForwardConfig::Kind::kSyslogTls:
    case ForwardConfig::Kind::kNone:
      break;
  }
  return [options = TlsTransportOptions{.address = config.address,
                                        .ca = config.ca,
                                        .certificate = config.certificate,
                                        .private_key = config.private_key}](absl::Time deadline) {
    return ConnectTlsSyslog(options, deadline);
  };
}

}  // namespace

absl::StatusOr<std::shared_ptr<ForwardingSink>> NewAuditSink(const ForwardConfig& config) {
  if (config.kind == ForwardConfig::Kind::kNone) return nullptr;
  const std::vector<ForwardMistake> mistakes = CheckForwardFiles(config);
  if (!mistakes.empty()) {
    return absl::InvalidArgumentError(
        absl::StrJoin(mistakes, "; ", [](std::string* out, const ForwardMistake& mistake) {
          absl::StrAppend(out, mistake.setting, ": ", mistake.what);
        }));
  }
  const ForwardingOptions options = {.required = config.required, .target = TargetName(config)};
  auto sink = std::make_shared<ForwardingSink>(options, Connector(config));
  // So that a start with everything in place does not begin with refusals.
  if (config.required) sink->AwaitConnected(absl::Now() + options.timeout);
  return sink;
}

}  // namespace keyward::signer
