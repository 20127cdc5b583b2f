/** Pages without results: signing in, and what went wrong. */
import { page } from "./document.ts"
import { el } from "./html.ts"
import { sentence } from "./text.ts"

/** A page that says one thing, with the way back. */
export const messagePage = (base: string, title: string, text: string): string =>
  page({ kind: "served", base }, `${title} · Assay`, [
    el("nav", { "aria-label": "Pages" }, el("a", { href: base }, "All experiments")),
    el("h1", {}, title)
  ], [el("p", {}, sentence(text))])

/** Asks for a token. `wrong` after one that isn't known; `next` is where to go then. */
export const signInPage = (base: string, next: string, wrong: boolean): string =>
  page({ kind: "served", base }, "Sign in · Assay", [
    el("nav", { "aria-label": "Pages" }, el("span", {}, "Assay")),
    el("h1", {}, "Sign in")
  ], [
    el(
      "form",
      { class: "sign-in", method: "post", action: `${base}sign-in` },
      el("input", { type: "hidden", name: "next", value: next }),
      el(
        "label",
        {},
        el("span", {}, "Token"),
        el("input", {
          type: "password",
          name: "token",
          required: true,
          autocomplete: "current-password",
          maxlength: 512,
          ...(wrong ? { "aria-invalid": "true", "aria-describedby": "wrong" } : {})
        })
      ),
      ...(wrong ? [el("p", { id: "wrong", class: "notice bad", role: "alert" }, "This token isn't known.")] : []),
      el("button", { type: "submit" }, "Sign in")
    )
  ])
