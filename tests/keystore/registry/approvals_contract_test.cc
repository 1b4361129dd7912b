// Approvals: from the request to its use, and what is not let through.
#include "tests/keystore/registry/approvals_contract.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"

namespace keyward::registry {
namespace {

using absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const auto kNotFound = FailsWith(StatusCode::kNotFound, "APPROVAL_NOT_FOUND");
const auto kNotPending = FailsWith(StatusCode::kFailedPrecondition, "APPROVAL_NOT_PENDING");
const auto kNotApproved = FailsWith(StatusCode::kFailedPrecondition, "APPROVAL_NOT_APPROVED");
const auto kExpired = FailsWith(StatusCode::kFailedPrecondition, "APPROVAL_EXPIRED");
const auto kInvalidText = FailsWith(StatusCode::kInvalidArgument, "INVALID_TEXT");

ApprovalState StateOf(ApprovalStore& approvals, const std::string& name) {
  const absl::StatusOr<Approval> approval = approvals.Get(name);
  EXPECT_THAT(approval.status(), IsOk());
  return approval.ok() ? approval->state : ApprovalState::kPending;
}

TEST_P(RegistryContractTest, ApprovalsKeepWhatWasAskedAndDecided) {
  Approval expected = SomeApproval("one");
  ExpectApproval(*approvals().Create(expected), expected);
  Reopen();
  ExpectApproval(*approvals().Get("one"), expected);

  expected.state = ApprovalState::kApproved;
  expected.decided_by = "dns:boss.example";
  expected.decide_time = kNow + absl::Minutes(3);
  expected.comment = "ticket 12, späť";
  ExpectApproval(*approvals().Decide("one", true, expected.decided_by, expected.comment,
                                     *expected.decide_time),
                 expected);
  Reopen();
  ExpectApproval(*approvals().Get("one"), expected);
}

TEST_P(RegistryContractTest, ANewApprovalIsNotDecidedWhateverItSays) {
  Approval forged = SomeApproval("one");
  forged.state = ApprovalState::kApproved;
  forged.decided_by = "dns:boss.example";
  forged.decide_time = kNow;
  forged.comment = "fine";
  ExpectApproval(*approvals().Create(forged), SomeApproval("one"));
  ExpectApproval(*approvals().Get("one"), SomeApproval("one"));
}

TEST_P(RegistryContractTest, ApprovalsHaveMicroseconds) {
  Approval approval = SomeApproval("one");
  approval.create_time += absl::Nanoseconds(7);
  approval.expire_time += absl::Nanoseconds(7);
  ExpectApproval(*approvals().Create(approval), SomeApproval("one"));
}

TEST_P(RegistryContractTest, UnknownApprovalsAreNotFound) {
  Create(approvals(), SomeApproval("one"));
  for (const std::string& name : {std::string(), std::string("two"), std::string("one\0", 4)}) {
    EXPECT_THAT(approvals().Get(name).status(), kNotFound);
    EXPECT_THAT(approvals().Decide(name, true, "dns:b", "", kNow).status(), kNotFound);
    EXPECT_THAT(approvals().Use(name, kNow), kNotFound);
    EXPECT_THAT(approvals().GiveBack(name), kNotFound);
  }
}

TEST_P(RegistryContractTest, ApprovalsOfUnstorableTextAreRefused) {
  const std::string bad("\xFF");
  for (std::string Approval::*field :
       {&Approval::name, &Approval::method, &Approval::connection, &Approval::request_sha256,
        &Approval::requester, &Approval::before_json, &Approval::after_json}) {
    Approval approval = SomeApproval("one");
    approval.*field = bad;
    EXPECT_THAT(approvals().Create(approval).status(), kInvalidText);
  }
  Approval approval = SomeApproval("one");
  approval.changes = {bad};
  EXPECT_THAT(approvals().Create(approval).status(), kInvalidText);
  EXPECT_THAT(approvals().List(bad, false, kNow).status(), kInvalidText);

  Create(approvals(), SomeApproval("one"));
  EXPECT_THAT(approvals().Decide("one", true, bad, "", kNow).status(), kInvalidText);
  EXPECT_THAT(approvals().Decide("one", true, "dns:b", bad, kNow).status(), kInvalidText);
  EXPECT_EQ(StateOf(approvals(), "one"), ApprovalState::kPending);
}

TEST_P(RegistryContractTest, AnApprovalNeedsANameAndTime) {
  EXPECT_EQ(approvals().Create(SomeApproval("")).status().code(), StatusCode::kInvalidArgument);
  Approval over = SomeApproval("one");
  over.expire_time = over.create_time;
  EXPECT_EQ(approvals().Create(over).status().code(), StatusCode::kInvalidArgument);
}

TEST_P(RegistryContractTest, AnApprovalsNameIsUsedOnce) {
  Create(approvals(), SomeApproval("one"));
  Approval other = SomeApproval("one");
  other.request_sha256 = "other";
  EXPECT_THAT(approvals().Create(other).status(),
              FailsWith(StatusCode::kAlreadyExists, "APPROVAL_EXISTS"));
  ExpectApproval(*approvals().Get("one"), SomeApproval("one"));
}

TEST_P(RegistryContractTest, AnApprovalIsDecidedOnceAndInTime) {
  Create(approvals(), SomeApproval("yes"));
  Create(approvals(), SomeApproval("no"));
  Create(approvals(), SomeApproval("late"));
  EXPECT_EQ(approvals().Decide("yes", true, "dns:b", "", kNow)->state, ApprovalState::kApproved);
  EXPECT_EQ(approvals().Decide("no", false, "dns:b", "", kNow)->state, ApprovalState::kRefused);
  for (const bool approve : {false, true}) {
    EXPECT_THAT(approvals().Decide("yes", approve, "dns:c", "", kNow).status(), kNotPending);
    EXPECT_THAT(approvals().Decide("no", approve, "dns:c", "", kNow).status(), kNotPending);
    EXPECT_THAT(approvals().Decide("late", approve, "dns:c", "", kEnd).status(), kExpired);
  }
  EXPECT_EQ(approvals().Get("yes")->decided_by, "dns:b");
  EXPECT_EQ(StateOf(approvals(), "no"), ApprovalState::kRefused);
  EXPECT_EQ(StateOf(approvals(), "late"), ApprovalState::kPending);
  EXPECT_THAT(approvals().Decide("late", true, "dns:c", "", kEnd - absl::Microseconds(1)).status(),
              IsOk());
}

TEST_P(RegistryContractTest, AnApprovalIsUsedOnceAndOnlyWhenApproved) {
  Create(approvals(), SomeApproval("pending"));
  Create(approvals(), SomeApproval("refused"));
  ASSERT_THAT(approvals().Decide("refused", false, "dns:b", "", kNow).status(), IsOk());
  CreateApproved(approvals(), "approved");
  EXPECT_THAT(approvals().Use("pending", kNow), kNotApproved);
  EXPECT_THAT(approvals().Use("refused", kNow), kNotApproved);
  EXPECT_THAT(approvals().Use("approved", kEnd), kExpired);
  EXPECT_THAT(approvals().Use("approved", kEnd - absl::Microseconds(1)), IsOk());
  EXPECT_THAT(approvals().Use("approved", kNow), kNotApproved);
  EXPECT_THAT(approvals().Decide("approved", false, "dns:b", "", kNow).status(), kNotPending);
  Reopen();
  EXPECT_EQ(StateOf(approvals(), "approved"), ApprovalState::kUsed);
  EXPECT_EQ(approvals().Get("approved")->decided_by, "dns:b");
}

TEST_P(RegistryContractTest, AnApprovalGivenBackIsUsedAgain) {
  CreateApproved(approvals(), "one");
  const auto not_used = FailsWith(StatusCode::kFailedPrecondition, "APPROVAL_NOT_USED");
  EXPECT_THAT(approvals().GiveBack("one"), not_used);
  ASSERT_THAT(approvals().Use("one", kNow), IsOk());
  EXPECT_THAT(approvals().GiveBack("one"), IsOk());
  EXPECT_THAT(approvals().GiveBack("one"), not_used);
  EXPECT_THAT(approvals().Use("one", kNow), IsOk());
}

TEST_P(RegistryContractTest, AllThatIsApprovedOfAMethodAndConnectionIsUsedUpAtOnce) {
  for (const char* name : {"one", "two"}) CreateApproved(approvals(), name);
  Create(approvals(), SomeApproval("pending"));
  Approval other = SomeApproval("other connection");
  other.connection = "globex";
  Create(approvals(), other);
  ASSERT_THAT(approvals().Decide(other.name, true, "dns:b", "", kNow).status(), IsOk());
  const Approval one = SomeApproval("one");
  EXPECT_THAT(approvals().UseAll("another method", one.connection), IsOk());
  EXPECT_EQ(StateOf(approvals(), "one"), ApprovalState::kApproved);
  EXPECT_THAT(approvals().UseAll(one.method, one.connection), IsOk());
  for (const char* name : {"one", "two"}) {
    EXPECT_EQ(StateOf(approvals(), name), ApprovalState::kUsed);
  }
  EXPECT_EQ(StateOf(approvals(), "pending"), ApprovalState::kPending);
  EXPECT_EQ(StateOf(approvals(), other.name), ApprovalState::kApproved);
}

TEST_P(RegistryContractTest, ListsTheNewestApprovalsFirst) {
  Create(approvals(), SomeApproval("old", kNow));
  Create(approvals(), SomeApproval("new", kNow + absl::Hours(2)));
  Create(approvals(), SomeApproval("middle", kNow + absl::Hours(1)));
  Approval other = SomeApproval("other");
  other.connection = "globex";
  Create(approvals(), other);
  ASSERT_THAT(approvals().Decide("middle", true, "dns:b", "", kNow).status(), IsOk());

  const auto list = [&](absl::string_view connection, bool only_pending, absl::Time now,
                        size_t limit) {
    return NamesOf(*approvals().List(connection, only_pending, now, limit));
  };
  EXPECT_THAT(list("acme", false, kNow, 500), ElementsAre("new", "middle", "old"));
  EXPECT_THAT(list("acme", true, kNow, 500), ElementsAre("new", "old"));
  EXPECT_THAT(list("acme", true, kEnd, 500), ElementsAre("new")) << "old has expired";
  EXPECT_THAT(list("acme", false, kEnd, 500), ElementsAre("new", "middle", "old"));
  EXPECT_THAT(list("acme", false, kNow, 2), ElementsAre("new", "middle"));
  EXPECT_THAT(list("", false, kNow, 500), ElementsAre("new", "middle", "old", "other"));
  EXPECT_THAT(list("", true, kNow, 500), ElementsAre("new", "old", "other"));
  EXPECT_THAT(list("unknown", false, kNow, 500), IsEmpty());
}

TEST_P(RegistryContractTest, FindsTheApprovalOfTheSameRequest) {
  CreateApproved(approvals(), "one");
  const Approval one = SomeApproval("one");
  const auto find = [&](absl::string_view requester, absl::string_view digest, absl::Time now) {
    const std::optional<Approval> found = *approvals().Find(requester, digest, now);
    return found ? found->name : "";
  };
  EXPECT_EQ(find(one.requester, one.request_sha256, kNow), "one");
  EXPECT_EQ(find("dns:other", one.request_sha256, kNow), "");
  EXPECT_EQ(find(one.requester, "other", kNow), "");
  EXPECT_EQ(find(one.requester, one.request_sha256, kEnd), "");
  EXPECT_EQ(find(std::string("\xFF"), one.request_sha256, kNow), "");
  ASSERT_THAT(approvals().Use("one", kNow), IsOk());
  EXPECT_EQ(find(one.requester, one.request_sha256, kNow), "") << "used";
}

constexpr int kThreads = 4;

// How many of the threads' calls succeeded, each thread on a registry of its own.
int Winners(TestDatabase& database, const std::function<absl::Status(ApprovalStore&)>& call) {
  std::atomic<int> winners = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      const std::unique_ptr<Registry> registry = database.Open();
      if (call(registry->approvals()).ok()) ++winners;
    });
  }
  for (std::thread& thread : threads) thread.join();
  return winners;
}

TEST_P(RegistryContractTest, OneUseAndOneDecisionOfAnApprovalWin) {
  for (int round = 0; round < 5; ++round) {
    const std::string name = absl::StrCat("a", round);
    Create(approvals(), SomeApproval(name));
    EXPECT_EQ(Winners(*database_,
                      [&](ApprovalStore& store) {
                        return store.Decide(name, true, "dns:b", "", kNow).status();
                      }),
              1);
    EXPECT_EQ(Winners(*database_, [&](ApprovalStore& store) { return store.Use(name, kNow); }), 1);
    EXPECT_EQ(Winners(*database_, [&](ApprovalStore& store) { return store.GiveBack(name); }), 1);
  }
}

TEST_P(RegistryContractTest, EqualRequestsAtOnceShareAnApproval) {
  std::atomic<int> count = 0;
  EXPECT_EQ(Winners(*database_,
                    [&](ApprovalStore& store) {
                      Approval approval = SomeApproval("same");
                      approval.name = absl::StrCat("a", ++count);
                      return store.Create(approval).status();
                    }),
            kThreads);
  EXPECT_THAT(*approvals().List("", false, kNow), SizeIs(1));
}

}  // namespace
}  // namespace keyward::registry
