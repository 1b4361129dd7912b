// No secret gets out: the whole system runs with known ones, meets all kinds of trouble,
// and then everything that it wrote, showed or told is searched for them.
//
// What is meant to show a secret is not searched: standard output of `keyward sign` (a
// JWS) and of `keyward token` (an access token), and the answers to the API's calls that
// give them. Nor are the files in which an operator put them: pin, pki/*.key, and
// exchange.yaml with the proxy's password. The stand-in is a tool of the tests.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <openssl/pem.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "client/signer_client.h"
#include "common/file.h"
#include "common/pem.h"
#include "common/unique_fd.h"
#include "tests/client/https/connect_proxy.h"
#include "tests/e2e_exchange/exchange_system.h"

namespace keyward::e2e {
namespace {

using testing::Replaced;

constexpr char kProxyPassword[] = "pr0xy-passw0rd-71";
constexpr char kWrongPin[] = "wr0ng-pin-5582";

// Secrets by name, in every form in which they might leak.
class Secrets {
 public:
  // As it is, and in the usual encodings.
  void Add(const std::string& name, const std::string& secret) {
    ASSERT_GE(secret.size(), 10U) << name;
    needles_[name] = secret;
    needles_[name + ", in hexadecimal"] = absl::BytesToHexString(secret);
    needles_[name + ", in base64"] = TrimmedBase64(secret);
    needles_[name + ", in base64url"] = absl::WebSafeBase64Escape(secret);
  }

  // A line of the PEM's body, and 32 bytes of the DER, which hold the private number.
  void AddKey(const std::string& file) {
    const std::string pem = *ReadFile(file);
    const std::vector<std::string> lines = absl::StrSplit(pem, '\n');
    ASSERT_GE(lines.size(), 4U);
    needles_["a line of " + file] = lines[1];
    const EvpPkeyPtr key = *ParsePemPrivateKey(pem);
    BIGNUM* number = nullptr;
    ASSERT_EQ(EVP_PKEY_get_bn_param(key.get(), "priv", &number), 1);
    const BignumPtr owned(number);
    std::string bytes(32, '\0');
    BN_bn2binpad(number, reinterpret_cast<uint8_t*>(bytes.data()), 32);
    Add("the number of " + file, bytes);
  }

  // An assertion: its signature is what makes it one.
  void AddJws(const std::string& name, absl::string_view jws) {
    jws = absl::StripAsciiWhitespace(jws);
    const size_t dot = jws.rfind('.');
    ASSERT_NE(dot, absl::string_view::npos) << name;
    needles_[name] = std::string(jws.substr(dot + 1));
  }

  // The names of those that are in `text`.
  std::vector<std::string> In(absl::string_view text) const {
    std::vector<std::string> found;
    for (const auto& [name, needle] : needles_) {
      if (absl::StrContains(text, needle)) found.push_back(name);
    }
    // Every JWS of an assertion begins like this, whoever had it made.
    if (absl::StrContains(text, "eyJhbGciOi")) found.emplace_back("the beginning of a JWS");
    return found;
  }

 private:
  // Without the end, which depends on what follows.
  static std::string TrimmedBase64(const std::string& secret) {
    return absl::Base64Escape(secret).substr(0, secret.size() * 4 / 3 - 1);
  }

  std::map<std::string, std::string> needles_;
};

// Reads the command line and the environment of every process of Keyward's, over and over,
// while it lives.
class ProcessWatch {
 public:
  ProcessWatch() : thread_([this] { Run(); }) {}
  ~ProcessWatch() { Stop(); }

  // What there was to read, by place: "cmdline of keyward-signer".
  const std::map<std::string, std::string>& Stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    return seen_;
  }

 private:
  void Run() {
    while (!stop_) {
      std::error_code error;
      for (const auto& process : std::filesystem::directory_iterator("/proc", error)) {
        const std::filesystem::path exe =
            std::filesystem::read_symlink(process.path() / "exe", error);
        if (error ||
            exe.parent_path() != testing::Binary("").substr(0, testing::Binary("").size() - 1)) {
          continue;
        }
        for (const char* file : {"cmdline", "environ"}) {
          std::ifstream in(process.path() / file);
          std::string text((std::istreambuf_iterator<char>(in)), {});
          std::string& seen = seen_[absl::StrCat(file, " of ", exe.filename().string())];
          if (!absl::StrContains(seen, text)) seen += text;
        }
      }
      absl::SleepFor(absl::Milliseconds(1));
    }
  }

