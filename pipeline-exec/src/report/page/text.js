"use strict";
// Texts: names without control characters, numbers in suitable units.

/** Characters that are invisible, end a line, or change the writing direction: they are spelled out. */
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
const spelledOut = (character) => "\\u{" + character.codePointAt(0).toString(16) + "}";

/** A text that may have several lines. */
const clean = (text) => String(text).replace(UNSEEN, spelledOut);
/** A text on one line. */
const cleanLine = (text) => clean(text).replace(/[\n\t]/g, spelledOut);
/** The start of a long text. */
const short = (text, most) => (text.length > most ? text.slice(0, most - 1) + "…" : text);

const integer = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const count = (number) => integer.format(String(number));
const counted = (number, one, many = one + "s") => `${count(number)} ${number === 1 ? one : many}`;
const percent = (ratio) => `${(100 * ratio).toFixed(ratio < 0.0995 ? 1 : 0)} %`;

/** Seconds in a suitable unit; a dash for none. */
function time(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds === 0) return "0";
  if (seconds < 1e-6) return `${Math.round(seconds * 1e9)} ns`;
  if (seconds < 1e-3) return `${(seconds * 1e6).toFixed(1)} µs`;
  if (seconds < 1) return `${(seconds * 1e3).toFixed(1)} ms`;
  if (seconds < 100) return `${seconds.toFixed(2)} s`;
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours} h ${two(minutes)} min` : `${minutes} min ${two(whole % 60)} s`;
}

function bytes(amount) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (amount >= 1024 && unit < units.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${unit ? amount.toFixed(amount < 100 ? 1 : 0) : amount} ${units[unit]}`;
}

/** A time in the reader's time zone. */
function moment(unixMs) {
  const at = new Date(unixMs);
  const two = (number) => String(number).padStart(2, "0");
  const zone = -at.getTimezoneOffset();
  const offset = `${zone < 0 ? "−" : "+"}${two(Math.floor(Math.abs(zone) / 60))}:${two(Math.abs(zone) % 60)}`;
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ` +
    `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())} ${offset}`;
}
