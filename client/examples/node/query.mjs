// Runs SOQL queries, a line each, in the Salesforce org of a connection, and prints each
// answer as a line of JSON:
//
//   echo 'SELECT Id, Name FROM Organization' | node query.mjs acme
//
// README.md says what it needs in its environment.
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { AccessTokens } from './access_tokens.mjs';

const apiVersion = 'v62.0';

function setting(name, otherwise) {
  const value = process.env[name] ?? otherwise;
  if (!value) throw new Error(`set ${name}`);
  return value;
}

// Resolves to { status, body }. Redirects are refused: they could take the token along.
async function send({ accessToken, instanceUrl }, path) {
  const answer = await fetch(instanceUrl + path, {
    headers: { Authorization: `Bearer ${accessToken}` },
    redirect: 'error',
    signal: AbortSignal.timeout(30_000),
  });
  return { status: answer.status, body: await answer.json() };
}

// Other kinds of 401 are not cured by another token, though they may have the same code:
// "This session is not valid for use with the REST API".
const sessionEnded = ({ status, body }) =>
  status === 401 && body[0]?.message === 'Session expired or invalid';

// Salesforce may end a session at any time, so a token is renewed once. What is refused
// with a new token, too, is refused for another cause.
async function get(tokens, connection, path) {
  let token = await tokens.get(connection);
  let answer = await send(token, path);
  if (sessionEnded(answer)) {
    token = await tokens.get(connection, token.accessToken);
    answer = await send(token, path);
  }
  if (answer.status !== 200) {
    const { errorCode, message } = answer.body[0] ?? {};
    throw new Error(`Salesforce answered ${answer.status} ${errorCode}: ${message}`);
  }
  return answer.body;
}

// fetch() says only "fetch failed": its cause says why.
function explain({ message, cause }) {
  console.error(`query: ${message}${cause ? `: ${cause.message || cause.code}` : ''}`);
}

async function main([connection]) {
  if (!connection) throw new Error('usage: node query.mjs CONNECTION');
  const exchange = setting('KEYWARD_EXCHANGE');
  const proto = setting('KEYWARD_PROTO', '/usr/local/share/keyward/proto');
  if (!existsSync(`${proto}/keyward/v1/exchange.proto`)) {
    throw new Error(`${proto} holds no proto files of Keyward: set KEYWARD_PROTO to their folder`);
  }
  const tokens = new AccessTokens(exchange.startsWith('unix:') ? { exchange, proto } : {
    exchange,
    proto,
    ca: setting('KEYWARD_CA'),
    certificate: setting('KEYWARD_CERTIFICATE'),
    privateKey: setting('KEYWARD_PRIVATE_KEY'),
  });
  for await (const query of createInterface({ input: process.stdin })) {
    try {
      const path = `/services/data/${apiVersion}/query?q=${encodeURIComponent(query)}`;
      console.log(JSON.stringify(await get(tokens, connection, path)));
    } catch (error) {
      explain(error);
      process.exitCode = 1;
    }
  }
  tokens.close();
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  explain(error);
  process.exitCode = 2;
}
