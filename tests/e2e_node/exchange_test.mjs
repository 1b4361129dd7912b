// Exchange from Node, with @grpc/grpc-js, the proto files and mutual TLS, and nothing
// else of Keyward's.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { detailsOf, exchange, exchangeClient, socketClient } from './protos.mjs';
import { connection, createUnknownConnection, endSessions, exchangeAddress, exchangeSocket, logins,
         salesforce } from './system.mjs';

// The backend may exchange for `acme`, the operator for every connection.
const backend = exchangeClient(exchangeAddress, 'backend');
const operator = exchangeClient(exchangeAddress, 'operator');
after(() => [backend, operator].forEach((client) => client.close()));

// Asks and expects the gRPC code and the reason; returns what else the error says.
async function expectRefusal(client, request, code, reason) {
  const error = await exchange(client, request).then(() => assert.fail('not refused'), (e) => e);
  assert.equal(grpc.status[error.code], code, error.message);
  const { ErrorInfo, RetryInfo } = detailsOf(error);
  assert.equal(ErrorInfo.domain, 'keyward');
  assert.equal(ErrorInfo.reason, reason);
  assert.match(error.details, /\w+ .*\w+/, 'a sentence');
  return { sentence: error.details, metadata: ErrorInfo.metadata ?? {}, retry: RetryInfo };
}

async function queries({ accessToken, instanceUrl }) {
  const answer = await fetch(`${instanceUrl}/services/data/v62.0/query?q=SELECT+Id+FROM+User`, {
    headers: { Authorization: `Bearer ${accessToken}` },
  });
  return answer.status;
}

test('a token that works, the same for everyone until it is rejected', async () => {
  const before = await logins();
  const answers = await Promise.all(Array.from({ length: 20 },
                                               () => exchange(backend, { connection })));
  const [token] = answers;
  assert.ok(answers.every((answer) => answer.accessToken === token.accessToken));
  assert.equal(await logins(), before + 1);
  assert.equal(token.tokenType, 'Bearer');
  assert.equal(token.instanceUrl, salesforce);
  assert.ok(token.id.startsWith(`${salesforce}/id/00D`), token.id);
  assert.ok(token.scope.split(' ').includes('api'));
  assert.ok(token.expireTime.seconds > Date.now() / 1000 + 60);
  assert.equal(await queries(token), 200);

  await endSessions();
  assert.equal(await queries(token), 401);
  const rejectedAccessToken = token.accessToken;
  const renewed = await Promise.all(Array.from(
    { length: 20 }, () => exchange(backend, { connection, rejectedAccessToken })));
  assert.ok(renewed.every(({ accessToken }) => accessToken === renewed[0].accessToken));
  assert.notEqual(renewed[0].accessToken, rejectedAccessToken);
  assert.equal(await queries(renewed[0]), 200);
  assert.equal(await logins(), before + 2);
});

test('through the Unix socket, as the backend', async (t) => {
  const sidecar = socketClient(exchangeSocket);
  t.after(() => sidecar.close());
  assert.equal(await queries(await exchange(sidecar, { connection })), 200);
});

test('refused: who shows no certificate, and who has no role', async (t) => {
  const stranger = exchangeClient(exchangeAddress);
  t.after(() => stranger.close());
  await assert.rejects(exchange(stranger, { connection }), { code: grpc.status.UNAVAILABLE });
  const { sentence, retry } =
    await expectRefusal(backend, { connection: 'other' }, 'PERMISSION_DENIED', 'NOT_ALLOWED');
  assert.match(sentence, /backend/);
  assert.equal(retry, undefined);
});

test('errors say what to change: to programs by a reason, to people by a sentence', async () => {
  await expectRefusal(operator, { connection: 'Not a name' }, 'INVALID_ARGUMENT',
                      'CONNECTION_NAME_INVALID');
  await expectRefusal(operator, { connection: 'nobody' }, 'NOT_FOUND', 'CONNECTION_NOT_FOUND');
  await createUnknownConnection('unknown-app');
  const refused = await expectRefusal(operator, { connection: 'unknown-app' },
                                      'FAILED_PRECONDITION', 'UNKNOWN_CONSUMER_KEY');
  assert.equal(refused.metadata.salesforce_error, 'invalid_client_id');
  assert.equal(refused.metadata.salesforce_error_description, 'client identifier invalid');
});
