//! Files and folders that hold what the framework keeps: for the owner only, with names that every file system accepts.
//!
//! No file is reached through a symbolic link, and only a regular file is opened: a link could lead to a file of another
//! program, and reading a pipe could wait for ever.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;

use pipeline_core::Fingerprint;

/// Why a link is refused.
pub(crate) const IS_LINK: &str = "it is a symbolic link, which is not followed";

/// Why anything else that is no file is refused.
pub(crate) const NOT_A_FILE: &str = "it is not a regular file";

/// Maximum length of the name of a step's file in bytes, without the fingerprint of a longer name.
const MOST_BYTES: usize = 120;

/// Returns a file name that every file system accepts, different for different steps: `::` becomes a dot, bytes other than
/// letters, digits, `_` and `-` become `%` and two hex digits; the end of a long name becomes a fingerprint.
pub(crate) fn file_name(step: &str) -> String {
    let mut name = String::with_capacity(step.len());
    let mut bytes = step.bytes().peekable();
    while let Some(byte) = bytes.next() {
        if byte == b':' && bytes.next_if_eq(&b':').is_some() {
            name.push('.');
        } else if byte.is_ascii_alphanumeric() || b"_-".contains(&byte) {
            name.push(char::from(byte));
        } else {
            let _ = write!(name, "%{byte:02x}");
        }
        if name.len() > MOST_BYTES {
            let _ = write!(name, "+{}", Fingerprint::of_texts(&[step]));
            break;
        }
    }
    name
}

/// Ignores that another process has removed a file already.
pub(crate) fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Reports whether there is a folder, and not a link to one.
pub(crate) fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

/// Returns a builder of folders that only the owner may enter.
pub(crate) fn folder_for_the_owner() -> DirBuilder {
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Lets only the owner read a file that is created.
pub(crate) fn for_the_owner(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    #[cfg(not(unix))]
    let _ = options;
}

/// Opens a regular file.
///
/// # Errors
/// Also if it is a link, a pipe or a device.
pub(crate) fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let is_link = || fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    let refused = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what.to_owned());
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        // Without waiting for the other end of a pipe.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        std::os::unix::fs::OpenOptionsExt::custom_flags(options, flags.bits().cast_signed());
    }
    #[cfg(not(unix))]
    if is_link() {
        return Err(refused(IS_LINK));
    }
    let file = options.open(path).map_err(|error| if is_link() { refused(IS_LINK) } else { error })?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(refused(NOT_A_FILE)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_safe_short_and_different() {
        let long = "x".repeat(10_000);
        let names = [
            "load",
            "shop::load",
            "shop.load",
            "shop:load",
            "shop:::load",
            "a/b",
            "a%2fb",
            "..",
            "日本",
            "",
            &long,
            &long[1..],
        ];
        let files = names.map(file_name);
        for (index, file) in files.iter().enumerate() {
            assert!(file.len() < 200 && !file.contains(['/', '\\', ':', '\0']), "{file}");
            assert!(!files[..index].contains(file), "{file} twice");
        }
        assert_eq!(files[1], "shop.load");
    }
}
