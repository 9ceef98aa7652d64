import React, { useEffect, useState } from "react";
import { OIDCLogin, Problem } from "../../../typescript/oidc-login";

const API = import.meta.env.VITE_API ?? "http://localhost:8000/api/";
const auth = new OIDCLogin(`${API}auth/`);

export function App() {
  const [session, setSession] = useState(undefined);
  const [message, setMessage] = useState("");
  const [text, setText] = useState("");
  const [notes, setNotes] = useState([]);

  async function show() {
    const found = await auth.session();
    setSession(found);
    if (found) setNotes((await (await auth.fetch(`${API}notes/`)).json()).notes);
  }

  useEffect(() => { show(); }, []);

  async function signIn(key) {
    try {
      await auth.signInWithPopup(key); // this page stays as it is, with everything that was typed
      setMessage("");
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setMessage(`You could not be signed in (${error.code}).`);
    }
    await show();
  }

  async function save(event) {
    event.preventDefault();
    const init = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ text }) };
    const response = await auth.fetch(`${API}notes/`, init);
    if (response.status === 401 || response.status === 403) {
      await auth.session(); // the providers, and the CSRF token of now
      setSession(null);
      setMessage("Your session has ended. Please sign in again; your text is still here.");
      return;
    }
    setNotes((await response.json()).notes);
    setText("");
  }

  if (session === undefined) return null;
  return (
    <>
      <h1>Notes</h1>
      <p role="status">{session ? `Hello ${session.user.name || session.user.username}` : message || "Please sign in."}</p>
      {!session && auth.providers.map(({ key, label }) => (
        <button key={key} onClick={() => signIn(key)}>Sign in with {label}</button>
      ))}
      <form onSubmit={save} hidden={!session && !text}>
        <label htmlFor="text">Note</label>
        <textarea id="text" rows="5" value={text} onChange={(event) => setText(event.target.value)} />
        <button>Save</button>
      </form>
      <ul>{notes.map((note, index) => <li key={index}>{note}</li>)}</ul>
    </>
  );
}
