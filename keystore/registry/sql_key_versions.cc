#include "keystore/registry/sql_key_versions.h"

#include <limits>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "keystore/registry/sql_select.h"
#include "keystore/registry/sql_values.h"

namespace keyward::registry {
namespace {

using soci::use;

constexpr char kSelect[] = R"sql(
SELECT v.connection, v.incarnation, v.number, v.state, v.key_id, v.algorithm, v.key_bits,
       v.create_time_us, v.certificate, v.certificate_chain, v.kid, v.certificate_not_after_us
FROM key_versions v
)sql";

struct Row {
  std::string connection, state, key_id, algorithm, certificate, chain, kid;
  SqlInteger incarnation = 0, number = 0, key_bits = 0, create_time_us = 0, not_after_us = 0;

  void Define(soci::statement& statement) {
    using soci::into;
    statement.exchange(into(connection));
    statement.exchange(into(incarnation));
    statement.exchange(into(number));
    statement.exchange(into(state));
    statement.exchange(into(key_id));
    statement.exchange(into(algorithm));
    statement.exchange(into(key_bits));
    statement.exchange(into(create_time_us));
    statement.exchange(into(certificate));
    statement.exchange(into(chain));
    statement.exchange(into(kid));
    statement.exchange(into(not_after_us));
  }
};

absl::StatusOr<uint32_t> DecodeUint32(SqlInteger value) {
  if (value < 0 || value > std::numeric_limits<uint32_t>::max()) {
    return RegistryCorrupt("a number of a key version is out of range");
  }
  return static_cast<uint32_t>(value);
}

absl::StatusOr<KeyVersion> Decode(const Row& row) {
  KeyVersion version;
  version.connection = row.connection;
  ASSIGN_OR_RETURN(version.number, DecodeUint32(row.number));
  ASSIGN_OR_RETURN(version.state, DecodeState(row.state));
  ASSIGN_OR_RETURN(version.key_id, DecodeKeyId(row.key_id));
  version.algorithm = row.algorithm;
  ASSIGN_OR_RETURN(version.key_bits, DecodeUint32(row.key_bits));
  version.create_time = absl::FromUnixMicros(row.create_time_us);
  ASSIGN_OR_RETURN(version.certificate_der, DecodeCertificate(row.certificate));
  ASSIGN_OR_RETURN(version.certificate_chain, DecodeChain(row.chain));
  version.kid = row.kid;
  version.certificate_not_after = absl::FromUnixMicros(row.not_after_us);
  return version;
}

absl::StatusOr<std::vector<KeyVersion>> DecodeAll(const std::vector<Row>& rows) {
  std::vector<KeyVersion> versions;
  versions.reserve(rows.size());
  for (const Row& row : rows) {
    ASSIGN_OR_RETURN(KeyVersion version, Decode(row));
    versions.push_back(std::move(version));
  }
  return versions;
}

}  // namespace

absl::StatusOr<StoredKeyVersion> FindKeyVersion(soci::session& session,
                                                const std::string& connection, uint32_t number) {
  const SqlInteger which = number;
  const std::string sql =
      absl::StrCat(kSelect, "WHERE v.connection = :connection AND v.number = :number");
  const std::vector<Row> rows =
      Select<Row>(session, sql, use(connection, "connection"), use(which, "number"));
  if (rows.empty()) {
    return Error(absl::StatusCode::kNotFound, "KEY_VERSION_NOT_FOUND",
                 absl::StrCat("connection \"", absl::Utf8SafeCHexEscape(connection),
                              "\" has no key version ", number));
  }
  StoredKeyVersion stored;
  ASSIGN_OR_RETURN(stored.version, Decode(rows.front()));
  stored.incarnation = rows.front().incarnation;
  return stored;
}

absl::StatusOr<std::vector<KeyVersion>> SelectKeyVersions(soci::session& session,
                                                          const std::string& connection,
                                                          int64_t incarnation) {
  const SqlInteger which = incarnation;
  const std::string sql =
      absl::StrCat(kSelect,
                   "WHERE v.connection = :connection AND v.incarnation = :incarnation "
                   "AND v.state <> 'GENERATING' ORDER BY v.number");
  return DecodeAll(
      Select<Row>(session, sql, use(connection, "connection"), use(which, "incarnation")));
}

absl::StatusOr<std::vector<KeyVersion>> SelectLiveKeyVersions(soci::session& session) {
  return DecodeAll(Select<Row>(
      session,
      absl::StrCat(kSelect,
                   "JOIN connections c ON c.name = v.connection AND c.incarnation = v.incarnation "
                   "WHERE c.removed = 0 AND v.state <> 'GENERATING' "
                   "ORDER BY v.connection, v.number")));
}

absl::StatusOr<std::vector<KeyVersion>> SelectUnfinishedKeyVersions(soci::session& session) {
  return DecodeAll(
      Select<Row>(session, absl::StrCat(kSelect,
                                        "WHERE v.state IN ('GENERATING', 'DESTROYING') "
                                        "ORDER BY v.connection, v.number")));
}

