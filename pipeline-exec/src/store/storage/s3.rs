//! A bucket of an S3 server, or the objects in it whose names begin with a prefix.
//!
//! A record is created by a conditional put, so of two writers one wins, also if they are on two machines. There are no
//! locks: nothing can be sure that it is alone, so values that are no longer used are left to the bucket's own rules.

use std::io::{self, Read};
use std::sync::mpsc;
use std::time::{Duration, SystemTime};

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{Error, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, RetryConfig};
use tokio::runtime::{Builder, Runtime};

use super::{Flaw, Listed, Opened, Storage, is_safe};
use crate::store::Durability;
use crate::timing::unix_ms;

/// How locations in S3 begin.
pub(in crate::store) const SCHEME: &str = "s3://";

/// A request that fails is sent again, with growing pauses, this many times.
const RETRIES: usize = 4;
/// And within this time.
const PATIENCE: Duration = Duration::from_secs(30);
/// Number of times that an object is created if it is not known whether the one before did it.
const TRIES: usize = 3;

/// Objects in a bucket.
#[derive(Debug)]
pub(in crate::store) struct S3 {
    objects: AmazonS3,
    prefix: Path,
    network: Network,
}

/// A thread for requests. Their callers wait, as they do for files.
#[derive(Debug)]
struct Network(Option<Runtime>);

impl S3 {
    /// Opens `s3://bucket/prefix`. Credentials, region and endpoint are those of the usual variables (`AWS_…`). Sends no
    /// request.
    ///
    /// # Errors
    /// If the location has no bucket, or the variables cannot be used.
    pub(in crate::store) fn open(location: &str) -> io::Result<Self> {
        // An endpoint may be given as `http://…`.
        S3::with(AmazonS3Builder::from_env().with_allow_http(true), location)
    }

    pub(in crate::store) fn with(server: AmazonS3Builder, location: &str) -> io::Result<Self> {
        let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidInput, why);
        let rest = location.strip_prefix(SCHEME).unwrap_or(location).trim_end_matches('/');
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(invalid("it has no bucket: write s3://BUCKET/PREFIX".to_owned()));
        }
        let prefix = Path::parse(prefix).map_err(|error| invalid(error.to_string()))?;
        let retries = RetryConfig { max_retries: RETRIES, retry_timeout: PATIENCE, ..RetryConfig::default() };
        let objects = server.with_bucket_name(bucket).with_retry(retries).build().map_err(io_error)?;
        let runtime =
            Builder::new_multi_thread().worker_threads(1).thread_name("pipeline-s3").enable_all().build()?;
        Ok(S3 { objects, prefix, network: Network(Some(runtime)) })
    }

    fn path(&self, name: &str) -> io::Result<Path> {
        if is_safe(name) {
            return Ok(self.prefix.parts().chain(Path::from(name).parts()).collect());
        }
        Err(io::Error::new(io::ErrorKind::InvalidInput, format!("`{name}` is not a name for an object")))
    }

    /// Returns the answer to requests.
    fn answer<T: Send + 'static>(
        &self,
        requests: impl FnOnce(AmazonS3) -> BoxFuture<'static, object_store::Result<T>>,
    ) -> io::Result<T> {
        self.network.wait(requests(self.objects.clone()))?.map_err(io_error)
    }

    fn write(&self, name: &str, bytes: &[u8], mode: PutMode) -> io::Result<()> {
        let (path, bytes) = (self.path(name)?, bytes.to_vec());
        self.answer(|to| {
            Box::pin(async move { to.put_opts(&path, bytes.into(), mode.into()).await.map(drop) })
        })
    }
}

