// The proto files as any client has them, without generated code.
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';
import { pki, protoDirectory } from './system.mjs';

const types = protoLoader.loadSync(
  ['keyward/v1/exchange.proto', 'google/rpc/error_details.proto', 'google/rpc/status.proto'],
  { includeDirs: [protoDirectory], longs: Number });
export const { Exchange } = grpc.loadPackageDefinition(types).keyward.v1;

const urlPrefix = 'type.googleapis.com/google.rpc.';

// A client of `address` that is the PKI's `name`; without a name, one that shows no
// certificate.
export function exchangeClient(address, name) {
  const credentials = name
    ? grpc.credentials.createSsl(pki('ca.pem'), pki(`${name}.key`), pki(`${name}.pem`))
    : grpc.credentials.createSsl(pki('ca.pem'));
  return new Exchange(address, credentials);
}

// A client of the Unix socket at `path`, which asks for no certificate.
export const socketClient = (path) => new Exchange(`unix:${path}`, grpc.credentials.createInsecure());

// Resolves to the response; rejects with grpc-js's error.
export const exchange = (client, request) => new Promise((resolve, reject) => {
  client.exchange(request, { deadline: Date.now() + 60_000 },
                  (error, response) => (error ? reject(error) : resolve(response)));
});

// { ErrorInfo, RetryInfo } of an error, as far as it has them.
export function detailsOf(error) {
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  const { details } = types['google.rpc.Status'].deserialize(bytes);
  return Object.fromEntries(details.map(({ type_url: url, value }) => {
    const name = url.slice(urlPrefix.length);
    return [name, types[`google.rpc.${name}`].deserialize(value)];
  }));
}

// What a server answers in place of a response.
export function serviceError(code, message, details) {
  const status = { code, message, details: Object.entries(details).map(([name, detail]) => ({
    type_url: urlPrefix + name,
    value: types[`google.rpc.${name}`].serialize(detail),
  })) };
  const metadata = new grpc.Metadata();
  metadata.set('grpc-status-details-bin', types['google.rpc.Status'].serialize(status));
  return { code, details: message, metadata };
}

// An Exchange that answers what `answer(request)` returns, or fails with what it throws.
export async function scriptedExchange(answer) {
  const server = new grpc.Server();
  server.addService(Exchange.service, {
    exchange: ({ request }, done) => {
      try {
        done(null, answer(request));
      } catch (error) {
        done(error);
      }
    },
    testConnection: (_, done) => done({ code: grpc.status.UNIMPLEMENTED }),
  });
  const credentials = grpc.ServerCredentials.createSsl(
    pki('ca.pem'), [{ cert_chain: pki('signer.pem'), private_key: pki('signer.key') }], true);
  const port = await new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials,
                     (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  return { address: `127.0.0.1:${port}`, stop: () => server.forceShutdown() };
}