absl::Status CheckKeyIdIsFree(soci::session& session, absl::string_view key_id) {
  const std::string hex = EncodeKeyId(key_id);
  if (SelectInteger(session, "SELECT COUNT(*) FROM key_versions WHERE key_id = :key_id",
                    use(hex, "key_id")) == 0) {
    return absl::OkStatus();
  }
  return Error(absl::StatusCode::kAlreadyExists, "KEY_ID_EXISTS",
               "a key version has or had this key identifier (CKA_ID); use another one");
}

bool HasActiveKeyVersion(soci::session& session, const std::string& connection) {
  return SelectInteger(session,
                       "SELECT COUNT(*) FROM key_versions "
                       "WHERE connection = :connection AND state = 'ACTIVE'",
                       use(connection, "connection")) > 0;
}

int64_t CountKeyVersions(soci::session& session, const std::string& connection,
                         int64_t incarnation) {
  const SqlInteger which = incarnation;
  return SelectInteger(session,
                       "SELECT COUNT(*) FROM key_versions "
                       "WHERE connection = :connection AND incarnation = :incarnation",
                       use(connection, "connection"), use(which, "incarnation"));
}

void InsertKeyVersion(soci::session& session, const StoredKeyVersion& stored) {
  const KeyVersion& version = stored.version;
  const SqlInteger incarnation = stored.incarnation;
  const SqlInteger number = version.number;
  const std::string state = EncodeState(version.state);
  const std::string key_id = EncodeKeyId(version.key_id);
  const SqlInteger key_bits = version.key_bits;
  const SqlInteger created = absl::ToUnixMicros(version.create_time);
  const std::string certificate = EncodeCertificate(version.certificate_der);
  const std::string chain = EncodeChain(version.certificate_chain);
  const SqlInteger not_after = absl::ToUnixMicros(version.certificate_not_after);
  session << "INSERT INTO key_versions (connection, incarnation, number, state, key_id, algorithm, "
             "key_bits, create_time_us, certificate, certificate_chain, kid, "
             "certificate_not_after_us) "
             "VALUES (:connection, :incarnation, :number, :state, :key_id, :algorithm, :key_bits, "
             ":created, :certificate, :chain, :kid, :not_after)",
      use(version.connection, "connection"), use(incarnation, "incarnation"), use(number, "number"),
      use(state, "state"), use(key_id, "key_id"), use(version.algorithm, "algorithm"),
      use(key_bits, "key_bits"), use(created, "created"), use(certificate, "certificate"),
      use(chain, "chain"), use(version.kid, "kid"), use(not_after, "not_after");
}

void StoreIssuedKey(soci::session& session, const std::string& connection, uint32_t number,
                    VersionState state, const IssuedKey& issued) {
  const SqlInteger which = number;
  const std::string word = EncodeState(state);
  const std::string certificate = EncodeCertificate(issued.certificate_der);
  const std::string chain = EncodeChain(issued.certificate_chain);
  const SqlInteger not_after = absl::ToUnixMicros(issued.certificate_not_after);
  session << "UPDATE key_versions SET state = :state, certificate = :certificate, "
             "certificate_chain = :chain, kid = :kid, certificate_not_after_us = :not_after "
             "WHERE connection = :connection AND number = :number",
      use(word, "state"), use(certificate, "certificate"), use(chain, "chain"),
      use(issued.kid, "kid"), use(not_after, "not_after"), use(connection, "connection"),
      use(which, "number");
}

void SetState(soci::session& session, const std::string& connection, uint32_t number,
              VersionState state) {
  const SqlInteger which = number;
  const std::string word = EncodeState(state);
  session << "UPDATE key_versions SET state = :state "
             "WHERE connection = :connection AND number = :number",
      use(word, "state"), use(connection, "connection"), use(which, "number");
}

void ReplaceActiveState(soci::session& session, const std::string& connection, VersionState state) {
  const std::string word = EncodeState(state);
  session << "UPDATE key_versions SET state = :state "
             "WHERE connection = :connection AND state = 'ACTIVE'",
      use(word, "state"), use(connection, "connection");
}

void MarkDestroying(soci::session& session, const std::string& connection, int64_t incarnation) {
  const SqlInteger which = incarnation;
  session << "UPDATE key_versions SET state = 'DESTROYING' WHERE connection = :connection "
             "AND incarnation = :incarnation AND state <> 'DESTROYED'",
      use(connection, "connection"), use(which, "incarnation");
}

void DeleteKeyVersion(soci::session& session, const std::string& connection, uint32_t number) {
  const SqlInteger which = number;
  session << "DELETE FROM key_versions WHERE connection = :connection AND number = :number",
      use(connection, "connection"), use(which, "number");
}

}  // namespace keyward::registry