  std::map<std::string, std::string> seen_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

// How often `needle` is in the memory of process `pid`; -1 where that can't be read.
int CountInMemory(pid_t pid, const std::string& needle) {
  const UniqueFd memory(open(absl::StrCat("/proc/", pid, "/mem").c_str(), O_RDONLY | O_CLOEXEC));
  if (memory.get() < 0) return -1;
  int count = 0;
  std::ifstream maps(absl::StrCat("/proc/", pid, "/maps"));
  for (std::string line; std::getline(maps, line);) {
    uint64_t begin = 0;
    uint64_t end = 0;
    if (sscanf(line.c_str(), "%lx-%lx r", &begin, &end) != 2 || absl::StrContains(line, "[v"))
      continue;
    std::string bytes(end - begin, '\0');
    const ssize_t got = pread(memory.get(), bytes.data(), bytes.size(), static_cast<off_t>(begin));
    if (got <= 0) continue;
    bytes.resize(static_cast<size_t>(got));
    for (size_t at = bytes.find(needle); at != std::string::npos; at = bytes.find(needle, at + 1)) {
      ++count;
    }
  }
  return count;
}

class SecretsTest : public ::testing::Test {
 protected:
  SecretsTest() {
    secrets_.Add("the PIN", testing::kUserPin);
    secrets_.Add("a wrong PIN", kWrongPin);
    secrets_.Add("the proxy's password", kProxyPassword);
    for (const char* name : {"ca", "signer", "exchange", "operator", "backend"}) {
      secrets_.AddKey(File(absl::StrCat("pki/", name, ".key")));
    }
  }

  std::string File(absl::string_view name) const { return system_.signer().File(name); }

  // Runs `keyward` as `client`, with trust in the stand-in.
  testing::Finished RunKeyward(const std::vector<std::string>& arguments,
                               const std::string& client = "operator") const {
    std::vector<std::string> argv = {testing::Binary("keyward")};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return testing::Run(argv, {{"KEYWARD_CONFIG", ""},
                               {"KEYWARD_SIGNER", system_.signer().address()},
                               {"KEYWARD_CA", File("pki/ca.pem")},
                               {"KEYWARD_CERTIFICATE", File("pki/" + client + ".pem")},
                               {"KEYWARD_PRIVATE_KEY", File("pki/" + client + ".key")},
                               {"KEYWARD_HTTPS_CA", system_.standin().ca_file()},
                               {"KEYWARD_PRIVATE_LOGIN_HOSTS", "127.0.0.1"}});
  }

  // Something that anybody might read.
  void Saw(const std::string& where, const std::string& text) { seen_[where] += text + "\n"; }

  void SawRun(const std::string& what, const testing::Finished& finished, bool out = true) {
    Saw("stderr of " + what, finished.err);
    if (out) Saw("stdout of " + what, finished.out);
  }

  void Keyward(const std::vector<std::string>& arguments) {
    SawRun("keyward " + arguments[0], RunKeyward(arguments));
  }

  void Sign(const std::string& name, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"sign", "acme"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const testing::Finished signed_jws = RunKeyward(arguments);
    SawRun("keyward sign", signed_jws, /*out=*/false);
    ASSERT_EQ(signed_jws.exit_code, 0) << signed_jws.err;
    secrets_.AddJws(name, signed_jws.out);
  }

  void Exchange(const std::string& what, const client::ExchangeOptions& options = {}) {
    const auto token = system_.Client()->Exchange("acme", options);
    Saw("error of " + what, std::string(token.status().message()) + token.status().ToString());
    if (token.ok()) secrets_.Add("token of " + what, std::string(token->granted.token.Expose()));
  }

  void SawMonitoring(testing::Daemon& daemon, const std::string& name) {
    constexpr char kStarted[] = "monitoring on ";
    const std::string output = daemon.Output();
    const size_t at = output.rfind(kStarted);
    ASSERT_NE(at, std::string::npos) << output;
    const std::string url = output.substr(at + sizeof kStarted - 1);
    httplib::Client client(url.substr(0, url.find('\n')));
    for (const char* page : {"/metrics", "/healthz", "/livez", "/readyz"}) {
      const auto answer = client.Get(page);
      if (answer) Saw(absl::StrCat(name, page), answer->body);
    }
    EXPECT_THAT(seen_[name + "/metrics"], ::testing::HasSubstr("keyward_build_info"));
  }

