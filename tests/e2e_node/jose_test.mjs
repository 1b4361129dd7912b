// jose, which shares no code with Keyward, verifies what the signer signs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compactVerify, createLocalJWKSet, decodeProtectedHeader, errors, importX509, jwtVerify }
  from 'jose';
import { connection, keyward, subject } from './system.mjs';

const jws = await keyward('sign', connection);
const jwks = createLocalJWKSet(JSON.parse(await keyward('key', 'jwks', connection)));
const certificate = await keyward('certificate', 'download', connection);
const publicKey = await importX509(certificate, 'RS256');
const audience = 'https://login.salesforce.com';

// The assertion with one character of a claim replaced.
function withChangedPayload() {
  const [header, payload, signature] = jws.split('.');
  const claims = Buffer.from(payload, 'base64url').toString().replace(subject, `x${subject.slice(1)}`);
  assert.notEqual(Buffer.from(claims).toString('base64url'), payload);
  return [header, Buffer.from(claims).toString('base64url'), signature].join('.');
}

test('the JWKS verifies the assertion and its claims', async () => {
  const { payload, protectedHeader } = await jwtVerify(jws, jwks, { subject, algorithms: ['RS256'] });
  assert.equal(protectedHeader.alg, 'RS256');
  assert.equal(typeof payload.aud, 'string');
  assert.ok(payload.exp - Date.now() / 1000 <= 300, 'lives longer than five minutes');
  await assert.rejects(jwtVerify(jws, jwks, { audience: `${audience}.example` }),
                       errors.JWTClaimValidationFailed);
});

test('the certificate verifies it', async () => {
  const { payload } = await compactVerify(jws, publicKey, { algorithms: ['RS256'] });
  assert.equal(JSON.parse(new TextDecoder().decode(payload)).sub, subject);
});

test('neither verifies a changed payload', async () => {
  for (const key of [jwks, publicKey]) {
    await assert.rejects(jwtVerify(withChangedPayload(), key),
                         errors.JWSSignatureVerificationFailed);
  }
});

test('neither verifies the assertion of another key', async () => {
  await keyward('connection', 'create', 'other', '--environment', 'production', '--subject', subject,
                '--consumer-key', '3MVG9.other');
  const other = await keyward('sign', 'other');
  await assert.rejects(jwtVerify(other, publicKey), errors.JWSSignatureVerificationFailed);
});

test('a `kid` of the header, where there is one, finds the key of the set', async () => {
  await keyward('connection', 'update', connection, '--include-kid');
  const named = await keyward('sign', connection);
  const { kid } = decodeProtectedHeader(named);
  assert.match(kid, /^[A-Za-z0-9_-]{43}$/);
  await jwtVerify(named, jwks, { subject });
});
