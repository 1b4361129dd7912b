#include "signer/audit/link_search.h"

#include "absl/strings/str_cat.h"
#include "common/openssl.h"
#include "common/status_macros.h"
#include "signer/audit/audit_reader.h"

namespace keyward::signer {
namespace {

std::string Describe(const ChainLink& link) {
  return absl::StrCat("record ", link.sequence, " with SHA-256 ", link.sha256);
}

// The last record there is.
absl::StatusOr<std::string> DescribeEnd(const AuditReader& reader) {
  std::string end = "no record";
  RETURN_IF_ERROR(reader
                      .ReadBackwards({},
                                     [&](absl::string_view /*line*/, const LineStart& start) {
                                       end = absl::StrCat("a log that ends with record ",
                                                          start.sequence);
                                       return false;
                                     })
                      .status());
  return end;
}

}  // namespace

absl::StatusOr<std::optional<std::string>> FindInsteadOf(const ChainLink& link,
                                                         const std::string& file) {
  const AuditReader reader(file);
  bool is_there = false;
  std::optional<std::string> instead;
  const auto look = [&](absl::string_view line, const LineStart& start) {
    if (start.sequence == link.sequence) {
      const ChainLink found{start.sequence, HexSha256(line)};
      is_there = found == link;
      if (!is_there) instead = Describe(found);
      return is_there;
    }
    // The file with the record itself may have been taken to an archive.
    is_there = start.sequence == link.sequence + 1 && start.previous == link.sha256;
    if (!is_there) {
      instead = absl::StrCat("record ", start.sequence, ", which follows a record with SHA-256 ",
                             start.previous);
    }
    return false;
  };
  RETURN_IF_ERROR(reader.Read({.after_sequence = link.sequence - 1}, look).status());
  if (is_there || instead) return instead;
  return DescribeEnd(reader);
}

}  // namespace keyward::signer
