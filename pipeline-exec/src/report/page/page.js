// Assembles the page: head, figures, errors and the rest, the selection, the search, the theme.

let selected = null;

/** Selects a step everywhere; `null` selects none. */
function select(index, { reveal = false, from = "" } = {}) {
  selected = index;
  details(index);
  byId("said").textContent = index === null ? "" : about(steps[index]);
  if (index !== null && (reveal || from === "table")) {
    graph.reveal(index);
    timeline?.reveal(index);
  }
  table.reveal(index, from !== "table" || reveal);
  graph.surface.soon();
  timeline?.surface.soon();
}

function search(query) {
  const fits = matcher(query);
  for (const step of steps) step.matches = fits(step);
  for (const chip of document.querySelectorAll(".chips button")) chip.setAttribute("aria-pressed", String(query.trim() === chip.dataset.query));
  table.update();
  graph.surface.soon();
  timeline?.surface.soon();
}

function head() {
  if (!report) {
    byId("title").textContent = "Graph";
    byId("subtitle").textContent = `${counted(steps.length, "step")}, ${counted(steps.reduce((edges, step) => edges + step.upstream.length, 0), "edge")}`;
    return;
  }
  const { counts } = report;
  byId("title").replaceChildren(status(stateOf(report.status)), ` in ${time(seconds(report.wall))}`);
  if (!seconds(report.wall)) byId("title").replaceChildren(status(stateOf(report.status)));
  document.title = [stateOf(report.status).glyph, report.program, report.run_id.slice(-8)].filter(Boolean).map(cleanLine).join(" ");
  const others = STATES.map((state) => [state, counts[state.name.replace("-", "_")] ?? 0]).filter(([state, number]) => number && state.name !== "succeeded");
  const parts = [
    `${count(counts.succeeded)} of ${counted(counts.planned, "step")} succeeded`,
    ...others.map(([state, number]) => `${count(number)} ${state.word}`),
    report.started_unix_ms ? moment(report.started_unix_ms) : "",
  ];
  const whose = [report.program, report.pipeline].filter(Boolean).map(cleanLine).join(" / ");
  const id = element("span", "mono", cleanLine(report.run_id.slice(-8)));
  id.title = cleanLine(report.run_id);
  byId("subtitle").append(...(whose ? [element("strong", "", whose), " · "] : []), parts.filter(Boolean).join(" · ") + " · run ", id);
  const notices = [
    report.stopped_because ? `Stopped: ${clean(report.stopped_because)}` : "",
    resumed(),
    data.left_out ? `This page has ${count(steps.length)} of ${counted(counts.planned, "step")}: those that failed, the unusual and the slowest ones. The file report.json has all.` : "",
  ];
  if (notices.some(Boolean)) show("notice", notices.filter(Boolean).join("\n"));
}

/** What the run took over from the one that it resumes, and the steps that had ended there and ran again. */
function resumed() {
  const from = report.store?.resumed;
  if (!from) return "";
  const again = (from.again ?? []).slice(0, 10).map((one) => `\n${cleanLine(one.step)} ran again: ${cleanLine(one.reason)}`);
  const more = (from.again ?? []).length - again.length;
  return `Resumes run ${cleanLine(from.run.slice(-8))}: ${count(from.done)} of ${counted(report.counts.planned, "step")} were done${again.join("")}${more ? `\nand ${count(more)} more` : ""}`;
}

