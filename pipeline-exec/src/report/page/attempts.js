// Retried steps: when each attempt ran, as text and as bars of the timeline.

const stateOfTry = (step, one) => (one.failed ? stateOf(one.failed.error.kind === "timed-out" ? "timed-out" : "failed") : step.state);

/** What the step did at that time; empty for a step with one attempt. */
function aboutTry(step, when) {
  if (!step.tries.length) return "";
  const next = step.tries.findIndex((one) => when < one.end);
  const one = step.tries[next];
  if (one && when >= one.start) {
    const how = one.failed ? `failed after ${time(one.duration)}: ${cleanLine(short(one.failed.error.message, 120))}` : time(one.duration);
    return `attempt ${one.number} of ${step.attempts}: ${how}`;
  }
  if (next === 0) return "";
  const before = step.tries[next < 0 ? step.tries.length - 1 : next - 1];
  const backoff = before.failed ? `, ${time(seconds(before.failed.retried_after))} of it backoff` : "";
  const end = one ? one.start : step.end;
  // Sums of equal times may differ in the last digits.
  return end > before.end + 5e-10 ? `waits ${time(end - before.end)} after attempt ${before.number}${backoff}` : "";
}

/** Each attempt of a step as text, including the last. */
function aboutTries(step) {
  return step.tries.map((one) => {
    const ran = one.duration === null ? "did not end" : `took ${time(one.duration)}`;
    return [`Attempt ${one.number}`, `started ${time(one.start)} after the run began, ${ran}`];
  });
}

/** Draws the attempts of a step: `place` has x(seconds), top, high and foot; `bar(state, left, width)` draws one. Between them
    the step waits: light, with the line at the foot of every wait. */
function drawTries(context, step, place, bar, shown) {
  const { x, top, high, foot } = place;
  context.fillStyle = colours.faint;
  context.globalAlpha = shown * 0.2;
  context.fillRect(x(step.start), top, x(step.end) - x(step.start), high);
  context.globalAlpha = shown;
  const ends = [...step.tries.slice(1).map((one) => one.start), step.end];
  for (const [position, one] of step.tries.entries()) {
    const [from, to] = [x(one.end), x(ends[position])];
    if (to - from > 1) context.fillRect(from, foot, to - from, 2);
  }
  for (const one of step.tries) {
    const [left, width] = [x(one.start), Math.max(x(one.end) - x(one.start), 1.5)];
    bar(stateOfTry(step, one), left, width);
    if (one.failed) hatch(context, left, top, width, high);
  }
}

/** Hatches a failed attempt: colour is never the only difference. */
function hatch(context, left, top, width, high) {
  const [gap, from, to] = [6, Math.max(left, 0), Math.min(left + width, context.canvas.clientWidth)];
  if (to - from < 3) return;
  context.save();
  context.beginPath();
  context.rect(from, top, to - from, high);
  context.clip();
  context.strokeStyle = colours.surface;
  context.lineWidth = 1.5;
  context.beginPath();
  for (let foot = from - high - ((from - left) % gap); foot < to; foot += gap) {
    context.moveTo(foot, top + high);
    context.lineTo(foot + high, top);
  }
  context.stroke();
  context.restore();
}
