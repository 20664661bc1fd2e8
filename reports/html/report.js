// Search and filters. The page is complete without this script; the form stays hidden then.
"use strict";
(() => {
  const form = document.querySelector(".filters");
  const fields = [...form.elements].filter((field) => field.name);
  const areas = [...document.querySelectorAll(".area")];
  const engines = [...form.elements.engine.options].slice(1).map((option) => option.value);
  const specs = areas.flatMap((area) =>
    [...area.querySelectorAll(".spec")].map((element) => ({
      element,
      area: area.dataset.area,
      standing: element.dataset.standing,
      verdicts: element.dataset.verdicts.split(" ").map((verdict) => verdict.split("/")),
      words: "",
    })),
  );

  // The address bar keeps the state: ?q=...&status=... is read once and written after every change.
  function restore() {
    const state = new URLSearchParams(location.search);
    for (const field of fields) {
      const value = state.get(field.name) ?? "";
      if (field.type === "checkbox") field.checked = value === field.value;
      else if (field.type === "search") field.value = value;
      else field.value = [...field.options].some((option) => option.value === value) ? value : "";
    }
  }

  function keep() {
    const state = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
    const query = state.toString();
    try {
      history.replaceState(null, "", (query ? `?${query}` : location.pathname) + location.hash);
    } catch {
      // A sandboxed frame may forbid it; the filters work all the same.
    }
  }

  function fits(spec, want, words) {
    if (want.area && spec.area !== want.area) return false;
    if (want.standing && !spec.standing.split(" ").includes(want.standing)) return false;
    const verdict = ([engine, status, standing]) =>
      (!want.engine || engines[engine] === want.engine) &&
      (!want.status || status === want.status) &&
      (!want.unexpected || standing === "unexpected");
    if ((want.engine || want.status || want.unexpected) && !spec.verdicts.some(verdict)) return false;
    if (words.length) spec.words ||= spec.element.textContent.toLowerCase();
    return words.every((word) => spec.words.includes(word));
  }

  function apply() {
    const want = Object.fromEntries(new FormData(form));
    const words = want.q.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const spec of specs) {
      spec.element.hidden = !fits(spec, want, words);
      shown += !spec.element.hidden;
    }
    for (const area of areas) area.hidden = !area.querySelector(".spec:not([hidden])");
    document.querySelector(".nothing").hidden = shown > 0 || !specs.length;
    form.querySelector(".count").textContent = `${shown} of ${specs.length} ${form.getAttribute("aria-label").replace("Filter ", "")}`;
  }

  // A link to a behaviour opens it, and shows it even where the filters had hidden it.
  function visit() {
    const target = document.getElementById(location.hash.slice(1));
    if (!target) return;
    if (target.closest("[hidden]")) form.reset();
    const details = target.querySelector(":scope > details");
    if (details) details.open = true;
    target.scrollIntoView();
  }

  function changed() {
    apply();
    keep();
  }

  form.hidden = false;
  form.addEventListener("input", changed);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    for (const field of fields) field.type === "checkbox" ? (field.checked = false) : (field.value = "");
    changed();
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, select, textarea");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    form.elements.q.focus();
  });
  addEventListener("hashchange", visit);
  restore();
  apply();
  visit();
})();
