//! Processes, as Linux describes them in `/proc`.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

/// The files below `/proc`.
pub(super) struct Proc {
    root: PathBuf,
    stat: Kept,
    statm: Kept,
    memory: Option<Kept>,
    /// Reused for each file that is opened to be read once.
    buffer: Vec<u8>,
}

/// A file that is kept open, because opening a file of `/proc` takes longer than reading it again.
pub(super) struct Kept {
    file: File,
    buffer: Vec<u8>,
}

impl Kept {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Kept { file: File::open(path)?, buffer: Vec::with_capacity(4096) })
    }

    /// Returns the current content.
    pub(super) fn read(&mut self) -> io::Result<Cow<'_, str>> {
        self.file.rewind()?;
        self.buffer.clear();
        self.file.read_to_end(&mut self.buffer)?;
        // The name of a process can be any bytes.
        Ok(String::from_utf8_lossy(&self.buffer))
    }
}

/// The units of the system.
#[derive(Clone, Copy, Debug)]
pub(super) struct Units {
    /// Bytes of a page.
    pub(super) page: u64,
    /// Ticks of processor time in a second.
    pub(super) ticks: u64,
}

/// One process.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) threads: u32,
    /// Processor time, including that of ended children that were waited for.
    pub(super) ticks: u64,
    pub(super) image: Image,
    /// Resident pages.
    pub(super) pages: u64,
}

/// The size of an address space, and the place of the stack in it. A new process has those of its parent until it
/// executes a program, which places the stack at random.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Image {
    size: u64,
    stack: u64,
}

impl Proc {
    pub(super) fn open(root: PathBuf) -> io::Result<Self> {
        let (stat, statm) = (Kept::open(&root.join("self/stat"))?, Kept::open(&root.join("self/statm"))?);
        let memory = Kept::open(&root.join("meminfo")).ok();
        Ok(Proc { root, stat, statm, memory, buffer: Vec::with_capacity(4096) })
    }

    /// Reads the units from the vector that the kernel passes to each program: pairs of a key and a value.
    pub(super) fn units(&self) -> io::Result<Units> {
        const WORD: usize = size_of::<usize>();
        let vector = fs::read(self.root.join("self/auxv"))?;
        let word = |bytes: &[u8]| bytes.try_into().map(usize::from_ne_bytes).ok();
        let value = |wanted| {
            let pair = vector.chunks_exact(2 * WORD).find(|pair| word(&pair[..WORD]) == Some(wanted))?;
            word(&pair[WORD..]).filter(|value| *value > 0).map(|value| value as u64)
        };
        match (value(6), value(17)) {
            (Some(page), Some(ticks)) => Ok(Units { page, ticks }),
            _ => Err(invalid("self/auxv")),
        }
    }

    /// Returns this process.
    pub(super) fn own(&mut self) -> io::Result<Process> {
        parse(&self.stat.read()?, &self.statm.read()?)
    }

    /// Returns a process by its number.
    pub(super) fn process(&mut self, pid: u32) -> io::Result<Process> {
        let stat = self.read(&format!("{pid}/stat"))?.into_owned();
        parse(&stat, &self.read(&format!("{pid}/statm"))?)
    }

    /// Returns the threads of a process; none if it has ended.
    pub(super) fn threads(&self, name: &str) -> Vec<u32> {
        let Ok(tasks) = fs::read_dir(self.root.join(name).join("task")) else { return Vec::new() };
        tasks.filter_map(|task| task.ok()?.file_name().to_str()?.parse().ok()).collect()
    }

    /// Returns the children of one thread; none if it has ended, or if the kernel does not list them.
    pub(super) fn children(&mut self, name: &str, thread: u32) -> Vec<u32> {
        let text = self.read(&format!("{name}/task/{thread}/children")).unwrap_or_default();
        text.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect()
    }

    /// Returns the bytes that the machine could still allocate without swapping.
    pub(super) fn available(&mut self) -> Option<u64> {
        let text = self.memory.as_mut()?.read().ok()?;
        let value = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
        value.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
    }

    fn read(&mut self, file: &str) -> io::Result<Cow<'_, str>> {
        self.buffer.clear();
        File::open(self.root.join(file))?.read_to_end(&mut self.buffer)?;
        Ok(String::from_utf8_lossy(&self.buffer))
    }
}

fn parse(stat: &str, statm: &str) -> io::Result<Process> {
    let process = parse_stat(stat).ok_or_else(|| invalid("stat"))?;
    // `stat` has the resident pages too, but estimated: off by many megabytes on machines with many cores.
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    Ok(Process { pages: pages.ok_or_else(|| invalid("statm"))?, ..process })
}

/// Reads `stat`: the number, the name in parentheses, and fields; `man 5 proc` counts them from 1.
fn parse_stat(stat: &str) -> Option<Process> {
    let pid = stat.split(' ').next()?.parse().ok()?;
    // A name may contain parentheses and spaces: the fields follow the last parenthesis.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    let ticks = (14..=17).map(field).sum::<Option<u64>>()?;
    let image = Image { size: field(23)?, stack: field(28)? };
    Some(Process { pid, threads: u32::try_from(field(20)?).ok()?, ticks, image, pages: 0 })
}

fn invalid(file: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("`{file}` is not as Linux writes it"))
}
