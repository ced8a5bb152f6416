// The data of the page, in the form that its parts need.

/** The states, the most important first, each with a sign: colour is never the only difference. */
const STATES = [
  { name: "failed", word: "failed", glyph: "✕" },
  { name: "timed-out", word: "timed out", glyph: "◷" },
  { name: "cancelled", word: "cancelled", glyph: "■" },
  { name: "skipped", word: "skipped", glyph: "»" },
  { name: "succeeded", word: "succeeded", glyph: "✓" },
  { name: "cached", word: "cached", glyph: "≡" },
  { name: "given", word: "given", glyph: "→" },
  { name: "pending", word: "pending", glyph: "·" },
];
const STATE = Object.fromEntries(STATES.map((state, rank) => [state.name, { ...state, rank }]));
const stateOf = (name) => STATE[name] ?? { name: "pending", word: cleanLine(name), glyph: "·", rank: 9 };

/** An integer that a number cannot hold exactly: it counts as the nearest number, and is shown by its digits. */
class LargeInteger extends Number {
  constructor(digits) {
    super(digits);
    this.digits = digits;
  }
  toString() {
    return this.digits;
  }
  toJSON() {
    return JSON.rawJSON(this.digits);
  }
}

/** Reads JSON. Old browsers do not give the digits of a number, and show the nearest one. */
function parsed(text) {
  // Most pages have no such number, and are read faster without the function.
  if (!/[:,[]-?\d{16}/.test(text)) return JSON.parse(text);
  const isLarge = (value, digits) => typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(digits ?? "");
  return JSON.parse(text, (_, value, from) => (isLarge(value, from?.source) ? new LargeInteger(from.source) : value));
}

const data = parsed(document.getElementById("data").textContent);
const report = data.report ?? null;
const drawing = data.drawing;

/** A duration as Rust's serde writes it, in seconds. */
const seconds = (duration) => (duration ? duration.secs + duration.nanos / 1e9 : null);

/** The fields that the steps of a run and of a graph have. */
function common(raw, index) {
  return {
    index,
    raw,
    name: cleanLine(raw.name),
    lane: raw.lane,
    group: raw.group ? cleanLine(raw.group) : "",
    tags: (raw.tags ?? []).map(cleanLine),
    upstream: [],
    downstream: [],
    critical: false,
    matches: true,
  };
}

/** When each attempt of a retried step ran; empty for other steps, and if it is unknown. */
function triesOf(raw) {
  const one = (times, number, failed) => {
    const [start, duration] = [seconds(times.start), seconds(times.duration)];
    return { number, failed, start, duration, end: start + duration };
  };
  const failed = (raw.failed_attempts ?? []).filter((attempt) => attempt.times);
  const tries = failed.map((attempt) => one(attempt.times, attempt.attempt, attempt));
  return raw.last_attempt ? [...tries, one(raw.last_attempt, raw.attempts, null)] : tries;
}

function ofReport(raw, index) {
  const step = common(raw, index);
  const [start, duration] = [seconds(raw.start), seconds(raw.duration)];
  const tries = triesOf(raw);
  return Object.assign(step, {
    state: stateOf(raw.status),
    location: cleanLine(raw.location),
    start,
    duration,
    wait: seconds(raw.wait),
    end: start === null ? null : start + duration,
    attempts: raw.attempts,
    tries,
    work: tries.length ? tries.reduce((sum, one) => sum + one.duration, 0) : duration,
    upstream: (raw.upstream ?? []).filter((earlier) => earlier < index),
  });
}

function ofGraph(raw, index, place) {
  const names = (raw.inputs ?? []).flatMap((input) => input.from ?? []).concat(raw.after ?? []);
  const upstream = new Set(names.map((name) => place.get(name)).filter((earlier) => earlier < index));
  return Object.assign(common(raw, index), {
    state: null,
    location: raw.file ? cleanLine(`${raw.file}:${raw.line}`) : "",
    cost: raw.cost,
    upstream: [...upstream].sort((a, b) => a - b),
  });
}

const rawSteps = report ? report.steps : data.graph.steps;
const placeOf = new Map(rawSteps.map((step, index) => [step.name, index]));
const steps = rawSteps.map((raw, index) => (report ? ofReport(raw, index) : ofGraph(raw, index, placeOf)));
for (const step of steps) {
  for (const earlier of step.upstream) steps[earlier].downstream.push(step.index);
  const words = [step.name, step.group, step.lane, ...step.tags, step.state ? step.state.word : ""];
  step.words = words.join(" ").toLowerCase();
}

/** The steps of the critical path, in running order. */
const criticalPath = (report ? report.figures.critical_steps : [])
  .map((name) => placeOf.get(name))
  .filter((index) => index !== undefined);
for (const index of criticalPath) steps[index].critical = true;
const isCriticalEdge = (() => {
  const next = new Map(criticalPath.slice(1).map((to, position) => [criticalPath[position], to]));
  return (from, to) => next.get(from) === to;
})();

/** The failed steps: those that failed the run, and the optional ones. */
const [failures, harmless] = (() => {
  const failed = steps.filter((step) => step.state?.name === "failed" || step.state?.name === "timed-out");
  return [failed.filter((step) => !step.raw.optional), failed.filter((step) => step.raw.optional)];
})();

/** The number of steps skipped because of each step, directly or indirectly. */
const skippedBecauseOf = (() => {
  const skipped = new Map();
  const roots = new Array(steps.length);
  for (const step of steps) {
    const cause = step.raw.because == null ? undefined : placeOf.get(step.raw.because);
    // The cause of a skipped step comes before it, so its root is known.
    roots[step.index] = cause === undefined ? step.index : (roots[cause] ?? cause);
    if (cause !== undefined) skipped.set(roots[step.index], (skipped.get(roots[step.index]) ?? 0) + 1);
  }
  return skipped;
})();

/** Whether a step matches all words of a search: each in any text of the step, or in the field that it names. */
function matcher(query) {
  const terms = query.toLowerCase().split(/\s+/).filter(Boolean).map((word) => {
    const [, field, value] = /^(tag|group|lane|status|name):(.*)$/.exec(word) ?? [];
    switch (field) {
      case "tag": return (step) => step.tags.some((tag) => tag.toLowerCase() === value);
      case "group": return (step) => step.group.toLowerCase() === value;
      case "lane": return (step) => step.lane === value;
      case "status": return (step) => step.state?.name === value;
      case "name": return (step) => step.name.toLowerCase().includes(value);
      default: return (step) => step.words.includes(word);
    }
  });
  return (step) => terms.every((fits) => fits(step));
}
