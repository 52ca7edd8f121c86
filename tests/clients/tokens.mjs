// Tokens made here and not by the server, so that the tests can forge them too.

import { createHmac, randomUUID } from 'node:crypto';

const encode = (value) => Buffer.from(value).toString('base64url');

/** Seconds since 1970, from now. */
export const secondsFromNow = (seconds) => Math.floor(Date.now() / 1000) + seconds;

/**
 * Signs `claims` with HMAC.
 *
 * `algorithm` is what the header says; `none` leaves the signature empty. A claim that is
 * `undefined` is left out, so `{ exp: undefined }` makes a token without an end.
 */
export function mint(claims, { key, algorithm = 'HS256' }) {
  const header = encode(JSON.stringify({ alg: algorithm, typ: 'JWT' }));
  const payload = encode(
    JSON.stringify({ exp: secondsFromNow(3600), jti: randomUUID(), ...claims }),
  );
  const signed = `${header}.${payload}`;
  if (algorithm === 'none') {
    return `${signed}.`;
  }
  const hash = `sha${algorithm.slice(2)}`;
  return `${signed}.${createHmac(hash, key).update(signed).digest('base64url')}`;
}

/** The same token and signature, with other claims between them. */
export function tamper(token, claims) {
  const [header, payload, signature] = token.split('.');
  const original = JSON.parse(Buffer.from(payload, 'base64url').toString());
  return [header, encode(JSON.stringify({ ...original, ...claims })), signature].join('.');
}

/** The claims of each kind of visitor. */
export const claims = {
  admin: (tenantKey, userId = 'anna') => ({ tenantKey, userId, role: 'Admin' }),
  staff: (tenantKey, userId = 'stefan') => ({ tenantKey, userId, role: 'Staff' }),
  customer: (tenantKey, sessionId, userId = 'carla') => ({
    tenantKey,
    userId,
    sessionId,
    role: 'Customer',
  }),
  service: (...tenants) => ({ sub: 'orders', role: 'Service', tenants }),
};
