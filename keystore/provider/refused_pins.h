// Which PINs must not be tried any more.
#ifndef KEYWARD_KEYSTORE_PROVIDER_REFUSED_PINS_H_
#define KEYWARD_KEYSTORE_PROVIDER_REFUSED_PINS_H_

#include <string>

#include "keystore/provider/pin.h"

namespace keyward::provider {

// Each wrong PIN counts towards a lock, so after the first none is tried on the token
// until an operator acts: corrects the file that it came from, or starts the process
// again. Kept for the life of the process or of the loaded provider, PINs as digests.
// Thread-safe. `token` is any name of the token.

// Whether `pin` may be given to the token: none was refused, or `pin` is from a file
// that held others when they were refused.
bool MayTry(const std::string& token, const Pin& pin);
void RememberRefused(const std::string& token, const Pin& pin);

// While the token is open, PINs are compared with the one that opened it, which costs
// nothing and must not serve to find that out: after one that differs no URI's PIN is
// taken any more.
bool MayCompare(const std::string& token, const Pin& pin);
void RememberDifferent(const std::string& token);

}  // namespace keyward::provider

#endif  // KEYWARD_KEYSTORE_PROVIDER_REFUSED_PINS_H_
