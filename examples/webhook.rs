//! How do I send notifications of failed runs? With an observer, which hands a summary to a thread that posts it at the end of
//! a run. No step or run waits for the network; a webhook that fails is reported, and fails no run.
//!
//! `cargo run --example webhook -- http://example.com/hook` posts there. Without a URL, the example runs a server.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use pipeline::prelude::*;
use pipeline::{Event, Observer, RunReport, RunStatus, Status};
use serde_json::{Value, json};

#[step]
fn amount(#[param] text: String) -> Result<u64, std::num::ParseIntError> {
    text.parse()
}

#[step]
fn revenue(amount: &u64) -> u64 {
    amount * 3
}

/// Posts summaries of failed runs, from a separate thread.
struct Webhook {
    summaries: SyncSender<Value>,
    thread: JoinHandle<usize>,
}

impl Webhook {
    /// The maximum number of waiting summaries; further ones are dropped and reported.
    const MOST_WAITING: usize = 100;

    fn new(url: String) -> Self {
        let (summaries, to_post) = mpsc::sync_channel(Webhook::MOST_WAITING);
        Webhook { summaries, thread: thread::spawn(move || Webhook::post_all(&url, &to_post)) }
    }

    /// Returns an observer that posts the summary of each failed run.
    fn observer(&self) -> impl Observer + use<> {
        let summaries = self.summaries.clone();
        move |event: &Event<'_>| {
            let Event::RunFinished { end, .. } = event else { return };
            let run = end.report();
            if run.status == RunStatus::Failed && summaries.try_send(summary(run)).is_err() {
                eprintln!("webhook: too many summaries, dropping that of run {}", run.run_id);
            }
        }
    }

    /// Waits until all summaries are posted. Returns how many were not delivered.
    fn finish(self) -> usize {
        drop(self.summaries);
        self.thread.join().unwrap_or(usize::MAX)
    }

    fn post_all(url: &str, to_post: &Receiver<Value>) -> usize {
        let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(5)));
        let agent = config.build().new_agent();
        let mut failed = 0;
        for summary in to_post {
            let run = summary["run_id"].as_str().unwrap_or_default();
            let posted = agent.post(url).header("content-type", "application/json").send(summary.to_string());
            if let Err(error) = posted {
                failed += 1;
                eprintln!("webhook: run {run} was not reported to {url}: {error}");
            }
        }
        failed
    }
}

/// The most important facts for a person. The report has no inputs or outputs of steps, so the summary has none.
fn summary(run: &RunReport) -> Value {
    let failed = run.steps.iter().filter(|step| matches!(step.status, Status::Failed | Status::TimedOut));
    let failed = failed.map(|step| {
        let error = step.error.as_ref().map(|error| &error.message);
        json!({ "step": step.name, "location": step.location, "error": error })
    });
    json!({
        "run_id": run.run_id,
        "status": run.status,
        "seconds": run.wall.as_secs_f64(),
        "failed": failed.collect::<Vec<_>>(),
        "skipped": run.counts.skipped,
    })
}

/// A server that answers one request. Returns its URL and a channel of the request.
fn listen() -> io::Result<(String, JoinHandle<io::Result<String>>)> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let url = format!("http://{}/failed-runs", listener.local_addr()?);
    let arrives = move || {
        let mut stream = BufReader::new(listener.accept()?.0);
        let (mut request, mut header, mut length) = (String::new(), String::new(), 0);
        stream.read_line(&mut request)?;
        while stream.read_line(&mut header)? > 2 {
            let name_and_value = header.split_once(':');
            if let Some((_, value)) =
                name_and_value.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
            header.clear();
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        stream.get_mut().write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")?;
        let body: Value = serde_json::from_slice(&body)?;
        Ok(format!(
            "{}\n{:#}",
            request.trim_end(),
            json!({ "status": body["status"], "failed": body["failed"], "skipped": body["skipped"] })
        ))
    };
    Ok((url, thread::spawn(arrives)))
}

fn main() -> Result<(), Box<dyn Error>> {
    let (url, arrives) = match std::env::args().nth(1) {
        Some(url) => (url, None),
        None => listen().map(|(url, arrives)| (url, Some(arrives)))?,
    };
    let webhook = Webhook::new(url);
    let pipeline = Pipeline::to::<revenue>().settings(Settings::load()?).observe(webhook.observer());
    for text in ["12", "twelve"] {
        let run = pipeline.clone().param("text", text).run_blocking()?;
        println!("{text}: {}", run.report().status);
    }
    // The observer in the pipeline has the other end of the channel.
    drop(pipeline);
    println!("not delivered: {}", webhook.finish());
    if let Some(arrives) = arrives {
        println!("arrived: {}", arrives.join().map_err(|_| "the listener panicked")??);
    }

    // No server listens on this address any more.
    let free = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
    let webhook = Webhook::new(format!("http://{free}/"));
    let pipeline = Pipeline::to::<revenue>()
        .param("text", "dozen")
        .settings(Settings::load()?)
        .observe(webhook.observer());
    println!("dozen: {}", pipeline.run_blocking()?.report().status);
    drop(pipeline);
    println!("not delivered: {}", webhook.finish());
    Ok(())
}