impl Storage for S3 {
    fn open(&self, name: &str) -> Result<Option<Opened<'_>>, Flaw> {
        let path = self.path(name)?;
        let Some(found) = gone(self.answer(|from| Box::pin(async move { from.get(&path).await })))? else {
            return Ok(None);
        };
        let (length, used_unix_ms) = (found.meta.size, written(&found.meta));
        let chunks = found.into_stream().map(|chunk| chunk.map(Vec::from)).boxed();
        let body = Body { chunks: Some(chunks), chunk: io::Cursor::default(), network: &self.network };
        Ok(Some(Opened { bytes: Box::new(body), length, used_unix_ms }))
    }

    fn length(&self, name: &str) -> Result<Option<u64>, Flaw> {
        let path = self.path(name)?;
        let found = gone(self.answer(|of| Box::pin(async move { of.head(&path).await })))?;
        Ok(found.map(|found| found.size))
    }

    fn put(&self, name: &str, bytes: &[u8], _: Durability) -> io::Result<()> {
        self.write(name, bytes, PutMode::Overwrite)
    }

    fn put_new(&self, name: &str, bytes: &[u8], _: Durability) -> io::Result<bool> {
        let mut tries = TRIES;
        loop {
            tries -= 1;
            match self.write(name, bytes, PutMode::Create) {
                Ok(()) => return Ok(true),
                // Maybe by an earlier try, whose answer was lost. Its bytes are these then.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
                Err(error) if tries == 0 || error.kind() != io::ErrorKind::Other => return Err(error),
                Err(_) => {}
            }
        }
    }

    fn sync(&self, _: &str) -> io::Result<()> {
        // What a server has acknowledged is durable.
        Ok(())
    }

    fn touch(&self, _: &str) -> io::Result<()> {
        // An object's age is the time since it was written.
        Ok(())
    }

    fn list(&self, folder: &str) -> io::Result<Vec<Listed>> {
        let path = self.path(folder)?;
        let start = self.prefix.parts().count();
        let found: Vec<ObjectMeta> = self.answer(|from| {
            Box::pin(async move {
                let found: Vec<_> = from.list(Some(&path)).collect().await;
                found.into_iter().collect()
            })
        })?;
        let name = |found: &ObjectMeta| found.location.parts().skip(start).collect::<Path>().to_string();
        let mut files: Vec<Listed> = found
            .iter()
            .map(|found| Listed { name: name(found), length: found.size, used_unix_ms: written(found) })
            .filter(|found| is_safe(&found.name))
            .collect();
        files.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(files)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let path = self.path(name)?;
        gone(self.answer(|from| Box::pin(async move { from.delete(&path).await }))).map(drop)
    }

    fn remove_folder(&self, _: &str) {}

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (from, to) = (self.path(from)?, self.path(to)?);
        self.answer(|within| Box::pin(async move { within.rename(&from, &to).await }))
    }

    fn take_alone(&mut self) -> io::Result<bool> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "a bucket has no locks, so it may be in use: let a lifecycle rule of the bucket remove old objects; \
             a value that is gone is made again",
        ))
    }

    fn users(&self) -> Vec<u32> {
        Vec::new()
    }
}

impl Network {
    fn wait<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> io::Result<T> {
        let (done, is_done) = mpsc::sync_channel(1);
        let runtime = self.0.as_ref().expect("invariant: it is there until it is dropped");
        runtime.spawn(async move {
            // Fails if the caller panicked.
            let _ = done.send(work.await);
        });
        is_done.recv().map_err(|_| io::Error::other("the thread for requests has panicked"))
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // A drop that waits is not allowed in async code.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// The bytes of an object, as they arrive.
struct Body<'a> {
    /// `None` after an error.
    chunks: Option<BoxStream<'static, object_store::Result<Vec<u8>>>>,
    chunk: io::Cursor<Vec<u8>>,
    network: &'a Network,
}

impl Read for Body<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.chunk.read(to)?;
            let Some(mut chunks) = self.chunks.take_if(|_| read == 0 && !to.is_empty()) else {
                return Ok(read);
            };
            let (next, chunks) = self.network.wait(async move { (chunks.next().await, chunks) })?;
            let Some(next) = next else { return Ok(0) };
            self.chunk = io::Cursor::new(next.map_err(io_error)?);
            self.chunks = Some(chunks);
        }
    }
}

fn written(found: &ObjectMeta) -> u64 {
    unix_ms(SystemTime::from(found.last_modified))
}

/// Returns `None` for an object that does not exist.
fn gone<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        found => found.map(Some),
    }
}

fn io_error(error: Error) -> io::Error {
    let kind = match &error {
        Error::NotFound { .. } => io::ErrorKind::NotFound,
        Error::AlreadyExists { .. } | Error::Precondition { .. } => io::ErrorKind::AlreadyExists,
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => io::ErrorKind::PermissionDenied,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}
