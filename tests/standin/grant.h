// What a login that nothing speaks against gets.
#ifndef KEYWARD_TESTS_STANDIN_GRANT_H_
#define KEYWARD_TESTS_STANDIN_GRANT_H_

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "tests/standin/state.h"

namespace keyward::standin {

// Opens the session and returns the token endpoint's answer. `origin` is where the
// request was sent to.
nlohmann::json Grant(State& state, const App& app, const std::string& username, const User& user,
                     const std::string& origin);

}  // namespace keyward::standin

#endif  // KEYWARD_TESTS_STANDIN_GRANT_H_
