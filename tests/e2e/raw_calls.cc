#include "tests/e2e/raw_calls.h"

#include <google/protobuf/wrappers.pb.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/file.h"

namespace keyward::e2e {
namespace {

grpc::ByteBuffer ToBuffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return {&slice, 1};
}

std::string ToBytes(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

// One event; whether the operation that it ends succeeded.
bool Wait(grpc::CompletionQueue& queue) {
  void* tag = nullptr;
  bool ok = false;
  return queue.Next(&tag, &ok) && ok;
}

// HealthCheckRequest has one string as field 1 and HealthCheckResponse one enum,
// which is how these wrappers are encoded too.
std::string HealthRequest(const std::string& service) {
  google::protobuf::StringValue request;
  request.set_value(service);
  return request.SerializeAsString();
}

std::string HealthStatus(const std::string& bytes) {
  google::protobuf::Int32Value response;
  if (!response.ParseFromString(bytes)) return "unreadable";
  if (response.value() == 1) return "SERVING";
  if (response.value() == 2) return "NOT_SERVING";
  return absl::StrCat("status ", response.value());
}

}  // namespace

std::shared_ptr<grpc::Channel> Connect(const testing::SignerProcess& signer,
                                       const std::string& certificate, const std::string& key) {
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = ReadFile(signer.File("pki/ca.pem")).value_or("");
  if (!certificate.empty()) {
    tls.pem_cert_chain = ReadFile(certificate).value_or("");
    tls.pem_private_key = ReadFile(key).value_or("");
  }
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return grpc::CreateCustomChannel(signer.address(), grpc::SslCredentials(tls), arguments);
}

std::shared_ptr<grpc::Channel> Connect(const testing::SignerProcess& signer) {
  return Connect(signer, signer.File("pki/operator.pem"), signer.File("pki/operator.key"));
}

RawAnswer CallUnary(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                    const std::string& request, absl::Duration timeout) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
  grpc::CompletionQueue queue;
  grpc::ByteBuffer buffer;
  RawAnswer answer;
  auto call = stub.PrepareUnaryCall(&context, method, ToBuffer(request), &queue);
  call->StartCall();
  call->Finish(&buffer, &answer.status, &queue);
  Wait(queue);
  answer.bytes = ToBytes(buffer);
  return answer;
}

RawAnswer CallStreaming(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                        const std::string& request) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(60)));
  grpc::CompletionQueue queue;
  auto call = stub.PrepareCall(&context, method, &queue);
  call->StartCall(&queue);
  Wait(queue);
  grpc::ByteBuffer buffer;
  call->WriteLast(ToBuffer(request), grpc::WriteOptions(), &queue);
  Wait(queue);
  call->Read(&buffer, &queue);
  RawAnswer answer;
  if (Wait(queue)) answer.bytes = ToBytes(buffer);
  // What follows the first message is of no interest, and a watch never ends.
  context.TryCancel();
  call->Finish(&answer.status, &queue);
  Wait(queue);
  return answer;
}

std::string Health(const std::shared_ptr<grpc::Channel>& channel, const std::string& service) {
  const RawAnswer answer =
      CallUnary(channel, "/grpc.health.v1.Health/Check", HealthRequest(service));
  if (!answer.status.ok()) return absl::StrCat("error ", answer.status.error_code());
  return HealthStatus(answer.bytes);
}

HealthWatch::HealthWatch(const std::shared_ptr<grpc::Channel>& channel)
    : stub_(channel), thread_([this] { Run(); }) {}

HealthWatch::~HealthWatch() {
  context_.TryCancel();
  thread_.join();
}

std::vector<std::string> HealthWatch::seen() const {
  MutexLock lock(&mutex_);
  return seen_;
}

void HealthWatch::Run() {
  auto call = stub_.PrepareCall(&context_, "/grpc.health.v1.Health/Watch", &queue_);
  call->StartCall(&queue_);
  if (Wait(queue_)) {
    call->WriteLast(ToBuffer(HealthRequest("")), grpc::WriteOptions(), &queue_);
    Wait(queue_);
    for (;;) {
      grpc::ByteBuffer buffer;
      call->Read(&buffer, &queue_);
      if (!Wait(queue_)) break;
      MutexLock lock(&mutex_);
      seen_.push_back(HealthStatus(ToBytes(buffer)));
    }
  }
  grpc::Status status;
  call->Finish(&status, &queue_);
  Wait(queue_);
}

}  // namespace keyward::e2e
