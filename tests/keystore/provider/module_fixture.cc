#include "tests/keystore/provider/module_fixture.h"

#include <dlfcn.h>
#include <openssl/err.h>
#include <openssl/provider.h>

#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "tests/testing/subprocess.h"

namespace keyward::provider {
namespace {

using StorePtr = std::unique_ptr<OSSL_STORE_CTX, OpensslDeleter<&OSSL_STORE_close>>;
using StoreInfoPtr = std::unique_ptr<OSSL_STORE_INFO, OpensslDeleter<&OSSL_STORE_INFO_free>>;

const uint8_t* Bytes(absl::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

bool Set(EVP_PKEY_CTX* context, const Options& options) {
  for (const std::string& option : options) {
    const size_t colon = option.find(':');
    if (EVP_PKEY_CTX_ctrl_str(context, option.substr(0, colon).c_str(),
                              option.substr(colon + 1).c_str()) != 1) {
      return false;
    }
  }
  return true;
}

}  // namespace

QueuedError TakeError() {
  QueuedError taken;
  const char* data = nullptr;
  int flags = 0;
  while (const auto code = ERR_get_error_all(nullptr, nullptr, nullptr, &data, &flags)) {
    const char* library = ERR_lib_error_string(code);
    if (library == nullptr || std::string(library) != "keyward") continue;
    const char* text = ERR_reason_error_string(code);
    taken = {ERR_GET_REASON(code), text == nullptr ? "" : text, data == nullptr ? "" : data};
  }
  return taken;
}

OpensslContext::OpensslContext(const std::string& settings) : context_(OSSL_LIB_CTX_new()) {
  const std::string file = dir_.File("openssl.cnf");
  const bool ready = WriteFile(file, absl::StrCat("config_diagnostics = 1\nopenssl_conf = init\n"
                                                  "[init]\nproviders = providers\n"
                                                  "[providers]\ndefault = first\nkeyward = second\n"
                                                  "[first]\nactivate = 1\n[second]\n",
                                                  settings, "activate = 1\n"))
                         .ok() &&
                     OSSL_PROVIDER_set_default_search_path(get(), KEYWARD_MODULES_DIR) == 1 &&
                     OSSL_LIB_CTX_load_config(get(), file.c_str()) == 1 &&
                     OSSL_PROVIDER_available(get(), "keyward") == 1;
  if (!ready) {
    ERR_print_errors_fp(stderr);
    abort();
  }
}

std::string SettingsWithPin(const std::string& pin_file) {
  return absl::StrCat("pkcs11-module = ", testing::kSoftHsmModule, "\ntoken = ", kToken,
                      "\npin-source = file:", pin_file, "\n");
}

Loaded LoadAll(OSSL_LIB_CTX* context, const std::string& uri, int expected) {
  Loaded loaded;
  const StorePtr store(OSSL_STORE_open_ex(uri.c_str(), context, nullptr, nullptr, nullptr, nullptr,
                                          nullptr, nullptr));
  if (store == nullptr || (expected != 0 && OSSL_STORE_expect(store.get(), expected) != 1)) {
    loaded.failed = true;
    return loaded;
  }
  while (OSSL_STORE_eof(store.get()) == 0) {
    const StoreInfoPtr info(OSSL_STORE_load(store.get()));
    if (info == nullptr) {
      loaded.failed |= OSSL_STORE_error(store.get()) != 0;
      continue;
    }
    switch (OSSL_STORE_INFO_get_type(info.get())) {
      case OSSL_STORE_INFO_PKEY:
        loaded.private_keys.emplace_back(OSSL_STORE_INFO_get1_PKEY(info.get()));
        break;
      case OSSL_STORE_INFO_PUBKEY:
        loaded.public_keys.emplace_back(OSSL_STORE_INFO_get1_PUBKEY(info.get()));
        break;
      case OSSL_STORE_INFO_CERT:
        loaded.certificates.emplace_back(OSSL_STORE_INFO_get1_CERT(info.get()));
        break;
      default:
        ADD_FAILURE() << "the store gave something that no token has";
    }
  }
  return loaded;
}

EvpPkeyPtr LoadPrivateKey(OSSL_LIB_CTX* context, const std::string& uri) {
  Loaded loaded = LoadAll(context, uri, OSSL_STORE_INFO_PKEY);
  if (loaded.private_keys.size() != 1) return nullptr;
  return std::move(loaded.private_keys.front());
}

std::string Sign(OSSL_LIB_CTX* context, EVP_PKEY* key, const char* digest, absl::string_view data,
                 const Options& options) {
  const EvpMdCtxPtr signing(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;
  size_t length = 0;
  if (EVP_DigestSignInit_ex(signing.get(), &parameters, digest, context, nullptr, key, nullptr) !=
          1 ||
      !Set(parameters, options) ||
      EVP_DigestSign(signing.get(), nullptr, &length, Bytes(data), data.size()) != 1) {
    return "";
  }
  std::string signature(length, '\0');
  if (EVP_DigestSign(signing.get(), reinterpret_cast<uint8_t*>(signature.data()), &length,
                     Bytes(data), data.size()) != 1) {
    return "";
  }
  signature.resize(length);
  return signature;
}

bool Verify(OSSL_LIB_CTX* context, EVP_PKEY* key, const char* digest, absl::string_view data,
            absl::string_view signature, const Options& options) {
  const EvpMdCtxPtr verifying(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;
  return EVP_DigestVerifyInit_ex(verifying.get(), &parameters, digest, context, nullptr, key,
                                 nullptr) == 1 &&
         Set(parameters, options) &&
         EVP_DigestVerify(verifying.get(), Bytes(signature), signature.size(), Bytes(data),
                          data.size()) == 1;
}

EvpPkeyPtr PublicCopy(OSSL_LIB_CTX* context, const EVP_PKEY* key) {
  uint8_t* der = nullptr;
  const int length = i2d_PUBKEY(key, &der);
  if (length <= 0) return nullptr;
  const uint8_t* end = der;
  EvpPkeyPtr copy(d2i_PUBKEY_ex(nullptr, &end, length, context, "provider=default"));
  OPENSSL_free(der);
  return copy;
}

ModuleTest::ModuleTest() {
  softhsm_.InitToken(kToken);
  Pkcs11Tool({"--keypairgen", "--key-type", "rsa:2048", "--label", "rsa", "--id", "01"});
  Pkcs11Tool({"--keypairgen", "--key-type", "EC:prime256v1", "--label", "ec", "--id", "02"});
  Pkcs11Tool({"--keypairgen", "--key-type", "EC:secp384r1", "--label", "ec384", "--id", "03"});
  // With the line's end that an editor leaves.
  WritePin("pin", absl::StrCat(testing::kUserPin, "\n"));
  openssl_ = std::make_unique<OpensslContext>(SettingsWithPin(dir_.File("pin")));
}

std::string ModuleTest::WritePin(absl::string_view name, absl::string_view pin) const {
  const std::string path = dir_.File(name);
  if (!WriteFile(path, pin, 0600).ok()) abort();
  return path;
}

CK_FUNCTION_LIST& ModuleTest::Softhsm() {
  void* library = dlopen(testing::kSoftHsmModule, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
  if (library == nullptr) abort();
  auto get = reinterpret_cast<CK_C_GetFunctionList>(dlsym(library, "C_GetFunctionList"));
  // The provider holds it, too.
  dlclose(library);
  CK_FUNCTION_LIST* functions = nullptr;
  if (get == nullptr || get(&functions) != CKR_OK) abort();
  return *functions;
}

CK_SLOT_ID ModuleTest::Slot() {
  CK_SLOT_ID slots[4];
  CK_ULONG count = 4;
  if (Softhsm().C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK) abort();
  for (CK_ULONG i = 0; i < count; ++i) {
    CK_TOKEN_INFO info{};
    if (Softhsm().C_GetTokenInfo(slots[i], &info) == CKR_OK &&
        (info.flags & CKF_TOKEN_INITIALIZED) != 0) {
      return slots[i];
    }
  }
  abort();
}

void ModuleTest::Pkcs11Tool(const std::vector<std::string>& arguments) {
  std::vector<std::string> command = {"pkcs11-tool",   "--module",       testing::kSoftHsmModule,
                                      "--token-label", kToken,           "--login",
                                      "--pin",         testing::kUserPin};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const testing::Finished finished = testing::Run(command);
  if (finished.exit_code != 0) {
    fprintf(stderr, "pkcs11-tool: %s\n", finished.err.c_str());
    abort();
  }
}

}  // namespace keyward::provider
