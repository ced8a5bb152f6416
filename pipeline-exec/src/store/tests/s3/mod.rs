//! A store in a bucket of a real S3 server that runs here (moto).

mod server;

use std::sync::Barrier;
use std::thread;

use object_store::aws::AmazonS3Builder;

use self::server::{Fault, Server, between};
use super::*;
use crate::store::storage::Storage as _;
use crate::store::storage::s3::S3;

/// Returns the objects of a bucket, as a client of the server at a port sees them.
fn bucket(port: u16, bucket: &str) -> S3 {
    let server = AmazonS3Builder::new()
        .with_endpoint(format!("http://127.0.0.1:{port}"))
        .with_allow_http(true)
        .with_region("eu-central-1")
        .with_access_key_id("test")
        .with_secret_access_key("test");
    S3::with(server, &format!("s3://{bucket}/team/values")).expect("the location is valid")
}

fn store(port: u16, name: &str) -> ValueStore {
    ValueStore::over(name.to_owned(), Box::new(bucket(port, name)))
}

#[test]
fn values_in_a_bucket_are_stored_found_listed_and_removed_as_in_a_folder() {
    let Some(server) = Server::start() else { return };
    server.make_bucket("values");
    let opened = || store(server.port, "values");
    let large = bytes(100_000, true);
    let record = commit(&opened(), "large", &large);
    assert_eq!(record.compression, Compression::Zstd);
    assert_eq!(commit(&opened(), "large", b"the first wins"), record);
    assert_eq!(found(&opened(), "large"), Some(large));
    assert_eq!(found(&opened(), "other"), None);
    assert_eq!(opened().values().expect("it can be listed").len(), 1);

    let store = opened();
    let run = store.checkpoints("run");
    run.commit("load", super::record("load", key("1")), b"rows").expect("nothing fails");
    assert_eq!(run.find("load").and_then(|record| store.load(&record)).as_deref(), Some(&b"rows"[..]));
    run.remove_all().expect("nothing fails");
    assert_eq!(run.find("load"), None);

    let objects = bucket(server.port, "values");
    let path = format!("cache/{}/{}", &key("large").to_string()[..2], key("large"));
    objects.put(&path, b"damaged", Durability::Process).expect("nothing fails");
    assert_eq!(found(&store, "large"), None);
    let warnings = store.take_warnings();
    assert!(warnings.len() == 1 && warnings[0].contains("moved to damaged/"), "{warnings:?}");
    assert_eq!(objects.list("damaged").expect("it can be listed").len(), 1);

    let refused = opened().gc(GcRules { older_than: None, max_bytes: None }).expect_err("it has no locks");
    assert!(refused.to_string().contains("a lifecycle rule of the bucket"), "{refused}");
}

#[test]
fn of_many_writers_of_an_object_one_wins_and_all_see_its_bytes() {
    let Some(server) = Server::start() else { return };
    server.make_bucket("shared");
    let start = Barrier::new(8);
    let won: Vec<bool> = thread::scope(|scope| {
        let writer = |number: u8| {
            let (start, port) = (&start, server.port);
            scope.spawn(move || {
                let objects = bucket(port, "shared");
                start.wait();
                objects.put_new("cache/ab/one", &[number; 1000], Durability::Process).expect("nothing fails")
            })
        };
        let writers: Vec<_> = (0..8).map(writer).collect();
        writers.into_iter().map(|writer| writer.join().expect("no panic")).collect()
    });
    assert_eq!(won.iter().filter(|won| **won).count(), 1, "{won:?}");
    let winner = won.iter().position(|won| *won).expect("one won") as u8;
    let mut there = Vec::new();
    let objects = bucket(server.port, "shared");
    let object = objects.open("cache/ab/one");
    object
        .expect("it can be read")
        .expect("it is there")
        .bytes
        .read_to_end(&mut there)
        .expect("it can be read");
    assert_eq!(there, [winner; 1000]);
}

#[test]
fn a_lost_answer_a_torn_upload_or_a_busy_server_at_any_request_loses_nothing() {
    let Some(server) = Server::start() else { return };
    // Each case waits until its requests are sent again.
    thread::scope(|scope| {
        for fault in [Fault::AnswerLost, Fault::Torn, Fault::Busy] {
            for at in 0..7 {
                let server = &server;
                scope.spawn(move || {
                    let name = format!("{fault:?}-{at}").to_lowercase();
                    server.make_bucket(&name);
                    let value = bytes(10_000, true);
                    let through = between(server.port, fault, at);
                    let case = format!("{fault:?} at request {at}");
                    let faulty = store(through, &name);
                    commit(&faulty, "step", &value);
                    assert!(found(&faulty, "step").as_ref() == Some(&value), "{case}");
                    assert_eq!(faulty.take_warnings(), Vec::<String>::new(), "{case}");
                    assert!(found(&store(server.port, &name), "step") == Some(value), "{case}");
                });
            }
        }
    });
}

#[test]
fn what_is_wrong_with_a_location_is_said() {
    for (location, why) in [("s3://", "it has no bucket"), ("s3:///values", "it has no bucket")] {
        let refused = ValueStore::open(location).expect_err("it has no bucket");
        assert!(refused.to_string().contains(why), "{refused}");
    }
    let refused = ValueStore::open("gs://bucket/values").expect_err("no such server");
    assert!(refused.to_string().contains("stores at `gs://` are not supported"), "{refused}");
    assert!(!Path::new("gs:").exists());
}
