// tls.client_crl: what is refused, and what the log says of its end.
#include "common/server/client_crls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/pem.h"
#include "common/server/tls_watch.h"
#include "tests/common/server/captured_log.h"
#include "tests/common/server/served_tls_files.h"
#include "tests/testing/test_ca.h"

namespace keyward::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing::TestCa;

class ClientCrlsTest : public ::testing::Test {
 protected:
  ClientCrlsTest() {
    files_.client_crl = served_.pki().File("crl.pem");
    Put(ca_.Crl());
  }

  void Put(const std::string& crls) const { ServedTlsFiles::Put(files_.client_crl, crls); }

  // What is wrong with `crls`, after the file's name; "" for nothing.
  std::string Mistake(const std::string& crls) const {
    Put(crls);
    const std::vector<TlsMistake> mistakes = CheckTlsFiles(files_);
    if (mistakes.empty()) return "";
    EXPECT_EQ(mistakes.size(), 1U);
    EXPECT_EQ(mistakes.front().setting, "tls.client_crl");
    EXPECT_EQ(mistakes.front().file, files_.client_crl);
    return mistakes.front().what;
  }

  TlsWatch Watch() const {
    return {files_, *ReadTlsFiles(files_),
            [](const std::shared_ptr<const TlsSet>& /*set*/) { return absl::OkStatus(); }};
  }

  ServedTlsFiles served_;
  TlsFiles files_ = served_.files();
  const TestCa ca_{served_.Read("ca.pem"), served_.Read("ca.key")};
};

TEST_F(ClientCrlsTest, AcceptsCompleteListsOfItsAuthorities) {
  EXPECT_EQ(Mistake(ca_.Crl()), "");
  EXPECT_EQ(Mistake(ca_.Crl({.revoked = {served_.Read("first.pem")}})), "");
  // One of an authority that it knows not: perhaps an intermediate.
  EXPECT_EQ(Mistake(absl::StrCat("text\n", ca_.Crl(), ca_.MakeSubordinate("sub").Crl())), "");
}

TEST_F(ClientCrlsTest, RefusesWhatIsNoList) {
  EXPECT_EQ(Mistake(""), "holds no PEM CRL");
  EXPECT_EQ(Mistake("nonsense"), "holds no PEM CRL");
  EXPECT_EQ(Mistake(ca_.certificate()), "holds no PEM CRL");
  EXPECT_THAT(Mistake(ca_.Crl().substr(0, 80)), HasSubstr("number 1 is malformed"));
  std::string second = ca_.Crl();
  second.replace(40, 4, "!!!!");
  EXPECT_THAT(Mistake(ca_.Crl() + second), HasSubstr("number 2 is malformed"));
  EXPECT_THAT(Mistake(ca_.Crl() + '\0'), HasSubstr("zero byte"));
}

TEST_F(ClientCrlsTest, RefusesListsThatAreNotForNow) {
  const absl::Time now = absl::Now();
  EXPECT_EQ(Mistake(ca_.Crl({.next_update = now - absl::Seconds(1)})),
            "its CRL of CN=ca has expired: fetch the authority's new one");
  EXPECT_THAT(Mistake(ca_.Crl({.last_update = now + absl::Hours(1)})), HasSubstr("not valid yet"));
  EXPECT_THAT(Mistake(ca_.Crl({.next_update = absl::InfiniteFuture()})), HasSubstr("nextUpdate"));
  EXPECT_THAT(Mistake(ca_.Crl({.is_delta = true})), HasSubstr("delta CRL"));
}

TEST_F(ClientCrlsTest, RefusesListsOfOthers) {
  const TestCa other("other");
  EXPECT_THAT(Mistake(other.Crl()), HasSubstr("has no CRL of CN=ca"));
  const TestCa namesake("ca");
  EXPECT_THAT(Mistake(namesake.Crl()), HasSubstr("is not signed by that authority"));
  EXPECT_THAT(Mistake(ca_.Crl() + namesake.Crl()), HasSubstr("is not signed by that authority"));
}

TEST_F(ClientCrlsTest, EveryAuthorityThatIsNotExpiredNeedsOne) {
  const TestCa second("second");
  ServedTlsFiles::Put(files_.client_ca, ca_.certificate() + second.certificate());
  EXPECT_THAT(Mistake(ca_.Crl()), HasSubstr("has no CRL of CN=second"));
  EXPECT_EQ(Mistake(ca_.Crl() + second.Crl()), "");
  // Two of one name, as when an authority's key is renewed.
  const TestCa namesake("ca");
  ServedTlsFiles::Put(files_.client_ca, ca_.certificate() + namesake.certificate());
  EXPECT_THAT(Mistake(ca_.Crl()), HasSubstr("has no CRL of CN=ca"));
  EXPECT_EQ(Mistake(ca_.Crl() + namesake.Crl()), "");
  const TestCa expired("expired", absl::Now() - absl::Minutes(1));
  ServedTlsFiles::Put(files_.client_ca, ca_.certificate() + expired.certificate());
  EXPECT_EQ(Mistake(ca_.Crl()), "");
}

