#include "signer/audit/chain_check.h"

#include "absl/strings/str_cat.h"

namespace keyward::signer {
namespace {

// "record 7", "records 7 to 9".
std::string Records(uint64_t first, uint64_t last) {
  if (first == last) return absl::StrCat("record ", first);
  return absl::StrCat("records ", first, " to ", last);
}

std::string Missing(uint64_t first, uint64_t last) {
  return absl::StrCat(Records(first, last), first == last ? " is missing" : " are missing");
}

}  // namespace

void ChainCheck::AddRecord(const LineStart& start, const HexDigest& sha256, const Place& place) {
  if (file_begins_ && start.method != kOpenFileMethod) {
    findings_.Fail(FindingKind::kCutBeginning, place,
                   absl::StrCat("the file does not begin with its ", kOpenFileMethod,
                                " record: its beginning was cut off"));
  }
  const Link link{place, sha256};
  if (!main_) {
    Begin(start, place);
    main_ = link;
  } else if (main_->IsContinuedBy(start)) {
    main_ = link;
  } else if (side_ && side_->IsContinuedBy(start)) {
    side_ = link;
    if (place.sequence >= main_->place.sequence) main_ = link;
  } else if (TellBreak(start, place)) {
    main_ = link;
  } else {
    side_ = link;
  }
  file_begins_ = false;
  damaged_lines_ = 0;
}

void ChainCheck::Begin(const LineStart& start, const Place& place) {
  if (start.sequence == 1) {
    if (start.previous == kNoPrevious) return;
    findings_.Fail(FindingKind::kChangedRecord, place,
                   "record 1 says that another one came before it: it was changed");
    return;
  }
  std::string message = absl::StrCat("the log begins with record ", start.sequence);
  if (start.previous == kNoPrevious) {
    absl::StrAppend(&message, ", which continues none: records before it had no chain yet");
  }
  if (from_start_) {
    findings_.Fail(FindingKind::kBeginsLater, place,
                   absl::StrCat(message, "; give the files before this one, too"));
  } else {
    findings_.Note(FindingKind::kBeginsLater, place, std::move(message));
  }
}

bool ChainCheck::TellBreak(const LineStart& start, const Place& place) {
  const Place& before = main_->place;
  if (start.previous == kNoPrevious) {
    findings_.Fail(FindingKind::kRestartedChain, place,
                   absl::StrCat("the chain begins anew with record ", start.sequence,
                                ", behind record ", before.sequence));
    return start.sequence > before.sequence;
  }
  if (start.sequence == next_sequence()) {
    findings_.Fail(FindingKind::kChangedRecord, before,
                   absl::StrCat("record ", before.sequence, " is not the one that record ",
                                start.sequence, " continues: it was changed, or record ",
                                start.sequence, "'s `previous` was"));
    return true;
  }
  if (start.sequence > before.sequence) {
    TellGap(start, place);
    return true;
  }
  if (start.sequence == before.sequence) {
    findings_.Fail(FindingKind::kInsertedRecord, place,
                   absl::StrCat("a second record ", start.sequence, ": one of the two was inserted"));
  } else {
    findings_.Fail(FindingKind::kReorderedRecord, place,
                   absl::StrCat("record ", start.sequence, " stands behind record ",
                                before.sequence, ": it was moved or inserted"));
  }
  return false;
}

void ChainCheck::TellGap(const LineStart& start, const Place& place) {
  const uint64_t first = next_sequence();
  // The damaged lines are those records, and were told already.
  if (damaged_lines_ == start.sequence - first) return;
  const std::string missing = Missing(first, start.sequence - 1);
  if (file_begins_ && start.method == kOpenFileMethod) {
    findings_.Fail(FindingKind::kMissingFile, place,
                   absl::StrCat(missing, ": a file between ", *main_->place.file,
                                " and this one, or the end of the former"));
  } else {
    findings_.Fail(FindingKind::kMissingRecords, place, absl::StrCat(missing, " before this one"));
  }
}

}  // namespace keyward::signer
