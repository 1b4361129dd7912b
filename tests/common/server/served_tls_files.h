// TLS files for a server under test, to be replaced as a certificate manager does.
#ifndef KEYWARD_TESTS_COMMON_SERVER_SERVED_TLS_FILES_H_
#define KEYWARD_TESTS_COMMON_SERVER_SERVED_TLS_FILES_H_

#include <gtest/gtest.h>

#include <string>

#include "common/file.h"
#include "common/server/tls_files.h"
#include "tests/client/test_pki.h"

namespace keyward::server {

class ServedTlsFiles {
 public:
  ServedTlsFiles() {
    pki_.Issue("first", kNames);
    pki_.Issue("second", kNames);
    pki_.MakeCa("other-ca");
    Install("first");
    Put(files_.client_ca, Read("ca.pem"));
  }

  const TlsFiles& files() const { return files_; }
  const keyward::testing::TestPki& pki() const { return pki_; }

  // Certificate and key of "first" or "second".
  void Install(const std::string& name) const {
    Put(files_.certificate, Read(name + ".pem"));
    Put(files_.private_key, Read(name + ".key"), 0600);
  }

  // By rename(2).
  static void Put(const std::string& path, const std::string& text, unsigned mode = 0644) {
    ASSERT_TRUE(WriteFile(path, text, mode).ok());
  }

  // A file of the PKI.
  std::string Read(const std::string& name) const { return *ReadFile(pki_.File(name)); }

 private:
  static constexpr char kNames[] = "DNS:localhost,IP:127.0.0.1";

  keyward::testing::TestPki pki_;
  TlsFiles files_ = {.certificate = pki_.File("tls.pem"),
                     .private_key = pki_.File("tls.key"),
                     .client_ca = pki_.File("client-ca.pem")};
};

}  // namespace keyward::server

#endif  // KEYWARD_TESTS_COMMON_SERVER_SERVED_TLS_FILES_H_
