#include "tests/client/test_connection/run_fixture.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace keyward::client {

using ::testing::HasSubstr;
using ::testing::Not;

RunFixture::RunFixture(const std::vector<std::string>& standin_flags)
    : standin_(testing::StandinProcess::Start(standin_flags)) {
  EXPECT_TRUE(signer_.Start()) << signer_.daemon().Output();
  SignerClientOptions options;
  options.signers = {signer_.address()};
  options.ca_file = signer_.File("pki/ca.pem");
  options.certificate_file = signer_.File("pki/operator.pem");
  options.private_key_file = signer_.File("pki/operator.key");
  client_ = SignerClient::New(options).value();
  https_ = NewHttps(standin_->ca_file(), {"127.0.0.1"});
  v1::Connection acme;
  acme.set_name("acme");
  acme.set_environment(v1::CUSTOM);
  acme.set_login_url(standin_->origin());
  acme.add_audiences(kProduction);
  acme.add_audiences(standin_->origin());
  acme.add_subjects(kUser);
  EXPECT_TRUE(client_->CreateConnection(acme).ok());
  consumer_key_ = standin_->CreateApp({{"name", "acme"}, {"users", {kUser}}});
  EXPECT_EQ(standin_->UploadCertificate(consumer_key_, CertificateDer()), 204);
  Update({"consumer_key"}, [&](v1::Connection& c) { c.set_consumer_key(consumer_key_); });
  call_.request.set_connection("acme");
}

void RunFixture::Update(const std::vector<std::string>& fields,
                        const std::function<void(v1::Connection&)>& change) {
  v1::Connection acme = client_->GetConnection("acme").value();
  change(acme);
  const auto updated = client_->UpdateConnection(acme, fields);
  EXPECT_TRUE(updated.ok()) << updated.status();
}

void RunFixture::ChangeApp(const nlohmann::json& fields) const {
  standin_->Admin("PATCH", "/apps/" + consumer_key_, fields);
}

std::string RunFixture::CertificateDer() const { return client_->GetCertificate("acme")->der(); }

std::unique_ptr<HttpsClient> RunFixture::NewHttps(const std::string& ca_file,
                                                  const std::vector<std::string>& private_hosts) {
  HttpsClientOptions options;
  options.ca_file = ca_file;
  options.proxy = "";
  LoginHostsOptions hosts;
  hosts.private_hosts = private_hosts;
  options.hosts = LoginHosts::New(hosts).value();
  return HttpsClient::New(std::move(options)).value();
}

v1::TestConnectionResponse RunFixture::Test() {
  std::vector<std::string> shown;
  call_.on_step = [&](const v1::TestStep& step) { shown.push_back(step.SerializeAsString()); };
  const TestConnectionParts parts{.signer = *client_,
                                  .https = *https_,
                                  .take_login = take_login_,
                                  .return_login = return_login_,
                                  .now = now_};
  const auto report = TestConnection(parts, call_);
  call_.on_step = nullptr;
  EXPECT_TRUE(report.ok()) << report.status();
  if (!report.ok()) return {};
  // As they came, in the order of their kinds but for SIGN and EXCHANGE, each kind there.
  EXPECT_EQ(shown.size(), static_cast<size_t>(report->steps_size()));
  std::set<int> kinds;
  for (int i = 0; i < report->steps_size(); ++i) {
    EXPECT_EQ(shown[i], report->steps(i).SerializeAsString());
    EXPECT_FALSE(report->steps(i).detail().empty());
    EXPECT_TRUE(report->steps(i).has_duration());
    kinds.insert(report->steps(i).kind());
  }
  EXPECT_EQ(kinds.size(), 10U);
  EXPECT_EQ(report->verified(), report->summary() == "Connection verified.");
  EXPECT_TRUE(report->verified() || report->summary() == report->diagnosis().title());
  ExpectNoSecret(report->SerializeAsString());
  return *report;
}

v1::TestConnectionResponse RunFixture::ExpectDiagnosis(const std::string& reason,
                                                       v1::TestStep::Kind kind) {
  v1::TestConnectionResponse report = Test();
  EXPECT_FALSE(report.verified()) << reason;
  EXPECT_EQ(report.diagnosis().reason(), reason) << report.DebugString();
  int failed = 0;
  for (const v1::TestStep& step : report.steps()) {
    if (step.result() != v1::TestStep::FAILED) continue;
    failed = step.kind();
    EXPECT_FALSE(step.reason().empty());
  }
  EXPECT_EQ(failed, kind) << absl::StrJoin(Steps(report), "\n");
  EXPECT_NE(report.diagnosis().title(), "The test could not go on.");
  return report;
}

std::vector<std::string> Steps(const v1::TestConnectionResponse& report) {
  std::vector<std::string> steps;
  for (const v1::TestStep& step : report.steps()) {
    steps.push_back(absl::StrCat(v1::TestStep::Kind_Name(step.kind()), " ",
                                 v1::TestStep::Result_Name(step.result()),
                                 step.reason().empty() ? "" : " ", step.reason()));
  }
  return steps;
}

void ExpectNoSecret(const std::string& text) {
  // What a JOSE header, a claims set and an access token of the stand-in's begin with.
  EXPECT_THAT(text, Not(HasSubstr("eyJ")));
  EXPECT_THAT(text, Not(::testing::ContainsRegex("00D[A-Za-z0-9]+!")));
  // A signature, or a part of one: nothing else is that long without a break.
  EXPECT_THAT(text, Not(::testing::ContainsRegex("[A-Za-z0-9_-]{100}")));
}

}  // namespace keyward::client
