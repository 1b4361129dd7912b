// For whom a caller asks, and in which trace: what the audit log keeps of it.
#include <keyward/v1/connections.grpc.pb.h>
#include <keyward/v1/key_versions.grpc.pb.h>
#include <keyward/v1/signer.grpc.pb.h>

#include <functional>
#include <future>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/e2e/raw_calls.h"
#include "tests/e2e/signer_fixture.h"

namespace keyward::e2e {
namespace {

using nlohmann::json;

constexpr char kTraceId[] = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr char kTraceparent[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

class AttributionTest : public FaultySignerTest {
 protected:
  AttributionTest() {
    StartWithRoomForTwo();
    channel_ = Connect(signer_);
  }

  // "OK" or the name of the code, of a Sign call with these headers.
  grpc::Status Sign(const std::string& on_behalf_of,
                    const std::vector<std::string>& traceparents = {},
                    const std::string& connection = "acme", const std::string& claims = "") const {
    v1::SignRequest request;
    request.set_connection(connection);
    request.set_claims_json(claims.empty() ? GoodClaims() : claims);
    request.set_on_behalf_of(on_behalf_of);
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
    for (const std::string& value : traceparents) context.AddMetadata("traceparent", value);
    v1::SignResponse response;
    return v1::Signer::NewStub(channel_)->Sign(&context, request, &response);
  }

  // The record of a refusal is not waited for by its caller, so this one is.
  json LastRecord(const std::string& reason) const {
    json last;
    EXPECT_TRUE(Eventually([&] {
      last = Audit().back();
      return last.value("reason", "") == reason;
    })) << last;
    return last;
  }

  std::shared_ptr<grpc::Channel> channel_;
};

TEST_F(AttributionTest, IsRecordedOfWhatIsSigned) {
  for (const char* identity :
       {"spiffe://keyward.example/shop", "dns:shop.example", "cn:Shop Owner"}) {
    EXPECT_TRUE(Sign(identity, {kTraceparent}).ok()) << identity;
    const json record = Audit().back();
    EXPECT_EQ(record.value("outcome", ""), "done");
    EXPECT_EQ(record.value("on_behalf_of", ""), identity);
    EXPECT_EQ(record.value("trace_id", ""), kTraceId);
    EXPECT_EQ(record.value("identity", ""), "spiffe://keyward.example/operator");
  }
  EXPECT_TRUE(Sign("").ok());
  EXPECT_FALSE(Audit().back().contains("on_behalf_of"));
  EXPECT_FALSE(Audit().back().contains("trace_id"));
}

TEST_F(AttributionTest, AMalformedNameIsRefusedAndNotRecorded) {
  const int signed_before = Calls("C_Sign");
  const size_t records_before = Audit().size();
  const std::vector<std::string> names = {"shop",
                                          "cn:",
                                          "cn:a\nb",
                                          "spiffe://keyward.example/*",
                                          "dns:Shop.example",
                                          absl::StrCat("cn:", std::string(256, 'a')),
                                          absl::StrCat("spiffe://a/", std::string(2038, 'b')),
                                          std::string(50000, 'x')};
  for (size_t i = 0; i < names.size(); ++i) {
    // Refusals of one connection would be counted.
    const grpc::Status status = Sign(names[i], {kTraceparent}, absl::StrCat("acme-", i));
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << names[i];
    EXPECT_LT(status.error_message().size(), 300U);
    ASSERT_TRUE(Eventually([&] { return Audit().size() == records_before + i + 1; }));
    const json record = Audit().back();
    EXPECT_EQ(record.value("reason", ""), "ON_BEHALF_OF_INVALID");
    EXPECT_FALSE(record.contains("on_behalf_of")) << record;
    EXPECT_EQ(record.value("trace_id", ""), kTraceId);
    EXPECT_LT(record.dump().size(), 600U);
  }
  EXPECT_EQ(Calls("C_Sign"), signed_before);
}

TEST_F(AttributionTest, IsRecordedOfRefusalsToo) {
  constexpr char kShop[] = "dns:shop.example";
  const auto expect_both = [&](const std::string& reason) {
    const json record = LastRecord(reason);
    EXPECT_EQ(record.value("on_behalf_of", ""), kShop) << record;
    EXPECT_EQ(record.value("trace_id", ""), kTraceId) << record;
  };
  EXPECT_FALSE(Sign(kShop, {kTraceparent}, "absent").ok());
  expect_both("CONNECTION_NOT_FOUND");
  EXPECT_FALSE(Sign(kShop, {kTraceparent}, "No Name").ok());
  expect_both("CONNECTION_NAME_INVALID");
  EXPECT_FALSE(Sign(kShop, {kTraceparent}, "acme", "{").ok());
  expect_both("CLAIMS_NOT_JSON");

  // One at the token, one that waits, and one too many.
  const int before = Calls("C_Sign");
  SetFaults("C_Sign wait 600000\n");
  auto first = std::async(std::launch::async, [&] { return Sign(kShop); });
  ASSERT_TRUE(Eventually([&] { return Calls("C_Sign") == before + 1; }));
  auto one = std::async(std::launch::async, [&] { return Sign(kShop, {kTraceparent}); });
  auto other = std::async(std::launch::async, [&] { return Sign(kShop, {kTraceparent}); });
  ASSERT_TRUE(Eventually([&] { return SignOutcomes().back() == "QUEUE_FULL"; }));
  expect_both("QUEUE_FULL");
  SetFaults("");
  EXPECT_TRUE(first.get().ok());
  EXPECT_NE(one.get().ok(), other.get().ok());
}

TEST_F(AttributionTest, CallsAroundALoginSayItToo) {
  const auto inspect = [&](const std::string& on_behalf_of, const std::string& connection) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
    v1::InspectKeyVersionRequest request;
    request.set_connection(connection);
    request.set_on_behalf_of(on_behalf_of);
    v1::KeyVersionDetails response;
    return v1::KeyVersions::NewStub(channel_)->InspectKeyVersion(&context, request, &response);
  };
  const auto prefer = [&](const std::string& on_behalf_of, const std::string& connection) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
    v1::PreferAudienceRequest request;
    request.set_name(connection);
    request.set_audience(kAudience);
    request.set_on_behalf_of(on_behalf_of);
    v1::Connection response;
    return v1::Connections::NewStub(channel_)->PreferAudience(&context, request, &response);
  };
  using Call = std::function<grpc::Status(const std::string&, const std::string&)>;
  for (const auto& [method, call] :
       {std::pair<std::string, Call>("InspectKeyVersion", inspect), {"PreferAudience", prefer}}) {
    EXPECT_TRUE(call("dns:shop.example", "acme").ok()) << method;
    EXPECT_EQ(Audit().back().value("method", ""), method);
    EXPECT_EQ(Audit().back().value("outcome", ""), "done");
    EXPECT_EQ(Audit().back().value("on_behalf_of", ""), "dns:shop.example");
    EXPECT_FALSE(call("dns:shop.example", "absent").ok());
    EXPECT_TRUE(
        Eventually([&] { return Audit().back().value("reason", "") == "CONNECTION_NOT_FOUND"; }));
    EXPECT_EQ(Audit().back().value("on_behalf_of", ""), "dns:shop.example");
    EXPECT_EQ(call("dns:Shop.example", "acme").error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    // An answer of a refusal does not wait for its record.
    EXPECT_TRUE(
        Eventually([&] { return Audit().back().value("reason", "") == "ON_BEHALF_OF_INVALID"; }));
    EXPECT_FALSE(Audit().back().contains("on_behalf_of"));
    EXPECT_TRUE(call("", "acme").ok()) << method;
    EXPECT_FALSE(Audit().back().contains("on_behalf_of"));
  }
}

TEST_F(AttributionTest, ItDecidesNothing) {
  // Neither does a name that may sign help one that may not, nor the other way round.
  signer_.Write("policy.yaml", testing::kDefaultPolicy);
  CreateConnection("other");
  channel_ = Connect(signer_, signer_.File("pki/backend.pem"), signer_.File("pki/backend.key"));
  EXPECT_EQ(Sign("spiffe://keyward.example/operator", {}, "other").error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_TRUE(Sign("spiffe://keyward.example/nobody").ok());
}

TEST_F(AttributionTest, ATraceparentThatIsMalformedOrThereTwiceIsIgnored) {
  const std::vector<std::vector<std::string>> ignored = {
      {"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"},
      {"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
      {"00-00000000000000000000000000000000-00f067aa0ba902b7-01"},
      {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"},
      {"x"},
      {kTraceparent, kTraceparent},
      {kTraceparent, "x"}};
  for (const auto& traceparents : ignored) {
    EXPECT_TRUE(Sign("", traceparents).ok()) << traceparents[0];
    EXPECT_FALSE(Audit().back().contains("trace_id")) << traceparents[0];
  }
  // What a later version adds does not matter.
  EXPECT_TRUE(Sign("", {absl::StrCat("01", std::string(kTraceparent).substr(2), "-more")}).ok());
  EXPECT_EQ(Audit().back().value("trace_id", ""), kTraceId);
}

TEST_F(AttributionTest, AdministrationIsTracedToo) {
  const auto stub = v1::Connections::NewStub(channel_);
  {
    grpc::ClientContext context;
    context.AddMetadata("traceparent", kTraceparent);
    v1::GetConnectionRequest request;
    request.set_name("absent");
    v1::Connection response;
    EXPECT_FALSE(stub->GetConnection(&context, request, &response).ok());
    EXPECT_EQ(Audit().back().value("trace_id", ""), kTraceId);
    EXPECT_EQ(Audit().back().value("method", ""), "GetConnection");
  }
  grpc::ClientContext context;
  context.AddMetadata("traceparent", kTraceparent);
  v1::ListConnectionsResponse response;
  EXPECT_TRUE(stub->ListConnections(&context, {}, &response).ok());
  EXPECT_EQ(Audit().back().value("trace_id", ""), kTraceId);
  EXPECT_EQ(Audit().back().value("method", ""), "ListConnections");
}

}  // namespace
}  // namespace keyward::e2e
