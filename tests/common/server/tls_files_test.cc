// TlsFiles and TlsWatch. What each check says is in tests/signer/config_files_test.cc.
#include "common/server/tls_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/server/tls_watch.h"
#include "tests/common/server/captured_log.h"
#include "tests/common/server/served_tls_files.h"
#include "tests/testing/subprocess.h"

namespace keyward::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class TlsFilesTest : public ::testing::Test {
 protected:
  std::string WhyNot() const {
    const auto read = ReadTlsFiles(served_.files());
    if (read.ok()) return "";
    EXPECT_TRUE(absl::IsInvalidArgument(read.status()));
    return std::string(read.status().message());
  }

  ServedTlsFiles served_;
};

TEST_F(TlsFilesTest, GivesWhatTheFilesHold) {
  const auto read = ReadTlsFiles(served_.files());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ((*read)->certificate, served_.Read("first.pem"));
  EXPECT_EQ((*read)->private_key.Expose(), served_.Read("first.key"));
  EXPECT_EQ((*read)->client_ca, served_.Read("ca.pem"));
  // It was issued for two days.
  EXPECT_GT((*read)->not_after, absl::Now() + absl::Hours(47));
  EXPECT_LE((*read)->not_after, absl::Now() + absl::Hours(48));
}

TEST_F(TlsFilesTest, KnowsWhatItHasReadBefore) {
  const auto first = ReadTlsFiles(served_.files());
  ASSERT_TRUE(first.ok());
  ServedTlsFiles::Put(served_.files().certificate, served_.Read("first.pem"));
  EXPECT_EQ(*ReadTlsFiles(served_.files(), *first), *first);
  ServedTlsFiles::Put(served_.files().client_ca, served_.Read("other-ca.pem"));
  const auto other_ca = ReadTlsFiles(served_.files(), *first);
  ASSERT_TRUE(other_ca.ok());
  EXPECT_NE(*other_ca, *first);
  served_.Install("second");
  const auto second = ReadTlsFiles(served_.files(), *other_ca);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ((*second)->certificate, served_.Read("second.pem"));
  // Whether others may read the key is asked every time.
  ASSERT_EQ(chmod(served_.files().private_key.c_str(), 0644), 0);
  EXPECT_TRUE(absl::IsInvalidArgument(ReadTlsFiles(served_.files(), *second).status()));
}

TEST_F(TlsFilesTest, SaysEveryMistakeInOneLine) {
  ServedTlsFiles::Put(served_.files().certificate, "");
  ServedTlsFiles::Put(served_.files().private_key, "nonsense", 0600);
  ASSERT_EQ(unlink(served_.files().client_ca.c_str()), 0);
  EXPECT_EQ(
      WhyNot(),
      absl::StrCat("tls.certificate: ", served_.files().certificate,
                   ": holds no PEM certificate; tls.private_key: ", served_.files().private_key,
                   ": holds no PEM private key without a passphrase; tls.client_ca: ",
                   served_.files().client_ca, ": cannot be read: No such file or directory"));
}

TEST_F(TlsFilesTest, RefusesWhatGrpcWouldReadOtherwise) {
  ServedTlsFiles::Put(served_.files().client_ca, served_.Read("ca.pem") + '\0');
  EXPECT_THAT(WhyNot(), AllOf(StartsWith("tls.client_ca: "), HasSubstr("zero byte")));
}

TEST_F(TlsFilesTest, DoesNotWaitForTheWriterOfAFifo) {
  ASSERT_EQ(unlink(served_.files().client_ca.c_str()), 0);
  ASSERT_EQ(mkfifo(served_.files().client_ca.c_str(), 0600), 0);
  EXPECT_THAT(WhyNot(), AllOf(StartsWith("tls.client_ca: "), HasSubstr("no regular file")));
}

TEST_F(TlsFilesTest, RefusesACertificateThatOpensslFindsTooWeak) {
  const auto made = keyward::testing::Run(
      {"openssl", "req", "-x509", "-newkey", "rsa:512", "-nodes", "-subj", "/CN=weak", "-keyout",
       served_.files().private_key, "-out", served_.files().certificate});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(WhyNot(), AllOf(StartsWith("tls.certificate: "), HasSubstr("not fit for TLS"),
                              HasSubstr("key too small")));
}

