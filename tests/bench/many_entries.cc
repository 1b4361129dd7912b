#include "tests/bench/many_entries.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/tokens/access_tokens.h"
#include "tests/bench/or_die.h"
#include "tests/client/tokens/manual_scheduler.h"

namespace keyward::bench {
namespace {

constexpr int kConnections = 200;
constexpr int kSubjects = 50;
constexpr int kEntries = kConnections * kSubjects;
constexpr absl::Duration kBetweenCalls = absl::Minutes(5);
// So that the logins, all at once at first, have spread out.
constexpr absl::Duration kBefore = absl::Hours(6);
constexpr absl::Duration kMeasured = absl::Hours(24);

std::string NameOf(int connection) { return absl::StrCat("customer-", 1000 + connection); }

std::string SubjectOf(int connection, int subject) {
  return absl::StrCat("integration-", 10 + subject, "@", NameOf(connection), ".example.com");
}

// As long as what Salesforce grants.
client::AccessToken Granted(const std::string& subject) {
  client::AccessToken granted;
  std::string token = absl::StrCat("00D5g00000ABCDE!", subject);
  token.resize(112, 'x');
  granted.token = Secret(std::move(token));
  granted.instance_url = "https://customer-1000.my.salesforce.com";
  granted.id = "https://login.salesforce.com/id/00D5g00000ABCDEEA2/0055g000008aBcDAAU";
  granted.scope = "api refresh_token";
  return granted;
}

class CountingLogin : public client::Login {
 public:
  absl::StatusOr<client::LoginResult> Run(const client::LoginRequest& request,
                                          absl::Time /*deadline*/,
                                          client::LoginTimes* /*times*/) override {
    ++logins;
    return client::LoginResult{.granted = Granted(request.subject),
                               .audience = "https://login.salesforce.com"};
  }

  int logins = 0;
};

v1::Connection ConnectionOf(const std::string& name) {
  v1::Connection connection;
  connection.set_name(name);
  connection.set_etag("1");
  int number = 0;
  while (number < kConnections && NameOf(number) != name) ++number;
  for (int i = 0; i < kSubjects; ++i) connection.add_subjects(SubjectOf(number, i));
  return connection;
}

struct Memory {
  double allocated = 0;
  double resident = 0;
};

Memory MemoryInUse() {
  const struct mallinfo2 info = mallinfo2();
  std::ifstream file("/proc/self/statm");
  double size = 0;
  double resident = 0;
  file >> size >> resident;
  return {.allocated = static_cast<double>(info.uordblks + info.hblkhd),
          .resident = resident * static_cast<double>(sysconf(_SC_PAGESIZE))};
}

class System {
 public:
  System() {
    auto scheduler = std::make_unique<testing::ManualScheduler>();
    scheduler_ = scheduler.get();
    auto connections = OrDie(client::ConnectionDirectory::New(
        {}, [](const std::string& name, absl::Time) { return ConnectionOf(name); },
        [scheduler = scheduler_] { return scheduler->Now(); }));
    tokens_ = OrDie(client::AccessTokens::New(
        {.scheduler = std::move(scheduler), .login = login_, .connections = std::move(connections)},
        options_));
  }

  // A call for each entry; returns how many had to wait for a login.
  int CallAll(const std::vector<client::TokenRequest>& requests) {
    int misses = 0;
    for (const client::TokenRequest& request : requests) {
      if (tokens_->Find(request) != nullptr) continue;
      ++misses;
      tokens_->Get({.connection = request.connection, .subject = request.subject},
                   scheduler_->Now() + absl::Seconds(20), [](const auto& token) {
                     if (!token.ok()) Die(token.status().ToString());
                   });
      scheduler_->RunTasks();
    }
    return misses;
  }

  // Lets `time` pass, with the calls that come meanwhile. Returns how many had to wait.
  int Pass(absl::Duration time, const std::vector<client::TokenRequest>& requests,
           double* most_per_minute) {
    int misses = 0;
    for (absl::Duration passed; passed < time; passed += absl::Minutes(1)) {
      if (passed % kBetweenCalls == absl::ZeroDuration()) misses += CallAll(requests);
      const int before = logins();
      scheduler_->Advance(absl::Minutes(1));
      *most_per_minute = std::max<double>(*most_per_minute, logins() - before);
    }
    return misses;
  }

  int logins() const { return login_->logins; }
  size_t entries() const { return tokens_->stats().tokens; }
  absl::Duration lifetime() const { return options_.token_lifetime; }

 private:
  const client::AccessTokensOptions options_;
  const std::shared_ptr<CountingLogin> login_ = std::make_shared<CountingLogin>();
  testing::ManualScheduler* scheduler_ = nullptr;
  std::unique_ptr<client::AccessTokens> tokens_;
};

size_t TextOf(const client::TokenRequest& request) {
  const client::AccessToken granted = Granted(request.subject);
  return request.connection.size() + request.subject.size() + granted.token.Expose().size() +
         granted.instance_url.size() + granted.id.size() + granted.scope.size() +
         std::string("https://login.salesforce.com").size();
}

}  // namespace

ManyEntriesFigures KeepManyEntries() {
  std::vector<client::TokenRequest> requests;
  for (int connection = 0; connection < kConnections; ++connection) {
    for (int subject = 0; subject < kSubjects; ++subject) {
      requests.push_back(
          {.connection = NameOf(connection), .subject = SubjectOf(connection, subject)});
    }
  }
  const Memory before = MemoryInUse();
  System system;
  system.CallAll(requests);
  const Memory after = MemoryInUse();

  ManyEntriesFigures figures;
  figures.entries = system.entries();
  figures.allocated_bytes = (after.allocated - before.allocated) / kEntries;
  figures.resident_bytes = (after.resident - before.resident) / kEntries;
  for (const client::TokenRequest& request : requests) {
    figures.text_bytes += static_cast<double>(TextOf(request)) / kEntries;
  }

  double ignored = 0;
  figures.misses += system.Pass(kBefore, requests, &ignored);
  const int logins = system.logins();
  figures.misses += system.Pass(kMeasured, requests, &figures.most_per_minute);
  figures.hours = absl::ToDoubleHours(kMeasured);
  figures.logins_per_hour = (system.logins() - logins) / figures.hours;
  figures.ideal_per_hour = kEntries / absl::ToDoubleHours(system.lifetime());
  return figures;
}

}  // namespace keyward::bench
