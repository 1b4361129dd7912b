// A loadable PKCS#11 module that forwards to a real one and misbehaves on
// request: for faults that no real token produces when a test needs them.
//
// KEYWARD_FAULTY_REAL names the real module, KEYWARD_FAULTY_SCRIPT a file. The
// file holds one fault a line and is read anew at each call that can fail:
//   C_Sign 0x30            C_Sign returns CKR_DEVICE_ERROR
//   C_OpenSession 0xb1 2   C_OpenSession works twice, then CKR_SESSION_COUNT
//   C_Sign corrupt         C_Sign succeeds with a wrong signature
//   C_GetAttributeValue hide 290
//                          private keys have no CKA_PUBLIC_EXPONENT
//   C_GetAttributeValue length 5
//                          whoever asks how long an attribute is hears 5; a negative
//                          number is CK_ULONG's counted from its end
//   C_GetAttributeValue filled 5
//                          as above, of whoever gets the attribute itself
//   C_FindObjects count 5  each search finds 5 at each call, and never ends
//   C_GetSlotList length 5, C_GetSlotList filled 5
//                          as for C_GetAttributeValue
//   C_GetFunctionList null C_GetFunctionList succeeds and gives nothing
//   C_Sign wait 60000      C_Sign waits until the file no longer says so, at
//                          most so many milliseconds, and then works
// An absent file means no fault. KEYWARD_FAULTY_CALLS, where it is set, names a
// file that gets a line with the name of every C_Sign and C_Login begun.
#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <thread>

#include "keystore/pkcs11/cryptoki.h"

namespace {

CK_FUNCTION_LIST* g_real = nullptr;
CK_FUNCTION_LIST g_ours;

struct Fault {
  std::string what;
  int after = 0;
};

std::optional<Fault> FaultOf(const std::string& call) {
  const char* script = std::getenv("KEYWARD_FAULTY_SCRIPT");
  std::ifstream file(script == nullptr ? "" : script);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    Fault fault;
    if (words >> name >> fault.what && name == call) {
      words >> fault.after;
      return fault;
    }
  }
  return std::nullopt;
}

// The code to fail with, or CKR_OK to go on. `calls` counts while a fault is set.
CK_RV Fail(const std::string& call, std::atomic<int>& calls) {
  const std::optional<Fault> fault = FaultOf(call);
  if (!fault || std::isdigit(static_cast<unsigned char>(fault->what.front())) == 0) {
    calls = 0;
    return CKR_OK;
  }
  return calls++ < fault->after ? CKR_OK : std::stoul(fault->what, nullptr, 0);
}

bool MustWait(const std::string& call) {
  const std::optional<Fault> fault = FaultOf(call);
  return fault && fault->what == "wait";
}

void WaitWhileTold(const std::string& call) {
  const std::optional<Fault> fault = FaultOf(call);
  if (!fault) return;
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(fault->after);
  while (MustWait(call) && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

void Note(const char* call) {
  const char* path = std::getenv("KEYWARD_FAULTY_CALLS");
  if (path == nullptr) return;
  // One write of a whole line, so that threads do not mix theirs.
  std::ofstream(path, std::ios::app) << std::string(call) + "\n" << std::flush;
}

std::atomic<int> g_sign_calls;
std::atomic<int> g_open_calls;
std::atomic<int> g_generate_calls;
std::atomic<int> g_create_calls;
std::atomic<int> g_destroy_calls;

CK_RV Sign(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG length, CK_BYTE_PTR signature,
           CK_ULONG_PTR signature_length) {
  Note("C_Sign");
  WaitWhileTold("C_Sign");
  const CK_RV fault = Fail("C_Sign", g_sign_calls);
  if (fault != CKR_OK) return fault;
  const CK_RV rv = g_real->C_Sign(session, data, length, signature, signature_length);
  const std::optional<Fault> corrupt = FaultOf("C_Sign");
  if (rv == CKR_OK && corrupt && corrupt->what == "corrupt") signature[0] ^= 1;
  return rv;
}

CK_RV Login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG length) {
  Note("C_Login");
  return g_real->C_Login(session, user, pin, length);
}

CK_RV OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, void* application, CK_NOTIFY notify,
                  CK_SESSION_HANDLE_PTR session) {
  const CK_RV fault = Fail("C_OpenSession", g_open_calls);
  if (fault != CKR_OK) return fault;
  return g_real->C_OpenSession(slot, flags, application, notify, session);
}

CK_RV GenerateKeyPair(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
                      CK_ATTRIBUTE_PTR public_template, CK_ULONG public_count,
                      CK_ATTRIBUTE_PTR private_template, CK_ULONG private_count,
                      CK_OBJECT_HANDLE_PTR public_key, CK_OBJECT_HANDLE_PTR private_key) {
  const CK_RV fault = Fail("C_GenerateKeyPair", g_generate_calls);
  if (fault != CKR_OK) return fault;
  return g_real->C_GenerateKeyPair(session, mechanism, public_template, public_count,
                                   private_template, private_count, public_key, private_key);
}

