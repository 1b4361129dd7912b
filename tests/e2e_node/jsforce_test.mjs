// jsforce, the usual Salesforce client of Node, with access tokens from Keyward.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import jsforce from 'jsforce';
import { endSessions, newToken, salesforce, subject } from './system.mjs';

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
