#include "client/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "common/error.h"
#include "common/file.h"
#include "tests/testing/temp_dir.h"

namespace keyward::client {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class SettingsTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = dir_.File(name);
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    EXPECT_TRUE(WriteFile(path, text).ok());
    return path;
  }

  absl::StatusOr<Settings> Load(const Settings& flags = {}, const std::string& file = "",
                                SettingsUse use = SettingsUse::kSigner) {
    const auto environment = [this](const std::string& name) {
      const auto found = environment_.find(name);
      return found == environment_.end() ? std::nullopt : std::optional<std::string>(found->second);
    };
    return LoadSettings(flags, file, environment, use);
  }

  // What is missing for access tokens, empty for nothing.
  std::string MissingForToken(const Settings& flags) {
    const absl::Status status = Load(flags, "", SettingsUse::kToken).status();
    if (status.ok()) return "";
    EXPECT_EQ(ReasonOf(status), "SETTINGS_MISSING");
    return std::string(status.message());
  }

  std::string ErrorOf(const std::string& yaml) {
    const absl::Status status = Load(complete_, Write("c.yaml", yaml)).status();
    EXPECT_EQ(ReasonOf(status), "SETTINGS_INVALID") << yaml;
    return std::string(status.message());
  }

  testing::TempDir dir_;
  std::map<std::string, std::string> environment_;
  const Settings complete_ = {.signer = "flag:1",
                              .ca = "flag-ca",
                              .certificate = "flag-certificate",
                              .private_key = "flag-key",
                              .https_ca = "flag-https",
                              .exchange = "flag-exchange:1",
                              .login_hosts = "flag-host",
                              .private_login_hosts = "flag-private",
                              .https_proxy = "flag-proxy"};
  const std::string file_ =
      "signer: file:1\nca: file-ca\ncertificate: /abs/file-certificate\nprivate_key: pki/file-key\n"
      "https_ca: ../file-https\n";
};

TEST_F(SettingsTest, FlagsWinOverTheEnvironmentAndThatOverTheFile) {
  const std::string path = Write("c.yaml", file_);
  EXPECT_EQ(Load({}, path)->signer, "file:1");
  environment_ = {{"KEYWARD_SIGNER", "env:1"},
                  {"KEYWARD_CA", "env-ca"},
                  {"KEYWARD_CERTIFICATE", "env-certificate"},
                  {"KEYWARD_PRIVATE_KEY", "env-key"},
                  {"KEYWARD_HTTPS_CA", "env-https"},
                  {"KEYWARD_EXCHANGE", "unix:/env"},
                  {"KEYWARD_LOGIN_HOSTS", "env-host"},
                  {"KEYWARD_PRIVATE_LOGIN_HOSTS", "env-private"},
                  {"KEYWARD_HTTPS_PROXY", "env-proxy"}};
  auto settings = Load({}, path);
  EXPECT_EQ(settings->signer, "env:1");
  EXPECT_EQ(settings->ca, "env-ca");
  EXPECT_EQ(settings->certificate, "env-certificate");
  EXPECT_EQ(settings->private_key, "env-key");
  EXPECT_EQ(settings->https_ca, "env-https");
  EXPECT_EQ(settings->exchange, "unix:/env");
  EXPECT_EQ(settings->login_hosts, "env-host");
  EXPECT_EQ(settings->private_login_hosts, "env-private");
  EXPECT_EQ(settings->https_proxy, "env-proxy");
  settings = Load(complete_, path);
  EXPECT_EQ(settings->signer, "flag:1");
  EXPECT_EQ(settings->ca, "flag-ca");
  EXPECT_EQ(settings->certificate, "flag-certificate");
  EXPECT_EQ(settings->private_key, "flag-key");
  EXPECT_EQ(settings->https_ca, "flag-https");
  EXPECT_EQ(settings->exchange, "flag-exchange:1");
  EXPECT_EQ(settings->login_hosts, "flag-host");
  EXPECT_EQ(settings->private_login_hosts, "flag-private");
  EXPECT_EQ(settings->https_proxy, "flag-proxy");
}

TEST_F(SettingsTest, RelativePathsInTheFileAreRelativeToItsFolder) {
  const auto settings = Load({}, Write("sub/c.yaml", file_));
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->signer, "file:1");
  EXPECT_EQ(settings->ca, dir_.File("sub/file-ca"));
  EXPECT_EQ(settings->certificate, "/abs/file-certificate");
  EXPECT_EQ(settings->private_key, dir_.File("sub/pki/file-key"));
  EXPECT_EQ(settings->https_ca, dir_.File("sub/../file-https"));
}

TEST_F(SettingsTest, TheFileIsTheGivenOneThenTheVariablesThenTheUsualOne) {
  environment_["HOME"] = dir_.path();
  EXPECT_EQ(ReasonOf(Load().status()), "SETTINGS_MISSING");
  Write(".config/keyward/config.yaml", "signer: usual:1\nca: a\ncertificate: b\nprivate_key: c\n");
  EXPECT_EQ(Load()->signer, "usual:1");
  environment_["KEYWARD_CONFIG"] = Write("v.yaml", file_);
  EXPECT_EQ(Load()->signer, "file:1");
  EXPECT_EQ(
      Load({}, Write("g.yaml", "signer: given:1\nca: a\ncertificate: b\nprivate_key: c\n"))->signer,
      "given:1");
}

