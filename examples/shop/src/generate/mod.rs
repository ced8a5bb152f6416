//! Makes the shop's input files. All figures come from integer arithmetic on row numbers, so the bytes are the same on
//! every machine, and checksums can show whether the reports are right.

mod customers;
mod line;
mod orders;
mod random;
mod traffic;

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::thread;

use sha2::{Digest, Sha256};

use crate::checksums::Checksums;
use crate::size::Size;

/// The number of rows per table. (Files have some more or fewer: repeated orders, orders never shipped.)
#[derive(Clone, Copy)]
struct Scale {
    users: u64,
    products: u64,
    orders: u64,
    events: u64,
    reviews: u64,
}

type Table = fn(Scale, &mut dyn Write) -> io::Result<()>;

/// The input files, the slowest first.
const FILES: [(&str, Table); 7] = [
    ("orders.csv", orders::orders),
    ("events.csv", traffic::events),
    ("shipments.csv", orders::shipments),
    ("reviews.jsonl", traffic::reviews),
    ("users.csv", customers::users),
    ("products.csv", customers::products),
    ("fx.csv", customers::fx),
];

/// Returns the names of the input files.
pub(crate) fn file_names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name)
}

/// Makes the input files that are missing in the folder. A file gets its name only when it is complete and has the right
/// checksum.
pub(crate) fn missing_files(folder: &Path, size: Size) -> Result<(), Box<dyn Error + Send + Sync>> {
    let missing: Vec<_> = FILES.into_iter().filter(|(name, _)| !folder.join(name).is_file()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    eprintln!("making {} input files in {} ...", missing.len(), folder.display());
    fs::create_dir_all(folder)?;
    let (scale, checksums) = (Scale::of(size), size.input_checksums());
    thread::scope(|scope| {
        let makers: Vec<_> = missing
            .into_iter()
            .map(|(name, table)| scope.spawn(move || make(folder, name, table, scale, checksums)))
            .collect();
        makers.into_iter().try_for_each(|maker| maker.join().map_err(|_| "a generator panicked")?)
    })
}

fn make(
    folder: &Path,
    name: &str,
    table: Table,
    scale: Scale,
    checksums: Checksums,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let partial = folder.join(format!("{name}.partial"));
    let mut file =
        BufWriter::with_capacity(1 << 20, Hashed { file: File::create(&partial)?, hash: Sha256::new() });
    table(scale, &mut file)?;
    let Hashed { file, hash } = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    if !checksums.agree(name, hash) {
        return Err(
            format!("{} was not made as it should be: its checksum is wrong", partial.display()).into()
        );
    }
    Ok(fs::rename(&partial, folder.join(name))?)
}

/// Computes the checksum of what is written.
struct Hashed {
    file: File,
    hash: Sha256,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Scale {
    fn of(size: Size) -> Self {
        let rows = |at_full_size: u64| at_full_size * size.permille() / 1000;
        Self {
            users: rows(300_000).max(1000),
            products: rows(20_000).max(200),
            orders: rows(2_250_000),
            events: rows(4_000_000),
            reviews: rows(300_000),
        }
    }
}
