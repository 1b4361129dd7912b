#include "tests/testing/hostile_flood.h"

#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>
#include <keyward/v1/connections.pb.h>
#include <keyward/v1/signer.pb.h>

#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"

namespace keyward::testing {
namespace {

constexpr char kSign[] = "/keyward.v1.Signer/Sign";

// Beyond what the daemons take, and far beyond.
constexpr size_t kLarge = 80 * 1024;
constexpr size_t kHuge = 4 * 1024 * 1024;

std::string SignRequest(const std::string& connection, const std::string& claims) {
  // By hand, for Protobuf would not write bytes that are no UTF-8 into a string.
  std::string bytes;
  const auto add = [&bytes](char tag, const std::string& value) {
    bytes += tag;
    for (size_t size = value.size();; size >>= 7U) {
      if (size < 0x80) {
        bytes += static_cast<char>(size);
        break;
      }
      bytes += static_cast<char>((size & 0x7fU) | 0x80U);
    }
    bytes += value;
  };
  add('\x0a', connection);
  add('\x12', claims);
  return bytes;
}

std::string RandomBytes(std::mt19937_64& random, size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

std::string RandomText(std::mt19937_64& random) {
  std::string text(random() % 100, ' ');
  for (char& c : text) c = static_cast<char>(' ' + random() % 95);
  return text;
}

std::string Nested(char open, char close, size_t depth) {
  return std::string(depth, open) + std::string(depth, close);
}

// `good` with another member, or with something in the place of a part of it.
std::vector<std::string> Tricks(const std::string& good) {
  const std::string body = good.substr(1);
  const auto with = [&good](const std::string& member) {
    return absl::StrCat(good.substr(0, good.size() - 1), ",", member, "}");
  };
  return {
      with(R"("sub":"admin@example.com")"),
      with(R"("\u0073ub":"admin@example.com")"),
      with(R"("s\u0075b":"admin@example.com")"),
      with(R"("exp":99999999999999999999999999)"),
      with(R"("iat":1e999)"),
      with(R"("iat":-0)"),
      with(R"("iat":1.0)"),
      with(R"("iat":01)"),
      with(R"("iat":18446744073709551616)"),
      with(R"("nbf":NaN)"),
      with(R"("jti":"\ud800")"),
      with(R"("jti":"\udc00\ud800")"),
      with("\"jti\":\"\xed\xa0\x80\""),
      with("\"jti\":\"\xc0\x80\""),
      with("\"jti\":\"\\u0000\""),
      with(R"("jti":{"a":[1,2,3]})"),
      with(R"("scope":"full refresh_token")"),
      with(R"("__proto__":{"sub":"admin@example.com"})"),
      with(absl::StrCat("\"jti\":\"", std::string(kLarge / 2, 'x'), "\"")),
      "\xef\xbb\xbf" + good,
      good + good,
      good + std::string(1, '\0'),
      good.substr(0, good.size() / 2),
      good.substr(0, good.size() - 1) + ",}",
      "/* */" + good,
      "{" + std::string(1000, ' ') + body + std::string(4096, ' '),
      Nested('[', ']', 2000),
      Nested('{', '}', 2000),
      std::string(4000, '"'),
      absl::StrReplaceAll(good, {{"\"", "'"}}),
      absl::StrReplaceAll(good, {{"\"aud\":\"", "\"aud\":[\""}}),
      "null",
      "",
  };
}

const std::vector<std::string>& Names() {
  static const auto& names = *new std::vector<std::string>{
      "../../etc/passwd",
      "acme/../other",
      "acme'; DROP TABLE connections; --",
      "acme' OR '1'='1",
      "\" OR \"\"=\"",
      "%61cme",
      std::string("acme\0", 5),
      "acme\r\nX-Admin: 1",
      ".audit",
      "*",
      "ACME",
      "\xff\xfe",
      "\xe2\x80\xae"
      "emca",
      std::string(64, 'a'),
      std::string(kLarge / 2, 'a'),
  };
  return names;
}

struct Running {
  std::unique_ptr<grpc::ClientContext> context;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
  grpc::ByteBuffer response;
  grpc::Status status;
  grpc::GenericStub* stub = nullptr;
};

void Start(Running& running, const HostileCall& call, grpc::CompletionQueue& queue) {
  running.context = std::make_unique<grpc::ClientContext>();
  running.context->set_deadline(absl::ToChronoTime(absl::Now() + absl::Minutes(1)));
  // A connection that the server ended for what it was sent is made anew.
  running.context->set_wait_for_ready(true);
  for (const auto& [name, value] : call.metadata) running.context->AddMetadata(name, value);
  running.response.Clear();
  const grpc::Slice slice(call.bytes);
  const grpc::ByteBuffer request(&slice, 1);
  running.reader =
      running.stub->PrepareUnaryCall(running.context.get(), call.method, request, &queue);
  running.reader->StartCall();
  running.reader->Finish(&running.response, &running.status, &running);
}

}  // namespace

HostileCall MakeHostileCall(uint64_t number, const std::string& connection,
                            const std::string& good_claims) {
  std::mt19937_64 random(number);
  const std::vector<std::string> tricks = Tricks(good_claims);
  HostileCall call{.method = kSign,
                   .bytes = SignRequest(connection, tricks[random() % tricks.size()])};
  switch (number % 16) {
    case 0:
      call.bytes = SignRequest(Names()[random() % Names().size()], good_claims);
      return call;
    case 1:
      call.bytes = RandomBytes(random, random() % 2000);
      return call;
    case 2:
      // A length that promises more than there is.
      call.bytes = "\x0a\xff\xff\xff\xff\x07" + RandomBytes(random, 20);
      return call;
    case 3:
      call.bytes.resize(call.bytes.size() / 2);
      return call;
    case 4:
      // As much as is let in.
      for (int i = 0; i < 40; ++i) call.metadata.emplace(absl::StrCat("x-", i), RandomText(random));
      return call;
    case 5:
      call.method = random() % 2 == 0 ? "/keyward.v1.Signer/SignDigest" : "/../../Sign";
      return call;
    case 6:
      call.method = "/keyward.v1.Connections/GetConnection";
      call.bytes = SignRequest(Names()[random() % Names().size()], "");
      return call;
    case 7:
      // Now and then only: they cost the sender as much as the server.
      call.bytes = std::string(number % 4096 == 7 ? kHuge : kLarge, 'h');
      return call;
    default:
      return call;
  }
}

HostileCall MakeMetadataBomb(uint64_t number) {
  std::mt19937_64 random(number);
  HostileCall call{.method = kSign,
                   .bytes =
                       "\x0a\x04"
                       "acme"};
  const size_t count = 50 + random() % 300;
  for (size_t i = 0; i < count; ++i) {
    call.metadata.emplace(absl::StrCat("x-bomb-", i), std::string(400, 'b'));
  }
  return call;
}

std::map<int, int> Flood(const FloodOptions& options) {
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs;
  for (const auto& channel : options.channels) {
    stubs.push_back(std::make_unique<grpc::GenericStub>(channel));
  }
  grpc::CompletionQueue queue;
  std::vector<Running> running(static_cast<size_t>(options.in_flight));
  std::map<int, int> codes;
  uint64_t next = 0;
  const auto end = static_cast<uint64_t>(options.calls);
  for (size_t i = 0; i < running.size() && next < end; ++i) {
    running[i].stub = stubs[i % stubs.size()].get();
    Start(running[i], options.make(next++), queue);
  }
  uint64_t answered = 0;
  void* tag = nullptr;
  bool ok = false;
  while (answered < next && queue.Next(&tag, &ok)) {
    ++answered;
    auto& call = *static_cast<Running*>(tag);
    ++codes[call.status.error_code()];
    if (next < end && !options.stop()) Start(call, options.make(next++), queue);
  }
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) {
  }
  return codes;
}

}  // namespace keyward::testing
