//! Files as inputs and as outputs of cached steps.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use pipeline::prelude::*;
use pipeline::store::{InputDir, InputFile, InputGlob, StoredDir, StoredFile, ValueStore};
use pipeline::{Run, Status};
use serde::Deserialize;

use crate::folder::Folder;

#[derive(Clone, Deserialize)]
struct Sources {
    label: String,
    more: Vec<InputFile>,
}

#[step(cache, version = "1")]
fn joined(
    #[param] file: InputFile,
    #[param] dir: &InputDir,
    #[param] glob: Option<InputGlob>,
    #[param] inside: Sources,
) -> io::Result<String> {
    let read = |paths: Vec<PathBuf>| paths.iter().map(fs::read_to_string).collect::<io::Result<String>>();
    let matched = glob.map_or(Ok(Vec::new()), |glob| glob.files())?;
    let more = read(inside.more.iter().map(|file| file.path().to_owned()).collect())?;
    Ok(format!("{}{}{}{}{more}", file.read_to_string()?, read(dir.files()?)?, read(matched)?, inside.label))
}

fn sources() -> Folder {
    let folder = Folder::new();
    for name in ["data/one", "data/dir/two", "data/parts/three.csv", "data/four"] {
        fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
        fs::write(folder.join(name), name).unwrap();
    }
    folder
}

fn join(folder: &Folder, data: &str, label: &str) -> (Status, String) {
    let store = ValueStore::open(folder.join("store")).unwrap();
    let data = folder.join(data);
    let inside = serde_json::json!({"label": label, "more": [data.join("four")]});
    let run = Pipeline::to::<joined>()
        .store(&store)
        .param("file", data.join("one"))
        .param("dir", data.join("dir"))
        .param("glob", data.join("parts/*.csv"))
        .param("inside", inside)
        .run_blocking()
        .unwrap();
    (run.status("joined").unwrap(), run.output::<joined>().unwrap().clone())
}

/// What counts is the content of a file, wherever in a parameter its type is.
#[test]
fn a_step_runs_again_if_the_content_of_a_file_changed_and_only_then() {
    let folder = sources();
    assert_eq!(join(&folder, "data", "x").0, Status::Succeeded);
    assert_eq!(join(&folder, "data", "x").0, Status::Cached);
    for changed in ["one", "dir/two", "parts/three.csv", "four"] {
        let path = folder.join("data").join(changed);
        fs::write(&path, "changed").unwrap();
        let (status, text) = join(&folder, "data", "x");
        assert!(status == Status::Succeeded && text.contains("changed"), "{changed}: {text}");
        fs::write(&path, format!("data/{changed}")).unwrap();
        assert_eq!(join(&folder, "data", "x").0, Status::Cached, "{changed}");
    }
    for (new, counts) in [("dir/new", true), ("parts/new.csv", true), ("parts/new.txt", false)] {
        fs::write(folder.join("data").join(new), "").unwrap();
        let expected = if counts { Status::Succeeded } else { Status::Cached };
        assert_eq!(join(&folder, "data", "x").0, expected, "{new}");
    }
    assert_eq!(
        join(&folder, "data", "y").0,
        Status::Succeeded,
        "what is beside the files in the parameter counts"
    );
}

/// It is not known which content such a value was made of.
#[test]
fn an_output_is_not_stored_if_a_file_changed_while_the_step_ran() {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    #[step(cache, version = "1")]
    fn disturbed(#[param] file: InputFile) -> io::Result<String> {
        let text = file.read_to_string()?;
        if RUNS.fetch_add(1, Ordering::Relaxed) == 0 {
            fs::write(file.path(), "newer")?;
        }
        Ok(text)
    }
    let folder = sources();
    let run = || {
        let store = ValueStore::open(folder.join("store")).unwrap();
        let run = Pipeline::to::<disturbed>().store(&store).param("file", folder.join("data/one"));
        let run = run.run_blocking().unwrap();
        (run.status("disturbed").unwrap(), run.output::<disturbed>().unwrap().clone())
    };
    assert_eq!(run(), (Status::Succeeded, "data/one".to_owned()));
    fs::write(folder.join("data/one"), "data/one").unwrap();
    assert_eq!(run().0, Status::Succeeded, "nothing was stored for the first content");
    assert_eq!(run().0, Status::Cached);
}

#[step(cache, version = "1")]
fn report(#[param] text: String, #[param] out: PathBuf) -> io::Result<StoredFile> {
    let file = StoredFile::create(|to| to.write_all(text.as_bytes()))?;
    file.place(out)?;
    Ok(file)
}

#[step(cache, version = "1")]
fn length(report: &StoredFile) -> u64 {
    report.len()
}

/// Not cached, so it reads the file in each run.
#[step]
fn shown(report: &StoredFile, length: &u64) -> io::Result<String> {
    Ok(format!("{length}: {}", report.read_to_string()?))
}

fn report_of(folder: &Folder, text: &str) -> Run {
    let store = ValueStore::open(folder.join("store")).unwrap();
    let pipeline = Pipeline::to::<shown>().and::<report>().store(&store);
    let run =
        pipeline.param("text", text).param("out", folder.join("out/report.txt")).run_blocking().unwrap();
    assert_eq!(run.output::<shown>().unwrap(), &format!("{}: {text}", text.len()));
    run
}

