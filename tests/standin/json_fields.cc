#include "tests/standin/json_fields.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/error.h"

namespace keyward::standin {

using nlohmann::json;

absl::Status BadRequest(absl::string_view message) {
  return Error(absl::StatusCode::kInvalidArgument, "BAD_REQUEST", message);
}

absl::StatusOr<json> ParseJson(const std::string& text) {
  json value = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) return BadRequest("the body is not JSON");
  return value;
}

absl::StatusOr<std::vector<std::string>> StringList(const json& value, absl::string_view name) {
  if (!value.is_array() || value.size() > kMaxListEntries) {
    return BadRequest(absl::StrCat(name, " must be an array of at most ", kMaxListEntries));
  }
  std::vector<std::string> list;
  for (const json& entry : value) {
    if (!entry.is_string() || entry.get_ref<const std::string&>().empty()) {
      return BadRequest(absl::StrCat(name, " must hold non-empty strings"));
    }
    list.push_back(entry.get<std::string>());
  }
  return list;
}

JsonFields::JsonFields(const json& value) : object_(value) {
  if (!value.is_object()) Mistake("the body must be an object");
}

const json* JsonFields::Find(const char* name) {
  read_.insert(name);
  if (!object_.is_object()) return nullptr;
  const auto member = object_.find(name);
  return member == object_.end() ? nullptr : &*member;
}

void JsonFields::Mistake(absl::string_view message) {
  if (mistake_.empty()) mistake_ = std::string(message);
}

void JsonFields::Read(const char* name, bool& out) {
  const json* member = Find(name);
  if (member == nullptr) return;
  if (!member->is_boolean()) return Mistake(absl::StrCat(name, " must be true or false"));
  out = member->get<bool>();
}

void JsonFields::Read(const char* name, std::string& out, size_t max_bytes) {
  const json* member = Find(name);
  if (member == nullptr) return;
  if (!member->is_string() || member->get_ref<const std::string&>().size() > max_bytes) {
    return Mistake(absl::StrCat(name, " must be a string of at most ", max_bytes, " bytes"));
  }
  out = member->get<std::string>();
}

void JsonFields::Read(const char* name, int64_t& out, int64_t min, int64_t max) {
  const json* member = Find(name);
  if (member == nullptr) return;
  const bool fits =
      member->is_number_integer() &&
      !(member->is_number_unsigned() && member->get<uint64_t>() > static_cast<uint64_t>(max)) &&
      member->get<int64_t>() >= min && member->get<int64_t>() <= max;
  if (!fits) return Mistake(absl::StrCat(name, " must be an integer from ", min, " to ", max));
  out = member->get<int64_t>();
}

void JsonFields::Read(const char* name, int& out, int min, int max) {
  int64_t wide = out;
  Read(name, wide, int64_t{min}, int64_t{max});
  out = static_cast<int>(wide);
}

void JsonFields::Read(const char* name, std::vector<std::string>& out) {
  const json* member = Find(name);
  if (member == nullptr) return;
  absl::StatusOr<std::vector<std::string>> list = StringList(*member, name);
  if (!list.ok()) return Mistake(list.status().message());
  out = *std::move(list);
}

void JsonFields::Read(const char* name, std::vector<int>& out, int min, int max) {
  const json* member = Find(name);
  if (member == nullptr) return;
  const auto mistake = [&] {
    Mistake(absl::StrCat(name, " must be an array of integers from ", min, " to ", max));
  };
  if (!member->is_array() || member->size() > kMaxListEntries) return mistake();
  std::vector<int> list;
  for (const json& entry : *member) {
    if (!entry.is_number_integer() || entry < min || entry > max) return mistake();
    list.push_back(entry.get<int>());
  }
  out = std::move(list);
}

json JsonFields::Any(const char* name) {
  const json* member = Find(name);
  return member == nullptr ? json(nullptr) : *member;
}

absl::Status JsonFields::Done() const {
  if (!mistake_.empty()) return BadRequest(mistake_);
  for (const auto& [name, value] : object_.items()) {
    if (!read_.contains(name)) {
      return BadRequest(absl::StrCat("only these are known here: ", absl::StrJoin(read_, ", ")));
    }
  }
  return absl::OkStatus();
}

}  // namespace keyward::standin
