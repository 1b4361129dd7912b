// One of client/examples, given as the command to run, against the daemons and against a
// scripted exchange.
//   node example_test.mjs cpp|node|python COMMAND [ARGUMENT...]
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import https from 'node:https';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { scriptedExchange, serviceError } from './protos.mjs';
import { connection, endSessions, exchangeAddress, exchangeSocket, logins, newToken, pki, pkiFile, protoDirectory,
         salesforceCa } from './system.mjs';

const [language, command, ...commandArgs] = process.argv.slice(2);
const query = 'SELECT Id, Name FROM Organization';
const accessToken = /00D\w{12}!/;

// The example at work, as the PKI's backend.
class Example {
  constructor(address, { name = connection, httpsCa = salesforceCa, settings = {} } = {}) {
    this.process = spawn(command, [...commandArgs, name], { env: {
      ...process.env,
      KEYWARD_EXCHANGE: address,
      KEYWARD_CA: pkiFile('ca.pem'),
      KEYWARD_CERTIFICATE: pkiFile('backend.pem'),
      KEYWARD_PRIVATE_KEY: pkiFile('backend.key'),
      KEYWARD_PROTO: protoDirectory,
      KEYWARD_HTTPS_CA: httpsCa,
      NODE_EXTRA_CA_CERTS: httpsCa,
      // Older ones call fetch experimental, all mind that the stand-in has no name.
      NODE_NO_WARNINGS: '1',
      ...settings,
    } });
    this.output = '';
    const said = new PassThrough();
    said.on('data', (data) => { this.output += data; });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.pipe(said, { end: false });
    }
    this.closed = once(this.process, 'close').finally(() => said.end());
    this.lines = createInterface({ input: said })[Symbol.asyncIterator]();
  }

  // The answer to one query. What it says in place of one fails the test.
  async ask(soql) {
    this.process.stdin.write(`${soql}\n`);
    const { value } = await this.lines.next();
    assert.match(value ?? 'nothing', /^\{.*\}$/);
    return JSON.parse(value);
  }

  // Its exit code, and all that it said, in which no token may be.
  async end(input = '') {
    this.process.stdin.end(input);
    const [code] = await this.closed;
    assert.doesNotMatch(this.output, accessToken);
    return { code, output: this.output };
  }
}

async function withScript(answer, use) {
  const server = await scriptedExchange(answer);
  try {
    return await use(server.address);
  } finally {
    server.stop();
  }
}

// The example's end after one query, with tokens from `answer(request)`.
const run = (answer, options) =>
  withScript(answer, (address) => new Example(address, options).end(`${query}\n`));

// An API that answers everything as `reply(request, response)` does.
async function scriptedSalesforce(reply, use) {
  const server = https.createServer({ cert: pki('standin.pem'), key: pki('standin.key') }, reply);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await use(`https://127.0.0.1:${server.address().port}`);
  } finally {
    server.close();
  }
}

test('queries, and goes on when the session has ended, with one more login', async () => {
  const before = await logins();
  const example = new Example(exchangeAddress);
  assert.equal((await example.ask(query)).records[0].Name, 'Keyward Stand-in');
  assert.equal((await example.ask(query)).totalSize, 1);
  assert.equal(await logins(), before + 1);
  await endSessions();
  assert.equal((await example.ask(query)).totalSize, 1);
  assert.equal((await example.ask(query)).totalSize, 1);
  assert.equal(await logins(), before + 2);
  assert.equal((await example.end()).code, 0);
});

test('tells what is wrong with a connection, and with a query', async () => {
  const unknown = await new Example(exchangeAddress, { name: 'nobody' }).end(`${query}\n`);
  assert.equal(unknown.code, 1);
  assert.match(unknown.output, /^query: .*(NOT_FOUND|NOT_ALLOWED|DENIED).*: .+/m);
  const malformed = await new Example(exchangeAddress).end('SELECT\n');
  assert.equal(malformed.code, 1);
  assert.match(malformed.output, /Salesforce answered 400 .*MALFORMED_QUERY/);
});

