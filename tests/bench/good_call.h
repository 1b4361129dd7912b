// The call of Sign that benchmarks make.
#ifndef KEYWARD_TESTS_BENCH_GOOD_CALL_H_
#define KEYWARD_TESTS_BENCH_GOOD_CALL_H_

#include <string>

namespace keyward::testing {
class SignerProcess;
}

namespace keyward::bench {

inline constexpr char kSignMethod[] = "/keyward.v1.Signer/Sign";
inline constexpr char kGoodConnection[] = "acme";

// Creates the connection, once the signer serves. Ends the process where it cannot.
void CreateGoodConnection(const testing::SignerProcess& signer);

// What the connection signs, for nearly five minutes from now.
std::string GoodClaims();

// Serialized, with GoodClaims().
std::string GoodRequest();

}  // namespace keyward::bench

#endif  // KEYWARD_TESTS_BENCH_GOOD_CALL_H_
