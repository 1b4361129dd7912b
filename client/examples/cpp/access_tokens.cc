#include "access_tokens.h"

#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/grpcpp.h>

#include <fstream>
#include <sstream>
#include <thread>

namespace {

using Clock = std::chrono::system_clock;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) throw std::runtime_error("cannot read " + path);
  return text.str();
}

// The details of an error travel beside it, as a google.rpc.Status of their own.
KeywardError ErrorOf(const grpc::Status& status) {
  std::string reason = "gRPC code " + std::to_string(status.error_code());
  std::optional<std::chrono::milliseconds> retry_delay;
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) details.Clear();
  for (const google::protobuf::Any& detail : details.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::RetryInfo retry;
    if (detail.UnpackTo(&info)) {
      reason = info.reason();
    } else if (detail.UnpackTo(&retry)) {
      retry_delay = std::chrono::seconds(retry.retry_delay().seconds()) +
                    std::chrono::milliseconds(retry.retry_delay().nanos() / 1'000'000);
    }
  }
  return {reason, status.error_message(), retry_delay};
}

}  // namespace

AccessTokens::AccessTokens(const Options& options) : patience_(options.patience) {
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = ReadFile(options.ca_file);
  tls.pem_cert_chain = ReadFile(options.certificate_file);
  tls.pem_private_key = ReadFile(options.private_key_file);
  stub_ = keyward::v1::Exchange::NewStub(
      grpc::CreateChannel(options.exchange, grpc::SslCredentials(tls)));
}

keyward::v1::ExchangeResponse AccessTokens::Get(const std::string& connection,
                                                const std::string& rejected) const {
  keyward::v1::ExchangeRequest request;
  request.set_connection(connection);
  request.set_rejected_access_token(rejected);
  const Clock::time_point deadline = Clock::now() + patience_;
  while (true) {
    grpc::ClientContext context;
    context.set_deadline(deadline);
    keyward::v1::ExchangeResponse response;
    const grpc::Status status = stub_->Exchange(&context, request, &response);
    if (status.ok()) return response;
    const KeywardError error = ErrorOf(status);
    if (!error.retry_delay || Clock::now() + *error.retry_delay >= deadline) throw error;
    std::this_thread::sleep_for(*error.retry_delay);
  }
}
