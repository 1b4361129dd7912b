// The sink on sockets of this machine: what it sends, and what it does while nobody
// takes it.
#include "signer/audit/forwarding_sink.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "signer/audit/unix_transport.h"
#include "tests/signer/syslog_receivers.h"
#include "tests/testing/temp_dir.h"

namespace keyward::signer {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr absl::Duration kPatience = absl::Seconds(60);

std::string Line(int sequence, size_t padding = 0) {
  return absl::StrCat(R"({"sequence":)", sequence,
                      R"(,"previous":"00","time":"2026-01-02T03:04:05Z","method":"Sign",)",
                      R"("outcome":"done","subject":")", std::string(padding, 'x'), "\"}\n");
}

class ForwardingSinkTest : public ::testing::Test {
 protected:
  std::string Path() const { return dir_.File("log"); }

  std::unique_ptr<ForwardingSink> Sink(ForwardingOptions options) const {
    options.target = "the test";
    options.first_retry = absl::Milliseconds(1);
    options.last_retry = absl::Milliseconds(20);
    options.idle_check = absl::Milliseconds(10);
    return std::make_unique<ForwardingSink>(options, [path = Path()](absl::Time deadline) {
      return ConnectUnixSyslog(path, deadline);
    });
  }

  static bool AwaitConnected(const ForwardingSink& sink) {
    return sink.AwaitConnected(absl::Now() + kPatience);
  }
  // Whether `condition` became true; there is no event for it.
  template <typename Condition>
  static bool Eventually(const Condition& condition) {
    for (const absl::Time end = absl::Now() + kPatience; absl::Now() < end;) {
      if (condition()) return true;
      absl::SleepFor(absl::Milliseconds(2));
    }
    return false;
  }

  keyward::testing::TempDir dir_;
};

TEST_F(ForwardingSinkTest, RequiredReturnsWhenTheSocketHasTheLines) {
  DatagramReceiver receiver(Path());
  const auto sink = Sink({.required = true});
  ASSERT_TRUE(AwaitConnected(*sink));
  EXPECT_TRUE(sink->CheckReady().ok());
  ASSERT_TRUE(sink->Deliver({Line(1), Line(2)}).ok());
  // They are there already.
  for (const int sequence : {1, 2}) {
    const auto message = receiver.Next(absl::ZeroDuration());
    ASSERT_TRUE(message.has_value());
    EXPECT_THAT(*message, StartsWith("<85>1 2026-01-02T03:04:05.000000Z "));
    EXPECT_THAT(*message, HasSubstr(absl::StrCat(" - {\"sequence\":", sequence, ",")));
    EXPECT_THAT(*message, EndsWith("\"}"));
  }
  EXPECT_TRUE(sink->Deliver({}).ok());
}

TEST_F(ForwardingSinkTest, RequiredRefusesWithoutAReceiverAndSendsLater) {
  const auto sink = Sink({.required = true});
  const absl::Status ready = sink->CheckReady();
  EXPECT_EQ(ReasonOf(ready), "AUDIT_FORWARD_UNAVAILABLE") << ready;
  EXPECT_THAT(std::string(ready.message()), HasSubstr("the test does not take the records"));
  EXPECT_EQ(ReasonOf(sink->Deliver({Line(1)})), "AUDIT_FORWARD_UNAVAILABLE");

  DatagramReceiver receiver(Path());
  ASSERT_TRUE(AwaitConnected(*sink));
  EXPECT_TRUE(sink->CheckReady().ok());
  EXPECT_THAT(*receiver.Next(), HasSubstr("{\"sequence\":1,"));
  EXPECT_TRUE(sink->Deliver({Line(2)}).ok());
  EXPECT_THAT(*receiver.Next(), HasSubstr("{\"sequence\":2,"));
  EXPECT_EQ(sink->stats().dropped, 0U);
}

TEST_F(ForwardingSinkTest, ARequiredOnesEndIsNoticedWhileNothingIsSent) {
  auto receiver = std::make_unique<DatagramReceiver>(Path());
  const auto sink = Sink({.required = true});
  ASSERT_TRUE(AwaitConnected(*sink));
  receiver.reset();
  EXPECT_TRUE(Eventually([&] { return !sink->CheckReady().ok(); }));
  EXPECT_FALSE(sink->stats().connected);
}

TEST_F(ForwardingSinkTest, ARestartedReceiverGetsAllThatItsForerunnerDidNot) {
  auto receiver = std::make_unique<DatagramReceiver>(Path());
  const auto sink = Sink({.required = true});
  ASSERT_TRUE(AwaitConnected(*sink));
  ASSERT_TRUE(sink->Deliver({Line(1)}).ok());
  receiver.reset();
  receiver = std::make_unique<DatagramReceiver>(Path());
  // It waits for the connection that comes back, and not for one that is gone.
  ASSERT_TRUE(Eventually([&] { return sink->Deliver({Line(2)}).ok(); }));
  EXPECT_THAT(*receiver->Next(), HasSubstr("{\"sequence\":2,"));
}

TEST_F(ForwardingSinkTest, AReceiverThatHangsIsNotWaitedForLongerThanTheTimeout) {
  DatagramReceiver receiver(Path());
  const auto sink = Sink({.required = true, .timeout = absl::Milliseconds(300)});
  ASSERT_TRUE(AwaitConnected(*sink));
  // Nobody reads, so the socket's queue fills.
  absl::Status status;
  for (int sequence = 1; status.ok() && sequence < 100000; ++sequence) {
    status = sink->Deliver({Line(sequence)});
  }
  EXPECT_EQ(ReasonOf(status), "AUDIT_FORWARD_UNAVAILABLE");
  // And what was taken is what was promised, without a gap.
  ASSERT_TRUE(receiver.Next().has_value());
}

