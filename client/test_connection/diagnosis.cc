#include "client/test_connection/diagnosis.h"

#include <google/protobuf/duration.pb.h>

#include <array>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "client/salesforce_error.h"
#include "client/test_connection/diagnosis_table.h"
#include "client/test_connection/findings.h"
#include "common/error.h"
#include "common/utf8.h"

namespace keyward::client {
namespace {

using Replacement = std::pair<std::string, std::string>;

constexpr absl::Duration kFirstLook = absl::Minutes(2);

// Where in Setup something is, for both kinds of app.
constexpr std::array<std::pair<const char*, const char*>, 7> kPlaces = {{
    {"{open_policies}",
     "Open the app's policies. External Client App: Setup → External Client App Manager → the app "
     "→ Policies → Edit. Connected App: Setup → Manage Connected Apps → the app → Edit Policies."},
    {"{open_settings}",
     "Open the app's settings. External Client App: Setup → External Client App Manager → the app "
     "→ Settings → OAuth Settings → Edit. Connected App: Setup → App Manager → the app's menu → "
     "Edit."},
    {"{assign}",
     "External Client App: Setup → External Client App Manager → the app → Policies → Edit → App "
     "Policies → Select Permission Sets or Select Profiles. Connected App: Setup → Manage "
     "Connected "
     "Apps → the app → Manage Permission Sets or Manage Profiles."},
    {"{upload}",
     "Upload it and save. External Client App: Setup → External Client App Manager → the app → "
     "Settings → OAuth Settings → Edit → Enable JWT Bearer Flow → Upload Files. Connected App: "
     "Setup → App Manager → the app's menu → Edit → Use digital signatures → Choose File."},
    {"{consumer_key}",
     "External Client App: Setup → External Client App Manager → the app → Settings → OAuth "
     "Settings → Consumer Key and Secret. Connected App: Setup → App Manager → the app's menu → "
     "View → Manage Consumer Details."},
    {"{add_scopes}",
     "Add \"Manage user data via APIs (api)\" and \"Perform requests at any time (refresh_token, "
     "offline_access)\" to the OAuth scopes, and save."},
    {"{login_history}", "Look for this login in Setup → Login History; its Status often says why."},
}};

constexpr DiagnosisRow kUnknown = {"",
                                   "The test could not go on.",
                                   "{said}",
                                   {"Do what the sentence above says, and test again: {test}."}};

const DiagnosisRow* Find(absl::string_view reason) {
  for (const auto rows : {SalesforceDiagnoses(), NetworkDiagnoses(), SignerDiagnoses()}) {
    for (const DiagnosisRow& row : rows) {
      if (reason == row.reason) return &row;
    }
  }
  return nullptr;
}

std::string Known(absl::string_view text, const char* otherwise) {
  return text.empty() ? otherwise : Printable(text);
}

// Messages end with or without a full stop.
std::string Sentence(std::string text) {
  if (!text.empty() && !absl::EndsWith(text, ".")) text += '.';
  return text;
}

std::string Seconds(absl::Duration duration) {
  const int64_t seconds =
      absl::ToInt64Seconds(absl::AbsDuration(duration) + absl::Milliseconds(500));
  if (seconds < 120) return absl::StrCat(seconds, " s");
  return absl::StrCat(seconds / 60, " min ", seconds % 60, " s");
}

std::string ClockText(std::optional<absl::Duration> skew) {
  if (!skew) return "This machine's clock could not be compared with the login host's.";
  const std::string by = Seconds(*skew);
  if (by == "0 s" || by == "1 s") return "This machine's clock agrees with the login host's.";
  return absl::StrCat("This machine's clock is ", by,
                      *skew > absl::ZeroDuration() ? " ahead of" : " behind", " the login host's.");
}

std::vector<Replacement> Replacements(const absl::Status& failure,
                                      const DiagnosisContext& context) {
  std::string version;
  if (context.key_version) version = absl::StrCat(" --version ", *context.key_version);
  const std::string name = Known(context.connection, "NAME");
  return {{"{name}", name},
          {"{subject}", Known(context.subject, "the user")},
          {"{login_url}", Known(context.login_url, "the login host")},
          {"{key}", Known(context.consumer_key, "unknown")},
          {"{audiences}", Known(absl::StrJoin(context.audiences, ", "), "none")},
          {"{version}", version},
          {"{test}", absl::StrCat("keyward test ", name, version)},
          {"{clock}", ClockText(context.clock_skew)},
          {"{proxy}", context.by_exchange ? "https.proxy in exchange.yaml"
                                          : "https_proxy, or KEYWARD_HTTPS_PROXY"},
          {"{https_ca}", context.by_exchange ? "https.ca in exchange.yaml" : "https_ca"},
          {"{without_proxy}",
           context.by_exchange
               ? "Test without a proxy: leave https.proxy out of exchange.yaml, restart "
                 "keyward-exchange, and test again."
               : absl::StrCat("Test without a proxy: keyward test ", name, version,
                              " --https-proxy none")},
          {"{said}", Sentence(Readable(failure.message()))}};
}

// First the places, which have words in braces of their own.
std::string Fill(absl::string_view text, const std::vector<Replacement>& replacements) {
  return absl::StrReplaceAll(absl::StrReplaceAll(text, kPlaces), replacements);
}

std::string Quoted(const SalesforceError& refusal) {
  std::string said = refusal.error;
  if (!refusal.description.empty()) absl::StrAppend(&said, ": ", refusal.description);
  return absl::StrCat("Salesforce said \"", Readable(said), "\".");
}

void SetWait(absl::Duration wait, v1::Diagnosis& diagnosis) {
  diagnosis.set_waiting_helps(true);
  diagnosis.mutable_wait()->set_seconds(absl::ToInt64Seconds(absl::Ceil(wait, absl::Seconds(1))));
}

void AddWaiting(const DiagnosisRow& row, const absl::Status& failure,
                const DiagnosisContext& context, const std::vector<Replacement>& replacements,
                v1::Diagnosis& diagnosis) {
  if (row.waiting == Waiting::kPasses) {
    SetWait(RetryDelayOf(failure).value_or(absl::Minutes(row.minutes)), diagnosis);
  } else if (row.waiting == Waiting::kAfterChange) {
    SetWait(kFirstLook, diagnosis);
    diagnosis.add_steps(Fill(
        absl::StrCat("If you ", row.changed,
                     " within the last ten minutes: a change takes two to ten minutes to reach "
                     "every server of Salesforce's. Wait two, and test again: {test}."),
        replacements));
    // What is most likely comes first.
    if (!context.recently_changed) return;
    auto& steps = *diagnosis.mutable_steps();
    for (int i = steps.size() - 1; i > 0; --i) steps.SwapElements(i, i - 1);
  }
}

}  // namespace

bool HasDiagnosis(absl::string_view reason) { return Find(reason) != nullptr; }

v1::Diagnosis DiagnosisFor(const absl::Status& failure, const DiagnosisContext& context) {
  const std::string reason = ReasonOf(failure).value_or("INTERNAL");
  const DiagnosisRow* found = Find(reason);
  const DiagnosisRow& row = found == nullptr ? kUnknown : *found;
  const std::vector<Replacement> replacements = Replacements(failure, context);
  v1::Diagnosis diagnosis;
  diagnosis.set_reason(reason);
  diagnosis.set_title(row.title);
  diagnosis.set_meaning(Fill(row.meaning, replacements));
  if (const auto refusal = SalesforceErrorOf(failure)) {
    const bool more = !diagnosis.meaning().empty();
    absl::StrAppend(diagnosis.mutable_meaning(), more ? " " : "", Quoted(*refusal));
  }
  for (const char* step : row.steps) {
    if (step != nullptr) diagnosis.add_steps(Fill(step, replacements));
  }
  AddWaiting(row, failure, context, replacements, diagnosis);
  return diagnosis;
}

}  // namespace keyward::client
