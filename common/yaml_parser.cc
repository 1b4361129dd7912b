// ParseYaml(): the part of yaml_reader that knows yaml-cpp.
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/yaml_reader.h"

namespace keyward {
namespace {

constexpr size_t kMaxDepth = 16;

// Thrown through yaml-cpp, and caught in ParseYaml().
struct Refused {
  int line;
  const char* what;
};

// Some places, such as the end of the input, have no line of their own.
int LineOf(const YAML::Mark& mark) { return mark.is_null() ? 1 : mark.line + 1; }

// Builds YamlNodes from yaml-cpp's events. yaml-cpp's own nodes hide keys that
// are there twice.
class Builder : public YAML::EventHandler {
 public:
  YamlNode TakeRoot() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) throw Refused{LineOf(mark), "a second document is not read; remove it"};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    RefuseAnchor(mark, anchor);
    Add(mark, YamlNode::Kind::kNull);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    throw Refused{LineOf(mark), "aliases (*name) are not read; write the value out"};
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    RefuseAnchor(mark, anchor);
    RefuseTag(mark, tag);
    if (!open_.empty() && AwaitsKey()) {
      open_.back()->entries.push_back({.key = value, .line = LineOf(mark), .value = {}});
      has_key_.back() = true;
      return;
    }
    YamlNode& node = Add(mark, YamlNode::Kind::kScalar);
    node.text = value;
    node.plain = tag != "!";
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    Open(mark, tag, anchor, YamlNode::Kind::kSequence);
  }
  void OnSequenceEnd() override { Close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    Open(mark, tag, anchor, YamlNode::Kind::kMapping);
  }
  void OnMapEnd() override { Close(); }

 private:
  static void RefuseAnchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) {
      throw Refused{LineOf(mark), "anchors (&name) are not read; write the value out"};
    }
  }

  // yaml-cpp gives "?" to what has no tag, and "!" to quoted scalars.
  static void RefuseTag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!") {
      throw Refused{LineOf(mark), "tags (!name) are not read; remove it"};
    }
  }

  bool AwaitsKey() const {
    return open_.back()->kind == YamlNode::Kind::kMapping && !has_key_.back();
  }

  // Where the next value goes. Pointers to open nodes stay valid: their lists
  // grow only after what was last added to them is closed.
  YamlNode& Add(const YAML::Mark& mark, YamlNode::Kind kind) {
    YamlNode* node = &root_;
    if (!open_.empty()) {
      if (AwaitsKey()) throw Refused{LineOf(mark), "a key must be a word"};
      YamlNode& parent = *open_.back();
      if (parent.kind == YamlNode::Kind::kMapping) {
        node = &parent.entries.back().value;
        has_key_.back() = false;
      } else {
        node = &parent.items.emplace_back();
      }
    }
    node->kind = kind;
    node->line = LineOf(mark);
    return *node;
  }

  void Open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            YamlNode::Kind kind) {
    RefuseAnchor(mark, anchor);
    RefuseTag(mark, tag);
    if (open_.size() == kMaxDepth) throw Refused{LineOf(mark), "too many levels"};
    open_.push_back(&Add(mark, kind));
    has_key_.push_back(false);
  }

  void Close() {
    open_.pop_back();
    has_key_.pop_back();
  }

  YamlNode root_;
  int documents_ = 0;
  std::vector<YamlNode*> open_;
  // For each open node: whether it is a mapping whose last key has no value yet.
  std::vector<bool> has_key_;
};

// Whether a tab is in the white space with which line number `line` begins: yaml-cpp
// then says what it misses instead.
bool IsIndentedByTab(absl::string_view text, int line) {
  const std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  if (static_cast<size_t>(line) > lines.size()) return false;
  const absl::string_view at = lines[line - 1];
  return absl::StrContains(at.substr(0, at.find_first_not_of(" \t")), '\t');
}

absl::Status Malformed(absl::string_view file, int line, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(file, ":", line, ": ", what));
}

}  // namespace

absl::StatusOr<YamlNode> ParseYaml(absl::string_view text, absl::string_view file) {
  try {
    const std::string copy(text);
    std::istringstream stream(copy);
    YAML::Parser parser(stream);
    Builder builder;
    while (parser.HandleNextDocument(builder)) {
    }
    return builder.TakeRoot();
  } catch (const Refused& refused) {
    return Malformed(file, refused.line, refused.what);
  } catch (const YAML::Exception& error) {
    const int line = LineOf(error.mark);
    return Malformed(
        file, line,
        absl::StrCat("not YAML: ",
                     IsIndentedByTab(text, line) ? "tabs may not indent; use spaces" : error.msg));
  }
}

}  // namespace keyward
