import { accessFacts, logOut } from "../api/access.ts";

/** Says who is logged in, and loudly where everybody may do everything. */
export function AccessNote() {
  const facts = accessFacts.value;
  if (facts?.mode === "insecure-open") {
    return (
      <p class="access-note is-warning" role="alert">
        <span>
          Everybody who reaches this server may hear, change and delete everything. <a href="/access">Protect it</a>
        </span>
      </p>
    );
  }
  if (facts === undefined || !facts.is_session) return null;
  return (
    <aside class="access-note" aria-label="Who is logged in">
      <span>
        Logged in as <a href="/access">{facts.name === "" ? "somebody without a name" : facts.name}</a> ({facts.role})
      </span>
      <button type="button" class="button is-quiet" onClick={() => void logOut()}>
        Log out
      </button>
    </aside>
  );
}
