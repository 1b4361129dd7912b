#include "common/server/call_counts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "keyward/v1/connections.pb.h"
#include "keyward/v1/signer.pb.h"

namespace keyward::server {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::EndsWith;
using ::testing::SizeIs;

class CallCountsTest : public ::testing::Test {
 protected:
  std::vector<std::string> Series() const {
    std::vector<std::string> series;
    const std::string text = prometheus::TextSerializer().Serialize(registry_.Collect());
    for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
      if (!absl::StartsWith(line, "#")) series.emplace_back(line);
    }
    return series;
  }

  static std::string Line(absl::string_view method, absl::string_view code, int value) {
    return absl::StrCat("keyward_calls_total{code=\"", code, "\",method=\"", method, "\"} ", value);
  }

  prometheus::Registry registry_;
  CallCounts counts_{registry_,
                     {v1::SignRequest::descriptor()->file()->service(0),
                      v1::CreateConnectionRequest::descriptor()->file()->service(0)}};
};

TEST_F(CallCountsTest, EveryMethodIsThereFromTheStart) {
  EXPECT_THAT(Series(), SizeIs(11));
  EXPECT_THAT(Series(), Each(EndsWith(" 0")));
  EXPECT_THAT(Series(), Contains(Line("Sign", "OK", 0)));
  EXPECT_THAT(Series(), Contains(Line("PreferAudience", "OK", 0)));
}

TEST_F(CallCountsTest, CountsByMethodAndCode) {
  counts_.Count("Sign", grpc::Status::OK);
  counts_.Count("Sign", grpc::Status::OK);
  counts_.Count("Sign", {grpc::StatusCode::UNAUTHENTICATED, "the highest code"});
  counts_.Count("GetConnection", {grpc::StatusCode::NOT_FOUND, ""});
  EXPECT_THAT(Series(), SizeIs(13));
  EXPECT_THAT(Series(), Contains(Line("Sign", "OK", 2)));
  EXPECT_THAT(Series(), Contains(Line("Sign", "UNAUTHENTICATED", 1)));
  EXPECT_THAT(Series(), Contains(Line("GetConnection", "NOT_FOUND", 1)));
  EXPECT_THAT(Series(), Contains(Line("GetConnection", "OK", 0)));
}

TEST_F(CallCountsTest, WhatIsNotOnTheListMakesNoSeries) {
  counts_.Count("Steal", grpc::Status::OK);
  counts_.Count("", grpc::Status::OK);
  counts_.Count("Sign", {static_cast<grpc::StatusCode>(17), ""});
  counts_.Count("Sign", {static_cast<grpc::StatusCode>(-1), ""});
  EXPECT_THAT(Series(), SizeIs(11));
  EXPECT_THAT(Series(), Each(EndsWith(" 0")));
}

TEST_F(CallCountsTest, ManyThreadsCountIntoOneSeries) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] {
      for (int n = 0; n < 1000; ++n) counts_.Count("Sign", {grpc::StatusCode::ABORTED, ""});
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(Series(), Contains(Line("Sign", "ABORTED", 4000)));
}

}  // namespace
}  // namespace keyward::server
