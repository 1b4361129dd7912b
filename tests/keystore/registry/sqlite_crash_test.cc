// Whatever is killed, whenever: after kill -9 the registry holds every change
// that was acknowledged, and no half of another.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "keystore/registry/sqlite_registry.h"
#include "tests/keystore/registry/registry_contract.h"
#include "tests/keystore/registry/sqlite_statement.h"
#include "tests/testing/temp_dir.h"

namespace keyward::registry {
namespace {

// Runs `child` in a process of its own, which says each time that something is
// done; kills it after `wait_for` times and returns how often it said so.
int RunAndKill(int wait_for, const std::function<void(const std::function<void()>& done)>& child) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t pid = fork();
  if (pid == 0) {
    close(ends[0]);
    child([&] {
      if (write(ends[1], "x", 1) != 1) _exit(1);
    });
    _exit(0);
  }
  close(ends[1]);
  int count = 0;
  char byte = 0;
  while (count < wait_for && read(ends[0], &byte, 1) == 1) ++count;
  kill(pid, SIGKILL);
  while (read(ends[0], &byte, 1) == 1) ++count;
  close(ends[0]);
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFSIGNALED(status)) << "it ended before it was killed";
  return count;
}

// The `step`th of an endless row of changes.
absl::Status Change(Registry& registry, int step) {
  const std::string name = absl::StrCat("c", step / 7);
  switch (step % 7) {
    case 0:
      return registry
          .CreateConnection(name, SomeSettings(), absl::StrCat("key", step), "RS256", 2048)
          .status();
    case 1:
      return registry.FinishGeneration(name, 1, VersionState::kActive, SomeIssuedKey());
    case 2:
      return registry
          .UpdateConnection(name, OnlyConsumerKey(absl::StrCat(step)),
                            registry.GetConnection(name)->etag)
          .status();
    case 3:
      return registry
          .AdoptKeyVersion(name, absl::StrCat("key", step), "RS256", 2048, AnotherCertificate())
          .status();
    case 4:
      return registry.ReplaceCertificate(name, 1, SomeIssuedKey().certificate_der,
                                         AnotherCertificate(name));
    case 5:
      if (step % 2 == 0) return absl::OkStatus();
      return registry.BeginRemoval(name, registry.GetConnection(name)->etag);
    default:
      if (step % 2 != 0) return absl::OkStatus();
      return registry.FinishDestruction(name, 1);
  }
}

// Everything in the registry but its times.
std::string Describe(Registry& registry) {
  std::string text;
  const auto add = [&](const KeyVersion& version) {
    absl::StrAppend(&text, version.connection, "/", version.number, " ",
                    static_cast<int>(version.state), " ", version.key_id, " ", version.kid, " ",
                    version.certificate_der, " ", absl::StrJoin(version.certificate_chain, " "),
                    " ", absl::ToUnixSeconds(version.certificate_not_after), "\n");
  };
  const Contents contents = *registry.Load();
  for (const Connection& connection : contents.connections) {
    absl::StrAppend(&text, connection.name, " ", connection.etag, " ",
                    connection.settings.consumer_key, " ", connection.settings.login_url, " ",
                    connection.settings.subjects.size(), "\n");
  }
  for (const KeyVersion& version : contents.key_versions) add(version);
  const std::vector<KeyVersion> unfinished = *registry.ListUnfinished();
  for (const KeyVersion& version : unfinished) add(version);
  return text;
}

// What a registry says that was never killed, step by step.
class Expectation {
 public:
  std::string After(int steps) {
    while (static_cast<int>(descriptions_.size()) <= steps) {
      const int step = static_cast<int>(descriptions_.size()) - 1;
      if (step >= 0) {
        EXPECT_THAT(Change(*registry_, step), IsOk());
      }
      descriptions_.push_back(Describe(*registry_));
    }
    return descriptions_[steps];
  }

 private:
  testing::TempDir dir_;
  std::unique_ptr<Registry> registry_ = *OpenSqliteRegistry(dir_.File("registry.db"));
  std::vector<std::string> descriptions_;
};

TEST(SqliteCrashTest, WhatWasAcknowledgedIsThereAndNothingHalf) {
  std::vector<std::string> found;
  std::vector<int> acknowledged;
  for (int kill_after = 1; kill_after <= 40; kill_after += 3) {
    testing::TempDir dir;
    const std::string path = dir.File("registry.db");
    const int done = RunAndKill(kill_after, [&](const std::function<void()>& done) {
      const std::unique_ptr<Registry> registry = *OpenSqliteRegistry(path);
      for (int step = 0;; ++step) {
        if (!Change(*registry, step).ok()) _exit(1);
        done();
      }
    });
    const std::unique_ptr<Registry> registry = *OpenSqliteRegistry(path);
    found.push_back(Describe(*registry));
    acknowledged.push_back(done);
    EXPECT_EQ(SqliteValue(path, "PRAGMA integrity_check"), "ok");
  }
  // Only now, so that no child inherits an open database.
  Expectation expectation;
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_THAT(found[i], ::testing::AnyOf(expectation.After(acknowledged[i]),
                                           expectation.After(acknowledged[i] + 1)));
  }
}

TEST(SqliteCrashTest, AHalfTransactionIsGone) {
  testing::TempDir dir;
  const std::string path = dir.File("registry.db");
  CreateActive(**OpenSqliteRegistry(path), "acme");
  RunAndKill(1, [&](const std::function<void()>& done) {
    const std::unique_ptr<SqliteStatements> statements = SqliteStatements::Open(path);
    // A cache too small for the change, so that part of it is in the log.
    const absl::Status status = statements->Execute(
        "PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN IMMEDIATE;"
        "UPDATE connections SET consumer_key = hex(zeroblob(2000000));"
        "UPDATE connection_names SET last_number = 99; UPDATE key_versions SET state = "
        "'DESTROYED'");
    if (!status.ok()) _exit(1);
    done();
    pause();
  });
  const std::unique_ptr<Registry> registry = *OpenSqliteRegistry(path);
  EXPECT_EQ(registry->GetConnection("acme")->settings.consumer_key, SomeSettings().consumer_key);
  EXPECT_EQ(registry->ListKeyVersions("acme")->front().state, VersionState::kActive);
  Remove(*registry, "acme");
  EXPECT_EQ(CreateActive(*registry, "acme"), 2U);
}

TEST(SqliteCrashTest, AnOpeningThatWasKilledIsFinishedByTheNext) {
  for (int round = 0; round < 6; ++round) {
    testing::TempDir dir;
    const std::string path = dir.File("registry.db");
    // Opens file after file, so that the kill meets any moment of it.
    const int opened = RunAndKill(1 + round / 3, [&](const std::function<void()>& done) {
      for (int i = 0;; ++i) {
        if (!OpenSqliteRegistry(absl::StrCat(path, i)).ok()) _exit(1);
        done();
      }
    });
    for (int i = 0; i <= opened + 1; ++i) {
      const absl::StatusOr<std::unique_ptr<Registry>> registry =
          OpenSqliteRegistry(absl::StrCat(path, i));
      ASSERT_THAT(registry.status(), IsOk());
      EXPECT_EQ(CreateActive(**registry, "acme"), 1U);
    }
  }
}

}  // namespace
}  // namespace keyward::registry
