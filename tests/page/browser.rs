//! Opens a page in Chromium, uses it by a script as a person would, and returns what the script saw.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex, PoisonError};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::process::{self, LIMIT};

static CHROMIUM: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    let named = std::env::var_os("PIPELINE_CHROMIUM").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let found = || {
        names
            .iter()
            .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
            .find(|path| path.is_file())
    };
    named.or_else(found)
});

/// One at a time: each is several processes.
static ONE: Mutex<()> = Mutex::new(());

/// How a page is opened.
pub(crate) struct Look {
    pub(crate) width: u32,
    /// Whether timers run after the page has loaded, as fast as possible; the clock stands still while scripts run.
    pub(crate) timers: bool,
}

pub(crate) const WIDE: Look = Look { width: 1400, timers: true };
pub(crate) const PHONE: Look = Look { width: 400, timers: true };
/// With the real clock, for scripts that measure time; they do everything at once.
pub(crate) const MEASURED: Look = Look { width: 1400, timers: false };

/// Available to a test's script: `press(key, target)`, `type(text)`, and the async `wait(ms)`.
const TOOLS: &str = r#"
const press = (key, target = document.activeElement ?? document.body) =>
  target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const type = (text) => {
  const field = document.getElementById("search");
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
};
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const texts = (selector) => [...document.querySelectorAll(selector)].map((found) => found.innerText.trim());
const text = (selector) => document.querySelector(selector)?.innerText.trim() ?? null;
const isShown = (selector) => Boolean(document.querySelector(selector)?.getClientRects().length);
// Written so that it reads the same in HTML.
const write = (seen) => {
  const pre = document.createElement("pre");
  pre.id = "seen";
  pre.textContent = JSON.stringify(seen).replace(/[<>&\u007f-\uffff]/g, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
  document.body.append(pre);
};
"#;

/// Records the browser's complaints, from before the page's own script runs.
const WATCH: &str = r#"
window.objections = [];
addEventListener("error", (event) => objections.push(String(event.message)));
addEventListener("unhandledrejection", (event) => objections.push(String(event.reason)));
document.addEventListener("securitypolicyviolation", (event) => objections.push(event.violatedDirective + " " + event.blockedURI));
"#;

/// Opens a page and runs `script`, the body of a function that returns what it saw (an async one if the look has
/// timers). `None` without a browser. Asserts that nothing was logged to the console, violated the page's policy, or
/// was requested.
pub(crate) fn browse(name: &str, page: &str, look: &Look, script: &str) -> Option<Value> {
    let Some(chromium) = CHROMIUM.as_ref() else {
        process::missing(name, "Chromium: install the package `chromium`, or set PIPELINE_CHROMIUM");
        return None;
    };
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
    fs::create_dir_all(&folder).unwrap();
    let (plain, file) = (folder.join(format!("{name}.html")), folder.join(format!("{name}.test.html")));
    fs::write(plain, page).unwrap();
    fs::write(&file, with_scripts(page, look, script)).unwrap();
    let profile = folder.join(format!("{name}.profile"));
    let mut command = Command::new(chromium);
    command.args([
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
    ]);
    command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
    command.args(["--enable-logging=stderr", "--lang=en", "--dump-dom"]);
    command
        .arg(format!("--window-size={},900", look.width))
        .arg(format!("--user-data-dir={}", profile.display()));
    if look.timers {
        command.arg("--virtual-time-budget=20000");
    }
    let output = process::output(command.arg(format!("file://{}", file.display())), LIMIT);
    let _ = fs::remove_dir_all(&profile);
    let (dom, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let said: Vec<&str> = log.lines().filter(|line| line.contains("CONSOLE")).collect();
    assert!(said.is_empty(), "{name}: the console has {said:#?}");
    let seen = dom.split_once("<pre id=\"seen\">").and_then(|(_, rest)| rest.split_once("</pre>"));
    let seen = seen.unwrap_or_else(|| panic!("{name}: the script did not end:\n{log}\n{dom}")).0;
    let mut seen: Value = serde_json::from_str(seen).unwrap();
    assert_eq!(seen["objections"], Value::Array(Vec::new()), "{name}");
    assert_eq!(seen["requests"], Value::Array(Vec::new()), "{name}");
    Some(seen["seen"].take())
}

/// The page with the test's scripts: the policy allows them by hash, and stays strict otherwise.
fn with_scripts(page: &str, look: &Look, script: &str) -> String {
    let body = format!("const seen = {}() => {{{script}}};", if look.timers { "async " } else { "" });
    let end = "({ seen, objections, requests: performance.getEntriesByType(\"resource\").map((entry) => entry.name) })";
    let end = if look.timers {
        format!("seen().catch((error) => ({{ failed: String(error) }})).then((seen) => write{end});")
    } else {
        format!("((seen) => write{end})(seen());")
    };
    let last = format!("{{{TOOLS}\n{body}\n{end}}}");
    let (policy, hashes) =
        ("script-src ", [WATCH, &last].map(|script| format!("'{}'", hash(script))).join(" "));
    let page = page.replacen(policy, &format!("{policy}{hashes} "), 1);
    let page = page.replacen("<title>", &format!("<script>{WATCH}</script><title>"), 1);
    // The last one is the page's own: data contains no `<`.
    let at = page.rfind("</body>").unwrap();
    format!("{}<script>{last}</script>{}", &page[..at], &page[at..])
}

/// The hash of a script or style as a policy names it.
pub(crate) fn hash(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut base64 = String::from("sha256-");
    for three in Sha256::digest(text.as_bytes()).chunks(3) {
        let bits =
            three.iter().fold(0, |bits, &byte| bits << 8 | usize::from(byte)) << (8 * (3 - three.len()));
        for digit in 0..4 {
            let shown = digit <= three.len();
            base64.push(if shown { DIGITS[bits >> (18 - 6 * digit) & 63] as char } else { '=' });
        }
    }
    base64
}