TEST_F(ClientCrlsTest, IsPartOfTheSet) {
  const absl::Time end = absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now() + absl::Hours(5)));
  Put(ca_.Crl({.next_update = end}));
  const auto first = ReadTlsFiles(files_);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ((*first)->client_crl_end, end);
  EXPECT_EQ(*ReadTlsFiles(files_, *first), *first);
  Put(ca_.Crl());
  EXPECT_NE(*ReadTlsFiles(files_, *first), *first);
  files_.client_crl.clear();
  EXPECT_EQ((*ReadTlsFiles(files_))->client_crl_end, absl::InfiniteFuture());
}

TEST_F(ClientCrlsTest, ABadListChangesNothing) {
  CapturedLog log;
  TlsWatch watch = Watch();
  Put("garbage");
  EXPECT_FALSE(watch.Poll());
  const std::optional<TlsReload> refused = watch.Poll();
  ASSERT_TRUE(refused);
  EXPECT_THAT(std::string(refused->status.message()), HasSubstr("tls.client_crl: "));
  EXPECT_FALSE(watch.Poll());
  EXPECT_THAT(log.Take(), AllOf(StartsWith("error "), HasSubstr("holds no PEM CRL")));
  Put(ca_.Crl({.revoked = {served_.Read("first.pem")}}));
  const std::optional<TlsReload> taken = watch.Poll();
  ASSERT_TRUE(taken && taken->status.ok());
  EXPECT_THAT(log.Take(), HasSubstr("CRL, which ends at "));
}

// A former list that has not ended would let in who was revoked since.
TEST_F(ClientCrlsTest, AListOlderThanTheOneInUseChangesNothing) {
  const absl::Time now = absl::Now();
  const TestCa other("other CA");
  const std::string former = ca_.Crl({.last_update = now - absl::Hours(2)});
  const std::string newer = ca_.Crl({.revoked = {served_.Read("first.pem")}, .last_update = now});
  Put(newer + other.Crl({.last_update = now}));
  TlsWatch watch = Watch();
  Put(former + other.Crl({.last_update = now}));
  EXPECT_FALSE(watch.Poll());
  const std::optional<TlsReload> refused = watch.Poll();
  ASSERT_TRUE(refused && !refused->status.ok());
  EXPECT_THAT(std::string(refused->status.message()),
              AllOf(HasSubstr("tls.client_crl: "), HasSubstr("older than the one in use")));
  // The newest of an authority's counts, and one that is not in the set lets nobody in.
  Put(former + newer);
  const std::optional<TlsReload> taken = watch.Poll();
  ASSERT_TRUE(taken);
  EXPECT_TRUE(taken->status.ok()) << taken->status;
}

TEST_F(ClientCrlsTest, WarnsOnceOfAListThatEndsSoon) {
  CapturedLog log;
  Put(ca_.Crl({.next_update = absl::Now() + absl::Hours(23)}));
  TlsWatch watch = Watch();
  EXPECT_FALSE(watch.Poll());
  EXPECT_THAT(log.Take(), AllOf(StartsWith("warning "), HasSubstr(files_.client_crl)));
  EXPECT_FALSE(watch.Poll());
  EXPECT_EQ(log.Take(), "");
  // A new one that does, too, is news; one that lasts is none.
  Put(ca_.Crl({.next_update = absl::Now() + absl::Hours(22)}));
  EXPECT_TRUE(watch.Poll());
  EXPECT_THAT(log.Take(), HasSubstr("warning "));
  Put(ca_.Crl());
  EXPECT_TRUE(watch.Poll());
  EXPECT_FALSE(watch.Poll());
  EXPECT_THAT(log.Take(), Not(HasSubstr("warning ")));
}

TEST_F(ClientCrlsTest, SaysThatAListHasEnded) {
  CapturedLog log;
  Put(ca_.Crl({.next_update = absl::Now() + absl::Seconds(2)}));
  TlsWatch watch = Watch();
  const absl::Time end = (*ReadTlsFiles(files_))->client_crl_end;
  EXPECT_FALSE(watch.Poll());
  EXPECT_THAT(log.Take(), StartsWith("warning "));
  while (absl::Now() < end) absl::SleepFor(end - absl::Now());
  EXPECT_FALSE(watch.Poll());
  EXPECT_THAT(log.Take(), AllOf(StartsWith("error "), HasSubstr("ended at ")));
  EXPECT_FALSE(watch.Poll());
  EXPECT_EQ(log.Take(), "");
}

}  // namespace
}  // namespace keyward::server
