#include "signer/callers.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/security/auth_context.h>
#include <grpcpp/server_context.h>

#include <algorithm>
#include <vector>

#include "absl/hash/hash.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "signer/peer_identity.h"

namespace keyward::signer {
namespace {

// What is kept in all. A client can make many entries with one certificate, by what it sends
// along; so bytes count too.
constexpr size_t kMaxEntries = 4096;
constexpr size_t kMaxBytes = size_t{16} << 20;
constexpr size_t kMaxEntryBytes = size_t{64} << 10;

// A certificate that is not valid yet becomes so without anything else changing.
constexpr absl::Duration kRefusalMemory = absl::Seconds(10);

// The only value, or "".
absl::string_view OnlyValue(const std::vector<grpc::string_ref>& values) {
  if (values.size() != 1) return {};
  return {values.front().data(), values.front().size()};
}

// As FindPropertyValues() wants them: made once.
const std::string& LeafProperty() {
  static const std::string* const name = new std::string(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  return *name;
}
const std::string& ChainProperty() {
  static const std::string* const name = new std::string(GRPC_X509_PEM_CERT_CHAIN_PROPERTY_NAME);
  return *name;
}

}  // namespace

struct Callers::ShownHash {
  using is_transparent = void;
  size_t operator()(const ShownView& shown) const { return absl::HashOf(shown); }
  size_t operator()(const Shown& shown) const {
    return absl::HashOf(ShownView(shown.first, shown.second));
  }
};

struct Callers::ShownEqual {
  using is_transparent = void;
  template <typename A, typename B>
  bool operator()(const A& a, const B& b) const {
    return absl::string_view(a.first) == absl::string_view(b.first) &&
           absl::string_view(a.second) == absl::string_view(b.second);
  }
};

// Part of the cache, so that calls do not wait for each other.
struct Callers::Shard {
  void Keep(const ShownView& shown, const Verdict& verdict) ABSL_LOCKS_EXCLUDED(mutex) {
    const size_t size = shown.first.size() + shown.second.size();
    if (size > kMaxEntryBytes) return;
    MutexLock lock(&mutex);
    if (const auto known = verdicts.find(shown); known != verdicts.end()) {
      known->second = verdict;
      return;
    }
    // Any will do: there are not nearly as many clients.
    while (verdicts.size() >= kMaxEntries / kShards || bytes + size > kMaxBytes / kShards) {
      const auto any = verdicts.begin();
      bytes -= any->first.first.size() + any->first.second.size();
      verdicts.erase(any);
    }
    verdicts.emplace(Shown(shown.first, shown.second), verdict);
    bytes += size;
  }

  Mutex mutex;
  absl::flat_hash_map<Shown, Verdict, ShownHash, ShownEqual> verdicts ABSL_GUARDED_BY(mutex);
  size_t bytes ABSL_GUARDED_BY(mutex) = 0;
};

Callers::Callers(CallersOptions options)
    : options_(std::move(options)), shards_(std::make_unique<std::array<Shard, kShards>>()) {}

Callers::~Callers() = default;

absl::StatusOr<std::string> Callers::IdentityOf(const grpc::AuthContext& context) const {
  const std::vector<grpc::string_ref> leaf = context.FindPropertyValues(LeafProperty());
  // Another transport, or no certificate: PeerIdentity() says what is missing.
  if (!IsTls(context) || leaf.empty() || options_.verifiers == nullptr) {
    RETURN_IF_ERROR(PeerIdentity(context, options_.kinds).status());
    return Error(absl::StatusCode::kUnauthenticated, "CLIENT_CERTIFICATE_INVALID",
                 "this server has no authority for client certificates");
  }
  const std::vector<grpc::string_ref> chain = context.FindPropertyValues(ChainProperty());
  const ShownView shown(OnlyValue(leaf), OnlyValue(chain));
  const int64_t generation = options_.verifiers->generation();
  const absl::Time now = absl::Now();
  Shard& shard = ShardOf(shown);
  {
    MutexLock lock(&shard.mutex);
    const auto known = shard.verdicts.find(shown);
    if (known != shard.verdicts.end() && known->second.generation == generation &&
        now < known->second.until) {
      return known->second.identity;
    }
  }
  Verdict verdict = Judge(context, shown, now);
  shard.Keep(shown, verdict);
  return std::move(verdict.identity);
}

Callers::Verdict Callers::Judge(const grpc::AuthContext& context, const ShownView& shown,
                                absl::Time now) const {
  const std::shared_ptr<const server::ClientVerifier> verifier = options_.verifiers->Get();
  const absl::StatusOr<absl::Time> until = verifier->Verify(shown.first, shown.second, now);
  if (!until.ok()) return {until.status(), now + kRefusalMemory, verifier->generation()};
  return {PeerIdentity(context, options_.kinds), *until, verifier->generation()};
}

Callers::Shard& Callers::ShardOf(const ShownView& shown) const {
  // Not the lowest bits, which the map uses.
  return (*shards_)[(ShownHash()(shown) >> 32) % kShards];
}

absl::StatusOr<std::string> Callers::IdentityOf(const grpc::ServerContextBase& context) const {
  if (!options_.socket_identity.empty() && IsUnixSocket(context)) return options_.socket_identity;
  return IdentityOf(*context.auth_context());
}

size_t Callers::kept() const {
  size_t kept = 0;
  for (Shard& shard : *shards_) {
    MutexLock lock(&shard.mutex);
    kept += shard.verdicts.size();
  }
  return kept;
}

std::string Callers::NameOf(const grpc::AuthContext& context) const {
  return PeerIdentity(context, options_.kinds).value_or("");
}

}  // namespace keyward::signer
