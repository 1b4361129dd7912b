// Debian's nginx serving HTTPS with a key on the token: its master loads the key, and
// its workers sign. curl, without keyward, verifies the certificate.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include <memory>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/e2e_openssl/openssl_fixture.h"

namespace keyward {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kNginx[] = "/usr/sbin/nginx";
constexpr int kWorkers = 3;

class NginxTest : public OpensslTest {
 protected:
  void SetUp() override {
    ASSERT_EQ(access(kNginx, X_OK), 0)
        << kNginx << " is not installed; scripts/setup --test-tools installs it (nginx-light)";
  }

  // A file in place of the key, as ssl_certificate_key takes it.
  std::string UriFile(const std::string& uri) const {
    const testing::Finished made = testing::Run({KEYWARD_URI_PEM, uri});
    EXPECT_EQ(made.exit_code, 0) << made.err;
    return Write("key.pem", made.out);
  }

  // Everything nginx writes is in the test's directory or on standard error.
  Arguments Nginx(const std::string& certificate, const std::string& key_file) const {
    std::string directories;
    for (const char* what : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
      absl::StrAppend(&directories, what, "_temp_path ", File(what), ";\n");
    }
    // Root's workers would be another user's, who cannot read the test's token.
    const passwd* user = getpwuid(geteuid());
    const std::string as_user =
        geteuid() == 0 && user != nullptr ? absl::StrCat("user ", user->pw_name, ";\n") : "";
    const std::string file = Write(
        "nginx.conf",
        absl::StrCat("daemon off;\n", as_user, "worker_processes ", kWorkers, ";\npid ",
                     File("nginx.pid"), ";\nerror_log stderr notice;\n",
                     "env OPENSSL_CONF; env SOFTHSM2_CONF;\nevents {}\nhttp {\naccess_log off;\n",
                     directories, "server {\nlisten 127.0.0.1:", port_,
                     " ssl;\nssl_protocols TLSv1.2 TLSv1.3;\nssl_certificate ", certificate,
                     ";\nssl_certificate_key ", key_file,
                     ";\nlocation / { return 200 \"$pid $ssl_protocol\"; }\n}\n}\n"));
    return {kNginx, "-e", "stderr", "-p", files_.path(), "-c", file};
  }

  // Killed, it would leave its workers behind.
  struct StopNginx {
    void operator()(testing::Daemon* nginx) const {
      const std::unique_ptr<testing::Daemon> owned(nginx);
      owned->Signal(SIGTERM);
      owned->Wait();
    }
  };
  using Server = std::unique_ptr<testing::Daemon, StopNginx>;

  Server Serve(const TokenKey& key) {
    certificate_ = Certificate(key);
    Server nginx(testing::Daemon::Start(Nginx(certificate_, UriFile(key.Uri())),
                                        KeywardEnvironment(configuration()))
                     .release());
    // The socket is there before the workers are.
    EXPECT_TRUE(nginx->WaitForOutput("start worker processes")) << nginx->Output();
    return nginx;
  }

  Arguments Curl(const Arguments& options) const {
    Arguments argv = {"curl",     "--silent",   "--show-error", "--max-time", "60",
                      "--cacert", certificate_, "--noproxy",    "*"};
    argv.insert(argv.end(), options.begin(), options.end());
    argv.push_back(absl::StrCat("https://localhost:", port_, "/"));
    return argv;
  }

  struct Answer {
    pid_t worker = 0;
    std::string protocol;
  };
  Answer Get(const Arguments& options = {}) const {
    const testing::Finished finished = testing::Run(Curl(options), {{"OPENSSL_CONF", "/dev/null"}});
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    const std::vector<std::string> words = absl::StrSplit(finished.out, ' ');
    Answer answer;
    EXPECT_TRUE(words.size() == 2 && absl::SimpleAtoi(words[0], &answer.worker)) << finished.out;
    answer.protocol = words.back();
    return answer;
  }

  // One answer of each worker. The kernel chooses, so those that have answered are
  // stopped until the others have.
  std::set<pid_t> AnswersOfAll() const {
    std::set<pid_t> workers;
    for (int i = 0; i < kWorkers; ++i) {
      const pid_t worker = Get().worker;
      if (worker <= 0) break;
      EXPECT_TRUE(workers.insert(worker).second) << worker;
      kill(worker, SIGSTOP);
    }
    for (const pid_t worker : workers) kill(worker, SIGCONT);
    return workers;
  }

  static void StopInOrder(testing::Daemon& nginx) {
    nginx.Signal(SIGQUIT);
    EXPECT_EQ(nginx.Wait(), 0) << nginx.Output();
    const std::string log = nginx.Output();
    for (const char* bad :
         {"[emerg]", "[alert]", "[crit]", "[error]", "exited on signal", testing::kUserPin}) {
      EXPECT_THAT(log, Not(HasSubstr(bad)));
    }
  }

