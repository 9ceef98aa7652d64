// Signs in, lists, disconnects and signs out with the built client, against the site whose URL is the argument.
import assert from "node:assert/strict";

const [, , built, base, origin, provider] = process.argv;
const { OIDCLogin, Problem } = await import(built);

const jar = new Map();
const fetcher = async (url, init = {}) => {
  const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
  const response = await fetch(url, { ...init, headers: { ...init.headers, Origin: origin, Cookie: cookie } });
  for (const line of response.headers.getSetCookie()) {
    const [pair] = line.split(";");
    const name = pair.slice(0, pair.indexOf("="));
    if (/max-age=0/i.test(line)) jar.delete(name);
    else jar.set(name, pair.slice(pair.indexOf("=") + 1));
  }
  return response;
};

const auth = new OIDCLogin(base, fetcher);
assert.equal(await auth.session(), null);
assert.deepEqual(auth.providers.map((found) => found.key), ["op"]);
await assert.rejects(auth.connections(), (error) => error instanceof Problem && error.code === "not_signed_in");
await assert.rejects(auth.begin("op", { next: "https://evil.example/" }), (error) => error.code === "field_invalid");

// What the browser and the person do: go to the provider, choose, and come back.
const url = await auth.begin("op", { next: `${origin}/inbox`, login_hint: "alice" });
const chosen = await fetch(`${provider}?url=${encodeURIComponent(url)}`);
const back = await fetcher(await chosen.text(), { redirect: "manual" });
assert.equal(back.headers.get("location"), `${origin}/inbox`);

const session = await auth.session();
assert.equal(session.provider, "op");
assert.equal(session.user.email, "alice@example.org");
const [connection] = await auth.connections();
assert.equal(connection.link_reason, "signed_up");
await assert.rejects(auth.disconnect(connection.id), (error) => error.code === "last_login_method");
assert.equal((await auth.sessions())[0].current, true);

// Signing in replaced the CSRF token: the client reads the new one.
assert.match(await auth.reauthenticate("op", { max_age: 60 }), /max_age=60/);
assert.match(await auth.signOut(), /^http/);
assert.equal(await auth.session(), null);
console.log("done");
