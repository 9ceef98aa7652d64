// A certified OpenID provider (npm: oidc-provider) with its own pages for development, where any password is right.
//
// Its configuration is one line of JSON on standard input, and the end of the input ends it: so it never outlives
// the tests. What it does it writes as lines of JSON: first its issuer, then one line before each answer,
// and one for each logout token that it sent.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { Provider } from 'oidc-provider';

const say = (record) => process.stdout.write(`${JSON.stringify(record)}\n`);

const input = createInterface({ input: process.stdin });
input.on('close', () => process.exit());
input.once('line', (line) => start(JSON.parse(line)));

function start({ people, clients, jwks }) {
  const server = createServer();
  server.listen(0, '127.0.0.1', () => {
    const issuer = `http://localhost:${server.address().port}`;
    const answer = providerAt(issuer, people, clients, jwks).callback();
    server.on('request', (request, response) => {
      record(request, response);
      answer(request, response);
    });
    say({ issuer });
  });
}

function providerAt(issuer, people, clients, jwks) {
  const provider = new Provider(issuer, {
    clients,
    jwks,
    cookies: { keys: ['for the test-suite alone'] },
    findAccount: (ctx, name) => people[name] && { accountId: name, claims: () => ({ sub: name, ...people[name] }) },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'given_name', 'family_name', 'preferred_username'] },
    pkce: { required: () => true },
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt', 'none'],
    enabledJWA: {
      idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'Ed25519', 'EdDSA', 'HS256'],
      userinfoSigningAlgValues: ['RS256', 'ES256'],
    },
    // The site is on loopback, where this provider would send no logout token.
    fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
    features: {
      backchannelLogout: { enabled: true },
      claimsParameter: { enabled: true },
      devInteractions: { enabled: true },
      encryption: { enabled: true },
      jwtUserinfo: { enabled: true },
    },
    ttl: { AccessToken: 3600, AuthorizationCode: 60, Grant: 3600, IdToken: 3600, Interaction: 600, Session: 3600 },
  });
  for (const event of ['server_error', 'authorization.error', 'grant.error', 'userinfo.error']) {
    provider.on(event, (ctx, error) => console.error(event, error));
  }
  // Whether the site took a logout token: 200 as against anything else.
  for (const event of ['backchannel.success', 'backchannel.error']) provider.on(event, () => say({ event }));
  return provider;
}

function record(request, response) {
  const { writeHead } = response;
  response.writeHead = function (...parameters) {
    const result = writeHead.apply(this, parameters);
    say({
      method: request.method,
      path: new URL(request.url, 'http://localhost').pathname,
      agent: request.headers['user-agent'] ?? '',
      connection: request.socket.remotePort,
      status: response.statusCode,
      content_type: (response.getHeader('content-type') ?? '').split(';')[0],
    });
    return result;
  };
}