fn statuses(run: &Run) -> [Status; 2] {
    ["report", "length"].map(|step| run.status(step).unwrap())
}

#[test]
fn a_file_that_a_step_returns_is_stored_and_read_again() {
    let folder = Folder::new();
    let placed = folder.join("out/report.txt");
    assert_eq!(statuses(&report_of(&folder, "rows")), [Status::Succeeded; 2]);
    assert_eq!(fs::read_dir(folder.join("store/tmp")).unwrap().count(), 0, "nothing incomplete is left");
    let again = report_of(&folder, "rows");
    assert_eq!(statuses(&again), [Status::Cached; 2]);
    assert_eq!(again.output::<report>().unwrap().read_to_string().unwrap(), "rows");
    // Put back where it was placed, without the step.
    fs::remove_file(&placed).unwrap();
    assert_eq!(statuses(&report_of(&folder, "rows")), [Status::Cached; 2]);
    assert_eq!(fs::read_to_string(&placed).unwrap(), "rows");
    fs::remove_file(&placed).unwrap();
    fs::write(&placed, "edited").unwrap();
    assert_eq!(statuses(&report_of(&folder, "rows")), [Status::Cached; 2]);
    assert_eq!(fs::read_to_string(&placed).unwrap(), "rows");
    assert_eq!(statuses(&report_of(&folder, "others")), [Status::Succeeded; 2]);
    assert_eq!(fs::read_to_string(&placed).unwrap(), "others");
    assert_eq!(statuses(&report_of(&folder, "rows")), [Status::Cached; 2]);
    assert_eq!(fs::read_to_string(&placed).unwrap(), "rows");
}

#[test]
fn a_stored_file_that_is_gone_or_damaged_is_made_again() {
    let folder = Folder::new();
    report_of(&folder, "rows");
    let blob = report_of(&folder, "rows").output::<report>().unwrap().path().to_owned();
    for damage in [|path| fs::remove_file(path), |path: &PathBuf| fs::write(path, "rowS")] {
        // As its owner may, although it is read-only.
        fs::set_permissions(&blob, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        damage(&blob).unwrap();
        // The placed file may be a link to the damaged one.
        fs::remove_file(folder.join("out/report.txt")).unwrap();
        assert_eq!(statuses(&report_of(&folder, "rows"))[0], Status::Succeeded);
        assert_eq!(statuses(&report_of(&folder, "rows"))[0], Status::Cached);
        assert_eq!(fs::read_to_string(folder.join("out/report.txt")).unwrap(), "rows");
    }
}

#[test]
fn a_file_needs_no_store() {
    let folder = Folder::new();
    let out = folder.join("out/report.txt");
    let run = Pipeline::to::<shown>()
        .and::<report>()
        .param("text", "rows")
        .param("out", &out)
        .run_blocking()
        .unwrap();
    assert_eq!(run.output::<shown>().unwrap(), "4: rows");
    let path = run.output::<report>().unwrap().path().to_owned();
    drop(run);
    assert!(!path.exists());
    assert_eq!(fs::read_to_string(out).unwrap(), "rows");
}

#[test]
fn a_folder_that_a_step_returns_is_stored_placed_and_put_back() {
    #[step(cache, version = "1")]
    fn site(#[param] out: PathBuf) -> io::Result<StoredDir> {
        let site = StoredDir::create(|dir| {
            fs::create_dir(dir.join("help"))?;
            fs::write(dir.join("help/index.html"), "help")?;
            fs::write(dir.join("index.html"), "start")
        })?;
        site.place(out)?;
        Ok(site)
    }
    /// Not cached, so it reads the folder in each run.
    #[step]
    fn pages(site: &StoredDir) -> io::Result<String> {
        assert_eq!(fs::read_to_string(site.path()?.join("help/index.html"))?, "help");
        site.files().map(|(_, file)| file.read_to_string()).collect()
    }
    let folder = Folder::new();
    let out = folder.join("out");
    let run = || {
        let store = ValueStore::open(folder.join("store")).unwrap();
        let run = Pipeline::to::<pages>().store(&store).param("out", &out).run_blocking().unwrap();
        assert_eq!(run.output::<pages>().unwrap(), "helpstart");
        assert_eq!(fs::read_to_string(out.join("help/index.html")).unwrap(), "help");
        assert_eq!(fs::read_to_string(out.join("index.html")).unwrap(), "start");
        run.status("site").unwrap()
    };
    assert_eq!(run(), Status::Succeeded);
    fs::remove_dir_all(out.join("help")).unwrap();
    fs::remove_file(out.join("index.html")).unwrap();
    fs::write(out.join("index.html"), "edited").unwrap();
    fs::write(out.join("mine"), "mine").unwrap();
    assert_eq!(run(), Status::Cached);
    assert_eq!(fs::read_to_string(out.join("mine")).unwrap(), "mine");
    assert_eq!(fs::read_dir(folder.join("store/tmp")).unwrap().count(), 0, "nothing incomplete is left");
}