TEST_F(SettingsTest, AFileThatWasAskedForMustBeThere) {
  EXPECT_EQ(Load(complete_, dir_.File("none")).status().code(), absl::StatusCode::kNotFound);
  environment_["KEYWARD_CONFIG"] = dir_.File("none");
  EXPECT_THAT(std::string(Load(complete_).status().message()), HasSubstr(dir_.File("none")));
}

TEST_F(SettingsTest, AnEmptyVariableCountsAsNotSet) {
  environment_["KEYWARD_SIGNER"] = "";
  environment_["KEYWARD_CONFIG"] = "";
  EXPECT_EQ(Load({}, Write("c.yaml", file_))->signer, "file:1");
}

TEST_F(SettingsTest, EverythingThatIsMissingIsNamedAtOnce) {
  const absl::Status status = Load().status();
  EXPECT_EQ(ReasonOf(status), "SETTINGS_MISSING");
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("--signer"), HasSubstr("KEYWARD_CA"), HasSubstr("--certificate"),
                    HasSubstr("--private-key"), Not(HasSubstr("https"))));
}

TEST_F(SettingsTest, TheExchangeTakesTheSignersPlaceForAccessTokens) {
  EXPECT_EQ(MissingForToken(complete_), "");
  EXPECT_THAT(MissingForToken({}), AllOf(HasSubstr("--signer"), HasSubstr("--ca"),
                                         HasSubstr("--exchange takes the place of --signer")));
  EXPECT_EQ(MissingForToken({.exchange = "unix:/run/exchange.sock"}), "");
  EXPECT_THAT(MissingForToken({.exchange = "exchange:1"}),
              AllOf(HasSubstr("--ca"), HasSubstr("--certificate"), HasSubstr("--private-key"),
                    Not(HasSubstr("--signer"))));
  EXPECT_EQ(ReasonOf(Load({.exchange = "unix:/run/exchange.sock"}).status()), "SETTINGS_MISSING");
}

TEST_F(SettingsTest, ASocketsPathAloneIsNoExchange) {
  for (const char* path : {"/run/exchange.sock", "./exchange.sock"}) {
    const absl::Status status = Load({.exchange = path}, "", SettingsUse::kToken).status();
    EXPECT_EQ(ReasonOf(status), "SETTINGS_INVALID");
    EXPECT_EQ(status.message(),
              std::string("exchange is a path: write unix:") + (path[0] == '/' ? path : "/PATH"));
  }
  // The signer's verbs do not use it.
  Settings flags = complete_;
  flags.exchange = "/run/exchange.sock";
  EXPECT_TRUE(Load(flags).ok());
}

TEST_F(SettingsTest, ListsMayBeYamlLists) {
  const auto read = [this](const std::string& yaml) {
    Settings flags = complete_;
    flags.signer = "";
    const auto loaded = Load(flags, Write("c.yaml", yaml));
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    return loaded.ok() ? SettingList(loaded->signer) : std::vector<std::string>();
  };
  EXPECT_THAT(read("signer: [a:1, 'b:2']\n"), ElementsAre("a:1", "b:2"));
  EXPECT_THAT(read("signer:\n- a:1\n- b:2\n"), ElementsAre("a:1", "b:2"));
  EXPECT_THAT(read("signer: ' a:1 ,, b:2,'\n"), ElementsAre("a:1", "b:2"));
  for (const char* bad : {"signer: []\n", "signer: [[a]]\n", "signer: ['a:1,b:2']\n",
                          "signer: {a: 1}\n", "exchange: [a:1]\n", "https_proxy: [a]\n"}) {
    EXPECT_THAT(ErrorOf(bad), HasSubstr("must be a text that is not empty"));
  }
  EXPECT_THAT(SettingList(""), ElementsAre());
}

TEST_F(SettingsTest, EveryMistakeInTheFileIsNamedAtOnce) {
  EXPECT_THAT(ErrorOf("signr: x\nca: [a]\ncertificate:\nprivate_key: k\nprivate_key: l\n"),
              AllOf(HasSubstr("line 1: unknown setting 'signr'"), HasSubstr("line 2: ca must be"),
                    HasSubstr("line 3: certificate must be"),
                    HasSubstr("line 5: private_key is there twice")));
}

TEST_F(SettingsTest, WhatIsNotAMapIsRefused) {
  EXPECT_THAT(ErrorOf("- a\n"), HasSubstr("map"));
  EXPECT_THAT(ErrorOf("words"), HasSubstr("map"));
  EXPECT_THAT(ErrorOf("signer: 'x"), HasSubstr("line "));
  EXPECT_THAT(ErrorOf("[a]: b"), HasSubstr("name must be a word"));
  EXPECT_TRUE(Load(complete_, Write("empty.yaml", "# nothing\n")).ok());
}

TEST_F(SettingsTest, AnEndlessFileIsNotRead) {
  EXPECT_EQ(Load(complete_, "/dev/zero").status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace keyward::client