TEST_F(ForwardingSinkTest, BestEffortNeverStandsInTheWay) {
  const auto sink = Sink({.queue = 10});
  std::vector<std::string> lines;
  for (int sequence = 1; sequence <= 25; ++sequence) lines.push_back(Line(sequence));
  EXPECT_TRUE(sink->CheckReady().ok());
  EXPECT_TRUE(sink->Deliver(lines).ok());
  EXPECT_TRUE(sink->CheckReady().ok());
  EXPECT_EQ(sink->stats().dropped, 15U);
  EXPECT_FALSE(sink->stats().connected);

  // The ten that waited arrive, and then the next: the gap can be seen.
  DatagramReceiver receiver(Path());
  for (int sequence = 1; sequence <= 10; ++sequence) {
    EXPECT_THAT(*receiver.Next(), HasSubstr(absl::StrCat("{\"sequence\":", sequence, ",")));
  }
  EXPECT_TRUE(sink->stats().connected);
  // The receiver may have the ten before the sink has made room for another.
  int sequence = 26;
  uint64_t dropped = 15;
  for (;; ++sequence) {
    EXPECT_TRUE(sink->Deliver({Line(sequence)}).ok());
    if (sink->stats().dropped == dropped) break;
    ++dropped;
  }
  EXPECT_THAT(*receiver.Next(), HasSubstr(absl::StrCat("{\"sequence\":", sequence, ",")));
}

TEST_F(ForwardingSinkTest, ARecordThatIsTooLongIsDroppedAndTheNextOnesAreNot) {
  DatagramReceiver receiver(Path());
  const auto sink = Sink({.required = true});
  ASSERT_TRUE(AwaitConnected(*sink));
  EXPECT_EQ(ReasonOf(sink->Deliver({Line(1, 1 << 20)})), "AUDIT_FORWARD_UNAVAILABLE");
  EXPECT_TRUE(sink->Deliver({Line(2)}).ok());
  EXPECT_THAT(*receiver.Next(), HasSubstr("{\"sequence\":2,"));
  EXPECT_EQ(sink->stats().dropped, 1U);
}

TEST_F(ForwardingSinkTest, WhatIsQueuedIsSentAtTheEnd) {
  DatagramReceiver receiver(Path());
  auto sink = Sink({});
  ASSERT_TRUE(AwaitConnected(*sink));
  std::vector<std::string> lines;
  for (int sequence = 1; sequence <= 8; ++sequence) lines.push_back(Line(sequence));
  ASSERT_TRUE(sink->Deliver(lines).ok());
  sink.reset();
  for (int sequence = 1; sequence <= 8; ++sequence) {
    ASSERT_TRUE(receiver.Next(absl::ZeroDuration()).has_value()) << sequence;
  }
}

TEST_F(ForwardingSinkTest, AStreamGetsLinesThatEnd) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  Path().copy(address.sun_path, sizeof(address.sun_path) - 1);
  const UniqueFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(listen(listener.get(), 1), 0);
  const auto sink = Sink({.required = true});
  ASSERT_TRUE(AwaitConnected(*sink));
  ASSERT_TRUE(sink->Deliver({Line(1), Line(2)}).ok());
  {
    const UniqueFd fd(accept(listener.get(), nullptr, nullptr));
    std::string received(65536, '\0');
    received.resize(static_cast<size_t>(read(fd.get(), received.data(), received.size())));
    EXPECT_THAT(received, HasSubstr("{\"sequence\":1,"));
    EXPECT_THAT(received, HasSubstr("\"}\n<85>1 "));
    EXPECT_THAT(received, EndsWith("\"}\n"));
  }
  // It hung up, and connects anew.
  const UniqueFd fd(accept(listener.get(), nullptr, nullptr));
  EXPECT_GE(fd.get(), 0);
}

TEST(JournalTransportTest, ALongEntryComesInSealedMemory) {
  const keyward::testing::TempDir dir;
  DatagramReceiver receiver(dir.File("socket"));
  auto journal = ConnectJournal(dir.File("socket"), absl::InfiniteFuture());
  ASSERT_TRUE(journal.ok()) << journal.status();
  const absl::Time deadline = absl::Now() + kPatience;
  ASSERT_TRUE((*journal)->Send("{\"sequence\":1,\"time\":\"\"}", deadline).ok());
  EXPECT_THAT(*receiver.Next(), HasSubstr("KEYWARD_SEQUENCE=1\n"));
  EXPECT_EQ(receiver.seals(), 0);

  // Longer than net.core.wmem_default lets a datagram be. (The receiver reads this much.)
  const std::string line =
      absl::StrCat("{\"sequence\":2,\"x\":\"", std::string(230000, 'x'), "\"}");
  ASSERT_TRUE((*journal)->Send(line, deadline).ok());
  const std::optional<std::string> entry = receiver.Next();
  EXPECT_EQ(receiver.seals(), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
  EXPECT_THAT(*entry, StartsWith("MESSAGE\n"));
  EXPECT_THAT(*entry, HasSubstr(line));
  EXPECT_THAT(*entry, EndsWith("KEYWARD_SEQUENCE=2\n"));
}

}  // namespace
}  // namespace keyward::signer
