// What stands between us and the login host: lists, names, proxies, trust, time.
#include "client/test_connection/diagnosis_table.h"

namespace keyward::client {
namespace {

constexpr DiagnosisRow kRows[] = {
    {"LOGIN_URL_INVALID",
     "The login URL is malformed.",
     "{said}",
     {"Correct it: keyward connection update {name} --environment custom --login-url "
      "https://YOUR-DOMAIN.my.salesforce.com"}},
    {"LOGIN_HOST_NOT_ALLOWED",
     "The login host is not on the list of hosts that assertions may be sent to.",
     "{login_url} is none of Salesforce's hosts and was not allowed here. Nothing was sent to it.",
     {"If it is a mistake: keyward connection update {name} --environment production (or sandbox, "
      "or custom with --login-url).",
      "If it is right: have the operator add it to login_hosts in the settings of what ran this "
      "test, keyward or keyward-exchange; a host in your own network belongs in "
      "private_login_hosts."}},
    {"LOGIN_HOST_PRIVATE",
     "The login host's name leads into a private network.",
     "{login_url} resolves to private addresses only, which no host of Salesforce's does. Nothing "
     "was sent to it.",
     {"Correct the DNS, or the login URL: keyward connection update {name} --environment custom "
      "--login-url URL",
      "If it is meant, as for a stand-in: have the operator add the host to "
      "private_login_hosts."}},
    {"LOGIN_HOST_UNKNOWN",
     "The login host's name does not resolve.",
     "DNS knows no address for {login_url}: a slip in the name, or this machine's DNS does not "
     "look beyond its own network.",
     {"Compare it with Setup → My Domain → Current My Domain URL. A sandbox's has two hyphens and "
      "\".sandbox\": https://DOMAIN--NAME.sandbox.my.salesforce.com",
      "Correct it: keyward connection update {name} --environment custom --login-url URL",
      "Where only a proxy may look out: set {proxy}."}},
    {"LOGIN_HOST_UNREACHABLE",
     "The login host cannot be reached.",
     "No connection to {login_url} came about, or it broke. {said}",
     {"Have the firewall let this machine connect to {login_url}.",
      "Where a proxy is needed: set {proxy}.", "Test again: {test}."},
     Waiting::kPasses},
    {"LOGIN_HOST_TIMEOUT",
     "The login host does not answer in time.",
     "The connection to {login_url} is slow or is dropped silently. {said}",
     {"Test again: {test}.",
      "If it lasts: have the firewall let this machine connect to {login_url}, or set {proxy}.",
      "Look for the org's instance on https://status.salesforce.com."},
     Waiting::kPasses},
    {"LOGIN_HOST_NOT_TRUSTED",
     "The login host's TLS certificate is not trusted.",
     "Who answers at {login_url} cannot prove to be it. Nothing was sent. {said}",
     {"Where a proxy inspects TLS: give its CA as {https_ca}, or exempt Salesforce's hosts from "
      "the "
      "inspection.",
      "Else update this machine's CA certificates (package ca-certificates), or correct "
      "{https_ca}.",
      "Check the clock: a wrong one makes certificates look expired."}},
    {"LOGIN_HOST_REDIRECTS",
     "The login host sends us elsewhere.",
     "An assertion follows no redirect. {said}",
     {"Use the URL it names, if it is Salesforce's: keyward connection update {name} --environment "
      "custom --login-url URL --audience URL",
      "Compare with Setup → My Domain → Current My Domain URL: it may have been renamed."}},
    {"RESPONSE_TOO_LARGE",
     "What answers is not a Salesforce login host.",
     "Its answer is larger than any of Salesforce's. {said}",
     {"Check the login URL, {login_url}; a proxy's own error page looks like this too.",
      "{without_proxy}"}},
    {"RESPONSE_MALFORMED",
     "What answers is not a Salesforce login host.",
     "Its answer is not in Salesforce's format. {said}",
     {"Check the login URL, {login_url}: it is an org's address or login host, not that of a page.",
      "A proxy's own error page looks like this too. {without_proxy}"}},
    {"PROXY_REFUSED",
     "The proxy refuses the connection.",
     "{said}",
     {"Have the proxy allow CONNECT to {login_url}, port 443.",
      "Check the proxy's address, user and password ({proxy})."}},
    {"CLOCK_WRONG",
     "This machine's clock is wrong.",
     "{clock} An assertion is good for three minutes by this clock: one that is behind makes "
     "logins fail, and one that is ahead makes assertions live longer than they should.",
     {"Set the clock by NTP: timedatectl set-ntp true, then look at timedatectl status.",
      "Check the machine of keyward-signer in the same way.", "Test again: {test}."}},
    {"INSTANCE_URL_NOT_ALLOWED",
     "The org's API is at a host that access tokens may not be sent to.",
     "The login worked, and the token was not used. {said}",
     {"If the host is your org's: have the operator add it to login_hosts in the settings of what "
      "ran this test, keyward or keyward-exchange.",
      "If you do not know it: do not add it. {login_url} named it, so have your security team look "
      "at that host."}},
    {"LOGIN_BUDGET_SPENT",
     "Keyward has spent this user's logins for now.",
     "Its own budget stays below Salesforce's 3,600 logins an hour, so that programs that go on "
     "are not locked out. {said}",
     {"Wait, and test again: {test}.",
      "Find out who logs in so often: Setup → Login History, by user name and application."},
     Waiting::kPasses,
     nullptr,
     10},
    {"LOGIN_HOST_CIRCUIT_OPEN",
     "The login host failed so often that it is left alone for a while.",
     "{said}",
     {"Wait, and test again: {test}."},
     Waiting::kPasses},
    {"DEADLINE_PASSED",
     "The test ran out of time.",
     "{said}",
     {"Give it more time, and test again: {test}.",
      "The steps above have their times: the slowest one is where to look."},
     Waiting::kPasses},
    {"DEADLINE_EXCEEDED",
     "keyward-signer does not answer in time.",
     "{said}",
     {"Test again: {test}.", "If it lasts: have its operator look at its health and its log."},
     Waiting::kPasses},
};

}  // namespace

absl::Span<const DiagnosisRow> NetworkDiagnoses() { return kRows; }

}  // namespace keyward::client