  const int port_ = testing::FreePort();
  std::string certificate_;
};

class NginxKeyTest : public NginxTest, public ::testing::WithParamInterface<TokenKey> {};
INSTANTIATE_TEST_SUITE_P(Keys, NginxKeyTest, ::testing::Values(Rsa(), Ec256()),
                         [](const auto& info) { return info.param.label; });

TEST_P(NginxKeyTest, ServesBothVersionsOfTls) {
  const auto nginx = Serve(GetParam());
  EXPECT_EQ(Get({"--tlsv1.3"}).protocol, "TLSv1.3");
  EXPECT_EQ(Get({"--tls-max", "1.2"}).protocol, "TLSv1.2");
  StopInOrder(*nginx);
}

TEST_P(NginxKeyTest, SignsInEachWorkerAndAfterAReload) {
  const auto nginx = Serve(GetParam());
  const std::set<pid_t> before = AnswersOfAll();
  EXPECT_EQ(before.size(), kWorkers);
  nginx->Signal(SIGHUP);
  for (const pid_t worker : before) {
    EXPECT_TRUE(
        nginx->WaitForOutput(absl::StrCat("worker process ", worker, " exited with code 0")))
        << nginx->Output();
  }
  const std::set<pid_t> after = AnswersOfAll();
  EXPECT_EQ(after.size(), kWorkers);
  for (const pid_t worker : after) EXPECT_EQ(before.count(worker), 0U);
  StopInOrder(*nginx);
}

TEST_P(NginxKeyTest, ServesManyAtOnce) {
  const auto nginx = Serve(GetParam());
  std::vector<std::unique_ptr<testing::Daemon>> clients;
  for (int i = 0; i < 24; ++i) {
    clients.push_back(testing::Daemon::Start(Curl({"--tls-max", i % 2 == 0 ? "1.2" : "1.3"}),
                                             {{"OPENSSL_CONF", "/dev/null"}}));
  }
  for (size_t i = 0; i < clients.size(); ++i) {
    EXPECT_EQ(clients[i]->Wait(), 0) << clients[i]->Output();
    EXPECT_THAT(clients[i]->Output(), HasSubstr(i % 2 == 0 ? " TLSv1.2" : " TLSv1.3"));
  }
  StopInOrder(*nginx);
}

// It does not start, and its log says why.
TEST_F(NginxTest, SaysWhyAKeyIsNotThere) {
  const std::string certificate = Certificate(Rsa());
  const auto test = [&](const std::string& key_file, const std::string& configuration) {
    Arguments argv = Nginx(certificate, key_file);
    argv.push_back("-t");
    const testing::Finished finished = testing::Run(argv, KeywardEnvironment(configuration));
    EXPECT_EQ(finished.exit_code, 1);
    EXPECT_THAT(finished.err, Not(HasSubstr(testing::kUserPin)));
    return finished.err;
  };
  EXPECT_THAT(test(UriFile("pkcs11:object=nobody"), configuration()),
              HasSubstr("object not found:the token \"web\" has no private key"));
  ASSERT_EQ(Pkcs11Tool({"--keypairgen", "--key-type", "rsa:2048", "--label", "other", "--id", "09"})
                .exit_code,
            0);
  EXPECT_THAT(test(UriFile("pkcs11:object=other"), configuration()),
              HasSubstr("key values mismatch"));
  const std::string reversed =
      Configuration("reversed.cnf", "keyward = second\ndefault = first\n", Settings());
  EXPECT_THAT(test(UriFile(Rsa().Uri()), reversed),
              HasSubstr("loaded before the default provider"));
}

// The handshake fails, and nginx goes on.
TEST_F(NginxTest, FailsAHandshakeWhoseKeyIsGone) {
  const auto nginx = Serve(Rsa());
  Get();
  ASSERT_EQ(Pkcs11Tool({"--delete-object", "--type", "privkey", "--id", Rsa().id}).exit_code, 0);
  // Whichever worker gets it.
  for (int i = 0; i < 2; ++i) {
    EXPECT_NE(testing::Run(Curl({"--tlsv1.3"}), {{"OPENSSL_CONF", "/dev/null"}}).exit_code, 0);
  }
  EXPECT_TRUE(nginx->WaitForOutput("the token \"web\" does not have the key any more"))
      << nginx->Output();
  EXPECT_EQ(nginx->Wait(absl::ZeroDuration()), -1) << nginx->Output();
}

}  // namespace
}  // namespace keyward
