// Salesforce's own command with an access token from `keyward token`. It needs Node 22,
// which comes with it from npm; where scripts/setup could not get them, this says so
// and skips (77).
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { endSessions, keyward, logins, newToken, salesforce, subject } from './system.mjs';

const packages = fileURLToPath(new URL('sf/node_modules', import.meta.url));
const node = `${packages}/node-linux-${process.arch}/bin/node`;
const sfScript = `${packages}/@salesforce/cli/bin/run.js`;
for (const file of [`${packages}/.installed`, node, sfScript]) {
  if (existsSync(file)) continue;
  console.log(`SKIPPED: ${file} is missing: Salesforce's command and its Node 22 were not ` +
              'installed. scripts/setup --test-tools does it, and says why where it cannot.');
  process.exit(77);
}

// Nothing asked for but the work: no look at DNS, for updates, into a key ring.
const settings = {
  SF_AUTOUPDATE_DISABLE: 'true',
  SF_DISABLE_DNS_CHECK: 'true',
  SF_DISABLE_LOG_FILE: 'true',
  SF_DISABLE_TELEMETRY: 'true',
  SF_SKIP_NEW_VERSION_CHECK: 'true',
  SF_USE_GENERIC_UNIX_KEYCHAIN: 'true',
};

// The `result` of `sf ARGUMENT... --json`; rejects where it exits with another code than 0.
async function sf(args, environment = {}) {
  const { stdout } = await promisify(execFile)(node, [sfScript, ...args, '--json'], {
    env: { ...process.env, ...settings, ...environment },
  });
  return JSON.parse(stdout).result;
}

const logIn = async () => sf(
  ['org', 'login', 'access-token', '--instance-url', salesforce, '--no-prompt', '--alias', 'acme'],
  { SF_ACCESS_TOKEN: await keyward('token', 'acme') });
const query = () =>
  sf(['data', 'query', '--target-org', 'acme', '-q', 'SELECT Id, Name FROM Organization']);

test('sf logs in with an access token of Keyward, queries and displays the org', async () => {
  const login = await logIn();
  assert.equal(login.username, subject);
  const answer = await query();
  assert.equal(answer.totalSize, 1);
  assert.equal(answer.records[0].Name, 'Keyward Stand-in');
  assert.equal(answer.records[0].Id, login.orgId);
  const org = await sf(['org', 'display', '--target-org', 'acme']);
  assert.equal(org.connectedStatus, 'Connected');
  assert.equal(org.id, login.orgId);
  assert.equal(await logins(), 1);
});

test('sf says that a session has ended, and goes on with the next token', async () => {
  await endSessions();
  await assert.rejects(query(), (failure) =>
    failure.code !== 0 && /Session expired or invalid|INVALID_SESSION_ID|expired/.test(failure.stdout));
  await logIn();
  assert.equal((await query()).totalSize, 1);
});

test('sf refuses a token that Salesforce never gave', async () => {
  const { access_token: token } = await newToken();
  await assert.rejects(sf(['org', 'login', 'access-token', '--instance-url', salesforce,
                           '--no-prompt'], { SF_ACCESS_TOKEN: `${token.slice(0, -4)}AAAA` }));
});
