// Strict reading of YAML settings files: every mistake at once, each with its
// file, line and path.
#ifndef KEYWARD_COMMON_YAML_READER_H_
#define KEYWARD_COMMON_YAML_READER_H_

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace keyward {

// One value of a YAML document (YAML 1.2 section 3.2).
struct YamlNode {
  enum class Kind { kNull, kScalar, kSequence, kMapping };
  struct Entry;

  Kind kind = Kind::kNull;
  // From 1; where the value begins.
  int line = 1;
  // Of a scalar: its text, and whether it stands without quotes.
  std::string text;
  bool plain = false;
  std::vector<YamlNode> items;
  // In the file's order; a key that is there twice is here twice.
  std::vector<Entry> entries;
};

struct YamlNode::Entry {
  std::string key;
  int line = 1;
  YamlNode value;
};

// Reads one document; an empty file is null. Anchors, aliases, tags, keys that
// are not scalars, a second document and more than 16 levels are refused: settings
// need none of them. Errors: INVALID_ARGUMENT without a reason, "FILE:LINE: ...".
absl::StatusOr<YamlNode> ParseYaml(absl::string_view text, absl::string_view file);

// The mistakes of one file. Not thread-safe.
class YamlMistakes {
 public:
  explicit YamlMistakes(absl::string_view file) : file_(file) {}

  // "FILE:LINE: PATH: WHAT"; without PATH where it is empty.
  void Add(int line, absl::string_view path, absl::string_view what);

  bool empty() const { return mistakes_.empty(); }

  // OK, or INVALID_ARGUMENT without a reason whose message has a line for each
  // mistake, in the order of the file.
  absl::Status ToStatus() const;

 private:
  std::string file_;
  // By line, and within a line in the order of Add().
  std::multimap<int, std::string> mistakes_;
};

// A place in a document. What is asked for and not there as asked is a mistake,
// and the answer is then empty, so that reading goes on and finds the next one.
// `node` and `mistakes` must outlive the reader and those made from it.
class YamlReader {
 public:
  // The document itself: its path is empty.
  YamlReader(const YamlNode& node, YamlMistakes& mistakes) : YamlReader(node, "", mistakes) {}

  const std::string& path() const { return path_; }
  int line() const { return node_->line; }
  bool IsNull() const { return node_->kind == YamlNode::Kind::kNull; }
  bool IsSequence() const { return node_->kind == YamlNode::Kind::kSequence; }

  // Notes a mistake at this place.
  void Mistake(absl::string_view what) const { mistakes_->Add(node_->line, path_, what); }

  // Whether this is a mapping. A key that is there twice, and one that is not in
  // `keys`, is a mistake, with the nearest of `keys` as a proposal.
  bool ReadMapping(std::initializer_list<absl::string_view> keys) const;
  // The same for a place where a secret may stand by mistake: no key that is not in `keys`
  // is shown.
  bool ReadSecretMapping(std::initializer_list<absl::string_view> keys) const;

  // The value of `key`, or nothing where this is no mapping or has no such key.
  std::optional<YamlReader> Find(absl::string_view key) const;
  // The same, but its absence is a mistake, with `what` as what is expected.
  std::optional<YamlReader> Require(absl::string_view key, absl::string_view what) const;

  // The items of a sequence.
  std::vector<YamlReader> Items() const;

  // A scalar's text, not empty and without control characters.
  std::optional<std::string> Text() const;
  // A decimal number without quotes.
  std::optional<int64_t> Integer(int64_t min, int64_t max) const;
  // A decimal number without quotes, with or without a fraction: "0.5".
  std::optional<double> Number(double min, double max) const;
  // true or false without quotes.
  std::optional<bool> Boolean() const;

 private:
  YamlReader(const YamlNode& node, std::string path, YamlMistakes& mistakes)
      : node_(&node), path_(std::move(path)), mistakes_(&mistakes) {}

  std::string PathOf(absl::string_view key) const;

  const YamlNode* node_;
  std::string path_;
  YamlMistakes* mistakes_;
};

// " (did you mean WORD?)" with the word nearest to `word`, or nothing where none
// is near.
std::string DidYouMean(absl::string_view word, const std::vector<absl::string_view>& words);

}  // namespace keyward

#endif  // KEYWARD_COMMON_YAML_READER_H_
