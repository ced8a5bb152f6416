// The details of the selected step.

function details(index) {
  const pane = byId("details");
  pane.classList.toggle("empty", index === null);
  if (index === null) return pane.replaceChildren(...welcome());
  const step = steps[index];
  const raw = step.raw;
  const close = button("Close", "close", () => select(null));
  pane.replaceChildren(
    close,
    element("h2", "mono", step.name),
    step.state ? element("p", "", status(step.state), step.critical ? " · on the critical path" : "") : "",
    ...(raw.doc ? [element("p", "muted", clean(raw.doc.trim()))] : []),
    ...(report ? whatHappened(step, raw) : []),
    heading("Where"),
    pairs([
      ["Written at", mono(step.location)],
      ["Function", mono(raw.id)],
      ["Package", raw.package ? `${cleanLine(raw.package)} ${cleanLine(raw.version)}` : null],
      ["Lane", step.lane],
      ["Group", step.group],
      ["Tags", step.tags.join(", ")],
      ["Cost", report ? null : String(step.cost)],
      ["Options", Object.entries(raw.options ?? {}).map(([name, value]) => cleanLine(`${name} ${value}`.trim())).join(", ")],
      ["Output", mono(raw.output)],
    ]),
    ...(report ? [] : inputs(raw)),
    ...links("Waits for", step.upstream),
    ...links("Read by", step.downstream),
  );
  pane.scrollTop = 0;
}

/** Adds the kind of an error, unless it is a plain one. */
const kind = (text, error) => (error.kind === "error" ? text : `${text}: ${error.kind.replace(/-/g, " ")}`);
const heading = (text) => element("h3", "", text);
const mono = (text) => (text ? element("span", "mono", cleanLine(text)) : null);

function whatHappened(step, raw) {
  const cause = raw.because == null ? undefined : placeOf.get(raw.because);
  const progress = raw.activity?.progress;
  const counters = Object.entries(raw.activity?.counters ?? {});
  const skipped = skippedBecauseOf.get(step.index);
  const parts = [pairs([
    ["Because of", cause === undefined ? null : stepLink(cause)],
    ["From the store", raw.cached_from ? `made by run ${cleanLine(raw.cached_from.run.slice(-8))}` : null],
    ["Made", raw.cached_from ? moment(raw.cached_from.made_unix_ms) : null],
    ["Took then", raw.cached_from?.took_ms ? time(raw.cached_from.took_ms / 1000) : null],
    ["Started", step.start === null ? null : `${time(step.start)} after the run began`],
    ["Waited", step.wait === null ? null : time(step.wait)],
    ["Took", step.duration === null ? null : time(step.duration)],
    ["At work", step.tries.length ? time(step.work) : null],
    ["Between attempts", step.tries.length && step.duration !== null ? time(Math.max(step.duration - step.work, 0)) : null],
    ["Attempts", step.attempts ? String(step.attempts) : null],
    ["Thread", raw.thread == null ? null : `${raw.thread} (${(raw.thread_kind ?? "").replace(/-/g, " ")})`],
    ["Progress", progress ? `${count(progress.done)}${progress.total === null ? "" : ` of ${count(progress.total)}`} ${cleanLine(progress.note)}` : null],
    ["Skipped", skipped ? `${counted(skipped, "step")} because of this one` : null],
    ["Optional", raw.optional ? "yes: the run continues without it" : null],
    ["Slow poll", raw.slow_poll ? `blocked its thread for ${time(seconds(raw.slow_poll))}` : null],
    ["Still running", raw.still_running ? `${counted(raw.still_running, "attempt")} detached` : null],
  ])];
  if (raw.error) parts.push(heading(kind("Error", raw.error)), errorText(raw.error));
  if (raw.fallback_for) parts.push(heading("Fallback used because of"), errorText(raw.fallback_for));
  const ran = new Map(aboutTries(step));
  for (const attempt of raw.failed_attempts ?? []) {
    const name = `Attempt ${attempt.attempt}`;
    const times = ran.get(name);
    ran.delete(name);
    parts.push(
      heading(kind(`${name} failed`, attempt.error)),
      errorText(attempt.error),
      element("p", "muted", `${times ? `${times}; ` : ""}${seconds(attempt.retried_after) ? `retried after ${time(seconds(attempt.retried_after))}` : "retried at once"}`),
    );
  }
  for (const [name, times] of ran) parts.push(heading(name), element("p", "muted", times));
  if (counters.length) {
    parts.push(heading("Counted"), pairs(counters.map(([name, value]) => [cleanLine(name), count(value)])));
  }
  return parts;
}

function inputs(raw) {
  if (!raw.inputs?.length) return [];
  const line = (input) => [
    cleanLine(input.parameter),
    [input.kind, input.mode, input.given_as && `as ${input.given_as}`, input.ty ?? input.type].filter(Boolean).map(cleanLine).join(" · "),
  ];
  return [heading("Parameters"), pairs(raw.inputs.map(line))];
}

const links = (text, indices) => (indices.length ? [heading(`${text} ${counted(indices.length, "step")}`), stepLinks(indices)] : []);

/** The content without a selected step: how to use the page. */
function welcome() {
  const keys = [["/", "search"], ["Tab", "next part"], ["↑ ↓", "next or previous step"], ["← →", "along edges or time"], ["+ − 0", "zoom"], ["Enter", "details"], ["Esc", "deselect"]];
  const list = pairs(keys.map(([key, does]) => [element("kbd", "", key), does]), "pairs keys");
  return [element("h2", "", "No step selected"), element("p", "muted", report ? "Select one in the graph, the timeline or the table." : "Select one in the graph or the table."), heading("Keys"), list];
}

function focusDetails() {
  if (selected !== null) byId("details").focus();
  return true;
}
