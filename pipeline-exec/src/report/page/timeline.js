// The timeline: when each step waited and ran, by lane, by thread or step by step; under it, on the same axis, memory,
// processor time and changes of the slots.

const timeline = (() => {
  const timed = steps.filter((step) => step.start !== null && step.start !== undefined).sort((a, b) => a.start - b.start || a.index - b.index);
  const section = byId("timeline");
  section.hidden = !timed.length;
  if (!timed.length) return null;

  const readout = section.querySelector(".readout");
  const curve = report.resources?.points.length > 1 ? report.resources.points.map((point) => ({ ...point, at: seconds(point.at) })) : [];
  const changes = report.pressure.map((change) => ({ ...change, at: seconds(change.at) }));
  const total = timed.reduce((last, step) => Math.max(last, step.end), seconds(report.wall)) || 1e-9;
  const [AXIS, BAND, SHOWN] = [22, 54, 360];
  const bands = curve.length ? 2 : 0;
  const view = { from: 0, to: total, top: 0 };
  let [rows, rowHeight, hovered] = [[], 20, null];

  const canvas = section.querySelector("canvas");
  const surface = new Drawing(canvas, 100, { draw, zoom, pan, press, hover, key, fit });
  surface.buttons(section.querySelector(".buttons"));
  byId("rows").addEventListener("change", (event) => arrange(event.target.value));

  let labelled = true;
  const gutter = () => (!labelled && !bands ? 12 : surface.width < 560 ? 74 : 92);
  const plot = () => surface.height - AXIS - bands * BAND;
  const x = (seconds) => gutter() + ((seconds - view.from) / (view.to - view.from)) * (surface.width - gutter() - 8);
  const secondsAt = (px) => view.from + ((px - gutter()) / (surface.width - gutter() - 8)) * (view.to - view.from);
  const y = (row) => AXIS + row * rowHeight - view.top;

  /** Puts each step into the first free row of its lane or thread. */
  function arrange(by) {
    rows = [];
    const groups = new Map();
    const order = ["io", "cpu", "blocking"];
    const keyOf = { lane: (step) => step.lane, thread: (step) => step.raw.thread ?? -1, step: (step) => step.index }[by];
    for (const step of timed) {
      const key = keyOf(step);
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(step);
    }
    const keys = [...groups.keys()];
    if (by === "lane") keys.sort((a, b) => order.indexOf(a) - order.indexOf(b));
    if (by === "thread") keys.sort((a, b) => a - b);
    for (const group of keys) {
      const first = rows.length;
      for (const step of groups.get(group)) {
        let row = first;
        // Steps that follow each other share a time, whose sums may differ in the last digits.
        while (row < rows.length && rows[row].end > step.start + 5e-10) row += 1;
        if (row === rows.length) rows.push({ end: 0, steps: [], label: "" });
        rows[row].end = step.end;
        rows[row].steps.push(step);
        step.row = row;
      }
      rows[first].label = { lane: `${group}`, thread: group < 0 ? "no thread" : `thread ${group}`, step: "" }[by];
      rows[first].opens = by !== "step";
    }
    labelled = by !== "step";
    rowHeight = rows.length > 60 ? 14 : 22;
    view.top = 0;
    surface.height = AXIS + Math.min(rows.length * rowHeight + 6, SHOWN) + bands * BAND;
    surface.resize();
    surface.soon();
  }

  function fit() {
    Object.assign(view, { from: 0, to: total, top: 0 });
  }

  function zoom(factor, px) {
    const middle = secondsAt(Math.max(px, gutter()));
    const span = Math.min(Math.max((view.to - view.from) / factor, total * 1e-6, 1e-8), total);
    const share = (middle - view.from) / (view.to - view.from);
    view.from = Math.min(Math.max(middle - span * share, 0), total - span);
    view.to = view.from + span;
  }

  function pan(dx, dy) {
    const span = view.to - view.from;
    view.from = Math.min(Math.max(view.from - (dx / (surface.width - gutter())) * span, 0), total - span);
    view.to = view.from + span;
    view.top = Math.min(Math.max(view.top - dy, 0), Math.max(rows.length * rowHeight + 6 - plot(), 0));
  }

  function at(px, py) {
    if (py < AXIS || py > AXIS + plot()) return null;
    const row = rows[Math.floor((py - AXIS + view.top) / rowHeight)];
    let best = null;
    for (const step of row?.steps ?? []) {
      const [left, right] = [x(step.start) - 3, x(step.end) + 3];
      if (px >= left && px <= right && (!best || step.duration < best.duration || px >= x(step.start))) best = step;
    }
    return best;
  }

  function press(px, py) {
    const step = at(px, py);
    if (step) select(step.index);
  }

  function hover(px, py) {
    const step = px < 0 ? null : at(px, py);
    const when = secondsAt(px);
    let text = "";
    if (step) text = [about(step), aboutTry(step, when)].filter(Boolean).join(" · ");
    else if (px > gutter() && py > AXIS + plot() && curve.length) text = aboutMoment(when);
    readout.textContent = text;
    canvas.style.cursor = step ? "pointer" : "default";
    if (step === hovered) return;
    hovered = step;
    surface.soon();
  }

  function aboutMoment(when) {
    const point = curve.find((point) => point.at >= when) ?? curve[curve.length - 1];
    const change = changes.findLast((change) => change.at <= when);
    return `at ${time(Math.max(when, 0))}: memory ${bytes(point.memory)} · ${point.cpu.toFixed(1)} cores · ${counted(point.threads, "thread")}` +
      (change ? ` · ${cleanLine(change.reason)}` : "");
  }

  function key(event) {
    if (event.key === "Enter") return focusDetails();
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      pan(event.key === "ArrowLeft" ? 60 : -60, 0);
      return true;
    }
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return false;
    const here = timed.findIndex((step) => step.index === selected);
    const to = here < 0 ? 0 : here + (event.key === "ArrowDown" ? 1 : -1);
    if (timed[to]) select(timed[to].index, { reveal: true });
    return true;
  }

  function reveal(index) {
    const step = steps[index];
    if (step.row === undefined) return;
    if (step.end < view.from || step.start > view.to) {
      const span = view.to - view.from;
      view.from = Math.min(Math.max((step.start + step.end - span) / 2, 0), total - span);
      view.to = view.from + span;
    }
    const top = step.row * rowHeight;
    if (top < view.top || top + rowHeight > view.top + plot()) view.top = Math.max(top - plot() / 2, 0);
  }

  function draw(context, width, height) {
    const left = gutter();
    drawAxis(context, width, height);
    context.save();
    context.beginPath();
    context.rect(left, AXIS, width - left, plot());
    context.clip();
    drawWaits(context);
    drawRuns(context, width);
    context.restore();
    drawLabels(context, width);
    if (bands) drawCurves(context, width, height);
    drawChanges(context, height);
  }

  function drawAxis(context, width, height) {
    const wanted = (view.to - view.from) / Math.max((width - gutter()) / 110, 2);
    const power = 10 ** Math.floor(Math.log10(wanted));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= wanted);
    context.textAlign = "left";
    for (let number = Math.ceil(view.from / step); number * step <= view.to * (1 + 1e-9); number += 1) {
      const px = Math.round(x(number * step)) + 0.5;
      context.fillStyle = colours.line;
      context.fillRect(px, AXIS - 5, 1, height - AXIS + 5);
      context.fillStyle = colours.muted;
      const label = axisTime(number * step, step);
      if (px + context.measureText(label).width + 6 < width) context.fillText(label, px + 4, AXIS / 2);
    }
  }

  /** A time on the axis, as exact as the distance of its marks. */
  function axisTime(at, step) {
    if (at === 0) return "0";
    const [unit, factor] = at >= 1 ? ["s", 1] : at >= 1e-3 ? ["ms", 1e3] : at >= 1e-6 ? ["µs", 1e6] : ["ns", 1e9];
    if (at >= 600 && step >= 60) return `${Math.round(at / 60)} min`;
    return `${(at * factor).toFixed(Math.min(Math.max(-Math.floor(Math.log10(step * factor) + 1e-9), 0), 6))} ${unit}`;
  }

  /** Waits are thin lines at the foot of the row, below what ran there at that time. */
  function drawWaits(context) {
    context.fillStyle = colours.faint;
    for (const step of timed) {
      const top = y(step.row);
      if (!step.wait || top > surface.height || top < -rowHeight || step.start < view.from || step.start - step.wait > view.to) continue;
      const [begin, end] = [x(step.start - step.wait), x(step.start)];
      if (end - begin > 1) context.fillRect(begin, top + rowHeight - 4, end - begin, 2);
    }
  }

  function drawRuns(context, width) {
    let [last, lastRow, lastState] = [-1, -1, null];
    for (const row of rows) {
      const top = y(row.steps[0].row);
      if (top > surface.height || top < -rowHeight) continue;
      let before = gutter();
      for (const [place, step] of row.steps.entries()) {
        const [begin, end] = [x(step.start), x(step.end)];
        // The free space beside the bar, to the bars before and after it.
        const after = place + 1 < row.steps.length ? x(row.steps[place + 1].start) : width;
        const free = { left: begin - before, right: after - Math.max(end, begin + 1.5) };
        before = Math.max(end, gutter());
        if (end < gutter() || begin > width) continue;
        const pixel = Math.round(end);
        // Of several steps within one pixel, draws the first, and each with another status or a selection.
        if (pixel === last && step.row === lastRow && step.state === lastState && step.index !== selected && step.matches) continue;
        [last, lastRow, lastState] = [pixel, step.row, step.state];
        drawRun(context, step, begin, Math.max(end - begin, 1.5), top, free);
      }
    }
  }

  function drawRun(context, step, left, width, top, free) {
    const high = rowHeight - 6;
    const shown = step.matches ? 1 : 0.18;
    const strong = step.index === selected || step === hovered;
    const isGood = (state) => state.name === "succeeded";
    const good = isGood(step.state);
    const bar = (state, left, width) => {
      context.fillStyle = isGood(state) ? colours.cpu : colours[state.name];
      context.globalAlpha = shown * (strong ? 0.75 : 0.42);
      context.fillRect(left, top + 1, width, high);
      context.globalAlpha = shown;
      if (width > 3) context.fillRect(left, top + 1, 1.5, high);
    };
    if (step.tries.length) drawTries(context, step, { x, top: top + 1, high, foot: top + rowHeight - 4 }, bar, shown);
    else bar(step.state, left, width);
    if (step.critical) {
      context.fillStyle = colours.critical;
      context.fillRect(left, top + high - 1, width, 2.5);
    }
    if (step.index === selected) {
      context.strokeStyle = colours.accent;
      context.lineWidth = 2;
      context.strokeRect(left, top + 1, width, high);
    }
    const marks = (good ? "" : `${step.state.glyph} `) + (step.attempts > 1 ? `↻${step.attempts} ` : "");
    if (rowHeight > 16) drawName(context, marks + step.name, left, width, top + 1 + high / 2 + 0.5, free);
    context.globalAlpha = 1;
  }

  /** Writes the name into the bar; if the bar is too short, beside it. */
  function drawName(context, name, left, width, middle, free) {
    const visible = Math.min(left + width, surface.width) - Math.max(left, gutter());
    const inside = visible - 10;
    const needed = () => Math.ceil(context.measureText(short(name, 120)).width);
    // Measuring takes long: nothing is measured where no name fits.
    if (Math.max(inside, free.left - 8, free.right - 8) < 30) return;
    const wanted = needed();
    context.fillStyle = colours.text;
    context.textAlign = "left";
    const write = (room, at) => context.fillText(fitted(context, name, room), at, middle);
    if (wanted <= inside) write(inside, Math.max(left, gutter()) + 6);
    else if (wanted <= free.right - 8) write(wanted, left + width + 5);
    else if (wanted <= free.left - 8) write(wanted, left - 5 - wanted);
    else if (inside > 30) write(inside, Math.max(left, gutter()) + 6);
    else if (free.right > 38) write(free.right - 8, left + width + 5);
  }

  function drawLabels(context, width) {
    context.textAlign = "left";
    for (const [number, row] of rows.entries()) {
      const top = y(number);
      if (top < AXIS - 2 || top > AXIS + plot() - 8) continue;
      if (row.opens) {
        context.fillStyle = colours.line;
        context.fillRect(0, top - 2, width, 1);
      }
      context.fillStyle = colours.muted;
      if (row.label) context.fillText(fitted(context, row.label, gutter() - 20), 10, top + rowHeight / 2 - 2);
    }
  }

  function drawCurves(context, width, height) {
    const most = { memory: Math.max(...curve.map((point) => point.memory), 1), cpu: Math.max(...curve.map((point) => point.cpu), 1) };
    const labels = { memory: ["memory", bytes(most.memory)], cpu: ["cores", most.cpu.toFixed(1)] };
    for (const [number, name] of ["memory", "cpu"].entries()) {
      const bottom = height - (1 - number) * BAND - 5;
      const high = BAND - 14;
      context.fillStyle = colours.line;
      context.fillRect(0, bottom - high - 8, width, 1);
      context.save();
      context.beginPath();
      context.rect(gutter(), bottom - high - 2, width - gutter(), high + 4);
      context.clip();
      context.beginPath();
      const place = (value) => bottom - (value / most[name]) * high;
      let before = 0;
      context.moveTo(x(0), bottom);
      for (const point of curve) {
        // A point stands for the time since the previous one.
        context.lineTo(x(before), place(point[name]));
        context.lineTo(x(point.at), place(point[name]));
        before = point.at;
      }
      context.strokeStyle = colours[name];
      context.lineWidth = 1.5;
      context.stroke();
      context.lineTo(x(before), bottom);
      context.closePath();
      context.globalAlpha = 0.14;
      context.fillStyle = colours[name];
      context.fill();
      context.restore();
      context.globalAlpha = 1;
      context.fillStyle = colours.muted;
      context.textAlign = "left";
      context.fillText(labels[name][0], 10, bottom - high + 8);
      context.fillText(fitted(context, labels[name][1], gutter() - 14), 10, bottom - high + 24);
    }
  }

  /** A change of the slots is a vertical line, with the part of them that is left. */
  function drawChanges(context, height) {
    context.textAlign = "left";
    for (const change of changes) {
      const px = x(change.at);
      if (px < gutter() || px > surface.width) continue;
      context.fillStyle = colours["timed-out"];
      context.fillRect(px, AXIS, 1.5, height - AXIS);
      const share = change.share === 1 ? "all slots" : change.share >= 2 ** 32 - 1 ? "one at a time" : `1/${change.share}`;
      context.fillText(share, px + 4, height - 10);
    }
  }

  byId("timeline-legend").append(
    "Bar: running. Thin line: waiting after its inputs were ready.",
    criticalPath.length ? " Underlined: critical path." : "",
    timed.some((step) => step.attempts > 1) ? " ↻: number of attempts." : "",
    timed.some((step) => step.tries.length) ? " Hatched: failed attempt." : "",
  );
  const start = timed.length <= 40 ? "step" : "lane";
  byId("rows").value = start;
  return { surface, reveal, arrange: () => arrange(byId("rows").value) };
})();
