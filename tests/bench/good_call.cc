#include "tests/bench/good_call.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "keyward/v1/signer.pb.h"
#include "tests/bench/or_die.h"
#include "tests/testing/signer_process.h"

namespace keyward::bench {

void CreateGoodConnection(const testing::SignerProcess& signer) {
  const testing::Finished created =
      signer.Keyward({"connection", "create", kGoodConnection, "--consumer-key", "3MVG9bench",
                      "--subject", "bench@example.com"});
  if (created.exit_code != 0) Die(created.err);
}

std::string GoodClaims() {
  return absl::StrCat(
      R"({"iss":"3MVG9bench","sub":"bench@example.com","aud":"https://login.salesforce.com",)",
      R"("exp":)", absl::ToUnixSeconds(absl::Now() + absl::Seconds(290)), "}");
}

std::string GoodRequest() {
  v1::SignRequest request;
  request.set_connection(kGoodConnection);
  request.set_claims_json(GoodClaims());
  return request.SerializeAsString();
}

}  // namespace keyward::bench
