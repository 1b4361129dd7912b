#include "signer/audit/anchor_check.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/error.h"
#include "common/utf8.h"

namespace keyward::signer {

absl::StatusOr<Anchor> ParseAnchor(absl::string_view text) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits(':', 1));
  Anchor anchor;
  anchor.sha256 = absl::AsciiStrToLower(parts.second);
  const bool is_hex = std::all_of(anchor.sha256.begin(), anchor.sha256.end(), [](char c) {
    return absl::ascii_isxdigit(static_cast<unsigned char>(c));
  });
  if (!absl::SimpleAtoi(parts.first, &anchor.sequence) || anchor.sequence == 0 || !is_hex ||
      anchor.sha256.size() != HexDigest().size()) {
    return Error(absl::StatusCode::kInvalidArgument, "ANCHOR_INVALID",
                 absl::StrCat("an anchor is SEQUENCE:SHA256, a record's number and 64 hexadecimal "
                              "digits, as `keyward audit head` prints it, not ",
                              Shown(text)));
  }
  return anchor;
}

AnchorCheck::AnchorCheck(FindingList& findings, const std::vector<Anchor>& anchors)
    : findings_(findings) {
  for (const Anchor& anchor : anchors) entries_.push_back({anchor});
  std::stable_sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
    return a.anchor.sequence < b.anchor.sequence;
  });
}

void AnchorCheck::Look(const LineStart& start, const HexDigest& sha256, const Place& place) {
  const bool is_first = first_sequence_ == 0;
  if (is_first) first_sequence_ = start.sequence;
  last_sequence_ = std::max(last_sequence_, start.sequence);
  // The first record says what came before it.
  const uint64_t from = is_first ? start.sequence - 1 : start.sequence;
  auto entry = std::lower_bound(
      entries_.begin(), entries_.end(), from,
      [](const Entry& e, uint64_t sequence) { return e.anchor.sequence < sequence; });
  for (; entry != entries_.end() && entry->anchor.sequence <= start.sequence; ++entry) {
    const absl::string_view here =
        entry->anchor.sequence == start.sequence ? ViewOf(sha256) : start.previous;
    if (entry->anchor.sha256 == here) {
      entry->found = true;
    } else {
      entry->other = place;
    }
  }
}

void AnchorCheck::Finish() {
  for (const Entry& entry : entries_) {
    if (entry.found) continue;
    const uint64_t sequence = entry.anchor.sequence;
    if (entry.other.file != nullptr) {
      findings_.Fail(FindingKind::kAnchorMismatch, entry.other,
                     absl::StrCat("record ", sequence,
                                  " is not the one that was written down as an anchor: the log was "
                                  "written anew, from there or from further up"));
    } else if (sequence > last_sequence_) {
      findings_.Fail(FindingKind::kAnchorMissing, Place{},
                     absl::StrCat("the log ends with record ", last_sequence_, ", before the anchor ",
                                  sequence, ": its end was cut off, or it was begun anew"));
    } else {
      findings_.Fail(FindingKind::kAnchorMissing, Place{},
                     absl::StrCat("the anchor's record ", sequence, " is in none of the files",
                                  sequence < first_sequence_
                                      ? ", which begin later: give the older ones, too"
                                      : ""));
    }
  }
}

}  // namespace keyward::signer
