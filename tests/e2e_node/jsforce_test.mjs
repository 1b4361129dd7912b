// jsforce, the usual Salesforce client of Node, with access tokens from Keyward.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import jsforce from 'jsforce';
import { exchange, exchangeClient } from './protos.mjs';
import { connection, endSessions, exchangeAddress, logins, newToken, salesforce, subject }
  from './system.mjs';

const query = 'SELECT Id, Name FROM Organization';
let token;
before(async () => { token = await newToken(); });

const connect = (accessToken) =>
  new jsforce.Connection({ instanceUrl: token.instance_url, accessToken });

test('queries with a token of `keyward token`', async () => {
  assert.equal(token.instance_url, salesforce);
  const answer = await connect(token.access_token).query(query);
  assert.equal(answer.done, true);
  assert.equal(answer.records[0].Name, 'Keyward Stand-in');
});

test('knows whose token it is', async () => {
  const identity = await connect(token.access_token).identity();
  assert.equal(identity.username, subject);
  assert.ok(token.id.endsWith(`/${identity.organization_id}/${identity.user_id}`));
});

test('is refused without a session', async () => {
  await assert.rejects(connect('00D000000000001!none').query(query),
                       { errorCode: 'INVALID_SESSION_ID' });
  await endSessions();
  await assert.rejects(connect(token.access_token).query(query),
                       { errorCode: 'INVALID_SESSION_ID' });
});

// Connections whose refreshFn asks keyward-exchange, as in docs/exchange.md.
async function connectThroughExchange(client) {
  const { accessToken, instanceUrl } = await exchange(client, { connection });
  const conn = new jsforce.Connection({
    accessToken,
    instanceUrl,
    refreshFn: (refused, done) => {
      exchange(client, { connection, rejectedAccessToken: refused.accessToken })
        .then((renewed) => done(null, renewed.accessToken), done);
    },
  });
  return conn;
}

test('survives an ended session through Exchange, with one more login', async (t) => {
  const client = exchangeClient(exchangeAddress, 'backend');
  t.after(() => client.close());
  const conns = await Promise.all(Array.from({ length: 8 }, () => connectThroughExchange(client)));
  const first = conns[0].accessToken;
  assert.ok(conns.every((conn) => conn.accessToken === first), 'they share one token');
  await conns[0].query(query);
  const before = await logins();

  await endSessions();
  const answers = await Promise.all(conns.map((conn) => conn.query(query)));
  assert.ok(answers.every((answer) => answer.records[0].Name === 'Keyward Stand-in'));
  assert.equal(await logins(), before + 1);
  const second = conns[0].accessToken;
  assert.notEqual(second, first);
  assert.ok(conns.every((conn) => conn.accessToken === second), 'they share the new one');
});
