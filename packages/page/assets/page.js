// On top of what the page does by itself: copying, filtering while typing, and following a refresh. Nothing here is needed to read.
"use strict"
{
  const said = document.getElementById("said")

  const copy = async (button) => {
    const [word, label] = [button.textContent, button.getAttribute("aria-label")]
    try {
      await navigator.clipboard.writeText(button.dataset.copy)
      button.textContent = "Copied"
    } catch {
      button.textContent = "Not allowed"
    }
    said.textContent = button.textContent
    // What a button is called holds what stands on it.
    button.setAttribute("aria-label", label.replace(word, button.textContent))
    setTimeout(() => {
      button.textContent = word
      button.setAttribute("aria-label", label)
      said.textContent = ""
    }, 1500)
  }

  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.hidden = false
    button.addEventListener("click", () => void copy(button))
  }

  const filters = document.querySelector("form.filters")
  if (filters) {
    let waiting
    const send = () => filters.requestSubmit()
    filters.addEventListener("change", (event) => {
      if (event.target.type !== "search") send()
    })
    filters.q.addEventListener("input", () => {
      clearTimeout(waiting)
      waiting = setTimeout(() => {
        sessionStorage.setItem("assay-search", String(filters.q.selectionStart))
        send()
      }, 400)
    })
    const caret = sessionStorage.getItem("assay-search")
    if (caret !== null) {
      sessionStorage.removeItem("assay-search")
      filters.q.focus()
      filters.q.setSelectionRange(Number(caret), Number(caret))
    }
  }

  const refresh = document.querySelector("form.refresh")
  if (refresh) {
    const output = refresh.querySelector("output")
    const bar = refresh.querySelector("progress")
    const button = refresh.querySelector("button")
    const number = (n) => Math.round(n).toLocaleString("en-US")

    const idle = (text) => {
      output.textContent = text
      bar.hidden = true
      if (button) button.disabled = false
    }

    const follow = () => {
      bar.hidden = false
      bar.removeAttribute("value")
      output.textContent = "Waiting"
      const events = new EventSource(refresh.dataset.progress)
      const on = (type, then) => events.addEventListener(type, (event) => then(JSON.parse(event.data)))
      on("queued", () => {
        output.textContent = "Queued"
      })
      on("running", ({ rows_read, total_rows }) => {
        if (rows_read === undefined) {
          output.textContent = "Running"
          return
        }
        output.textContent = `${number(rows_read)} rows read`
        if (total_rows > 0) bar.value = Math.min(100, (100 * rows_read) / total_rows)
      })
      on("succeeded", () => {
        events.close()
        bar.value = 100
        output.textContent = "Done"
        location.assign(location.pathname)
      })
      on("failed", ({ code, message }) => {
        events.close()
        idle(`Failed (${code}): ${message}`)
      })
      on("cancelled", () => {
        events.close()
        idle("Cancelled")
      })
      on("idle", () => {
        events.close()
        idle("")
      })
    }

    const ask = async () => {
      button.disabled = true
      output.textContent = "Asking"
      try {
        const answer = await fetch(refresh.action, {
          method: "POST",
          body: new URLSearchParams(new FormData(refresh)),
          headers: { accept: "application/json" }
        })
        if (answer.status === 202) return follow()
        const wait = answer.headers.get("retry-after")
        idle(
          answer.status === 429
            ? `Refreshed a moment ago. Try again in ${wait} s.`
            : `The refresh was refused (${answer.status}).`
        )
      } catch {
        idle("The server doesn't answer.")
      }
    }

    refresh.addEventListener("submit", (event) => {
      event.preventDefault()
      void ask()
    })
    if ("running" in refresh.dataset) follow()
  }
}
