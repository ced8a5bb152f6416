//! The terminal: a few lines at its end that are redrawn, and lines above them that stay.
//!
//! It needs two escape sequences (cursor up, clear to the end). indicatif pads every line to the width: when the
//! terminal's width changes, lines that should stay are garbled. Here lines are not padded, and the drawing is cleared
//! by the height that it has at the current width.
//!
//! The cursor stays visible and no mode of the terminal changes, so a process that ends at any moment leaves a working
//! terminal.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use console::{Term, measure_text_width};

use super::picture::Size;

/// Draws to a terminal.
#[derive(Clone)]
pub(super) struct Screen(Arc<Mutex<Drawn>>);

/// The contents of the terminal.
struct Drawn {
    terminal: File,
    size: Term,
    lines: Vec<String>,
    closed: bool,
}

impl Screen {
    /// Creates a screen on `terminal`. Draws nothing yet.
    ///
    /// # Errors
    /// If the system refuses a second handle to the terminal.
    pub(super) fn open(terminal: File) -> io::Result<Self> {
        let size = Term::read_write_pair(terminal.try_clone()?, terminal.try_clone()?);
        Ok(Screen(Arc::new(Mutex::new(Drawn { terminal, size, lines: Vec::new(), closed: false }))))
    }

    /// Returns the current size of the terminal.
    pub(super) fn size(&self) -> Size {
        self.with(|drawn| {
            let (lines, columns) = drawn.size.size();
            Size { lines: lines.into(), columns: columns.into() }
        })
    }

    /// Prints `above`, which stays, and replaces the drawing below it with `lines`.
    pub(super) fn draw(&self, above: &str, lines: Vec<String>) {
        self.with(|drawn| {
            let lines = if drawn.closed { Vec::new() } else { lines };
            if !above.is_empty() || drawn.lines != lines {
                drawn.paint(above, lines);
            }
        });
    }

    /// Prints whole lines above the drawing; they stay.
    pub(super) fn print(&self, text: &str) {
        self.with(|drawn| {
            let lines = std::mem::take(&mut drawn.lines);
            let height = drawn.height(&lines);
            drawn.replace(height, text, lines);
        });
    }

    /// Clears the drawing, calls `code`, which may write whole lines to the terminal, and draws again. If another
    /// thread is drawing, or this one, it calls `code` without that.
    pub(super) fn aside<T>(&self, code: impl FnOnce() -> T) -> T {
        let mut drawn = match self.0.try_lock() {
            Ok(drawn) => drawn,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return code(),
        };
        let lines = std::mem::take(&mut drawn.lines);
        let height = drawn.height(&lines);
        drawn.replace(height, "", Vec::new());
        let result = code();
        drawn.replace(0, "", lines);
        result
    }

    /// Clears the drawing and draws nothing more.
    pub(super) fn close(&self) {
        self.with(|drawn| {
            drawn.paint("", Vec::new());
            drawn.closed = true;
        });
    }

    fn with<T>(&self, code: impl FnOnce(&mut Drawn) -> T) -> T {
        code(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drawn {
    fn paint(&mut self, above: &str, lines: Vec<String>) {
        let before = std::mem::take(&mut self.lines);
        let height = self.height(&before);
        self.replace(height, above, lines);
    }

    /// Returns the height of lines on the terminal: one that was drawn on a wider terminal takes several.
    fn height(&self, lines: &[String]) -> usize {
        let columns = usize::from(self.size.size().1).max(1);
        lines.iter().map(|line| measure_text_width(line).div_ceil(columns).max(1)).sum()
    }

    /// Clears the last `height` lines, and writes `above`, then `lines`: in one piece, to avoid flicker.
    fn replace(&mut self, height: usize, above: &str, lines: Vec<String>) {
        let mut text = String::new();
        if height > 0 {
            text.push('\r');
        }
        if height > 1 {
            let _ = write!(text, "\x1b[{}A", height - 1);
        }
        if height > 0 {
            text.push_str("\x1b[J");
        }
        if !above.is_empty() {
            text.push_str(above);
            text.push('\n');
        }
        text.push_str(&lines.join("\n"));
        self.lines = lines;
        // The terminal may be gone: the run continues.
        let _ = self.terminal.write_all(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file in place of the terminal keeps what was written. Its width is 80, the default for an unknown width.
    fn screen(name: &str) -> (Screen, impl Fn() -> String) {
        let path = std::env::temp_dir().join(format!("pipeline-screen-{name}-{}", std::process::id()));
        let file = File::options().create(true).truncate(true).read(true).write(true).open(&path);
        let read = move || {
            let text = std::fs::read_to_string(&path).expect("the file");
            let _ = std::fs::remove_file(&path);
            text
        };
        (Screen::open(file.expect("a file")).expect("a screen"), read)
    }

    #[test]
    fn a_drawing_is_cleared_by_its_current_height() {
        let (screen, written) = screen("height");
        screen.draw("", vec!["x".repeat(100), "short".to_owned()]);
        screen.print("stays");
        screen.close();
        let wide = "x".repeat(100);
        // 100 characters take two lines at a width of 80.
        let wanted = format!("{wide}\nshort\r\x1b[2A\x1b[Jstays\n{wide}\nshort\r\x1b[2A\x1b[J");
        assert_eq!(written(), wanted);
    }

    #[test]
    fn text_printed_aside_is_not_drawn_over() {
        let (screen, written) = screen("aside");
        screen.draw("", vec!["row".to_owned()]);
        let beside = screen.clone();
        // A nested call must not wait for the outer one.
        screen.aside(|| beside.aside(|| ()));
        screen.close();
        screen.draw("", vec!["too late".to_owned()]);
        assert_eq!(written(), "row\r\x1b[Jrow\r\x1b[J");
    }
}
