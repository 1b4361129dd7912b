// How Salesforce refuses: the texts in one table, and refusals that a test orders.
#ifndef KEYWARD_TESTS_STANDIN_REFUSALS_H_
#define KEYWARD_TESTS_STANDIN_REFUSALS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "common/mutex.h"

namespace keyward::standin {

// One row of the table of the token endpoint's errors.
struct RefusalRow {
  // What orders it: "not-approved".
  const char* word;
  int status;
  const char* error;
  const char* description;
  // What provokes it without an order, "" when nothing does.
  const char* cause;
};

inline constexpr RefusalRow kNotApproved{
    "not-approved", 400, "invalid_grant", "user hasn't approved this consumer",
    "a user who is not in the app's users, or whom no app names"};
inline constexpr RefusalRow kNotAdminApproved{
    "not-admin-approved", 400, "invalid_app_access",
    "user is not admin approved to access this app",
    "admin_approved, and the user is in neither users, profiles nor permission_sets"};
inline constexpr RefusalRow kInvalidAssertion{
    "invalid-assertion", 400, "invalid_grant", "invalid assertion",
    "no certificate, another key's, or a malformed assertion"};
inline constexpr RefusalRow kAudienceInvalid{
    "audience-invalid", 400, "invalid_grant", "audience is invalid",
    "an aud that is not among --audience or the app's audiences"};
inline constexpr RefusalRow kAudienceValidationFailed{
    "audience-validation-failed", 400, "invalid_grant", "Audience validation failed", ""};
inline constexpr RefusalRow kExpired{"expired", 400, "invalid_grant", "expired authorization code",
                                     "an exp in the past, by the stand-in's clock (PUT /clock)"};
inline constexpr RefusalRow kClientInvalid{
    "client-invalid", 400, "invalid_client_id", "client identifier invalid",
    "a consumer key that is unknown, or not yet at the server that was asked"};
inline constexpr RefusalRow kAppNotFound{"app-not-found", 400, "app_not_found",
                                         "External client app is not installed in this org",
                                         "a Host that is not among the app's login_hosts"};
inline constexpr RefusalRow kGrantTypeUnsupported{"grant-type-unsupported", 400,
                                                  "unsupported_grant_type",
                                                  "grant type not supported", "a mangled form"};
inline constexpr RefusalRow kInactive{"inactive-user", 400, "invalid_grant", "inactive user",
                                      "a user with active false or frozen true"};
inline constexpr RefusalRow kIpRestricted{
    "ip-restricted", 400, "invalid_grant", "ip restricted",
    "a user with ip_ranges that the client's address is not in, and an app without relax_ip"};
inline constexpr RefusalRow kRateExceeded{
    "login-rate-exceeded", 400, "invalid_grant", "login rate exceeded",
    "more logins of one user in an hour than logins_per_hour"};
inline constexpr RefusalRow kNoScopes{"no-scopes", 400, "invalid_grant", "no valid scopes defined",
                                      "an app whose scopes are empty"};
inline constexpr RefusalRow kClientCredentials{"client-credentials", 400, "invalid_client",
                                               "invalid client credentials", ""};
inline constexpr RefusalRow kRetry{"retry", 400, "unknown_error", "retry your request", ""};

// The rows above, in their order.
std::vector<RefusalRow> AllRefusals();
std::optional<RefusalRow> FindRefusal(absl::string_view word);

// A refusal as it is sent.
struct Refusal {
  Refusal(const RefusalRow& row)  // NOLINT(google-explicit-constructor): a row is one
      : status(row.status), error(row.error), description(row.description) {}
  Refusal(int status, std::string error, std::string description)
      : status(status), error(std::move(error)), description(std::move(description)) {}

  int status;
  std::string error;
  std::string description;
};

// "Refuse the next token requests of this app and user so."
struct OrderedRefusal {
  int64_t id = 0;
  // Empty for any.
  std::string consumer_key = {};
  std::string username = {};
  // How many are left; 0 for all until it is cleared.
  int64_t remaining = 1;
  Refusal refusal = kRetry;
};

// Thread-safe.
class OrderedRefusals {
 public:
  static constexpr size_t kMaxOrders = 1000;

  // Returns its id; the oldest order makes room for one more.
  int64_t Add(OrderedRefusal order);
  // The first order that fits, used up by one.
  std::optional<Refusal> Take(absl::string_view consumer_key, absl::string_view username);
  std::vector<OrderedRefusal> Orders() const;
  void Clear();

 private:
  mutable Mutex mutex_;
  int64_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<OrderedRefusal> orders_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace keyward::standin

#endif  // KEYWARD_TESTS_STANDIN_REFUSALS_H_