function figures() {
  const { figures, resources } = report;
  const wall = seconds(report.wall);
  const path = seconds(figures.critical_path);
  if (!wall) return;
  // Only work holds slots. One step at a time would wait between attempts, too.
  const work = seconds(figures.total);
  const oneAtATime = Math.max(seconds(figures.one_at_a_time), work);
  const bound = oneAtATime / Math.max(path, work / Math.max(figures.slots, 1), 1e-12);
  const tiles = [
    ["Duration", time(wall), `${time(work)} of work`],
    ["Critical path", time(path), `${percent(path / wall)} of the duration`],
    // Of shorter times, this would be a figure of the scheduler.
    ...(oneAtATime < 1e-3 ? [] : [["Speed-up", `${figures.speed_up.toFixed(2)} ×`, `at best ${bound.toFixed(2)} ×`]]),
    ["Schedule", percent(figures.schedule_efficiency), "of the best possible schedule"],
    ["Slots in use", percent(figures.utilisation), `at most ${figures.peak_concurrency} of ${figures.slots}`],
    ["Levels", count(figures.levels), `widest: ${counted(figures.widest_level, "step")}`],
  ];
  if (resources?.points.length) tiles.push(["Memory", bytes(resources.peak_memory), `${resources.mean_cpu.toFixed(1)} cores on average`]);
  const store = report.store;
  const asked = store ? store.hits + store.misses : 0;
  // Only all are 100 %.
  if (asked) tiles.push(["From the store", percent(store.misses ? Math.min(store.hits / asked, 0.99) : 1), `${count(store.hits)} of ${counted(asked, "output")} found`]);
  byId("figures").hidden = false;
  byId("figures").querySelector("dl").append(...tiles.map(([term, value, more]) => element("div", "", element("dt", "", term), element("dd", "", value, element("small", "", more)))));
}

const MOST_ERRORS = 12;
function errors() {
  const failed = [...failures, ...harmless];
  if (!failed.length) return;
  const one = (step) => {
    const skipped = skippedBecauseOf.get(step.index);
    const facts = [
      short(step.location, 160),
      step.attempts > 1 ? `${step.attempts} attempts` : "",
      skipped ? `${counted(skipped, "step")} skipped because of it` : "",
      step.raw.optional ? "optional: the run continues without it" : "",
    ];
    return element("div", step.raw.optional ? "error harmless" : "error",
      element("p", "", status(step.state), stepLink(step.index), element("span", "muted", facts.filter(Boolean).join(" · "))),
      step.raw.error ? errorText(step.raw.error) : null);
  };
  show("errors", ...failed.slice(0, MOST_ERRORS).map(one));
  if (failed.length > MOST_ERRORS) show("errors", element("p", "muted", `and ${count(failed.length - MOST_ERRORS)} more: choose “failed” above the table of steps`));
  const kinds = [[failures.length, "error"], [harmless.length, "warning"]].filter(([number]) => number);
  byId("errors-h").textContent = failed.length > 1 ? kinds.map(([number, kind]) => counted(number, kind)).join(", ") : failures.length ? "Error" : "Warning";
  byId("errors").classList.toggle("harmless", !failures.length);
}

function others() {
  const named = (name) => (placeOf.has(name) ? stepLink(placeOf.get(name)) : cleanLine(name));
  const advice = (report.advice ?? []).map((one) => {
    const [parts, found] = linked(one.text);
    const others = (one.steps ?? []).map((name) => placeOf.get(name)).filter((index) => index !== undefined && !found.has(index));
    return element("li", "", ...parts, others.length ? stepLinks(others, 8) : null);
  });
  const limited = report.limited_by.slice(0, 12).map((reason) => element("li", "muted", "Limited: ", ...linked(reason)[0]));
  if (advice.length + limited.length) show("advice", ...advice, ...limited);
  byId("advice-h").textContent = advice.length ? "What to do next" : "What limited the run";
  if (report.limits.length) {
    const rows = report.limits.map((limit) => [cleanLine(limit.name), count(limit.capacity), count(limit.peak), count(limit.waiting), limit.breaker ?? "–"]);
    show("limits", plainTable(["Name", "Capacity", "Peak use", "Waiting at the end", "Breaker"], rows));
  }
  if (report.dead_letters.length) {
    const rows = report.dead_letters.map((letter) => [named(letter.step), String(letter.attempt), element("pre", "text", clean(JSON.stringify(letter.item))), clean(letter.error)]);
    show("letters", plainTable(["Step", "Attempt", "Item", "Why"], rows));
  }
  const { provenance } = report;
  const packages = Object.entries(provenance.packages ?? {}).map(([name, version]) => `${cleanLine(name)} ${cleanLine(version)}`);
  const settings = Object.entries(report.settings ?? {}).map(([name, value]) => [cleanLine(name), mono(typeof value === "string" ? value : JSON.stringify(value))]);
  show("origin", pairs([
    ["Program", mono(report.program)],
    ["Pipeline", mono(report.pipeline)],
    ["Command line", mono(commandLine())],
    ["Parameters", parameters()],
    ["Run", mono(report.run_id)],
    ["Seed", mono(String(provenance.seed))],
    ["Graph", mono(provenance.graph_fingerprint)],
    ["Configuration", mono(provenance.config_fingerprint)],
    ["Framework", `pipeline ${cleanLine(provenance.framework)}`],
    ["Packages", packages.join(", ")],
    ...settings,
  ]));
}

