// The graph: boxes at the positions of the layout, on a canvas, which draws ten thousand of them quickly.

/** The most by which columns are drawn apart: lines that are longer are hard to follow. */
const MOST_APART = 2.5;

const graph = (() => {
  const section = byId("graph");
  const readout = section.querySelector(".readout");
  const view = { scale: 1, x: 0, y: 0 };
  const high = drawing.box_height;
  const boxes = steps.map((_, index) => {
    const [x, y, width] = drawing.boxes.slice(3 * index, 3 * index + 3);
    return { x, y, width, column: x };
  });
  const detours = new Map(drawing.detours.map(([from, to, ...through]) => [`${from} ${to}`, through]));
  /** The width of the drawing, and by how much its columns are drawn apart. */
  let [wide, apart] = [drawing.width, 1];
  const many = steps.length > 3000;
  let hovered = -1;

  const canvas = section.querySelector("canvas");
  const surface = new Drawing(canvas, 300, { draw, zoom, pan, press, hover, key, fit, resized });
  surface.buttons(section.querySelector(".buttons"));

  function fit() {
    const { width, height } = surface;
    const whole = Math.min((width - 32) / drawing.width, (height - 32) / drawing.height, 1);
    view.scale = Math.max(whole, 0.004);
    spread((width - 32) / view.scale);
    view.x = (width - wide * view.scale) / 2;
    view.y = (height - drawing.height * view.scale) / 2;
  }

  /** Draws the columns apart, so that the drawing uses the room that its height leaves. */
  function spread(room) {
    apart = boxes.reduce((least, box) => (box.column > 0 ? Math.min(least, (room - box.width) / box.column) : least), MOST_APART);
    apart = Math.max(apart, 1);
    wide = drawing.width;
    for (const box of boxes) {
      box.x = box.column * apart;
      wide = Math.max(wide, box.x + box.width);
    }
  }

  /** A drawing that was not moved still fits after the window has changed. */
  let touched = false;
  function resized(width) {
    const whole = Math.min((width - 32) / drawing.width, 1);
    const least = steps.length > 60 ? 320 : 84;
    // On a narrow screen, the readable start of a small graph is better than all of it, unreadable.
    const readable = steps.length <= 200 ? Math.max(whole, 0.7) : whole;
    surface.height = Math.round(Math.min(Math.max(drawing.height * readable + 36, least), Math.max(460, innerHeight * 0.7)));
    if (touched) return;
    fit();
    if (view.scale >= 0.6 || steps.length > 200) return;
    Object.assign(view, { scale: 0.7, x: 16, y: Math.max((surface.height - drawing.height * 0.7) / 2, 12) });
  }

  function zoom(factor, x, y) {
    touched = true;
    const scale = Math.min(Math.max(view.scale * factor, 0.003), 3);
    view.x = x - ((x - view.x) * scale) / view.scale;
    view.y = y - ((y - view.y) * scale) / view.scale;
    view.scale = scale;
  }

  function pan(dx, dy) {
    touched = true;
    view.x += dx;
    view.y += dy;
  }

  /** Moves the view so that a step is visible and readable. */
  function reveal(index) {
    const { x, y, width } = boxes[index];
    const left = view.x + x * view.scale;
    const top = view.y + y * view.scale;
    const inside = left > 8 && top > 8 && left + width * view.scale < surface.width - 8 && top + high * view.scale < surface.height - 8;
    if (inside && (view.scale > 0.35 || !many)) return;
    if (view.scale < 0.35) view.scale = 0.8;
    view.x = surface.width / 2 - (x + width / 2) * view.scale;
    view.y = surface.height / 2 - (y + high / 2) * view.scale;
    touched = true;
  }

  function at(px, py) {
    const [x, y] = [(px - view.x) / view.scale, (py - view.y) / view.scale];
    const slack = Math.min(3 / view.scale, 6);
    return boxes.findIndex((box) => x >= box.x - slack && x <= box.x + box.width + slack && y >= box.y - slack && y <= box.y + high + slack);
  }

  function press(x, y) {
    const index = at(x, y);
    if (index >= 0) select(index);
  }

  function hover(x, y) {
    const index = x < 0 ? -1 : at(x, y);
    if (index === hovered) return;
    hovered = index;
    canvas.style.cursor = index < 0 ? "default" : "pointer";
    if (index >= 0) readout.textContent = about(steps[index]);
    surface.soon();
  }

  /** Left and right follow an edge, up and down move within the column. */
  function key(event) {
    if (event.key === "Enter") return focusDetails();
    const from = selected ?? -1;
    if (!/^Arrow/.test(event.key) || !steps.length) return false;
    if (from < 0) return select(0, { reveal: true }), true;
    const here = boxes[from];
    const nearest = (candidates) => {
      const distance = (index) => Math.abs(boxes[index].y - here.y) + Math.abs(boxes[index].x - here.x) / 1e6;
      return candidates.reduce((best, index) => (best < 0 || distance(index) < distance(best) ? index : best), -1);
    };
    const column = (isWanted) => nearest([...boxes.keys()].filter((index) => boxes[index].x === here.x && isWanted(boxes[index].y - here.y)));
    const to = {
      ArrowLeft: () => nearest(steps[from].upstream),
      ArrowRight: () => nearest(steps[from].downstream),
      ArrowUp: () => column((distance) => distance < 0),
      ArrowDown: () => column((distance) => distance > 0),
    }[event.key]();
    if (to >= 0) select(to, { reveal: true });
    return true;
  }

  /** Adds the line of an edge to the path, if it is visible. */
  function trace(context, from, to, [left, top, right, bottom], straight) {
    const [a, b] = [boxes[from], boxes[to]];
    // A long graph is folded: there, lines go back to the left.
    if (Math.max(b.x, a.x + a.width) < left || Math.min(b.x, a.x + a.width) > right) return false;
    const [y1, y2] = [a.y + high / 2, b.y + high / 2];
    const through = detours.get(`${from} ${to}`);
    if (!through && ((y1 < top && y2 < top) || (y1 > bottom && y2 > bottom))) return false;
    let [x, y] = [a.x + a.width, y1];
    context.moveTo(x, y);
    const bend = (toX, toY) => {
      const middle = (x + toX) / 2;
      if (straight || y === toY) context.lineTo(toX, toY);
      else context.bezierCurveTo(middle, y, middle, toY, toX, toY);
      [x, y] = [toX, toY];
    };
    for (let part = 0; through && part < through.length; part += 3) {
      const begin = through[part] * apart;
      bend(begin, through[part + 2]);
      bend(begin + through[part + 1] - through[part], through[part + 2]);
    }
    bend(b.x, y2);
    return true;
  }

  function drawEdges(context, window) {
    const straight = view.scale < 0.2;
    const stroke = (colour, width, edges) => {
      context.beginPath();
      for (const [from, to] of edges) trace(context, from, to, window, straight);
      context.strokeStyle = colour;
      context.lineWidth = Math.max(width, (width * 0.6) / view.scale);
      context.stroke();
    };
    if (!(surface.moving && many)) {
      context.globalAlpha = many && view.scale < 0.2 ? 0.35 : 1;
      context.beginPath();
      for (let to = 0; to < steps.length; to += 1) {
        for (const from of steps[to].upstream) trace(context, from, to, window, straight);
      }
      context.strokeStyle = colours.faint;
      context.lineWidth = many ? Math.max(1, 0.5 / view.scale) : Math.max(1.25, 0.7 / view.scale);
      context.stroke();
      context.globalAlpha = 1;
    }
    stroke(colours.critical, 2, criticalPath.slice(1).map((to, position) => [criticalPath[position], to]).filter(([from, to]) => steps[to].upstream.includes(from)));
    if (selected === null) return;
    stroke(colours.accent, 2, [
      ...steps[selected].upstream.map((from) => [from, selected]),
      ...steps[selected].downstream.map((to) => [selected, to]),
    ]);
  }

  /** The outline of a step shows its lane: round for io, a box for cpu, cut corners for blocking. */
  function outline(context, box, lane) {
    const { x, y, width } = box;
    context.beginPath();
    if (lane !== "blocking") return context.roundRect(x, y, width, high, lane === "io" ? high / 2 : 4);
    const cut = 9;
    context.moveTo(x + cut, y);
    context.lineTo(x + width - cut, y);
    context.lineTo(x + width, y + high / 2);
    context.lineTo(x + width - cut, y + high);
    context.lineTo(x + cut, y + high);
    context.lineTo(x, y + high / 2);
    context.closePath();
  }

  function drawBox(context, step) {
    const box = boxes[step.index];
    const colour = step.state ? colours[step.state.name] : colours.accent;
    context.globalAlpha = step.matches ? 1 : 0.22;
    if (view.scale * high < 9) {
      // Room for its state only; succeeded steps stay in the background.
      context.globalAlpha *= step.state?.name === "succeeded" || !step.state ? 0.4 : 1;
      context.fillStyle = colour;
      context.fillRect(box.x, box.y, box.width, high);
      if (step.index === selected) {
        context.strokeStyle = colours.text;
        context.lineWidth = 2 / view.scale;
        context.strokeRect(box.x, box.y, box.width, high);
      }
      return;
    }
    const plain = !step.state || ["succeeded", "cached", "given"].includes(step.state.name);
    outline(context, box, step.lane);
    context.fillStyle = step.index === selected ? colours.selected : step.index === hovered ? colours.raised : colours.surface;
    context.fill();
    context.strokeStyle = step.index === selected ? colours.accent : step.critical ? colours.critical : plain ? colours.faint : colour;
    context.lineWidth = step.index === selected || step.critical ? 2 : plain ? 1.25 : 1.75;
    context.setLineDash(step.state && ["skipped", "cancelled"].includes(step.state.name) ? [5, 3] : []);
    context.stroke();
    context.setLineDash([]);
    let left = box.x + (step.lane === "cpu" ? 11 : 15);
    if (step.state) {
      context.fillStyle = colour;
      context.textAlign = "center";
      context.fillText(step.state.glyph, left + 4, box.y + high / 2 + 0.5);
      left += 15;
    }
    context.textAlign = "left";
    context.fillStyle = step.state?.name === "skipped" ? colours.muted : colours.text;
    context.fillText(fitted(context, step.name, box.x + box.width - 11 - left), left, box.y + high / 2 + 0.5);
  }

  function draw(context, width, height) {
    context.save();
    context.translate(view.x, view.y);
    context.scale(view.scale, view.scale);
    const window = [-view.x / view.scale, -view.y / view.scale, (width - view.x) / view.scale, (height - view.y) / view.scale];
    drawEdges(context, window);
    const [left, top, right, bottom] = window;
    const all = left <= 0 && top <= 0 && right >= wide && bottom >= drawing.height;
    if (hovered < 0) readout.textContent = all ? "" : "Drag to see more, or Fit to see all";
    for (const step of steps) {
      const box = boxes[step.index];
      if (box.x <= right && box.x + box.width >= left && box.y <= bottom && box.y + high >= top) drawBox(context, step);
    }
    context.restore();
  }

  /** The legend of the signs that occur. */
  function legend() {
    const items = STATES.filter((state) => steps.some((step) => step.state?.name === state.name));
    const shown = items.map((state) => element("li", "", glyph(state), state.word));
    const lanes = { io: "round: async", cpu: "box: CPU", blocking: "hexagon: blocking" };
    for (const [lane, text] of Object.entries(lanes)) {
      if (steps.some((step) => step.lane === lane)) shown.push(element("li", "", text));
    }
    if (criticalPath.length) shown.push(element("li", "", element("span", "glyph critical", "◆"), "critical path (strong outline)"));
    shown.push(element("li", "", "drag to move, Ctrl + wheel to zoom"));
    section.querySelector(".legend").append(...shown);
  }
  legend();

  return { surface, reveal };
})();

/** A step in one line. */
function about(step) {
  const parts = [short(step.name, 80)];
  if (step.state) parts.push(step.state.word);
  if (step.duration !== null && step.duration !== undefined) parts.push(time(step.duration));
  if (step.wait) parts.push(`waited ${time(step.wait)}`);
  if (step.attempts > 1) parts.push(`${step.attempts} attempts`);
  if (step.tries?.length) parts.push(`${time(step.work)} at work`);
  if (!step.state) parts.push(step.lane, step.group);
  return parts.filter(Boolean).join(" · ");
}
