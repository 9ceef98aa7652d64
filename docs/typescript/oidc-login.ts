/** A client of `oidc_login.contrib.headless`: the session cookie stays with the browser, and no token is in JavaScript. */

export interface Provider { key: string; label: string; icon: string | null; begin_url: string }
export interface User { id: string; username: string; email: string; name: string }
export interface Session { user: User; provider: string | null; expires_at: string }
export interface Connection {
  id: number; provider: string; label: string; email: string; status: string; link_reason: string;
  created_at: string; last_login_at: string | null; can_be_disconnected: boolean;
}
export interface BrowserSession {
  id: string; provider: string; label: string; browser: string; created_at: string; expires_at: string; current: boolean;
}
export interface Begin { next?: string; popup_origin?: string; login_hint?: string }
export interface Connect { next?: string; popup_origin?: string; scopes?: string }
export interface Reauthenticate { next?: string; popup_origin?: string; max_age?: number; acr_values?: string }

/** A problem document (RFC 9457): `code` is stable, `detail` can be shown to the user. */
export class Problem extends Error {
  constructor(readonly status: number, readonly code: string, readonly detail: string) {
    super(`${code} (${status})`);
  }
}

export class OIDCLogin {
  private csrfToken = "";
  /** The providers that the last `session()` listed. */
  providers: Provider[] = [];

  private readonly base: string;

  /** `base` is the URL of the include, for example "/api/auth/" or "https://api.example.com/api/auth/". */
  constructor(base: string, private readonly fetcher: typeof fetch = (...args) => fetch(...args)) {
    this.base = new URL(base, globalThis.location?.href).href;
  }

  /** Returns the session, or `null` while nobody is signed in. */
  async session(): Promise<Session | null> {
    const response = await this.send("GET", "session/");
    const answer = await response.json();
    if (typeof answer.csrf_token === "string") this.csrfToken = answer.csrf_token;
    if (response.status === 401) {
      this.providers = answer.providers ?? [];
      return null;
    }
    await check(response, answer);
    return { user: answer.user, provider: answer.provider, expires_at: answer.expires_at };
  }

  /** Sends the browser to the provider. It comes back to `next`, with `?error=<code>` if the sign-in fails. */
  async signIn(provider: string, options: Begin = {}): Promise<void> {
    location.assign(await this.begin(provider, options));
  }

  /** Signs in with a pop-up. Call it from a click handler, or the browser blocks the pop-up. */
  async signInWithPopup(provider: string, options: Begin = {}): Promise<Session | null> {
    const popup = window.open("", "oidc_login", "popup,width=480,height=720");
    const url = await this.begin(provider, { ...options, popup_origin: location.origin });
    if (!popup) throw new Problem(0, "popup_blocked", "The browser blocked the pop-up.");
    popup.location.href = url;
    const error = await this.popupEnd(popup);
    if (error) throw new Problem(400, error, error);
    // A provider may cut the pop-up off from this page (Cross-Origin-Opener-Policy). Then it looks closed too early.
    for (let seconds = 0; seconds < 120 && !(await this.session()); seconds += 2) await pause(2000);
    return this.session();
  }

  async begin(provider: string, options: Begin = {}): Promise<string> {
    return (await this.change("POST", `${encodeURIComponent(provider)}/begin/`, options)).authorization_url;
  }

  async connect(provider: string, options: Connect = {}): Promise<string> {
    return (await this.change("POST", `${encodeURIComponent(provider)}/connect/`, options)).authorization_url;
  }

  async reauthenticate(provider: string, options: Reauthenticate = {}): Promise<string> {
    return (await this.change("POST", `${encodeURIComponent(provider)}/reauthenticate/`, options)).authorization_url;
  }

  async connections(): Promise<Connection[]> {
    return (await this.read("connections/")).connections;
  }

  async disconnect(id: number): Promise<void> {
    await this.change("DELETE", `connections/${id}/`);
  }

  async sessions(): Promise<BrowserSession[]> {
    return (await this.read("sessions/")).sessions;
  }

  async endSession(id: string): Promise<void> {
    await this.change("DELETE", `sessions/${encodeURIComponent(id)}/`);
  }

  /** Signs out. Send the browser to the returned URL to sign out at the provider too; `null` if it offers no such page. */
  async signOut(next?: string): Promise<string | null> {
    return (await this.change("POST", "logout/", next ? { next } : {})).end_session_url;
  }

  /** Sends a request to a view of your own, with the session and the CSRF token. */
  async fetch(url: string, init: RequestInit = {}): Promise<Response> {
    if (!this.csrfToken) await this.session();
    const headers = new Headers({ Accept: "application/json", "X-CSRFToken": this.csrfToken });
    new Headers(init.headers).forEach((value, name) => headers.set(name, value));
    return this.fetcher(new URL(url, this.base).href, { ...init, headers, credentials: "include" });
  }

  private async read(path: string): Promise<any> {
    const response = await this.send("GET", path);
    return check(response, await response.json());
  }

  private async change(method: string, path: string, body?: object): Promise<any> {
    if (!this.csrfToken) await this.session();
    let response = await this.send(method, path, body);
    if (response.status === 403 && (await problemCode(response.clone())) === "csrf_failed") {
      await this.session(); // signing in, also in another tab, replaces the token
      response = await this.send(method, path, body);
    }
    return response.status === 204 ? undefined : check(response, await response.json());
  }

  private send(method: string, path: string, body?: object): Promise<Response> {
    const headers: Record<string, string> = { Accept: "application/json" };
    if (method !== "GET") headers["X-CSRFToken"] = this.csrfToken;
    if (body) headers["Content-Type"] = "application/json";
    const init: RequestInit = { method, headers, credentials: "include", cache: "no-store" };
    return this.fetcher(new URL(path, this.base).href, body ? { ...init, body: JSON.stringify(body) } : init);
  }

  /** Resolves to the error code of the sign-in, or "". Without a message (no opener) the closed pop-up ends the wait. */
  private popupEnd(popup: Window): Promise<string> {
    const origin = new URL(this.base).origin;
    return new Promise((resolve) => {
      const done = (error: string): void => {
        clearInterval(timer);
        window.removeEventListener("message", listener);
        resolve(error);
      };
      const listener = (event: MessageEvent): void => {
        if (event.origin === origin && event.data?.source === "oidc_login") done(String(event.data.error ?? ""));
      };
      const timer = setInterval(() => { if (popup.closed) done(""); }, 500);
      window.addEventListener("message", listener);
    });
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function check(response: Response, answer: any): Promise<any> {
  if (response.ok) return answer;
  throw new Problem(response.status, String(answer.code ?? "error"), String(answer.detail ?? ""));
}

async function problemCode(response: Response): Promise<string> {
  try {
    return String((await response.json()).code ?? "");
  } catch {
    return "";
  }
}