  // What the daemons wrote to disk: everything in the folder but what the operator put
  // there.
  void SawFiles() {
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(system_.signer().dir())) {
      const std::string name = entry.path().filename();
      const bool is_the_operators =
          name == "pin" || name == "exchange.yaml" || entry.path().extension() == ".key";
      if (entry.is_regular_file() && !is_the_operators) {
        Saw(entry.path(), *ReadFile(entry.path(), 1U << 30U));
      }
    }
    EXPECT_TRUE(seen_.contains(File("registry.db")));
    EXPECT_TRUE(seen_.contains(File("audit.jsonl")));
  }

  void ExpectNoSecretSeen() {
    for (const auto& [where, text] : seen_) {
      for (const std::string& name : secrets_.In(text)) {
        ADD_FAILURE() << name << " is in " << where;
      }
    }
  }

  ExchangeSystem system_;
  Secrets secrets_;
  std::map<std::string, std::string> seen_;
};

TEST_F(SecretsTest, NoSecretIsShownByAnything) {
  testing::SignerProcess& signer = system_.signer();
  ProcessWatch watch;
  // The signer again, with monitoring, and at the same address for the exchange.
  Saw("the first signer", signer.daemon().Output());
  ASSERT_EQ(signer.Stop(), 0);
  signer.Write("signer.yaml",
               absl::StrCat(signer.DefaultConfig(), "monitoring: {listen: 127.0.0.1:0}\n"));
  ASSERT_TRUE(signer.Start()) << signer.daemon().Output();
  testing::ConnectProxy proxy(system_.standin().port());
  const std::string settings =
      absl::StrCat(system_.DefaultConfig(),
                   "  proxy: ", proxy.Url(absl::StrCat("keyward:", kProxyPassword, "@")),
                   "\nmonitoring: {listen: 127.0.0.1:0}\n");

  // Starts that fail.
  const auto try_signer = [&](const std::string& what, const std::string& yaml) {
    signer.Write("bad.yaml", yaml);
    SawRun(what, testing::Run({testing::Binary("keyward-signer"), "--config", File("bad.yaml")}));
    SawRun(what + " --check-config", testing::Run({testing::Binary("keyward-signer"), "--config",
                                                   File("bad.yaml"), "--check-config"}));
    std::filesystem::remove(File("bad.yaml"));
  };
  const std::string pin = testing::kUserPin;
  const std::string good = Replaced(Replaced(signer.DefaultConfig(), "registry.db", "other.db"),
                                    "audit.jsonl", "other.jsonl");
  try_signer("the PIN itself as a setting",
             Replaced(good, "  pin:\n    file: pin", "  pin: " + pin));
  try_signer("the PIN as an unknown key", Replaced(good, "    file: pin", "    " + pin + ": 1"));
  try_signer("the PIN in the URI",
             Replaced(good, "token=keyward-e2e", "token=keyward-e2e?pin-value=" + pin));
  try_signer("a key as the certificate",
             Replaced(good, "certificate: pki/signer.pem", "certificate: pki/signer.key"));
  try_signer("a key as the CA", Replaced(good, "client_ca: pki/ca.pem", "client_ca: pki/ca.key"));
  try_signer("a key as the policy",
             Replaced(good, "policy: policy.yaml", "policy: pki/signer.key"));
  try_signer("the PIN's file as the policy", Replaced(good, "policy: policy.yaml", "policy: pin"));
  ASSERT_TRUE(WriteFile(File("wrong.key"), absl::StrCat(kWrongPin, "\n"), 0600).ok());
  try_signer("a wrong PIN", Replaced(good, "file: pin", "file: wrong.key"));
  for (const char* file : {"pin", "pki/signer.key"}) {
    SawRun("a secret as the settings",
           testing::Run({testing::Binary("keyward-signer"), "--config", File(file)}));
    SawRun("a secret as the exchange's settings",
           testing::Run({testing::Binary("keyward-exchange"), "--config", File(file)}));
  }
  const auto try_exchange = [&](const std::string& what, const std::string& yaml, mode_t mode) {
    system_.WriteConfig(yaml);
    ASSERT_EQ(chmod(File("exchange.yaml").c_str(), mode), 0);
    SawRun(what, system_.RunToEnd());
    SawRun(what + " --check-config", system_.RunToEnd({"--check-config"}));
  };
  try_exchange("settings that all may read", settings, 0644);
  try_exchange("a proxy without a port", Replaced(settings, "proxy: http://", "proxy: htp://"),
               0600);
  try_exchange("a proxy's mistake", Replaced(settings, "@127.0.0.1:", "@127.0.0.1:x"), 0600);

  // It works.
  system_.WriteConfig(settings);
  ASSERT_EQ(chmod(File("exchange.yaml").c_str(), 0600), 0);
  ASSERT_TRUE(system_.Start()) << system_.daemon().Output();
  Sign("an assertion");
  Sign("one more assertion", {"--lifetime", "60"});
  Exchange("the first login");
  ASSERT_GT(system_.Logins(), 0) << seen_["error of the first login"];
  const testing::Finished token = RunKeyward({"token", "acme"});
  SawRun("keyward token", token, /*out=*/false);
  ASSERT_EQ(token.exit_code, 0) << token.err;
  secrets_.Add("token of keyward token", std::string(absl::StripAsciiWhitespace(token.out)));
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"test", "acme"},
                                             {"connection", "get", "acme"},
                                             {"connection", "list"},
                                             {"connection", "get", "nobody"},
                                             {"key", "list", "acme"},
                                             {"connection", "update", "acme", "--label", "x"},
                                             {"sign", "nobody"},
                                             {"sign", "acme", "--subject", "stranger@example.com"},
                                             {"sign", "acme", "--audience", "https://evil.example"},
                                             {"token", "nobody"}}) {
    Keyward(arguments);
  }
  SawRun("the wrong client", RunKeyward({"connection", "list"}, "backend"));

  // It does not.
  system_.standin().Admin("DELETE", "/sessions");
  Exchange("a dead token",
           {.rejected = Secret(std::string(absl::StripAsciiWhitespace(token.out)))});
  Exchange("a subject that may not", {.subject = "stranger@example.com"});
  system_.standin().Refuse("inactive-user");
  system_.standin().Fault(testing::kTokenEndpoint, "status", 1, {{"status", 503}});
  Keyward({"token", "acme"});
  Keyward({"test", "acme"});
  proxy.AnswerWith("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
  system_.standin().Admin("DELETE", "/sessions");
  const auto last = system_.Client()->Exchange("acme");
  Exchange("a proxy that refuses",
           {.rejected = Secret(last.ok() ? std::string(last->granted.token.Expose()) : "x")});
  proxy.AnswerWith("");
  SawMonitoring(signer.daemon(), "keyward-signer");
  SawMonitoring(system_.daemon(), "keyward-exchange");

  EXPECT_EQ(system_.Stop(), 0);
  EXPECT_EQ(signer.Stop(), 0);
  Saw("the log of keyward-signer", signer.daemon().Output());
  Saw("the log of keyward-exchange", system_.daemon().Output());
  SawFiles();
  for (const auto& [where, text] : watch.Stop()) Saw(where, text);
  for (const char* place : {"cmdline of keyward-signer", "environ of keyward-signer",
                            "cmdline of keyward-exchange", "environ of keyward-exchange"}) {
    EXPECT_FALSE(seen_[place].empty()) << place;
  }
  ExpectNoSecretSeen();
}

