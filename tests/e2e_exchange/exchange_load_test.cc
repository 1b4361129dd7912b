// Many callers at once, and the rates that they may cause.
#include <gmock/gmock.h>
#include <grpcpp/completion_queue.h>
#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/file.h"
#include "keyward/v1/exchange.grpc.pb.h"
#include "tests/e2e_exchange/exchange_system.h"
#include "tests/testing/code_and_reason.h"

namespace keyward::e2e {
namespace {

using testing::CodeAndReason;
using ::testing::HasSubstr;
using testing::Replaced;

struct Call {
  grpc::ClientContext context;
  v1::ExchangeResponse response;
  grpc::Status status;
  std::unique_ptr<grpc::ClientAsyncResponseReader<v1::ExchangeResponse>> reader;
};

// Calls Exchange for acme `count` times at once; `timeout` is of each call's number.
std::deque<Call> CallAtOnce(const ExchangeSystem& system, int count,
                            const std::function<absl::Duration(int)>& timeout) {
  const auto stub = v1::Exchange::NewStub(system.Channel());
  grpc::CompletionQueue queue;
  std::deque<Call> calls(static_cast<size_t>(count));
  v1::ExchangeRequest request;
  request.set_connection("acme");
  int number = 0;
  for (Call& call : calls) {
    call.context.set_deadline(absl::ToChronoTime(absl::Now() + timeout(number++)));
    call.reader = stub->AsyncExchange(&call.context, request, &queue);
    call.reader->Finish(&call.response, &call.status, &call);
  }
  void* tag = nullptr;
  bool ok = false;
  for (int ended = 0; ended < count && queue.Next(&tag, &ok); ++ended) {
  }
  return calls;
}

int Signatures(const ExchangeSystem& system) {
  const std::string log =
      ReadFile(system.signer().File("audit.jsonl"), size_t{64} << 20).value_or("");
  int signatures = 0;
  for (const absl::string_view line : absl::StrSplit(log, '\n')) {
    if (absl::StrContains(line, R"("method":"Sign")")) ++signatures;
  }
  return signatures;
}

TEST(ExchangeLoadTest, AThousandCallersOnAColdEntryAreOneSignatureAndOneLogin) {
  ExchangeSystem system;
  ASSERT_TRUE(system.Start()) << system.daemon().Output();
  const std::deque<Call> calls = CallAtOnce(system, 1000, [](int) { return kPatience; });
  std::set<std::string> tokens;
  for (const Call& call : calls) {
    ASSERT_TRUE(call.status.ok()) << call.status.error_message();
    tokens.insert(call.response.access_token());
  }
  EXPECT_EQ(tokens.size(), 1U);
  EXPECT_EQ(system.LoginAttempts(), 1);
  EXPECT_EQ(Signatures(system), 1);
}

TEST(ExchangeLoadTest, ACallerThatLeavesDoesNotCancelTheLoginForTheOthers) {
  ExchangeSystem system;
  ASSERT_TRUE(system.Start()) << system.daemon().Output();
  system.standin().Fault(testing::kTokenEndpoint, "latency", 1, {{"milliseconds", 3000}});
  // The first, which begins the login, is in a hurry; so is every second one.
  const std::deque<Call> calls = CallAtOnce(
      system, 20, [](int number) { return number % 2 == 0 ? absl::Milliseconds(500) : kPatience; });
  for (size_t i = 0; i < calls.size(); ++i) {
    EXPECT_EQ(calls[i].status.error_code(),
              i % 2 == 0 ? grpc::StatusCode::DEADLINE_EXCEEDED : grpc::StatusCode::OK)
        << i << calls[i].status.error_message();
  }
  EXPECT_EQ(system.LoginAttempts(), 1);
}

TEST(ExchangeLoadTest, ACancelledCallGivesItsPlaceBackAtOnce) {
  ExchangeSystem system;
  // For each connection one may wait.
  system.WriteConfig(absl::StrCat(system.DefaultConfig(), "tokens: {waiting: 8}\n"));
  ASSERT_TRUE(system.Start()) << system.daemon().Output();
  system.standin().Fault(testing::kTokenEndpoint, "latency", 1, {{"milliseconds", 6000}});
  const auto stub = v1::Exchange::NewStub(system.Channel());
  v1::ExchangeRequest request;
  request.set_connection("acme");
  grpc::CompletionQueue queue;
  Call first;
  first.reader = stub->AsyncExchange(&first.context, request, &queue);
  first.reader->Finish(&first.response, &first.status, &first);
  void* tag = nullptr;
  bool ok = false;
  // A client of gRPC connects while somebody waits for its events.
  while (Signatures(system) == 0) {
    ASSERT_EQ(
        queue.AsyncNext(&tag, &ok, std::chrono::system_clock::now() + std::chrono::milliseconds(5)),
        grpc::CompletionQueue::TIMEOUT);
  }
  first.context.TryCancel();
  ASSERT_TRUE(queue.Next(&tag, &ok));
  // The others are let in while the login still runs, though the server may learn of it
  // a moment later.
  const auto call = [&] {
    Call later;
    later.context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(1)));
    return stub->Exchange(&later.context, request, &later.response).error_code();
  };
  grpc::StatusCode code = call();
  while (code == grpc::StatusCode::RESOURCE_EXHAUSTED) code = call();
  EXPECT_EQ(code, grpc::StatusCode::DEADLINE_EXCEEDED);
}

TEST(ExchangeLoadTest, NoMoreLoginsThanTheBudget) {
  ExchangeSystem system;
  system.WriteConfig(absl::StrCat(system.DefaultConfig(), "logins: {per_hour: 1, burst: 2}\n",
                                  "tokens: {remember_refusals_seconds: 1}\n"));
  ASSERT_TRUE(system.Start()) << system.daemon().Output();
  const auto client = system.Client();
  for (int call = 0; call < 2; ++call) {
    const auto report = client->TestConnection("acme");
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_TRUE(report->verified());
  }
  // Tests count too.
  const absl::Status spent =
      client->Exchange("acme", {.deadline = absl::Now() + absl::Seconds(5)}).status();
  EXPECT_EQ(CodeAndReason(spent), "RESOURCE_EXHAUSTED LOGIN_BUDGET_SPENT");
  EXPECT_EQ(system.LoginAttempts(), 2);
}

}  // namespace
}  // namespace keyward::e2e
