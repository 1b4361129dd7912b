// What the tests of the diagnoses share.
#ifndef KEYWARD_TESTS_CLIENT_TEST_CONNECTION_DIAGNOSIS_CONTEXT_H_
#define KEYWARD_TESTS_CLIENT_TEST_CONNECTION_DIAGNOSIS_CONTEXT_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/test_connection/diagnosis.h"

namespace keyward::client {

inline DiagnosisContext Acme() {
  return {.connection = "acme",
          .subject = "ops@acme.example",
          .login_url = "https://acme.my.salesforce.com",
          .consumer_key = "3MVG9.key",
          .audiences = {"https://login.salesforce.com", "https://acme.my.salesforce.com"},
          .key_version = 3,
          .clock_skew = absl::Seconds(-185)};
}

// All that a person reads.
inline std::string Text(const v1::Diagnosis& diagnosis) {
  return absl::StrCat(diagnosis.title(), "\n", diagnosis.meaning(), "\n",
                      absl::StrJoin(diagnosis.steps(), "\n"));
}

}  // namespace keyward::client

#endif  // KEYWARD_TESTS_CLIENT_TEST_CONNECTION_DIAGNOSIS_CONTEXT_H_
