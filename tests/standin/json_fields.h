// Reading the members of a JSON object that an administrator sent.
#ifndef KEYWARD_TESTS_STANDIN_JSON_FIELDS_H_
#define KEYWARD_TESTS_STANDIN_JSON_FIELDS_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace keyward::standin {

inline constexpr size_t kMaxListEntries = 1000;

// INVALID_ARGUMENT with reason BAD_REQUEST.
absl::Status BadRequest(absl::string_view message);

// `text` as JSON, or BadRequest().
absl::StatusOr<nlohmann::json> ParseJson(const std::string& text);

// An array of non-empty strings, or BadRequest() that calls it `name`.
absl::StatusOr<std::vector<std::string>> StringList(const nlohmann::json& value,
                                                    absl::string_view name);

// Each Read() leaves `out` alone when the member is absent. The first mistake is
// kept for Done().
class JsonFields {
 public:
  // `value` must outlive this.
  explicit JsonFields(const nlohmann::json& value);

  void Read(const char* name, bool& out);
  void Read(const char* name, std::string& out, size_t max_bytes = 4096);
  void Read(const char* name, int64_t& out, int64_t min, int64_t max);
  void Read(const char* name, int& out, int min, int max);
  void Read(const char* name, std::vector<std::string>& out);
  void Read(const char* name, std::vector<int>& out, int min, int max);
  // The member as it stands, null when it is absent.
  nlohmann::json Any(const char* name);
  bool Has(const char* name) const { return object_.contains(name); }

  // BadRequest() for the first mistake: not an object, a member of another type or
  // out of its range, one that nothing read.
  absl::Status Done() const;

 private:
  const nlohmann::json* Find(const char* name);
  void Mistake(absl::string_view message);

  const nlohmann::json& object_;
  std::set<std::string> read_;
  std::string mistake_;
};

}  // namespace keyward::standin

#endif  // KEYWARD_TESTS_STANDIN_JSON_FIELDS_H_
