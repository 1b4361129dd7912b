#include "tests/standin/soql.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace keyward::standin {
namespace {

bool IsName(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.';
  });
}

}  // namespace

absl::StatusOr<SoqlSelect> ParseSoql(absl::string_view query) {
  const std::vector<absl::string_view> words =
      absl::StrSplit(query, absl::ByAnyChar(" \t\r\n"), absl::SkipEmpty());
  if (words.empty()) return absl::InvalidArgumentError("A query string has to be specified");
  const auto from = std::find_if(words.begin(), words.end(), [](absl::string_view word) {
    return absl::EqualsIgnoreCase(word, "FROM");
  });
  if (!absl::EqualsIgnoreCase(words.front(), "SELECT") || words.end() - from < 2) {
    return absl::InvalidArgumentError("unexpected token: a query is SELECT fields FROM object");
  }
  SoqlSelect select;
  select.object = std::string(*std::next(from));
  const std::string fields = absl::StrJoin(std::next(words.begin()), from, " ");
  for (absl::string_view field : absl::StrSplit(fields, ',')) {
    select.fields.emplace_back(absl::StripAsciiWhitespace(field));
  }
  if (!IsName(select.object) ||
      !std::all_of(select.fields.begin(), select.fields.end(),
                   [](const std::string& field) { return IsName(field); })) {
    return absl::InvalidArgumentError("unexpected token in the names of a query");
  }
  return select;
}

}  // namespace keyward::standin
