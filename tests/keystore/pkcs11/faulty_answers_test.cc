// A module that says what cannot be true gets an error, not our memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "keystore/pkcs11/ck_error.h"
#include "keystore/pkcs11/module.h"
#include "keystore/pkcs11/object_finder.h"
#include "tests/keystore/pkcs11/token_fixture.h"

namespace keyward::pkcs11 {
namespace {

using ::testing::HasSubstr;

class FaultyObjectsTest : public FaultyTokenTest {
 protected:
  FaultyObjectsTest() {
    SetFaults("");
    pool_ = OpenPool({}, module());
    lease_.emplace(*pool_->TakeForAdministration(Soon()));
    pair_ = *GenerateRsaKeyPair(session(), "label", "id", 2048);
  }

  const Session& session() { return lease_->session(); }
  absl::StatusOr<std::string> Label() { return ReadBytes(session(), pair_.private_key, CKA_LABEL); }

  static void ExpectFaulty(const absl::Status& status, const std::string& what) {
    EXPECT_TRUE(absl::IsInternal(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(what));
    EXPECT_FALSE(IsSessionFatal(status)) << status;
  }

  std::unique_ptr<SessionPool> pool_;
  std::optional<SessionLease> lease_;
  TokenKeyPair pair_;
};

TEST_F(FaultyObjectsTest, MoreObjectsThanThereWasRoomFor) {
  for (const char* count : {"65", "100000", "-1"}) {
    SetFaults(std::string("C_FindObjects count ") + count);
    ExpectFaulty(FindObjects(session(), {}).status(), "room for 64");
  }
  // The search was ended all the same.
  SetFaults("");
  EXPECT_EQ(FindObjects(session(), {})->size(), 2U);
}

TEST_F(FaultyObjectsTest, ASearchWithoutAnEnd) {
  SetFaults("C_FindObjects count 64");
  ExpectFaulty(FindObjects(session(), {}).status(), "more than 100000 objects");
  SetFaults("");
  EXPECT_EQ(FindObjects(session(), {})->size(), 2U);
}

TEST_F(FaultyObjectsTest, AnAttributeThatIsTooLong) {
  for (const char* length : {"1048577", "2147483647", "-2"}) {
    SetFaults(std::string("C_GetAttributeValue length ") + length);
    ExpectFaulty(Label().status(), "attribute 0x3 ");
  }
  SetFaults("C_GetAttributeValue length -1");
  EXPECT_EQ(CkRvOf(Label().status()), CKR_ATTRIBUTE_TYPE_INVALID);
  SetFaults("C_GetAttributeValue length 1048576");
  EXPECT_EQ(*Label(), "label");
}

TEST_F(FaultyObjectsTest, AnAttributeThatChangesItsLength) {
  for (const char* length : {"6", "2147483647", "-1"}) {
    SetFaults(std::string("C_GetAttributeValue filled ") + length);
    ExpectFaulty(Label().status(), "attribute 0x3 ");
  }
  SetFaults("C_GetAttributeValue filled 3");
  EXPECT_EQ(*Label(), "lab");
}

TEST_F(FaultyObjectsTest, ANumberOfAnotherLength) {
  SetFaults("C_GetAttributeValue filled -1");
  EXPECT_FALSE(ReadUlong(session(), pair_.private_key, CKA_KEY_TYPE).ok());
  SetFaults("C_GetAttributeValue filled 9");
  EXPECT_FALSE(ReadBool(session(), pair_.private_key, CKA_SIGN).ok());
}

class FaultySlotsTest : public FaultyTokenTest {
 protected:
  absl::Status Find(const std::string& faults) const {
    SetFaults(faults);
    const auto loaded = Module::Load(module());
    if (!loaded.ok()) return loaded.status();
    return (*loaded)->FindToken(*TokenUri::Parse("pkcs11:token=keyward-test")).status();
  }
};

TEST_F(FaultySlotsTest, TooManySlots) {
  EXPECT_TRUE(Find("").ok());
  EXPECT_TRUE(Find("C_GetSlotList length 4096").ok());
  for (const char* faults : {"C_GetSlotList length 4097", "C_GetSlotList length -1",
                             "C_GetSlotList filled 9", "C_GetSlotList filled -1"}) {
    const absl::Status status = Find(faults);
    EXPECT_TRUE(absl::IsInternal(status)) << faults << ": " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("C_GetSlotList")) << faults;
  }
}

TEST_F(FaultySlotsTest, NoFunctionList) {
  const absl::Status status = Find("C_GetFunctionList null");
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("gives no functions"));
}

}  // namespace
}  // namespace keyward::pkcs11
