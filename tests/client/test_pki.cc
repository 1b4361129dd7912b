#include "tests/client/test_pki.h"

#include <cstdlib>
#include <iostream>
#include <vector>

#include "common/file.h"
#include "tests/testing/subprocess.h"

namespace keyward::testing {
namespace {

void Openssl(std::vector<std::string> argv) {
  argv.insert(argv.begin(), "openssl");
  const Finished finished = Run(argv);
  if (finished.exit_code == 0) return;
  std::cerr << finished.err;
  std::abort();
}

std::vector<std::string> RequestArguments(const TempDir& dir, const std::string& name) {
  return {"req",
          "-x509",
          "-newkey",
          "ec",
          "-pkeyopt",
          "ec_paramgen_curve:P-256",
          "-nodes",
          "-days",
          "2",
          "-config",
          dir.File("openssl.cnf"),
          "-subj",
          "/CN=" + name,
          "-keyout",
          dir.File(name + ".key"),
          "-out",
          dir.File(name + ".pem"),
          "-addext"};
}

}  // namespace

TestPki::TestPki() {
  const absl::Status written =
      WriteFile(dir_.File("openssl.cnf"), "[req]\ndistinguished_name = dn\n[dn]\n");
  if (!written.ok()) std::abort();
  MakeCa("ca");
}

std::string TestPki::MakeCa(const std::string& name) const {
  std::vector<std::string> argv = RequestArguments(dir_, name);
  argv.emplace_back("basicConstraints=critical,CA:TRUE");
  Openssl(argv);
  return dir_.File(name + ".pem");
}

CertificateFiles TestPki::Issue(const std::string& name, const std::string& alternative_name,
                                const std::string& ca) const {
  std::vector<std::string> argv = RequestArguments(dir_, name);
  argv.insert(argv.end(), {"subjectAltName=" + alternative_name, "-CA", dir_.File(ca + ".pem"),
                           "-CAkey", dir_.File(ca + ".key")});
  Openssl(argv);
  return {dir_.File(name + ".pem"), dir_.File(name + ".key")};
}

}  // namespace keyward::testing
