// Access tokens from keyward-exchange, made from nothing but its proto files.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';

// `reason` is for programs (docs/errors.md lists all), the message says what to change.
// `retryMs` is how long to wait before another try can help; undefined where none does.
export class KeywardError extends Error {
  constructor(code, reason, sentence, retryMs) {
    super(`${code}${reason ? ` ${reason}` : ''}: ${sentence}`);
    Object.assign(this, { code, reason, retryMs });
  }
}

export class AccessTokens {
  #types;
  #client;

  // exchange is "host:port", or "unix:/PATH" for the socket of a sidecar; proto the folder
  // with keyward's proto files. The rest are PEM files, which a socket does without: the CA
  // of the server's certificate, and who we are.
  constructor({ exchange, proto, ca, certificate, privateKey }) {
    this.#types = protoLoader.loadSync(
      ['keyward/v1/exchange.proto', 'google/rpc/error_details.proto', 'google/rpc/status.proto'],
      { includeDirs: [proto], longs: Number });
    const { keyward } = grpc.loadPackageDefinition(this.#types);
    const credentials = exchange.startsWith('unix:')
      ? grpc.credentials.createInsecure()
      : grpc.credentials.createSsl(
        readFileSync(ca), readFileSync(privateKey), readFileSync(certificate));
    this.#client = new keyward.v1.Exchange(exchange, credentials);
  }

  // { accessToken, instanceUrl, … } of a connection, for whoever calls often: the daemon
  // keeps tokens, so that this is a short call. `rejected` is a token that an API refused
  // with 401 INVALID_SESSION_ID. Where the daemon says that waiting helps, this waits and
  // asks again, until `patienceMs` have passed.
  async get(connection, rejected = '', patienceMs = 30_000) {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      try {
        return await this.#call({ connection, rejectedAccessToken: rejected }, deadline);
      } catch (error) {
        const failure = this.#explain(error);
        if (failure.retryMs === undefined || Date.now() + failure.retryMs >= deadline) throw failure;
        await sleep(failure.retryMs);
      }
    }
  }

  close() {
    this.#client.close();
  }

  #call(request, deadline) {
    return new Promise((resolve, reject) => {
      this.#client.exchange(request, { deadline },
                            (error, response) => (error ? reject(error) : resolve(response)));
    });
  }

  // The details of an error travel beside it, as a google.rpc.Status of their own.
  #explain(error) {
    let reason;
    let retryMs;
    const [bytes] = error.metadata?.get('grpc-status-details-bin') ?? [];
    for (const { type_url: url, value } of bytes ? this.#read('Status', bytes).details : []) {
      if (url.endsWith('/google.rpc.ErrorInfo')) reason = this.#read('ErrorInfo', value).reason;
      if (url.endsWith('/google.rpc.RetryInfo')) {
        const { seconds = 0, nanos = 0 } = this.#read('RetryInfo', value).retryDelay ?? {};
        retryMs = seconds * 1000 + nanos / 1e6;
      }
    }
    return new KeywardError(grpc.status[error.code], reason, error.details, retryMs);
  }

  #read(message, bytes) {
    return this.#types[`google.rpc.${message}`].deserialize(bytes);
  }
}
