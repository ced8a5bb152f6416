//! An S3 server of this machine, and one between it and a client that fails at one request.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::store::tests::missing;

/// How long the server may take to start.
const LIMIT: Duration = Duration::from_mins(2);

/// A server that keeps objects in memory. Ends when dropped.
pub(super) struct Server {
    child: Child,
    pub(super) port: u16,
}

impl Server {
    /// Starts one. Returns `None`, and says so, if it is not installed.
    pub(super) fn start() -> Option<Self> {
        let port = listener().local_addr().expect("it is bound").port();
        let mut command = Command::new("moto_server");
        command.args(["--host", "127.0.0.1", "--port", &port.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let Ok(mut child) = command.spawn() else {
            missing("moto_server");
            return None;
        };
        let until = Instant::now() + LIMIT;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(child.try_wait().expect("it can be asked").is_none(), "the server has ended");
            assert!(Instant::now() < until, "the server does not answer");
            thread::sleep(Duration::from_millis(20));
        }
        Some(Server { child, port })
    }

    pub(super) fn make_bucket(&self, name: &str) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the server listens");
        let request = format!(
            "PUT /{name} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).expect("the server reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the server answers");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    /// The server has done it, and the connection is reset before the answer.
    AnswerLost,
    /// The connection breaks in the middle of the request.
    Torn,
    /// The server answers that it is busy.
    Busy,
}

/// Listens between clients and the server at a port, and does wrong the request with number `at`. Returns the port.
pub(super) fn between(server: u16, fault: Fault, at: usize) -> u16 {
    let listener = listener();
    let port = listener.local_addr().expect("it is bound").port();
    thread::spawn(move || {
        for (number, client) in listener.incoming().enumerate() {
            let fault = (number == at).then_some(fault);
            // A client that is gone needs no answer.
            let _ = client.and_then(|client| pass_on(client, server, fault));
        }
    });
    port
}

/// Passes on one request and its answer; the connection ends with them.
fn pass_on(mut client: TcpStream, server: u16, fault: Option<Fault>) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    if let (Some(Fault::AnswerLost), 1..) = (fault, body.len()) {
        // What is not read makes the end of the connection a reset.
        while client.peek(&mut body)? < body.len() {}
    } else {
        client.read_exact(&mut body)?;
    }
    if let Some(Fault::Busy) = fault {
        client.write_all(b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
        return client.shutdown(Shutdown::Both);
    }
    let mut to = TcpStream::connect(("127.0.0.1", server))?;
    to.write_all(head.replacen("\r\n", "\r\nConnection: close\r\n", 1).as_bytes())?;
    if let Some(Fault::Torn) = fault {
        to.write_all(&body[..body.len() / 2])?;
        to.shutdown(Shutdown::Both)?;
        return client.shutdown(Shutdown::Both);
    }
    to.write_all(&body)?;
    let mut answer = Vec::new();
    to.read_to_end(&mut answer)?;
    if fault.is_some() {
        return Ok(());
    }
    client.write_all(&answer)?;
    client.shutdown(Shutdown::Both)
}

fn listener() -> TcpListener {
    TcpListener::bind(("127.0.0.1", 0)).expect("a port is free")
}