test('tells why an org is not trusted', async () => {
  await scriptedSalesforce(() => assert.fail('a token was sent'), async (origin) => {
    const failed = await run(() => ({ accessToken: '00D000000000000!dead', instanceUrl: origin }),
                             { httpsCa: salesforceCa });
    assert.equal(failed.code, 1);
    assert.match(failed.output, /^query: .*certificate/im);
  });
});

test('names the setting without which it cannot start', async () => {
  const wrong = { KEYWARD_EXCHANGE: '', KEYWARD_CA: '', KEYWARD_CERTIFICATE: '',
                  KEYWARD_PRIVATE_KEY: '' };
  if (language === 'node') wrong.KEYWARD_PROTO = '/nowhere/proto';
  if (language === 'python') wrong.KEYWARD_HTTPS_CA = '/nowhere/ca.pem';
  for (const [name, value] of Object.entries(wrong)) {
    const example = new Example(exchangeAddress, { settings: { [name]: value } });
    const { code, output } = await example.end();
    assert.equal(code, 2, output);
    assert.match(output, new RegExp(`^query: .*${name}.*\n$`));
  }
});

test("takes a sidecar's socket, without a certificate", { skip: language === 'cpp' }, async () => {
  const example = new Example(`unix:${exchangeSocket}`, {
    settings: { KEYWARD_CA: '', KEYWARD_CERTIFICATE: '', KEYWARD_PRIVATE_KEY: '' },
  });
  assert.equal((await example.ask(query)).totalSize, 1);
  assert.equal((await example.end()).code, 0);
});

test('asks again where waiting helps, and nowhere else', async () => {
  const { access_token, instance_url } = await newToken();
  const granted = { accessToken: access_token, instanceUrl: instance_url };
  const unavailable = (details) => serviceError(
    grpc.status.UNAVAILABLE, 'Salesforce does not answer.',
    { ErrorInfo: { reason: 'LOGIN_HOST_UNREACHABLE', domain: 'keyward' }, ...details });

  let calls = 0;
  const helped = await run(() => {
    if (++calls < 3) throw unavailable({ RetryInfo: { retryDelay: { nanos: 5_000_000 } } });
    return granted;
  });
  assert.equal(helped.code, 0, helped.output);
  assert.equal(calls, 3);

  for (const details of [{}, { RetryInfo: { retryDelay: { seconds: 3600 } } }]) {
    calls = 0;
    const failed = await run(() => { calls += 1; throw unavailable(details); });
    assert.equal(failed.code, 1);
    assert.equal(calls, 1);
    assert.match(failed.output,
                 /^query: .*LOGIN_HOST_UNREACHABLE: Salesforce does not answer\.$/m);
  }
});

test('renews a token once, not for ever', async () => {
  const { instance_url } = await newToken();
  const rejected = [];
  const refused = await run((request) => {
    rejected.push(request.rejectedAccessToken ?? '');
    return { accessToken: `00D000000000000!dead${rejected.length}`, instanceUrl: instance_url };
  });
  assert.equal(refused.code, 1);
  assert.deepEqual(rejected, ['', '00D000000000000!dead1']);
  assert.match(refused.output, /Salesforce answered 401 .*INVALID_SESSION_ID/);
});

// What must not lead to another token, nor take this one elsewhere.
test('leaves other kinds of 401 alone, and follows no redirect', async () => {
  const replies = {
    401: [{ errorCode: 'INVALID_SESSION_ID',
            message: 'This session is not valid for use with the REST API' }],
    302: [],
  };
  for (const [status, body] of Object.entries(replies)) {
    let exchanges = 0;
    let requests = 0;
    await scriptedSalesforce((request, response) => {
      requests += 1;
      response.writeHead(Number(status), { Location: '/elsewhere' }).end(JSON.stringify(body));
    }, async (origin) => {
      const failed = await run(() => {
        exchanges += 1;
        return { accessToken: '00D000000000000!dead', instanceUrl: origin };
      }, { httpsCa: pkiFile('ca.pem') });
      assert.equal(failed.code, 1, failed.output);
      assert.match(failed.output, /^query: /m);
    });
    assert.deepEqual({ exchanges, requests }, { exchanges: 1, requests: 1 }, `after ${status}`);
  }
});
