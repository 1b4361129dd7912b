// What Salesforce refuses, and the settings that change its mind.
#include "client/test_connection/diagnosis_table.h"

namespace keyward::client {
namespace {

constexpr DiagnosisRow kRows[] = {
    {"USER_NOT_APPROVED",
     "The user is not pre-authorized for the app.",
     "The app waits for {subject} to approve it in a browser, which a server cannot do; or the "
     "login went to another org than the app's, which looks the same.",
     {"{open_policies}",
      "Under OAuth Policies set Permitted Users to \"Admin approved users are pre-authorized\", "
      "and "
      "save.",
      "Let the user's permission set or profile in. {assign}",
      "If that is so already: check that {login_url} and the audience ({audiences}) are those of "
      "the app's org. Change them with: keyward connection update {name} --environment custom "
      "--login-url https://YOUR-DOMAIN.my.salesforce.com --audience URL"},
     Waiting::kAfterChange,
     "changed the app's policies or the user's permission sets"},
    {"USER_NOT_IN_POLICY",
     "No permission set or profile of the user is let in by the app.",
     "The app admits pre-authorized users only, and {subject} is none of them.",
     {"Choose a permission set for the app. {assign}",
      "Give it to the user: Setup → Users → {subject} → Permission Set Assignments → Edit "
      "Assignments. (With a profile: the user's Profile must be one of those chosen.)"},
     Waiting::kAfterChange,
     "changed the app's policies or the user's permission sets"},
    {"INVALID_ASSERTION",
     "The app does not have this connection's certificate.",
     "Salesforce could not verify the signature: another certificate was uploaded to the app, a "
     "metadata deploy without it cleared it, or a sandbox has its old copy.",
     {"Download the certificate: keyward certificate download {name}{version} --no-chain --out "
      "{name}.crt (add --der where Salesforce finds it too large).",
      "{upload}",
      "Check that the connection and the app have the same consumer key. {consumer_key} The "
      "connection's is {key}."},
     Waiting::kAfterChange,
     "uploaded the certificate or created the app"},
    {"INVALID_AUDIENCE",
     "Salesforce accepts none of the connection's audiences.",
     "Tried: {audiences}. Which one fits depends on the org and on the kind of app.",
     {"Look up the org's address: Setup → My Domain → Current My Domain URL.",
      "Let both kinds be tried: keyward connection update {name} --audience "
      "https://login.salesforce.com --audience https://YOUR-DOMAIN.my.salesforce.com (for a "
      "sandbox https://test.salesforce.com and its own My Domain).",
      "Test again: {test}. The audience that works is put first by itself."}},
    {"ASSERTION_EXPIRED",
     "Salesforce takes our assertions for expired: a clock is wrong.",
     "An assertion is good for three minutes. {clock}",
     {"Set the clock of the machine that ran this test by NTP: timedatectl set-ntp true, then look "
      "at timedatectl status.",
      "Do the same on the machine of keyward-signer.", "Test again: {test}."}},
    {"UNKNOWN_CONSUMER_KEY",
     "Salesforce does not know the consumer key.",
     "At {login_url} there is no app with the consumer key {key}: it is not the app's, or the app "
     "is in another org, or new.",
     {"Copy the app's consumer key. {consumer_key}",
      "Store it: keyward connection update {name} --consumer-key KEY",
      "Check the environment: sandboxes log in at https://test.salesforce.com (--environment "
      "sandbox), production and developer orgs at https://login.salesforce.com (--environment "
      "production)."},
     Waiting::kAfterChange,
     "created the app"},
    {"APP_NOT_INSTALLED",
     "The app is not installed in the org that was asked.",
     "The login went to {login_url}, and the org behind it does not have this External Client App.",
     {"Look up the address of the app's org: Setup → My Domain → Current My Domain URL.",
      "Log in there: keyward connection update {name} --environment custom --login-url "
      "https://YOUR-DOMAIN.my.salesforce.com --audience https://YOUR-DOMAIN.my.salesforce.com",
      "If the app is another org's (production's, while this is a sandbox): create or install it "
      "in this org, Setup → External Client App Manager, and store its consumer key."},
     Waiting::kAfterChange,
     "created or installed the app"},
    {"GRANT_TYPE_UNSUPPORTED",
     "The login request did not reach Salesforce as it was sent.",
     "Something between here and {login_url} rewrites requests: a proxy or a gateway.",
     {"{without_proxy}", "If that works, have the proxy pass {login_url} through untouched."}},
    {"USER_INACTIVE",
     "The user is deactivated or frozen.",
     "Salesforce lets {subject} log in nowhere.",
     {"Setup → Users → {subject}: press Unfreeze if it is there; else Edit, tick Active, and save.",
      "Or log in as another user: keyward connection update {name} --subject USER"}},
    {"IP_RESTRICTED",
     "Salesforce does not let this machine's address in.",
     "The address from which we log in is outside the ranges of the user's profile or of the org.",
     {"Look up the address: {login_history} Its Source IP is ours.",
      "Allow it for the user: Setup → Profiles → the profile of {subject} → Login IP Ranges → Add "
      "IP Ranges.",
      "Or for the app alone: {open_policies} Under OAuth Policies set IP Relaxation to \"Relax IP "
      "restrictions\", and save."}},
    {"LOGIN_RATE_EXCEEDED",
     "The user has logged in too often within the hour.",
     "Salesforce allows {subject} 3,600 logins in an hour, of all programs together.",
     {"Find out who logs in so often: Setup → Login History, by user name and application.",
      "Have those programs use each access token until Salesforce refuses it. keyward-exchange "
      "does; \"keyward token\" logs in each time.",
      "Test again in an hour: {test}."},
     Waiting::kPasses,
     nullptr,
     60},
    {"NO_SCOPES",
     "The app has no OAuth scopes.",
     "Without one Salesforce grants no access token.",
     {"{open_settings}", "{add_scopes}", "Test again: {test}."},
     Waiting::kAfterChange,
     "changed the app's scopes"},
    {"INVALID_CLIENT_CREDENTIALS",
     "Salesforce does not accept the app.",
     "Seen rarely in this flow, and not documented.",
     {"Compare the consumer key with the connection's, {key}. {consumer_key}",
      "Upload the certificate again: keyward certificate download {name}{version} --no-chain --out "
      "{name}.crt. {upload}",
      "{login_history}"},
     Waiting::kAfterChange,
     "changed the app"},
    {"SALESFORCE_TRANSIENT",
     "Salesforce has a fault at the moment.",
     "It asks to be tried again; nothing is wrong with the app or the connection.",
     {"Test again in a minute: {test}.",
      "If it lasts: look for the org's instance on https://status.salesforce.com (Setup → Company "
      "Information → Instance)."},
     Waiting::kPasses},
    {"SALESFORCE_REFUSED",
     "Salesforce refused the login, in words that are not known here.",
     "",
     {"{login_history}",
      "Check in the app: {open_policies} Permitted Users, profiles and permission sets, IP "
      "Relaxation.",
      "Show Salesforce's words to your Salesforce administrator or to Salesforce's support."},
     Waiting::kAfterChange,
     "changed the app"},
    {"API_TOKEN_REFUSED",
     "The API refuses the access token that the login has just given.",
     "A policy of the org ends or blocks the session at once. {said}",
     {"Look at the session policies: Setup → Session Settings (\"Lock sessions to the IP address "
      "from which they originated\" and the timeout), and the profile's Session Settings.",
      "{open_policies} Look at the app's session policies: High Assurance session required blocks "
      "a server.",
      "{login_history}"},
     Waiting::kAfterChange,
     "changed these policies"},
    {"API_ACCESS_DENIED",
     "The user may not use the API.",
     "The login worked, and the API turned {subject} down. {said}",
     {"Give the user a permission set with the system permission \"API Enabled\": Setup → "
      "Permission Sets → the set → System Permissions; then Setup → Users → {subject} → Permission "
      "Set Assignments → Edit Assignments.",
      "Where the org limits API access to approved apps (Setup → API Access Control), approve this "
      "app for the user.",
      "{open_settings} The scopes must include \"Manage user data via APIs (api)\"."},
     Waiting::kAfterChange,
     "changed the user's permission sets"},
    {"API_ANSWER_UNEXPECTED",
     "The API answers what no API of Salesforce's does.",
     "{said}",
     {"Test again: {test}.",
      "If it lasts: look for a proxy or gateway between here and the org, and for the org's "
      "instance on https://status.salesforce.com."},
     Waiting::kPasses},
    {"SCOPES_MISSING",
     "The app lacks OAuth scopes.",
     "The login works, but without \"api\" every other call of the API is refused, and without "
     "\"refresh_token, offline_access\" the org may end sessions early. {said}",
     {"{open_settings}", "{add_scopes}",
      "Tokens that were granted before keep their scopes; those granted from now on have the new "
      "ones. Test again: {test}."},
     Waiting::kAfterChange,
     "changed the app's scopes"},
};

}  // namespace

absl::Span<const DiagnosisRow> SalesforceDiagnoses() { return kRows; }

}  // namespace keyward::client
