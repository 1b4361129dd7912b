// The system that with_system started around this program.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';

function variable(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run this by with_system`);
  return value;
}

export const connection = 'acme';
export const subject = variable('SYSTEM_SUBJECT');
export const salesforce = variable('SYSTEM_SALESFORCE');
export const salesforceCa = variable('SYSTEM_SALESFORCE_CA');
// host:port of keyward-exchange, and the Unix socket on which everyone is the backend.
export const exchangeAddress = variable('SYSTEM_EXCHANGE');
export const exchangeSocket = variable('SYSTEM_EXCHANGE_SOCKET');
export const protoDirectory = variable('SYSTEM_PROTO');

// A file of the PKI: 'ca.pem', 'backend.key'.
export const pkiFile = (name) => `${variable('SYSTEM_PKI')}/${name}`;
export const pki = (name) => readFileSync(pkiFile(name));

// What `keyward ARGUMENT...` prints, as the operator.
export async function keyward(...args) {
  const { stdout } = await promisify(execFile)('keyward', args);
  return stdout.trim();
}

// { access_token, instance_url, id, … } of a new login.
export const newToken = async () => JSON.parse(await keyward('token', connection, '--json'));

async function admin(method, path) {
  const answer = await fetch(variable('SYSTEM_SALESFORCE_ADMIN') + path, { method });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.status === 204 ? undefined : answer.json();
}

// The stand-in forgets every session, so that each access token is refused.
export const endSessions = () => admin('DELETE', '/sessions');

// A connection with a key of its own that Salesforce knows nothing of.
export async function createUnknownConnection(name) {
  await keyward('connection', 'create', name, '--environment', 'custom', '--login-url', salesforce,
                '--subject', subject, '--consumer-key', `3MVG9.${name}`);
}

// How often the stand-in granted an access token.
export async function logins() {
  const journal = await admin('GET', '/journal');
  return journal.filter((entry) => entry.endpoint === '/services/oauth2/token' &&
                                   entry.status === 200).length;
}
