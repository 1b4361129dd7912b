// Random identifiers in the shapes that Salesforce uses.
#ifndef KEYWARD_TESTS_STANDIN_IDS_H_
#define KEYWARD_TESTS_STANDIN_IDS_H_

#include <string>

#include "absl/strings/string_view.h"

namespace keyward::standin {

// 85 characters that begin with 3MVG9: the consumer key of an app.
std::string NewConsumerKey();

// The 18-character id of a record: `prefix` (three characters, "00D" for an
// organization, "005" for a user), twelve random ones, and Salesforce's
// three-character suffix, which encodes the case of the first fifteen.
std::string NewRecordId(absl::string_view prefix);

// An access token: the 15-character organization id, "!", and 96 random
// characters (576 bits).
std::string NewAccessToken(absl::string_view organization_id);

// The suffix that turns the 15-character `id` into its 18-character form.
std::string CaseSuffix(absl::string_view id);

}  // namespace keyward::standin

#endif  // KEYWARD_TESTS_STANDIN_IDS_H_
