// Sign-in without a framework, a bundler or a token in JavaScript: the browser keeps the session cookie.
const API = "http://localhost:8000/api/";

const [who, buttons, form, text, notes] = ["who", "buttons", "form", "text", "notes"].map((id) => document.getElementById(id));
let csrfToken = "";

async function request(path, body) {
  const headers = { Accept: "application/json", "X-CSRFToken": csrfToken, "Content-Type": "application/json" };
  const init = body ? { method: "POST", headers, body: JSON.stringify(body) } : { headers: { Accept: headers.Accept } };
  const response = await fetch(API + path, { ...init, credentials: "include" });
  return { status: response.status, ...(await response.json()) };
}

async function readSession() {
  const session = await request("auth/session/");
  csrfToken = session.csrf_token; // signing in replaces it
  return session;
}

// In a pop-up, so that this page stays as it is, with everything that was typed.
async function signIn(provider) {
  const popup = window.open("", "sign-in", "popup,width=480,height=720");
  const begun = await request(`auth/${provider}/begin/`, { popup_origin: location.origin });
  popup.location.href = begun.authorization_url;
  const ended = new Promise((resolve) => {
    window.addEventListener("message", (event) => {
      if (event.origin === new URL(API).origin && event.data?.source === "oidc_login") resolve(event.data.error);
    });
  });
  const error = await ended;
  await show(error ? `You could not be signed in (${error}).` : "");
}

function offerSignIn(session, message) {
  who.textContent = message;
  buttons.replaceChildren(...session.providers.map(({ key, label }) => {
    const button = Object.assign(document.createElement("button"), { textContent: `Sign in with ${label}` });
    button.onclick = () => signIn(key);
    return button;
  }));
}

async function show(message = "") {
  const session = await readSession();
  if (session.status === 401) return offerSignIn(session, message || "Please sign in.");
  who.textContent = `Hello ${session.user.name || session.user.username}`;
  buttons.replaceChildren();
  form.hidden = false;
  list((await request("notes/")).notes);
}

function list(kept) {
  notes.replaceChildren(...kept.map((note) => Object.assign(document.createElement("li"), { textContent: note })));
}

form.onsubmit = async (event) => {
  event.preventDefault();
  const answer = await request("notes/", { text: text.value });
  // The session has ended: the text stays in the form, and the person saves it again after signing in.
  if (answer.status === 401 || answer.status === 403) {
    return offerSignIn(await readSession(), "Your session has ended. Please sign in again; your text is still here.");
  }
  text.value = "";
  list(answer.notes);
};

await show();
