// Approvals: from the request to its use, and what is not let through.
#include <algorithm>
#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/keystore/registry/registry_contract.h"

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
const auto kTooMany = FailsWith(StatusCode::kResourceExhausted, "TOO_MANY_APPROVALS");
const auto kInvalidText = FailsWith(StatusCode::kInvalidArgument, "INVALID_TEXT");

const absl::Time kNow = absl::FromUnixMicros(1'800'000'000'123'456);
const absl::Time kEnd = kNow + absl::Hours(24);

Approval SomeApproval(const std::string& name) {
  Approval approval;
  approval.name = name;
  approval.method = "UpdateConnection";
  approval.connection = "acme";
  approval.changes = {"consumer-key", "audiences"};
  approval.request_sha256 = absl::StrCat("digest of ", name);
  approval.requester = "spiffe://keyward.example/é";
  approval.before_json = R"({"consumer_key":"a"})";
  approval.after_json = R"({"consumer_key":"b"})";
  approval.create_time = kNow;
  approval.expire_time = kEnd;
  return approval;
}

Approval SomeApproval(const std::string& name, absl::Time created) {
  Approval approval = SomeApproval(name);
  approval.create_time = created;
  approval.expire_time = created + absl::Hours(24);
  return approval;
}

void ExpectApproval(const Approval& actual, const Approval& expected) {
  EXPECT_EQ(actual.name, expected.name);
  EXPECT_EQ(actual.state, expected.state);
  EXPECT_EQ(actual.method, expected.method);
  EXPECT_EQ(actual.connection, expected.connection);
  EXPECT_EQ(actual.changes, expected.changes);
  EXPECT_EQ(actual.request_sha256, expected.request_sha256);
  EXPECT_EQ(actual.requester, expected.requester);
  EXPECT_EQ(actual.before_json, expected.before_json);
  EXPECT_EQ(actual.after_json, expected.after_json);
  EXPECT_EQ(actual.create_time, expected.create_time);
  EXPECT_EQ(actual.expire_time, expected.expire_time);
  EXPECT_EQ(actual.decided_by, expected.decided_by);
  EXPECT_EQ(actual.decide_time, expected.decide_time);
  EXPECT_EQ(actual.comment, expected.comment);
}

std::vector<std::string> NamesOf(const std::vector<Approval>& approvals) {
  std::vector<std::string> names;
  for (const Approval& approval : approvals) names.push_back(approval.name);
  return names;
}

void Create(ApprovalStore& approvals, const Approval& approval) {
  const absl::StatusOr<Approval> created = approvals.Create(approval);
  ASSERT_THAT(created.status(), IsOk());
  ASSERT_EQ(created->name, approval.name) << "an earlier one took its place";
}

void CreateApproved(ApprovalStore& approvals, const std::string& name) {
  Create(approvals, SomeApproval(name));
  ASSERT_THAT(approvals.Decide(name, true, "dns:b", "", kNow).status(), IsOk());
}

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

// Also one that was refused: asking again until somebody nods is no way around it.
TEST_P(RegistryContractTest, AnEqualRequestGetsTheApprovalThatIsThere) {
  const Approval first = SomeApproval("first");
  Approval equal = SomeApproval("second");
  equal.request_sha256 = first.request_sha256;
  Create(approvals(), first);
  EXPECT_EQ(approvals().Create(equal)->name, "first");
  ASSERT_THAT(approvals().Decide("first", false, "dns:b", "no", kNow).status(), IsOk());
  EXPECT_EQ(approvals().Create(equal)->state, ApprovalState::kRefused);
  EXPECT_THAT(approvals().Get("second").status(), kNotFound);

  Approval of_other = equal;
  of_other.requester = "dns:other";
  EXPECT_EQ(approvals().Create(of_other)->name, "second");
  Approval later = equal;
  later.name = "third";
  later.create_time = kEnd;
  later.expire_time = kEnd + absl::Hours(1);
  EXPECT_EQ(approvals().Create(later)->name, "third") << "the first has expired";
}

TEST_P(RegistryContractTest, ARequesterMayWaitForTwentyApprovals) {
  for (size_t i = 0; i < kMaxPendingApprovalsOfRequester; ++i) {
    Create(approvals(), SomeApproval(absl::StrCat("a", i)));
  }
  EXPECT_THAT(approvals().Create(SomeApproval("more")).status(), kTooMany);
  EXPECT_EQ(approvals().Create(SomeApproval("a0"))->name, "a0") << "adds none";
  Approval of_other = SomeApproval("of other");
  of_other.requester = "dns:other";
  Create(approvals(), of_other);
  ASSERT_THAT(approvals().Decide("a0", false, "dns:b", "", kNow).status(), IsOk());
  Create(approvals(), SomeApproval("more"));
  EXPECT_THAT(approvals().Create(SomeApproval("even more")).status(), kTooMany);
  Create(approvals(), SomeApproval("when they have expired", kEnd));
}

TEST_P(RegistryContractTest, AThousandApprovalsOfEverybodyWait) {
  for (size_t i = 0; i < kMaxPendingApprovals; ++i) {
    Approval approval = SomeApproval(absl::StrCat("a", i));
    approval.requester = absl::StrCat("dns:r", i / kMaxPendingApprovalsOfRequester);
    Create(approvals(), approval);
  }
  EXPECT_THAT(approvals().Create(SomeApproval("more")).status(), kTooMany);
  EXPECT_THAT(*approvals().List("", true, kNow), SizeIs(kMaxListedApprovals));
  Create(approvals(), SomeApproval("when they have expired", kEnd));
}

TEST_P(RegistryContractTest, LongExpiredApprovalsAreForgotten) {
  CreateApproved(approvals(), "one");
  ASSERT_THAT(approvals().Use("one", kNow), IsOk());
  Create(approvals(), SomeApproval("two"));
  Create(approvals(), SomeApproval("at the limit", kEnd + kApprovalKeptAfterExpiry));
  EXPECT_THAT(approvals().Get("one").status(), IsOk());
  Create(approvals(),
         SomeApproval("after it", kEnd + kApprovalKeptAfterExpiry + absl::Microseconds(1)));
  EXPECT_THAT(NamesOf(*approvals().List("", false, kNow)), ElementsAre("after it", "at the limit"));
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
