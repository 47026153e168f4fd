"use strict";
(() => {
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const texts = data.strings;
  const STEP = 50;
  const PRINTED = 3000;
  const UNFOLDED_IN_PRINT = 500;
  const LABELS = {
    fail: "Fail", unknown: "Unknown", waived: "Waived", informational: "Informational",
    "not-applicable": "Not applicable", pass: "Pass",
  };
  const byId = (id) => document.getElementById(id);

  const rows = data.findings.map(([rule, subject, state, severity, message, evidence, waiver], number) => ({
    number, evidence, state, severity,
    rule: data.rules[rule],
    subject: data.subjects[subject].map((text) => texts[text]),
    message: texts[message],
    waiver: waiver < 0 ? null : data.waivers[waiver],
    words: null,
  }));
  const serviceOf = (row) => data.services[row.rule[2]] || row.rule[2];

  const filters = { states: new Set(), severity: "", service: "", text: "", resource: "", pin: null };

  // A view of its own: the findings of one rule or store, those behind a statement, those a gap leaves undecided.
  const PINS = {
    rule: (id) => [`Rule ${id}`, rows.filter((row) => row.rule[0] === id)],
    store: (id) => {
      const found = rows.filter((row) => row.subject[0] === id);
      return [`Store ${found.length ? found[0].subject[2] : id}`, found];
    },
    statement: (id) => {
      const entry = data.statements.find(([name]) => name === id);
      return [`Statement ${id}`, (entry ? entry[1] : []).map((number) => rows[number])];
    },
    gap: (number) => [`Not read, no. ${number}`, (data.gaps[Number(number) - 1] || []).map((index) => rows[index])],
  };
  function pinned(kind, value) {
    const [label, found] = PINS[kind](value);
    return { kind, value, label, rows: new Set(found.map((row) => row.number)) };
  }
  const open = new Set();
  let sorting = { key: "", descending: false };
  let matching = rows;
  let limit = STEP;
  let before = null;  // how the page was before it was laid out for paper

  // Every text goes into the page as a text node, so that no name can become markup.
  function make(tag, className, ...children) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    element.append(...children.filter((child) => child !== null && child !== ""));
    return element;
  }

  function wordsOf(row) {
    if (row.words === null) {
      const evidence = row.evidence.flatMap((item) => [item[0], item[1], item[2], item[4], item[5]].map((text) => texts[text]));
      const waiver = row.waiver ? [row.waiver[0], row.waiver[1]] : [];
      row.words = [row.rule[0], row.rule[1], row.message, ...row.subject, serviceOf(row), ...evidence, ...waiver]
        .join("\n").toLowerCase();
    }
    return row.words;
  }

  function matches(row, words, resource) {
    if (filters.states.size && !filters.states.has(data.states[row.state])) return false;
    if (filters.severity && data.severities[row.severity] !== filters.severity) return false;
    if (filters.service && row.rule[2] !== filters.service) return false;
    if (filters.pin && !filters.pin.rows.has(row.number)) return false;
    if (resource && !row.subject[0].toLowerCase().includes(resource) && !row.subject[2].toLowerCase().includes(resource)) return false;
    return words.every((word) => wordsOf(row).includes(word));
  }

  const KEYS = {
    outcome: (row) => row.state,
    severity: (row) => row.severity,
    rule: (row) => row.rule[1],
    resource: (row) => row.subject[2],
    service: serviceOf,
  };
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

  function apply() {
    const words = filters.text.toLowerCase().split(/\s+/).filter(Boolean);
    const resource = filters.resource.trim().toLowerCase();
    matching = rows.filter((row) => matches(row, words, resource));
    const key = KEYS[sorting.key];
    if (key) {
      const turn = sorting.descending ? -1 : 1;
      matching.sort((a, b) => {
        const [x, y] = [key(a), key(b)];
        return turn * (typeof x === "number" ? x - y : collator.compare(x, y)) || a.number - b.number;
      });
    }
    limit = STEP;
    draw();
    remember();
  }

  function draw() {
    const body = byId("rows");
    const shown = matching.slice(0, limit);
    // On paper a rule is explained once, and its further findings show what they rest on.
    const explained = new Set();
    body.replaceChildren(...shown.flatMap((row) => {
      if (!open.has(row.number)) return [summary(row)];
      const again = before !== null && explained.has(row.rule);
      explained.add(row.rule);
      return [summary(row), detail(row, again)];
    }));
    tell();
  }

  function tell() {
    const shown = Math.min(limit, matching.length);
    const total = rows.length.toLocaleString("en");
    const found = matching.length.toLocaleString("en");
    byId("shown").textContent = matching.length === rows.length
      ? `${total} findings, ${shown.toLocaleString("en")} shown`
      : `${found} of ${total} findings match, ${shown.toLocaleString("en")} shown`;
    byId("pin").hidden = !filters.pin;
    byId("pin").textContent = filters.pin ? filters.pin.label : "";
    byId("pin").setAttribute("aria-label", `Remove this filter: ${filters.pin ? filters.pin.label : ""}`);
    byId("nothing").hidden = matching.length > 0;
    byId("more-line").hidden = shown >= matching.length;
    byId("more").textContent = `Show ${Math.min(STEP * 2, matching.length - shown)} more`;
    byId("clear").hidden = !(filters.states.size || filters.severity || filters.service || filters.text || filters.resource || filters.pin);
  }

  function summary(row) {
    const state = data.states[row.state];
    const severity = data.severities[row.severity];
    const unfolded = open.has(row.number);
    const button = make("button", "unfold", row.rule[1]);
    button.type = "button";
    button.id = `unfold-${row.number}`;
    button.dataset.row = row.number;
    button.setAttribute("aria-expanded", String(unfolded));
    if (unfolded) button.setAttribute("aria-controls", `detail-${row.number}`);
    const kind = row.subject[1].split("/").pop();
    const lapsed = row.waiver && !row.waiver[3] ? make("span", "sub", "Waiver does not count") : null;
    const quietly = row.state <= data.states.indexOf("unknown") ? "" : " quietly";
    const line = make("tr", `finding${unfolded ? " open" : ""}${quietly}`,
      make("td", "c-outcome", make("span", `badge ${state}`, LABELS[state]), lapsed),
      make("td", "c-severity", make("span", `severity ${severity}`, severity)),
      make("td", "c-rule", button, make("span", "message", row.message)),
      make("td", "c-resource", make("span", "name", row.subject[2]),
        make("span", "sub", [kind, row.subject[3]].filter(Boolean).join(" · "))),
      make("td", "c-service", serviceOf(row)));
    return roles(line);
  }

  // On a narrow screen the table is laid out as blocks; explicit roles keep it a table for a screen reader.
  function roles(line) {
    line.setAttribute("role", "row");
    for (const cell of line.children) cell.setAttribute("role", "cell");
    return line;
  }

  const ROLES = { TABLE: "table", THEAD: "rowgroup", TBODY: "rowgroup", TR: "row", TD: "cell" };
  for (const stacked of document.querySelectorAll(".stack")) {
    for (const part of [stacked, ...stacked.querySelectorAll("thead, tbody, tr, td, th")]) {
      part.setAttribute("role", ROLES[part.tagName] || (part.scope === "row" ? "rowheader" : "columnheader"));
    }
  }

  function labelled(label, cell) {
    cell.dataset.label = label;
    cell.setAttribute("role", "cell");
    return cell;
  }

  function head(...titles) {
    const cells = titles.map((title) => {
      const cell = make("th", "", title);
      cell.scope = "col";
      return cell;
    });
    return make("thead", "", make("tr", "", ...cells));
  }

  function detail(row, again = false) {
    const cell = make("td");
    cell.colSpan = 5;
    if (row.waiver) {
      const [, , sentence, active] = row.waiver;
      cell.append(make("p", active ? "waiver" : "waiver expired", sentence));
    }
    if (row.evidence.length) {
      // Where all of it stands in one place, that is said once.
      const places = new Set(row.evidence.map((item) => item[5]));
      const lines = row.evidence.map(([path, expected, observed, basis, reason, origin]) => {
        const word = data.bases[basis];
        const seen = texts[observed] || (word === "unknown" ? "unknown" : "not set");
        return make("tr", "",
          make("td", "value", texts[path], places.size > 1 ? make("span", "because where", texts[origin]) : null),
          labelled("Expected", make("td", "value", texts[expected])),
          labelled("Observed", make("td", "value", seen)),
          labelled("Basis", make("td", "", word === "unknown" ? make("span", "badge unknown", "unknown") : word,
            texts[reason] ? make("span", "because", texts[reason]) : null)));
      });
      cell.append(make("h4", "", "Evidence"), make("table", "inner", head("Setting", "Expected", "Observed", "Basis"), make("tbody", "", ...lines)));
      if (places.size === 1) cell.append(make("p", "mono where", `Read from ${texts[row.evidence[0][5]]}`));
    }
    const [id] = row.rule;
    if (!again) explain(cell, row.rule);
    const about = make("p", "mono where", `${row.subject[0]}\nrule ${id}`);
    if (row.subject[5]) about.append(`\ndeployed only if ${row.subject[5]}`);
    cell.append(make("h4", "", "Resource"), about);
    const line = make("tr", "detail", cell);
    line.id = `detail-${row.number}`;
    return roles(line);
  }

  function explain(cell, [, , , rationale, remediation, references, controls]) {
    if (rationale) cell.append(make("h4", "", "Why it matters"), make("p", "", rationale));
    const fixes = remediation.filter((part) => !part[2]);
    const caveats = remediation.filter((part) => part[2]);
    if (remediation.length) cell.append(make("h4", "", "How to fix it"));
    if (fixes.length) {
      cell.append(make("div", "fixes", ...fixes.map(([kind, text]) => make("div", "fix", make("b", "", kind), copier(kind, text), make("pre", "", text)))));
    }
    for (const [, text] of caveats) cell.append(make("p", "caveat", text));
    if (references.length) cell.append(make("h4", "", "References"), make("ul", "tags", ...references.map(reference)));
    if (controls.length) cell.append(make("h4", "", "Controls"), make("ul", "tags", ...controls.map(control)));
  }

  function copier(kind, text) {
    if (!navigator.clipboard) return null;
    const button = make("button", "link copy", "Copy");
    button.type = "button";
    button.setAttribute("aria-label", `Copy: ${kind}`);
    button.addEventListener("click", () => {
      navigator.clipboard.writeText(text).then(() => { button.textContent = "Copied"; }, () => { button.textContent = "Not allowed"; });
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    return button;
  }

  function reference([title, url]) {
    if (!url.startsWith("https://")) return make("li", "", title);
    const link = make("a", "", title);
    link.href = url;
    link.rel = "noopener noreferrer";
    link.target = "_blank";
    return make("li", "", link);
  }

  function control([framework, id, mapping, note]) {
    const label = mapping === "official" ? null : make("span", "badge", mapping);
    return make("li", "", `${framework} ${id} `, label, note ? ` ${note}` : null);
  }

  function toggle(number) {
    const button = byId(`unfold-${number}`);
    const line = button.closest("tr");
    const unfolded = !open.has(number);
    if (unfolded) {
      open.add(number);
      line.after(detail(rows[number]));
      button.setAttribute("aria-controls", `detail-${number}`);
    } else {
      open.delete(number);
      byId(`detail-${number}`).remove();
      button.removeAttribute("aria-controls");
    }
    line.classList.toggle("open", unfolded);
    button.setAttribute("aria-expanded", String(unfolded));
  }

  // ── filters ──────────────────────────────────────────────────────────────────────────────────────────────────

  const fields = { text: byId("filter-text"), resource: byId("filter-resource"), severity: byId("filter-severity"), service: byId("filter-service") };
  const chips = [...document.querySelectorAll(".chip")];

  function option(value, label) {
    const element = make("option", "", label);
    element.value = value;
    return element;
  }
  fields.severity.append(...data.severities.filter((_, number) => rows.some((row) => row.severity === number)).map((name) => option(name, name)));
  fields.service.append(...Object.entries(data.services).map(([name, title]) => option(name, title)));
  byId("resource-names").append(...[...new Set(data.subjects.map((subject) => texts[subject[2]]))].slice(0, 500).map((name) => option(name, "")));

  function show() {
    for (const [name, field] of Object.entries(fields)) field.value = filters[name];
    for (const chip of chips) chip.setAttribute("aria-pressed", String(filters.states.has(chip.dataset.state)));
  }

  function clear() {
    Object.assign(filters, { severity: "", service: "", text: "", resource: "", pin: null });
    filters.states.clear();
  }

  for (const [name, field] of Object.entries(fields)) {
    field.addEventListener("input", () => { filters[name] = field.value; apply(); });
  }
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      const state = chip.dataset.state;
      if (!filters.states.delete(state)) filters.states.add(state);
      show();
      apply();
    });
  }
  byId("pin").addEventListener("click", () => { filters.pin = null; apply(); fields.text.focus(); });
  byId("clear").addEventListener("click", () => { clear(); show(); apply(); fields.text.focus(); });
  byId("more").addEventListener("click", () => {
    const next = matching[limit];
    limit += STEP * 2;
    draw();
    byId(`unfold-${next.number}`).focus();
  });
  byId("unfold-all").addEventListener("click", () => {
    for (const row of matching.slice(0, limit)) open.add(row.number);
    draw();
  });
  byId("fold-all").addEventListener("click", () => { open.clear(); draw(); });

  function jump() {
    show();
    apply();
    byId("findings").focus({ preventScroll: true });
    byId("findings").scrollIntoView();
  }
  // ── the table: sorting, unfolding, keys ──────────────────────────────────────────────────────────────────────

  const table = byId("findings-table");
  table.setAttribute("role", "table");
  for (const heading of table.tHead.querySelectorAll("th")) {
    const button = make("button", "", heading.textContent);
    button.type = "button";
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      const key = heading.dataset.sort;
      sorting = { key, descending: sorting.key === key && !sorting.descending };
      for (const other of table.tHead.querySelectorAll("th")) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", sorting.descending ? "descending" : "ascending");
      apply();
    });
  }
  byId("rows").addEventListener("click", (event) => {
    const button = event.target.closest(".unfold");
    if (button) toggle(Number(button.dataset.row));
  });
  byId("rows").addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !event.target.matches(".unfold")) return;
    const buttons = [...document.querySelectorAll(".unfold")];
    const next = buttons[buttons.indexOf(event.target) + step];
    if (next) {
      event.preventDefault();
      next.focus();
    }
  });
  // A link to the view that is shown already changes no address, and should still lead there.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href*='=']");
    if (link && link.getAttribute("href").startsWith("#") && link.hash === location.hash && recall()) jump();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
    event.preventDefault();
    fields.text.focus();
  });

  // ── the address keeps the filters, so that a view can be sent to somebody ────────────────────────────────────

  const NAMED = ["severity", "service", "resource", "text"];

  function remember() {
    const parts = new URLSearchParams();
    if (filters.states.size) parts.set("outcome", [...filters.states].join(","));
    for (const name of NAMED) if (filters[name]) parts.set(name, filters[name]);
    if (filters.pin) parts.set(filters.pin.kind, filters.pin.value);
    const wanted = parts.size ? `#${parts}` : "";
    if (wanted || location.hash.includes("=")) {
      try { history.replaceState(null, "", wanted || "#findings"); } catch { /* a page without an address of its own */ }
    }
  }

  function recall() {
    if (!location.hash.includes("=")) return false;
    const parts = new URLSearchParams(location.hash.slice(1));
    clear();
    for (const state of (parts.get("outcome") || "").split(",")) if (data.states.includes(state)) filters.states.add(state);
    for (const name of NAMED) filters[name] = parts.get(name) || "";
    for (const kind of Object.keys(PINS)) if (parts.has(kind)) filters.pin = pinned(kind, parts.get(kind));
    return true;
  }
  addEventListener("hashchange", () => { if (recall()) jump(); });

  // ── print: everything that matters, unfolded ─────────────────────────────────────────────────────────────────

  addEventListener("beforeprint", () => {
    before = { limit, open: [...open] };
    limit = PRINTED;
    matching.slice(0, limit).filter((row) => row.state <= data.states.indexOf("waived")).slice(0, UNFOLDED_IN_PRINT)
      .forEach((row) => open.add(row.number));
    draw();
  });
  addEventListener("afterprint", () => {
    if (!before) return;
    limit = before.limit;
    open.clear();
    before.open.forEach((number) => open.add(number));
    before = null;
    draw();
  });

  // ── colour theme ─────────────────────────────────────────────────────────────────────────────────────────────

  const THEMES = ["automatic", "light", "dark"];
  const themeButton = byId("theme");
  function setTheme(name) {
    if (name === "automatic") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = name;
    themeButton.setAttribute("aria-label", `Colour theme: ${name}`);
    themeButton.title = `Colour theme: ${name}`;
  }
  function storedTheme() {
    try { return localStorage.getItem("auditor-theme"); } catch { return null; }
  }
  let theme = THEMES.includes(storedTheme()) ? storedTheme() : "automatic";
  setTheme(theme);
  themeButton.addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    setTheme(theme);
    try { localStorage.setItem("auditor-theme", theme); } catch { /* nothing is kept where storage is off */ }
  });

  document.documentElement.classList.add("js");
  if (recall()) jump();
  else { show(); apply(); }
})();