// SoftHSM wipes its own copies as well: nothing at all is left.
TEST_F(SecretsTest, ThePinIsNotInTheSignersMemoryOnceItHasLoggedIn) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can read another process's memory";
  const pid_t pid = system_.signer().daemon().pid();
  // That reading works: the path of the settings is there.
  ASSERT_GT(CountInMemory(pid, "signer.yaml"), 0);
  EXPECT_EQ(CountInMemory(pid, testing::kUserPin), 0);
  Sign("an assertion");
  EXPECT_EQ(CountInMemory(pid, testing::kUserPin), 0);
}

TEST_F(SecretsTest, APinInTheEnvironmentIsGoneOnceItWasRead) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can read another process's memory";
  testing::SignerProcess& signer = system_.signer();
  ASSERT_EQ(signer.Stop(), 0);
  signer.Write("signer.yaml",
               Replaced(signer.DefaultConfig(), "file: pin", "environment: KEYWARD_PIN"));
  ASSERT_TRUE(signer.Start({{"KEYWARD_PIN", testing::kUserPin}})) << signer.daemon().Output();
  const pid_t pid = signer.daemon().pid();
  std::ifstream environ_file(absl::StrCat("/proc/", pid, "/environ"));
  const std::string environment((std::istreambuf_iterator<char>(environ_file)), {});
  EXPECT_THAT(environment, ::testing::HasSubstr("KEYWARD_PIN="));
  EXPECT_THAT(environment, ::testing::Not(::testing::HasSubstr(testing::kUserPin)));
  EXPECT_EQ(CountInMemory(pid, testing::kUserPin), 0);
}

}  // namespace
}  // namespace keyward::e2e
