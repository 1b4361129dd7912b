#include "signer/audit_service.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/openssl.h"
#include "common/status_macros.h"
#include "signer/audit/audit_filter.h"
#include "signer/conversions.h"

namespace keyward::signer {
namespace {

constexpr int kDefaultPageSize = 100;
constexpr int kMaxPageSize = 500;
// Lines are 64 KiB at most; gRPC takes messages of up to 4 MiB.
constexpr size_t kMaxResponseBytes = 3 << 20;
// What one call looks at: some tens of milliseconds' work.
constexpr int64_t kMaxBytes = 4 << 20;
// Backwards there is no next call that goes on.
constexpr int64_t kMaxBytesBackwards = 32 << 20;
constexpr absl::Duration kRecordInterval = absl::Minutes(1);
// Far more than there are people who read audit logs.
constexpr size_t kMaxReaders = 1000;

absl::Status Invalid(absl::string_view message) {
  return Error(absl::StatusCode::kInvalidArgument, "AUDIT_REQUEST_INVALID", message);
}

absl::StatusOr<std::optional<absl::Time>> TimeOf(bool present,
                                                 const google::protobuf::Timestamp& time,
                                                 absl::string_view field) {
  if (!present) return std::nullopt;
  constexpr int64_t kEndOfYear9999 = 253402300799;
  if (time.seconds() < 0 || time.seconds() > kEndOfYear9999 || time.nanos() < 0 ||
      time.nanos() > 999'999'999) {
    return Invalid(absl::StrCat(field, " must be a time from 1970 to 9999"));
  }
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

absl::Status CheckRequest(const v1::ListAuditRecordsRequest& request) {
  if (request.page_size() < 0 || request.page_size() > kMaxPageSize) {
    return Invalid(
        absl::StrCat("page_size must be 0 to ", kMaxPageSize, "; 0 means ", kDefaultPageSize));
  }
  if (request.last() < 0 || request.last() > kMaxPageSize) {
    return Invalid(absl::StrCat("last must be 0 to ", kMaxPageSize, "; 0 means not"));
  }
  if (!request.outcome().empty() && request.outcome() != "done" && request.outcome() != "refused") {
    return Invalid("outcome must be done or refused, or empty for both");
  }
  return absl::OkStatus();
}

absl::StatusOr<AuditFilter> FilterOf(const v1::ListAuditRecordsRequest& request) {
  AuditFilter filter{.connection = request.connection(),
                     .identity = request.identity(),
                     .method = request.method(),
                     .outcome = request.outcome(),
                     .reason = request.reason()};
  ASSIGN_OR_RETURN(filter.since, TimeOf(request.has_since(), request.since(), "since"));
  ASSIGN_OR_RETURN(filter.until, TimeOf(request.has_until(), request.until(), "until"));
  return filter;
}

// Which records a caller may see.
class Sight {
 public:
  explicit Sight(const PermittedCall& call)
      : policy_(call.policy),
        identity_(call.record.identity),
        all_(policy_.DecideForAll(identity_, Operation::kReadAudit).status.ok()) {}

  bool Shows(absl::string_view line) {
    if (all_) return true;
    const std::string connection = MemberOf(line, "connection");
    // A record says what the caller wrote, which may be no connection's name.
    return IsName(connection) && policy_.Allows(identity_, connection, Operation::kReadAudit);
  }

 private:
  static bool IsName(absl::string_view text) {
    return !text.empty() && text.find('*') == absl::string_view::npos;
  }

  const AuthorizationPolicy& policy_;
  const std::string& identity_;
  const bool all_;
};

absl::Status ListLast(const AuditReader& reader, const ReadRange& range, int last,
                      absl::FunctionRef<bool(absl::string_view, const LineStart&)> shows,
                      v1::ListAuditRecordsResponse& response) {
  std::vector<std::string> lines;
  size_t bytes = 0;
  ASSIGN_OR_RETURN(const ReadEnd end,
                   reader.ReadBackwards(range, [&](absl::string_view line, const LineStart& start) {
                     if (!shows(line, start)) return true;
                     bytes += line.size();
                     if (bytes > kMaxResponseBytes) return false;
                     lines.emplace_back(line);
                     return lines.size() < static_cast<size_t>(last);
                   }));
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    response.add_lines(std::move(*line));
  }
  response.set_next_after_sequence(std::max(end.last_sequence, range.after_sequence));
  response.set_at_end(true);
  return absl::OkStatus();
}

absl::Status ListFirst(const AuditReader& reader, const ReadRange& range, int page_size,
                       absl::FunctionRef<bool(absl::string_view, const LineStart&)> shows,
                       v1::ListAuditRecordsResponse& response) {
  size_t bytes = 0;
  ASSIGN_OR_RETURN(const ReadEnd end,
                   reader.Read(range, [&](absl::string_view line, const LineStart& start) {
                     if (!shows(line, start)) return true;
                     bytes += line.size();
                     response.add_lines(line.data(), line.size());
                     return response.lines_size() < page_size && bytes < kMaxResponseBytes;
                   }));
  response.set_next_after_sequence(end.last_sequence);
  response.set_at_end(end.at_end);
  return absl::OkStatus();
}

}  // namespace

grpc::Status AuditService::Read(grpc::ServerContext& context, absl::string_view method,
                                absl::FunctionRef<absl::Status(PermittedCall&)> read) {
  return administration_.RunForAnyConnection(
      context, method, [&](PermittedCall& call) -> absl::Status {
        if (!call.policy.AllowsAny(call.record.identity, Operation::kReadAudit)) {
          // Tells why.
          const Decision decision =
              call.policy.DecideForAll(call.record.identity, Operation::kReadAudit);
          call.record.role = std::string(decision.role);
          return decision.status;
        }
        RETURN_IF_ERROR(read(call));
        call.leave_unrecorded = WasRecordedLately(method, call.record.identity);
        return absl::OkStatus();
      });
}

bool AuditService::WasRecordedLately(absl::string_view method, const std::string& identity) {
  const absl::Time now = absl::Now();
  const MutexLock lock(&mutex_);
  if (recorded_.size() >= kMaxReaders) recorded_.clear();
  absl::Time& last =
      recorded_.try_emplace(absl::StrCat(method, " ", identity), absl::InfinitePast())
          .first->second;
  if (last <= now && now - last < kRecordInterval) return true;
  last = now;
  return false;
}

grpc::Status AuditService::ListAuditRecords(grpc::ServerContext* context,
                                            const v1::ListAuditRecordsRequest* request,
                                            v1::ListAuditRecordsResponse* response) {
  return Read(*context, "ListAuditRecords", [&](PermittedCall& call) -> absl::Status {
    RETURN_IF_ERROR(CheckRequest(*request));
    ASSIGN_OR_RETURN(const AuditFilter filter, FilterOf(*request));
    Sight sight(call);
    const auto shows = [&](absl::string_view line, const LineStart& start) {
      return Matches(filter, line, start) && sight.Shows(line);
    };
    // What is written but not on the disk yet may still vanish.
    ReadRange range{.after_sequence = request->after_sequence(),
                    .up_to_sequence = administration_.parts().audit.head().last.sequence,
                    .max_bytes = kMaxBytes};
    if (request->last() == 0) {
      const int page_size = request->page_size() == 0 ? kDefaultPageSize : request->page_size();
      return ListFirst(reader_, range, page_size, shows, *response);
    }
    range.max_bytes = kMaxBytesBackwards;
    return ListLast(reader_, range, request->last(), shows, *response);
  });
}

grpc::Status AuditService::GetAuditHead(grpc::ServerContext* context,
                                        const v1::GetAuditHeadRequest* /*request*/,
                                        v1::AuditHead* response) {
  return Read(*context, "GetAuditHead", [&](PermittedCall& /*call*/) {
    const AuditHead head = administration_.parts().audit.head();
    response->set_sequence(head.last.sequence);
    response->set_sha256(head.last.sha256);
    if (head.vouched.sequence > 0) {
      response->set_checkpoint_sequence(head.vouched.sequence);
      response->set_checkpoint_sha256(head.vouched.sha256);
      response->mutable_checkpoint_time()->set_seconds(absl::ToUnixSeconds(head.vouched_time));
    }
    return absl::OkStatus();
  });
}

grpc::Status AuditService::ListAuditCertificates(
    grpc::ServerContext* context, const v1::ListAuditCertificatesRequest* /*request*/,
    v1::ListAuditCertificatesResponse* response) {
  return Read(*context, "ListAuditCertificates", [&](PermittedCall& /*call*/) -> absl::Status {
    ASSIGN_OR_RETURN(const std::vector<registry::KeyVersion> versions, key_.Versions());
    for (const registry::KeyVersion& version : versions) {
      if (version.certificate_der.empty()) continue;
      ASSIGN_OR_RETURN(*response->add_certificates(), CertificateToProto(version));
    }
    return absl::OkStatus();
  });
}

grpc::Status AuditService::RotateAuditKey(grpc::ServerContext* context,
                                          const v1::RotateAuditKeyRequest* /*request*/,
                                          v1::Certificate* response) {
  return administration_.RunForAllConnections(
      *context, "RotateAuditKey", Operation::kRotate, [&](PermittedCall& call) -> absl::Status {
        ASSIGN_OR_RETURN(const registry::KeyVersion version, key_.Rotate(DeadlineOf(*context)));
        call.record.key_version = version.number;
        call.record.certificate_sha256 = HexSha256(version.certificate_der);
        ASSIGN_OR_RETURN(*response, CertificateToProto(version));
        return absl::OkStatus();
      });
}

}  // namespace keyward::signer