/** The command line that started the run, without values of parameters. */
function commandLine() {
  const line = report.command_line;
  if (!line) return "";
  const word = (text) => (/^[\w./:=@%,+-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`);
  const options = Object.entries(line.options ?? {}).flatMap(([name, values]) => (values.length ? values.flatMap((value) => [name, word(value)]) : [name]));
  const params = (line.params ?? []).flatMap((name) => ["-p", `${word(name)}=…`]);
  return [report.program, line.verb, ...(line.terms ?? []).map(word), ...options, ...params].filter(Boolean).join(" ");
}

/** The names of the run parameters: a report has no values. */
function parameters() {
  const names = [...new Set([...Object.keys(report.provenance.params ?? {}), ...(report.command_line?.params ?? [])])].sort();
  return names.length ? element("span", "mono", names.map(cleanLine).join(", ")) : "";
}

/** Buttons that show the steps of one state only. */
function chips() {
  const present = STATES.map((state) => [state, steps.filter((step) => step.state?.name === state.name).length]).filter(([, number]) => number);
  if (present.length < 2) return;
  const made = present.map(([state, number]) => {
    const query = `status:${state.name}`;
    const chip = button("", "", () => {
      byId("search").value = byId("search").value.trim() === query ? "" : query;
      search(byId("search").value);
    });
    chip.append(glyph(state), `${count(number)} ${state.word}`);
    chip.dataset.query = query;
    chip.setAttribute("aria-pressed", "false");
    return chip;
  });
  document.querySelector(".chips").append(...made);
}

const THEMES = ["auto", "light", "dark"];
function theme(name) {
  if (name === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  byId("theme").textContent = `Theme: ${name}`;
  repaint();
}

function repaint() {
  readColours();
  for (const { surface } of [graph, timeline].filter(Boolean)) {
    surface.resize();
    surface.now();
  }
}

/** Remembers the theme, if the browser allows it for a file. */
function remembered(name) {
  try {
    if (name) localStorage.setItem("pipeline-theme", name);
    return localStorage.getItem("pipeline-theme") ?? "auto";
  } catch {
    return name ?? "auto";
  }
}

/** Selects the step that the address names: `page.html#step`. */
function selectFromAddress() {
  let name = location.hash.slice(1);
  try {
    name = decodeURIComponent(name);
  } catch {
    // As written.
  }
  const index = placeOf.get(name);
  if (name && index !== undefined) select(index, { reveal: true });
  return index !== undefined;
}

function listen() {
  addEventListener("hashchange", selectFromAddress);
  const field = byId("search");
  let waiting = 0;
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => search(field.value), steps.length > 2000 ? 120 : 0);
  });
  byId("theme").addEventListener("click", () => {
    const current = document.documentElement.dataset.theme ?? "auto";
    theme(remembered(THEMES[(THEMES.indexOf(current) + 1) % THEMES.length]));
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  document.addEventListener("keydown", (event) => {
    const writing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "/" && !writing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      field.focus();
      field.select();
    } else if (event.key === "Escape") {
      if (field.value) search((field.value = ""));
      else select(null);
    } else if (event.key === "Enter" && event.target === field) {
      const first = steps.find((step) => step.matches);
      if (first) select(first.index, { reveal: true });
    }
  });
  // Paper is white and does not scroll.
  let kept = "auto";
  addEventListener("beforeprint", () => {
    kept = document.documentElement.dataset.theme ?? "auto";
    theme("light");
    table.draw(true);
  });
  addEventListener("afterprint", () => {
    theme(kept);
    table.draw();
  });
}

readColours();
head();
if (report) {
  figures();
  errors();
  others();
}
chips();
listen();
details(null);
timeline?.arrange();
table.update();
theme(remembered());
if (!selectFromAddress() && failures.length && matchMedia("(min-width: 1101px)").matches) select(failures[0].index);
