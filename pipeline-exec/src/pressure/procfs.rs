//! What Linux says about processes in `/proc`.

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
    /// Used again for each file that is opened for one look.
    buffer: Vec<u8>,
}

/// A file that is kept open: to open one of `/proc` takes longer than to read it again.
pub(super) struct Kept {
    file: File,
    buffer: Vec<u8>,
}

impl Kept {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Kept { file: File::open(path)?, buffer: Vec::with_capacity(4096) })
    }

    /// What the file says now.
    pub(super) fn read(&mut self) -> io::Result<Cow<'_, str>> {
        self.file.rewind()?;
        self.buffer.clear();
        self.file.read_to_end(&mut self.buffer)?;
        // The name of a process can be any bytes.
        Ok(String::from_utf8_lossy(&self.buffer))
    }
}

/// The units in which the system counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Units {
    /// The bytes of a page.
    pub(super) page: u64,
    /// The ticks of processor time in a second.
    pub(super) ticks: u64,
}

/// What the system says about one process.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) threads: u32,
    /// Processor time, that of children that ended and were waited for included.
    pub(super) ticks: u64,
    pub(super) image: Image,
    /// Resident pages.
    pub(super) pages: u64,
}

/// The size of an address space, and the place of the stack in it. A new process has those of its parent until it
/// executes a program: then the stack gets another place, at random.
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

    /// Reads the units from the vector that the kernel gives to each program: pairs of a key and a value.
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

    /// This process.
    pub(super) fn own(&mut self) -> io::Result<Process> {
        parse(&self.stat.read()?, &self.statm.read()?)
    }

    /// A process by its number.
    pub(super) fn process(&mut self, pid: u32) -> io::Result<Process> {
        let stat = self.read(&format!("{pid}/stat"))?.into_owned();
        parse(&stat, &self.read(&format!("{pid}/statm"))?)
    }

    /// The threads of a process; none where it has ended.
    pub(super) fn threads(&self, name: &str) -> Vec<u32> {
        let Ok(tasks) = fs::read_dir(self.root.join(name).join("task")) else { return Vec::new() };
        tasks.filter_map(|task| task.ok()?.file_name().to_str()?.parse().ok()).collect()
    }

    /// The children of one thread; none where it has ended, or where the kernel was built not to tell.
    pub(super) fn children(&mut self, name: &str, thread: u32) -> Vec<u32> {
        let text = self.read(&format!("{name}/task/{thread}/children")).unwrap_or_default();
        text.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect()
    }

    /// How many bytes the machine could still give out without swapping.
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
    // `stat` tells the resident pages too, but estimated: off by many megabytes where there are many cores.
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    Ok(Process { pages: pages.ok_or_else(|| invalid("statm"))?, ..process })
}

/// Reads `stat`: the number, the name in parentheses, and fields; `man 5 proc` counts them from 1.
fn parse_stat(stat: &str) -> Option<Process> {
    let pid = stat.split(' ').next()?.parse().ok()?;
    // A name may have parentheses and blanks of its own: what follows the last one is fields.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    let ticks = (14..=17).map(field).sum::<Option<u64>>()?;
    let image = Image { size: field(23)?, stack: field(28)? };
    Some(Process { pid, threads: u32::try_from(field(20)?).ok()?, ticks, image, pages: 0 })
}

fn invalid(file: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("`{file}` is not as Linux writes it"))
}