TEST_F(TlsFilesTest, RefusesACertificateThatIsForClientsAlone) {
  const auto made =
      keyward::testing::Run({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj",
                             "/CN=client", "-addext", "extendedKeyUsage = clientAuth", "-keyout",
                             served_.files().private_key, "-out", served_.files().certificate});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(WhyNot(), AllOf(StartsWith("tls.certificate: "), HasSubstr("not for a TLS server")));
}

class TlsWatchTest : public TlsFilesTest {
 protected:
  void BreakCertificate() const { ServedTlsFiles::Put(served_.files().certificate, ""); }

  CapturedLog log_;
  const std::shared_ptr<const TlsSet> first_ = *ReadTlsFiles(served_.files());
  absl::Status used_;
  TlsWatch watch_{served_.files(), first_,
                  [this](const std::shared_ptr<const TlsSet>& /*set*/) { return used_; }};
};

TEST_F(TlsWatchTest, GivesANewSetOnce) {
  EXPECT_FALSE(watch_.Poll());
  EXPECT_EQ(log_.Take(), "");
  served_.Install("second");
  const std::optional<TlsReload> reload = watch_.Poll();
  ASSERT_TRUE(reload);
  EXPECT_TRUE(reload->status.ok());
  const std::shared_ptr<const TlsSet> second = reload->set;
  EXPECT_EQ(second->certificate, served_.Read("second.pem"));
  EXPECT_THAT(log_.Take(), AllOf(StartsWith("info "),
                                 HasSubstr("valid until " +
                                           absl::FormatTime(absl::RFC3339_sec, second->not_after,
                                                            absl::UTCTimeZone()))));
  EXPECT_FALSE(watch_.Poll());
  EXPECT_EQ(log_.Take(), "");
}

TEST_F(TlsWatchTest, SaysOnceWhatIsWrongWithASet) {
  BreakCertificate();
  EXPECT_FALSE(watch_.Poll());
  // Perhaps the rest of the set is about to come.
  EXPECT_EQ(log_.Take(), "");
  const std::optional<TlsReload> refused = watch_.Poll();
  ASSERT_TRUE(refused);
  EXPECT_TRUE(absl::IsInvalidArgument(refused->status));
  EXPECT_EQ(refused->set, first_);
  EXPECT_THAT(log_.Take(), AllOf(StartsWith("error "), HasSubstr("tls.certificate: "),
                                 HasSubstr(served_.files().certificate)));
  EXPECT_FALSE(watch_.Poll());
  EXPECT_FALSE(watch_.Poll());
  EXPECT_EQ(log_.Take(), "");
  ServedTlsFiles::Put(served_.files().certificate, served_.Read("second.pem"));
  watch_.Poll();
  watch_.Poll();
  EXPECT_THAT(log_.Take(), HasSubstr("does not belong to the certificate"));
  // The same once more is news after it was well.
  served_.Install("first");
  const std::optional<TlsReload> again = watch_.Poll();
  ASSERT_TRUE(again) << "whoever was told of the mistake is told of its end";
  EXPECT_TRUE(again->status.ok());
  EXPECT_EQ(again->set, first_);
  EXPECT_THAT(log_.Take(), HasSubstr("again the ones in use"));
  EXPECT_FALSE(watch_.Poll());
  BreakCertificate();
  watch_.Poll();
  watch_.Poll();
  EXPECT_THAT(log_.Take(), StartsWith("error "));
  served_.Install("second");
  EXPECT_TRUE(watch_.Poll());
}

TEST_F(TlsWatchTest, ASetThatCannotBeTakenUpIsTriedAgain) {
  used_ = absl::InternalError("no memory");
  served_.Install("second");
  EXPECT_FALSE(watch_.Poll());
  const std::optional<TlsReload> refused = watch_.Poll();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, used_);
  EXPECT_EQ(refused->set, first_);
  EXPECT_THAT(log_.Take(), AllOf(StartsWith("error "), HasSubstr("no memory")));
  used_ = absl::OkStatus();
  const std::optional<TlsReload> taken = watch_.Poll();
  ASSERT_TRUE(taken);
  EXPECT_TRUE(taken->status.ok());
}

TEST_F(TlsWatchTest, SaysNothingOfFilesThatComeOneAfterTheOther) {
  ServedTlsFiles::Put(served_.files().certificate, served_.Read("second.pem"));
  EXPECT_FALSE(watch_.Poll());
  ServedTlsFiles::Put(served_.files().private_key, served_.Read("second.key"), 0600);
  EXPECT_TRUE(watch_.Poll());
  EXPECT_THAT(log_.Take(), StartsWith("info "));
}

}  // namespace
}  // namespace keyward::server
