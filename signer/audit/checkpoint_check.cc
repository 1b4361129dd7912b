#include "signer/audit/checkpoint_check.h"

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/rsa_public_key.h"
#include "common/status_macros.h"
#include "common/utf8.h"

namespace keyward::signer {
namespace {

using Json = nlohmann::json;

// A checkpoint follows its record by what is written while the token signs: seconds.
constexpr size_t kSlots = 1 << 17;
// Clocks are put right now and then.
constexpr absl::Duration kClockStep = absl::Hours(1);

template <typename T>
absl::Status ReadMember(const Json& object, const char* name, T& value) {
  const auto member = object.find(name);
  constexpr bool kIsText = std::is_same_v<T, std::string>;
  if (member == object.end() || !(kIsText ? member->is_string() : member->is_number_unsigned())) {
    return absl::InvalidArgumentError(absl::StrCat("its `checkpoint` lacks a proper `", name, "`"));
  }
  value = member->get<T>();
  return absl::OkStatus();
}

// Only as the signer writes it, so that one signature has one spelling.
std::optional<std::string> DecodeSignature(const std::string& text) {
  std::string signature;
  if (!absl::WebSafeBase64Unescape(text, &signature) ||
      absl::WebSafeBase64Escape(signature) != text) {
    return std::nullopt;
  }
  return signature;
}

}  // namespace

absl::StatusOr<Checkpoint> ParseCheckpoint(absl::string_view line) {
  const Json record = Json::parse(line.begin(), line.end(), nullptr, /*allow_exceptions=*/false);
  if (!record.is_object()) return absl::InvalidArgumentError("it is no JSON object");
  const auto member = record.find("checkpoint");
  if (member == record.end() || !member->is_object()) {
    return absl::InvalidArgumentError("it has no object `checkpoint`");
  }
  Checkpoint checkpoint;
  RETURN_IF_ERROR(ReadMember(*member, "sequence", checkpoint.link.sequence));
  RETURN_IF_ERROR(ReadMember(*member, "sha256", checkpoint.link.sha256));
  RETURN_IF_ERROR(ReadMember(*member, "time", checkpoint.time));
  RETURN_IF_ERROR(ReadMember(*member, "key_version", checkpoint.key_version));
  RETURN_IF_ERROR(ReadMember(*member, "kid", checkpoint.kid));
  RETURN_IF_ERROR(ReadMember(*member, "signature", checkpoint.signature));
  return checkpoint;
}

void CheckpointCheck::Remember(uint64_t sequence, const HexDigest& sha256) {
  const size_t index = sequence % kSlots;
  if (index >= slots_.size()) slots_.resize(index + 1);
  slots_[index] = {sequence, sha256};
}

const CheckpointCheck::Slot* CheckpointCheck::Recall(uint64_t sequence) const {
  const size_t index = sequence % kSlots;
  if (index >= slots_.size() || slots_[index].sequence != sequence) return nullptr;
  return &slots_[index];
}

void CheckpointCheck::AddRecord(absl::string_view line, const LineStart& start,
                                const HexDigest& sha256, const Place& place) {
  if (first_sequence_ == 0) {
    first_sequence_ = start.sequence;
    before_first_ = std::string(start.previous);
  }
  Remember(start.sequence, sha256);
  last_place_ = place;
  if (start.method != kCheckpointMethod) {
    last_record_ = End::kRecord;
    if (waiting_since_.empty()) waiting_since_ = std::string(start.time);
    return;
  }
  if (start.outcome != "done") {
    last_record_ = End::kLeftOut;
    return;
  }
  last_record_ = End::kCheckpoint;
  const auto checkpoint = ParseCheckpoint(line);
  if (!checkpoint.ok()) {
    findings_.Fail(FindingKind::kCheckpointMalformed, place,
                   absl::StrCat("the checkpoint cannot be read: ",
                                std::string(checkpoint.status().message())));
    return;
  }
  if (Holds(*checkpoint, place)) ++count_;
}

bool CheckpointCheck::Holds(const Checkpoint& checkpoint, const Place& place) {
  const CheckpointKeys::Key* key = keys_.Find(checkpoint.kid);
  if (key == nullptr) {
    findings_.Fail(
        FindingKind::kCheckpointUnknownKey, place,
        absl::StrCat("the checkpoint is signed with key ", Shown(checkpoint.kid), " (version ",
                     checkpoint.key_version, "), of which no certificate was given"));
    return false;
  }
  const std::optional<std::string> signature = DecodeSignature(checkpoint.signature);
  const std::optional<absl::Time> time = ParseLineTime(checkpoint.time);
  if (!signature || !time ||
      !VerifyRs256(*key->key, CheckpointStatement(checkpoint.link, checkpoint.time), *signature)
           .ok()) {
    findings_.Fail(FindingKind::kCheckpointForged, place,
                   "the checkpoint's signature is not the audit key's: it was forged or changed");
    return false;
  }
  if (!VouchesForItsRecord(checkpoint, place)) return false;
  CheckTime(checkpoint, *key, *time, place);
  // Of two that were under way at once the older may come last; that is true, and no news.
  if (vouched_ && checkpoint.link.sequence <= vouched_->sequence) return true;
  vouched_ = {checkpoint.link.sequence, checkpoint.link.sha256, *time};
  waiting_since_.clear();
  return true;
}

bool CheckpointCheck::VouchesForItsRecord(const Checkpoint& checkpoint, const Place& place) {
  const uint64_t sequence = checkpoint.link.sequence;
  if (sequence + 1 < first_sequence_) {
    findings_.Note(FindingKind::kBeginsLater, place,
                   absl::StrCat("the checkpoint vouches for record ", sequence,
                                ", which is in none of the files"));
    return false;
  }
  if (sequence >= place.sequence) {
    findings_.Fail(FindingKind::kCheckpointForged, place,
                   absl::StrCat("the checkpoint is for record ", sequence,
                                " and does not belong here: it was moved or inserted"));
    return false;
  }
  const Slot* slot = Recall(sequence);
  const bool is_before_first = sequence + 1 == first_sequence_;
  if (is_before_first ? before_first_ == checkpoint.link.sha256
                      : slot != nullptr && ViewOf(slot->sha256) == checkpoint.link.sha256) {
    return true;
  }
  const uint64_t from =
      vouched_ && vouched_->sequence < sequence ? vouched_->sequence + 1 : first_sequence_;
  findings_.Fail(FindingKind::kCheckpointForged, place,
                 absl::StrCat("record ", sequence,
                              " is not the one that the checkpoint vouches for: records were "
                              "changed and chained anew, somewhere in ",
                              from, " to ", sequence));
  return false;
}

void CheckpointCheck::CheckTime(const Checkpoint& checkpoint, const CheckpointKeys::Key& key,
                                absl::Time time, const Place& place) {
  if (vouched_ && time < vouched_->time - kClockStep) {
    findings_.Fail(FindingKind::kCheckpointTime, place,
                   absl::StrCat("the checkpoint's time, ", checkpoint.time,
                                ", is over an hour before that of the one before it"));
  }
  if (time < key.not_before - kClockStep || time > key.not_after) {
    findings_.Warn(FindingKind::kCertificateTime, place,
                   absl::StrCat("the audit key's certificate was not valid at the checkpoint's "
                                "time, ",
                                checkpoint.time));
  }
  // A signer that starts goes on behind whatever end it finds, and vouches for that.
  const auto since = ParseLineTime(waiting_since_);
  if (since && time - *since > options_.max_unvouched_time) {
    findings_.Warn(FindingKind::kCheckpointMissing, place,
                   absl::StrCat("no checkpoint since ", waiting_since_,
                                " until this one: whoever could write the file meanwhile could "
                                "write its records anew"));
  }
  const uint64_t before = vouched_ ? vouched_->sequence : first_sequence_ - 1;
  if (checkpoint.link.sequence > before &&
      checkpoint.link.sequence - before > options_.max_unvouched_records) {
    findings_.Warn(FindingKind::kCheckpointMissing, place,
                   absl::StrCat("no checkpoint for ", checkpoint.link.sequence - before,
                                " records until this one"));
  }
}

void CheckpointCheck::BeginFile() {
  if (last_record_ == End::kLeftOut) {
    findings_.Warn(FindingKind::kCheckpointLeftOut, last_place_,
                   "the file ends without a checkpoint, and says that the token gave none");
  } else if (last_record_ == End::kRecord) {
    findings_.Fail(FindingKind::kCheckpointMissing, last_place_,
                   "the file does not end with a checkpoint: its end was cut off");
  }
}

void CheckpointCheck::Finish(const VerifyReport::Record& last) {
  if (!vouched_) {
    findings_.Fail(FindingKind::kNothingVouchedFor, last_place_,
                   "no checkpoint that holds: nothing proves that these are the signer's records");
    return;
  }
  const uint64_t unvouched =
      last.sequence > vouched_->sequence ? last.sequence - vouched_->sequence : 0;
  const auto since = ParseLineTime(waiting_since_);
  if (unvouched > options_.max_unvouched_records ||
      (since && last.time - *since > options_.max_unvouched_time)) {
    findings_.Fail(FindingKind::kUnvouchedRecords, last_place_,
                   absl::StrCat("no checkpoint vouches for the last ", unvouched, " records",
                                since ? absl::StrCat(", since ", waiting_since_) : "",
                                ": checkpoints were left out, or the token has been away"));
  }
}

}  // namespace keyward::signer