CK_RV CreateObject(CK_SESSION_HANDLE session, CK_ATTRIBUTE_PTR attributes, CK_ULONG count,
                   CK_OBJECT_HANDLE_PTR object) {
  const CK_RV fault = Fail("C_CreateObject", g_create_calls);
  if (fault != CKR_OK) return fault;
  return g_real->C_CreateObject(session, attributes, count, object);
}

bool IsPrivateKey(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object) {
  CK_OBJECT_CLASS object_class = CKO_DATA;
  CK_ATTRIBUTE attribute = {CKA_CLASS, &object_class, sizeof(object_class)};
  return g_real->C_GetAttributeValue(session, object, &attribute, 1) == CKR_OK &&
         object_class == CKO_PRIVATE_KEY;
}

// What the module says of the length of its answer, where the answer or only its
// length was asked for.
void Misstate(const std::string& call, bool asks_length, CK_ULONG& length) {
  const std::optional<Fault> fault = FaultOf(call);
  if (fault && fault->what == (asks_length ? "length" : "filled")) {
    length = static_cast<CK_ULONG>(fault->after);
  }
}

CK_RV GetAttributeValue(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                        CK_ATTRIBUTE_PTR attributes, CK_ULONG count) {
  const std::optional<Fault> fault = FaultOf("C_GetAttributeValue");
  if (fault && fault->what == "hide" && count == 1 &&
      attributes->type == static_cast<CK_ATTRIBUTE_TYPE>(fault->after) &&
      IsPrivateKey(session, object)) {
    attributes->ulValueLen = CK_UNAVAILABLE_INFORMATION;
    return CKR_ATTRIBUTE_TYPE_INVALID;
  }
  const bool asks_length = count == 1 && attributes->pValue == nullptr;
  const CK_RV rv = g_real->C_GetAttributeValue(session, object, attributes, count);
  if (rv == CKR_OK && count == 1) {
    Misstate("C_GetAttributeValue", asks_length, attributes->ulValueLen);
  }
  return rv;
}

CK_RV FindObjects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE_PTR objects, CK_ULONG room,
                  CK_ULONG_PTR count) {
  const std::optional<Fault> fault = FaultOf("C_FindObjects");
  if (!fault || fault->what != "count") {
    return g_real->C_FindObjects(session, objects, room, count);
  }
  *count = static_cast<CK_ULONG>(fault->after);
  std::fill_n(objects, std::min(room, *count), CK_OBJECT_HANDLE{1});
  return CKR_OK;
}

CK_RV GetSlotList(CK_BBOOL with_token, CK_SLOT_ID_PTR slots, CK_ULONG_PTR count) {
  const CK_RV rv = g_real->C_GetSlotList(with_token, slots, count);
  if (rv == CKR_OK) Misstate("C_GetSlotList", slots == nullptr, *count);
  return rv;
}

CK_RV DestroyObject(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object) {
  const CK_RV fault = Fail("C_DestroyObject", g_destroy_calls);
  if (fault != CKR_OK) return fault;
  return g_real->C_DestroyObject(session, object);
}

CK_RV GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list) {
  *list = &g_ours;
  return CKR_OK;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) CK_RV C_GetFunctionList(
    CK_FUNCTION_LIST_PTR_PTR list) {
  if (const std::optional<Fault> fault = FaultOf("C_GetFunctionList")) {
    *list = nullptr;
    return CKR_OK;
  }
  const char* path = std::getenv("KEYWARD_FAULTY_REAL");
  void* library = path == nullptr ? nullptr : dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return CKR_GENERAL_ERROR;
  auto real = reinterpret_cast<CK_C_GetFunctionList>(dlsym(library, "C_GetFunctionList"));
  if (real == nullptr) return CKR_GENERAL_ERROR;
  const CK_RV rv = real(&g_real);
  if (rv != CKR_OK) return rv;
  g_ours = *g_real;
  g_ours.C_GetFunctionList = GetFunctionList;
  g_ours.C_Sign = Sign;
  g_ours.C_Login = Login;
  g_ours.C_OpenSession = OpenSession;
  g_ours.C_GenerateKeyPair = GenerateKeyPair;
  g_ours.C_CreateObject = CreateObject;
  g_ours.C_GetAttributeValue = GetAttributeValue;
  g_ours.C_DestroyObject = DestroyObject;
  g_ours.C_FindObjects = FindObjects;
  g_ours.C_GetSlotList = GetSlotList;
  *list = &g_ours;
  return CKR_OK;
}
