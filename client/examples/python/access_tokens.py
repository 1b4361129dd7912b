"""Access tokens from keyward-exchange, with stubs generated from its proto files."""

import time

import grpc
from google.rpc import error_details_pb2, status_pb2
from keyward.v1 import exchange_pb2, exchange_pb2_grpc


class KeywardError(Exception):
    """`reason` is for programs (docs/errors.md lists all); the text says what to change.

    `retry_seconds` is how long to wait before another try can help; None where none does.
    """

    def __init__(self, error):
        self.code = error.code().name
        self.reason = None
        self.retry_seconds = None
        # The details of an error travel beside it, as a google.rpc.Status of their own.
        trailers = dict(error.trailing_metadata() or ())
        status = status_pb2.Status.FromString(trailers.get("grpc-status-details-bin", b""))
        for detail in status.details:
            info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
            if detail.Unpack(info):
                self.reason = info.reason
            elif detail.Unpack(retry):
                self.retry_seconds = retry.retry_delay.ToTimedelta().total_seconds()
        super().__init__(f"{' '.join(filter(None, [self.code, self.reason]))}: {error.details()}")


class AccessTokens:
    """Safe to use from several threads."""

    def __init__(self, exchange, ca=None, certificate=None, private_key=None):
        """`exchange` is "host:port", or "unix:/PATH" for the socket of a sidecar. The rest
        are PEM files, which a socket does without: the CA of the server's certificate, and
        who we are."""
        if exchange.startswith("unix:"):
            self._channel = grpc.insecure_channel(exchange)
        else:
            self._channel = grpc.secure_channel(
                exchange,
                grpc.ssl_channel_credentials(_read(ca), _read(private_key), _read(certificate)),
            )
        self._stub = exchange_pb2_grpc.ExchangeStub(self._channel)

    def get(self, connection, rejected="", patience_seconds=30):
        """Returns access_token, instance_url and more of a connection, for whoever calls
        often: the daemon keeps tokens, so that this is a short call.

        `rejected` is a token that an API refused with 401 INVALID_SESSION_ID. Where the
        daemon says that waiting helps, this waits and asks again, until `patience_seconds`
        have passed. Raises KeywardError.
        """
        request = exchange_pb2.ExchangeRequest(
            connection=connection, rejected_access_token=rejected
        )
        deadline = time.monotonic() + patience_seconds
        while True:
            try:
                return self._stub.Exchange(request, timeout=deadline - time.monotonic())
            except grpc.RpcError as error:
                failure = KeywardError(error)
            wait = failure.retry_seconds
            if wait is None or time.monotonic() + wait >= deadline:
                raise failure
            time.sleep(wait)


def _read(path):
    with open(path, "rb") as file:
        return file.read()
