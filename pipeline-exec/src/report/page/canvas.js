// The common parts of the two drawings: colours of the theme, sharp pixels, panning and zooming by pointer, wheel and keys.

const FONT = '12px system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif';

/** The colours of the theme for the canvas, from the CSS variables. */
let colours = {};
function readColours() {
  const probe = document.createElement("span");
  document.body.append(probe);
  const names = ["page", "surface", "raised", "line", "text", "muted", "faint", "accent", "selected", "critical", "memory", "cpu",
    "succeeded", "failed", "timed-out", "skipped", "cancelled", "cached", "given"];
  colours = Object.fromEntries(names.map((name) => {
    probe.style.color = `var(--${name})`;
    return [name, getComputedStyle(probe).color];
  }));
  colours.pending = colours.skipped;
  probe.remove();
}

/** A canvas that is drawn after a change, at most once per frame. */
class Drawing {
  /** `parts` has draw, zoom(factor, x, y), pan(dx, dy), press(x, y), hover(x, y) and key(event). */
  constructor(canvas, height, parts) {
    Object.assign(this, { canvas, height, parts, pending: false, moving: false });
    this.context = canvas.getContext("2d");
    new ResizeObserver(() => this.resize()).observe(canvas.parentElement);
    this.listen();
  }

  resize() {
    const width = this.canvas.parentElement.clientWidth;
    if (width === this.width && this.drawnHeight === this.height) return;
    this.width = width;
    this.parts.resized?.(width);
    this.drawnHeight = this.height;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.style.height = `${this.height}px`;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(this.height * ratio);
    this.now();
  }

  /** Draws with the next frame. */
  soon() {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => this.now());
  }

  now() {
    this.pending = false;
    if (!this.width) return;
    const context = this.context;
    const ratio = window.devicePixelRatio || 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = colours.surface;
    context.fillRect(0, 0, this.width, this.height);
    context.font = FONT;
    context.textBaseline = "middle";
    this.parts.draw(context, this.width, this.height);
  }

  /** Draws coarsely while the view moves, and finely afterwards. */
  moved() {
    this.moving = true;
    clearTimeout(this.rest);
    this.rest = setTimeout(() => {
      this.moving = false;
      this.soon();
    }, 120);
    this.soon();
  }

  listen() {
    const { canvas, parts } = this;
    const at = (event) => {
      const box = canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    const pointers = new Map();
    let [dragged, apart] = [false, 0];
    canvas.addEventListener("pointerdown", (event) => {
      pointers.set(event.pointerId, at(event));
      [dragged, apart] = [pointers.size > 1, 0];
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      const [x, y] = at(event);
      const before = pointers.get(event.pointerId);
      if (!before) return parts.hover(x, y);
      if (Math.abs(x - before[0]) + Math.abs(y - before[1]) < (dragged ? 1 : 4)) return;
      dragged = true;
      pointers.set(event.pointerId, [x, y]);
      if (pointers.size === 1) {
        parts.pan(x - before[0], y - before[1]);
      } else {
        const [[x1, y1], [x2, y2]] = [...pointers.values()];
        const distance = Math.hypot(x1 - x2, y1 - y2);
        if (apart) parts.zoom(distance / apart, (x1 + x2) / 2, (y1 + y2) / 2);
        apart = distance;
      }
      this.moved();
    });
    const up = (event) => {
      if (pointers.delete(event.pointerId) && !dragged && event.type === "pointerup") parts.press(...at(event));
    };
    canvas.addEventListener("pointerup", up);
    canvas.addEventListener("pointercancel", up);
    canvas.addEventListener("pointerleave", () => parts.hover(-1, -1));
    canvas.addEventListener("wheel", (event) => {
      // Without the focus, the wheel scrolls the page.
      if (!event.ctrlKey && !event.metaKey && document.activeElement !== canvas) return;
      event.preventDefault();
      if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) parts.pan(-(event.deltaX || event.deltaY), 0);
      else parts.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), ...at(event));
      this.moved();
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const middle = [this.width / 2, this.height / 2];
      if (event.key === "+" || event.key === "=") parts.zoom(1.3, ...middle);
      else if (event.key === "-") parts.zoom(1 / 1.3, ...middle);
      else if (event.key === "0") parts.fit();
      else if (!parts.key(event)) return;
      event.preventDefault();
      this.moved();
    });
  }

  /** Buttons for the actions of the keys. */
  buttons(group) {
    const zoom = (factor) => () => {
      this.parts.zoom(factor, this.width / 2, this.height / 2);
      this.soon();
    };
    const fit = () => {
      this.parts.fit();
      this.soon();
    };
    const labelled = (label, about, press) => {
      const made = button(label, "", press);
      made.title = about;
      made.setAttribute("aria-label", about);
      return made;
    };
    group.append(labelled("−", "Zoom out", zoom(1 / 1.4)), labelled("+", "Zoom in", zoom(1.4)), labelled("Fit", "Show all", fit));
  }
}

/** The start of a text that fits into a width. */
function fitted(context, text, width) {
  const most = Math.floor(width / 5);
  let shown = short(text, Math.max(most, 1));
  while (shown.length > 1 && context.measureText(shown).width > width) shown = short(text, Math.min(shown.length - 1, Math.ceil(shown.length * 0.9)));
  return shown.length > 1 || text.length === 1 ? shown : "";
}
