// `audit.forward` of signer.yaml: where records go beside the file.
#ifndef KEYWARD_SIGNER_AUDIT_SINK_CONFIG_H_
#define KEYWARD_SIGNER_AUDIT_SINK_CONFIG_H_

#include <string>
#include <vector>

#include "common/server/settings_reader.h"
#include "common/yaml_reader.h"

namespace keyward::signer {

struct ForwardConfig {
  enum class Kind {
    kNone,
    // RFC 5424 over TLS, RFC 5425.
    kSyslogTls,
    // RFC 5424 over a Unix socket, of datagrams or a stream.
    kUnixSocket,
    // systemd's native protocol, https://systemd.io/JOURNAL_NATIVE_PROTOCOL/.
    kJournald,
  };

  Kind kind = Kind::kNone;
  // HOST:PORT, or the path of the socket.
  std::string address;
  // PEM files, for kSyslogTls. The last two are both empty without mutual TLS.
  std::string ca;
  std::string certificate;
  std::string private_key;
  // Nothing is signed while a record cannot be handed over.
  bool required = false;
};

// Reads `forward` of `audit`, if it is there; notes what is wrong with it.
ForwardConfig ReadForward(server::SettingsReader& reader, const YamlReader& audit);

struct ForwardMistake {
  // "audit.forward.ca"
  std::string setting;
  // "FILE: is a directory"
  std::string what;
};

// What is wrong with the files that `config` names: PEM files that cannot be read, have no
// PEM of their kind, or a key that others can access or that is not the certificate's.
// A socket need not be there: its server may start later.
std::vector<ForwardMistake> CheckForwardFiles(const ForwardConfig& config);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_SINK_CONFIG_H_
