// The texts of the diagnoses. Internal to Test Connection.
#ifndef KEYWARD_CLIENT_TEST_CONNECTION_DIAGNOSIS_TABLE_H_
#define KEYWARD_CLIENT_TEST_CONNECTION_DIAGNOSIS_TABLE_H_

#include <array>

#include "absl/types/span.h"

namespace keyward::client {

enum class Waiting {
  // It stays until someone changes something.
  kNo,
  // `changed` may not have reached every server of Salesforce's yet: 2 to 10 minutes.
  kAfterChange,
  // It passes by itself: `minutes`, where the failure itself does not say how long.
  kPasses,
};

// Words in braces stand for what DiagnosisFor() knows: {name}, {subject}, {login_url},
// {key}, {audiences}, {version} (" --version 2" or nothing), {test} (the command that
// tests again), {clock} (a sentence), {said} (the failure's own message); or for a place
// in Setup, in the words of today's pages: see kPlaces in diagnosis.cc.
struct DiagnosisRow {
  const char* reason;
  const char* title;
  const char* meaning;
  // Null behind the last.
  std::array<const char*, 5> steps;
  Waiting waiting = Waiting::kNo;
  // For kAfterChange, in "If you … within the last ten minutes".
  const char* changed = nullptr;
  int minutes = 1;
};

// Salesforce refused the login, or the API the token.
absl::Span<const DiagnosisRow> SalesforceDiagnoses();
// The way to the login host, and the clock.
absl::Span<const DiagnosisRow> NetworkDiagnoses();
// The connection, its key, its certificate and the signer.
absl::Span<const DiagnosisRow> SignerDiagnoses();

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_TEST_CONNECTION_DIAGNOSIS_TABLE_H_
