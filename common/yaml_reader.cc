#include "common/yaml_reader.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace keyward {
namespace {

absl::string_view NameOf(YamlNode::Kind kind) {
  switch (kind) {
    case YamlNode::Kind::kNull:
      return "empty";
    case YamlNode::Kind::kScalar:
      return "a single value";
    case YamlNode::Kind::kSequence:
      return "a list";
    case YamlNode::Kind::kMapping:
      return "a mapping";
  }
  return "unknown";
}

// Levenshtein distance.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

bool IsDecimal(absl::string_view text) {
  if (!text.empty() && text.front() == '-') text.remove_prefix(1);
  return !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

}  // namespace

std::string DidYouMean(absl::string_view word, const std::vector<absl::string_view>& words) {
  constexpr size_t kLongestWord = 64;
  if (words.empty() || word.size() > kLongestWord) return "";
  const auto nearest =
      std::min_element(words.begin(), words.end(), [&](absl::string_view a, absl::string_view b) {
        return EditDistance(word, a) < EditDistance(word, b);
      });
  // A third of the letters may differ.
  if (EditDistance(word, *nearest) > std::max<size_t>(1, nearest->size() / 3)) return "";
  return absl::StrCat(" (did you mean ", *nearest, "?)");
}

void YamlMistakes::Add(int line, absl::string_view path, absl::string_view what) {
  mistakes_.emplace(line,
                    absl::StrCat(file_, ":", line, ": ", path, path.empty() ? "" : ": ", what));
}

absl::Status YamlMistakes::ToStatus() const {
  if (mistakes_.empty()) return absl::OkStatus();
  std::string message;
  for (const auto& [line, text] : mistakes_) {
    absl::StrAppend(&message, message.empty() ? "" : "\n", text);
  }
  return absl::InvalidArgumentError(message);
}

std::string YamlReader::PathOf(absl::string_view key) const {
  return absl::StrCat(path_, path_.empty() ? "" : ".", key);
}

bool YamlReader::ReadMapping(std::initializer_list<absl::string_view> keys) const {
  if (node_->kind != YamlNode::Kind::kMapping) {
    Mistake(absl::StrCat("must be a mapping, is ", NameOf(node_->kind)));
    return false;
  }
  std::map<std::string, int> first_lines;
  for (const YamlNode::Entry& entry : node_->entries) {
    const auto [first, is_new] = first_lines.emplace(entry.key, entry.line);
    if (!is_new) {
      mistakes_->Add(entry.line, PathOf(entry.key),
                     absl::StrCat("is there twice, first in line ", first->second));
    } else if (std::find(keys.begin(), keys.end(), entry.key) == keys.end()) {
      mistakes_->Add(entry.line, PathOf(entry.key),
                     absl::StrCat("unknown key", DidYouMean(entry.key, keys)));
    }
  }
  return true;
}

bool YamlReader::ReadSecretMapping(std::initializer_list<absl::string_view> keys) const {
  for (const YamlNode::Entry& entry : node_->entries) {
    if (std::find(keys.begin(), keys.end(), entry.key) != keys.end()) continue;
    mistakes_->Add(entry.line, path_, "has an unknown key, not shown here: it may be a secret");
    return false;
  }
  return ReadMapping(keys);
}

std::optional<YamlReader> YamlReader::Find(absl::string_view key) const {
  for (const YamlNode::Entry& entry : node_->entries) {
    if (entry.key == key) return YamlReader(entry.value, PathOf(key), *mistakes_);
  }
  return std::nullopt;
}

std::optional<YamlReader> YamlReader::Require(absl::string_view key, absl::string_view what) const {
  std::optional<YamlReader> found = Find(key);
  if (!found && node_->kind == YamlNode::Kind::kMapping) {
    mistakes_->Add(node_->line, PathOf(key), absl::StrCat("is missing: ", what));
  }
  return found;
}

std::vector<YamlReader> YamlReader::Items() const {
  std::vector<YamlReader> items;
  if (node_->kind != YamlNode::Kind::kSequence) {
    Mistake(absl::StrCat("must be a list, is ", NameOf(node_->kind)));
  }
  for (size_t i = 0; i < node_->items.size(); ++i) {
    items.push_back(YamlReader(node_->items[i], absl::StrCat(path_, "[", i, "]"), *mistakes_));
  }
  return items;
}

std::optional<std::string> YamlReader::Text() const {
  if (node_->kind != YamlNode::Kind::kScalar || node_->text.empty()) {
    const bool is_scalar = node_->kind == YamlNode::Kind::kScalar;
    Mistake(absl::StrCat("must be a text, is ", is_scalar ? "empty" : NameOf(node_->kind)));
    return std::nullopt;
  }
  if (std::any_of(node_->text.begin(), node_->text.end(), absl::ascii_iscntrl)) {
    Mistake("must not hold control characters");
    return std::nullopt;
  }
  return node_->text;
}

std::optional<int64_t> YamlReader::Integer(int64_t min, int64_t max) const {
  int64_t value = 0;
  const bool is_integer = node_->kind == YamlNode::Kind::kScalar && node_->plain &&
                          IsDecimal(node_->text) && absl::SimpleAtoi(node_->text, &value);
  if (is_integer && value >= min && value <= max) return value;
  Mistake(absl::StrCat("must be ", min, "..", max, ", is ",
                       node_->kind != YamlNode::Kind::kScalar ? NameOf(node_->kind)
                       : is_integer                           ? node_->text
                                                              : "no number of that range"));
  return std::nullopt;
}

std::optional<double> YamlReader::Number(double min, double max) const {
  double value = 0;
  const bool is_number = node_->kind == YamlNode::Kind::kScalar && node_->plain &&
                         std::count(node_->text.begin(), node_->text.end(), '.') <= 1 &&
                         node_->text.find_first_not_of("0123456789.") == std::string::npos &&
                         absl::SimpleAtod(node_->text, &value);
  if (is_number && value >= min && value <= max) return value;
  Mistake(absl::StrCat("must be ", min, "..", max, ", is ",
                       node_->kind != YamlNode::Kind::kScalar ? NameOf(node_->kind)
                       : is_number                            ? node_->text
                                                              : "no number of that range"));
  return std::nullopt;
}

std::optional<bool> YamlReader::Boolean() const {
  const bool is_plain = node_->kind == YamlNode::Kind::kScalar && node_->plain;
  if (is_plain && node_->text == "true") return true;
  if (is_plain && node_->text == "false") return false;
  Mistake("must be true or false, without quotes");
  return std::nullopt;
}

}  // namespace keyward
