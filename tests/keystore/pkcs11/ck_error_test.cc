#include "keystore/pkcs11/ck_error.h"

#include <gtest/gtest.h>

#include "common/error.h"

namespace keyward::pkcs11 {
namespace {

TEST(CkErrorTest, NamesTheCallAndKeepsTheCode) {
  const absl::Status status = CkStatus(CKR_DEVICE_ERROR, "C_Sign");
  EXPECT_EQ(status.message(), "C_Sign: CKR_DEVICE_ERROR");
  EXPECT_EQ(CkRvOf(status), CKR_DEVICE_ERROR);
  EXPECT_EQ(ReasonOf(status), std::nullopt) << "what a token says must not cross the API";
}

TEST(CkErrorTest, AnnotatingKeepsTheCode) {
  const absl::Status status = Annotate(CkStatus(CKR_PIN_LOCKED, "C_Login"), "at start");
  EXPECT_TRUE(IsPinError(status));
}

TEST(CkErrorTest, OkIsOk) { EXPECT_TRUE(CkStatus(CKR_OK, "C_Sign").ok()); }

TEST(CkErrorTest, NamesVendorCodesInHexadecimal) {
  EXPECT_EQ(CkRvName(CKR_VENDOR_DEFINED | 0x12), "CKR_0x80000012");
}

TEST(CkErrorTest, SortsCodesByWhatTheyMean) {
  EXPECT_EQ(CkStatus(CKR_PIN_INCORRECT, "C").code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(CkStatus(CKR_SESSION_COUNT, "C").code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(CkStatus(CKR_SESSION_CLOSED, "C").code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(CkStatus(CKR_MECHANISM_INVALID, "C").code(), absl::StatusCode::kInternal);
  for (const CK_RV fatal :
       {CKR_SESSION_HANDLE_INVALID, CKR_DEVICE_ERROR, CKR_DEVICE_REMOVED, CKR_TOKEN_NOT_PRESENT,
        CKR_USER_NOT_LOGGED_IN, CKR_OBJECT_HANDLE_INVALID, CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED,
        CKR_HOST_MEMORY, CKR_DEVICE_MEMORY, CKR_CRYPTOKI_NOT_INITIALIZED}) {
    EXPECT_TRUE(IsSessionFatal(fatal)) << CkRvName(fatal);
  }
  EXPECT_FALSE(IsSessionFatal(CKR_OK));
  EXPECT_FALSE(IsSessionFatal(CKR_KEY_FUNCTION_NOT_PERMITTED));
  EXPECT_FALSE(IsSessionFatal(absl::InternalError("not from Cryptoki")));
}

}  // namespace
}  // namespace keyward::pkcs11
