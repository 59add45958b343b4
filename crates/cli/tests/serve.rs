//! Tests of the `bluetick serve` process: clients that stall, disconnect or never read, signals, and files that must
//! be on disk before an answer.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use bluetick_simulator::TEST_META_APP_SECRET;
use hmac::{Hmac, KeyInit, Mac};

const BODY: &str = r#"{"entry":[{"id":"1","changes":[{"field":"messages","value":{"statuses":[{"id":"wamid.S","status":"sent","timestamp":"1795168800","recipient_id":"4915550100001"}]}}]}]}"#;
/// Size of a body in bytes, of which a client sends all but the last byte.
const STALLED_BYTES: usize = 3_000_000;
/// Size of further such bodies. They fill the memory that becomes free when a server without the limit refuses several
/// large ones at the same moment.
const SMALL_STALLED_BYTES: usize = 200_000;

struct Server {
    child: Child,
    /// Process id of the server. It differs from `child` if `child` is a tracer.
    pid: u32,
    address: SocketAddr,
    directory: tempfile::TempDir,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        Self::start_under(&[], arguments)
    }

    /// Starts the server through another command, such as `strace`.
    fn start_under(wrapper: &[&str], arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = |name: &str| url::Url::from_file_path(directory.path().join(name)).unwrap().to_string();
        let trace = directory.path().join("trace");
        let mut command: Vec<String> =
            wrapper.iter().map(|word| word.replace("TRACE", trace.to_str().unwrap())).collect();
        command
            .extend([env!("CARGO_BIN_EXE_bluetick"), "serve", "--listen", "127.0.0.1:0", "--sink"].map(str::to_owned));
        command.push(url("raw"));
        command.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        let mut child = Command::new(&command[0])
            .args(&command[1..])
            .env("META_APP_SECRETS", TEST_META_APP_SECRET)
            .env("SPILL_URL", url("spill"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} cannot be started ({error}): install it", command[0]));
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address =
            line.trim().strip_prefix("listening on http://").unwrap_or_else(|| panic!("{line:?}")).parse().unwrap();
        let pid = if wrapper.is_empty() {
            child.id()
        } else {
            let trace = std::fs::read_to_string(trace).unwrap();
            trace.split_whitespace().next().unwrap().parse().unwrap()
        };
        Self { child, pid, address, directory }
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).unwrap()
    }

    fn terminate(&self) {
        assert!(Command::new("kill").args(["-TERM", &self.pid.to_string()]).status().unwrap().success());
    }

    /// Waits until the process ends. The time limit only detects a hanging process; it is no measurement.
    fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(60) {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the server does not end");
    }

    fn post(&self, body: &str) -> u16 {
        let mut stream = self.connect();
        stream.write_all(head(&sign(body), body.len()).as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        status(&mut stream)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-KILL", &self.pid.to_string()]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }
}

fn sign(body: &str) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(TEST_META_APP_SECRET.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let digits: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("X-Hub-Signature-256: sha256={digits}\r\n")
}

fn head(headers: &str, length: usize) -> String {
    format!("POST /webhooks/meta HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n{headers}\r\n")
}

/// The status of a response.
fn status(stream: &mut TcpStream) -> u16 {
    let mut line = [0; 12];
    stream.read_exact(&mut line).unwrap();
    String::from_utf8_lossy(&line[9..]).parse().unwrap()
}

/// A client that sends requests without reading responses, until it cannot send any more.
fn client_that_reads_nothing(server: &Server) -> TcpStream {
    let mut stream = server.connect();
    stream.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
    let requests = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1_000);
    while stream.write_all(requests.as_bytes()).is_ok() {}
    stream
}

#[test]
fn stalled_bodies_without_authentication_leave_room_for_authentic_webhooks() {
    let server = Server::start(&["--client-timeout", "5m"]);
    let unproven = format!("X-Hub-Signature-256: sha256={}\r\n", "0".repeat(64));
    let stall = |bytes: usize| {
        let mut stream = server.connect();
        stream.write_all(head(&unproven, bytes).as_bytes()).unwrap();
        // The server closes the connection of a dropped body.
        let _ = stream.write_all(&vec![b' '; bytes - 1]);
        stream
    };
    let stalled: Vec<TcpStream> =
        [[STALLED_BYTES; 90], [SMALL_STALLED_BYTES; 90]].concat().into_iter().map(stall).collect();
    // Padded with spaces to two megabytes: more than the memory that is left while the server keeps all stalled bodies.
    let webhook = format!("{BODY}{}", " ".repeat(2_000_000));
    let answers: Vec<u16> = (0..30).map(|_| server.post(&webhook)).collect();
    assert_eq!(answers, [200; 30]);
    drop(stalled);
}

#[test]
fn a_webhook_without_credential_is_refused_before_its_body() {
    let server = Server::start(&["--client-timeout", "5m"]);
    for (headers, expected) in [("", 401), ("X-Hub-Signature-256: sha256=00\r\n", 401)] {
        let mut stream = server.connect();
        stream.write_all(head(headers, STALLED_BYTES).as_bytes()).unwrap();
        assert_eq!(status(&mut stream), expected, "{headers}");
    }
    assert_eq!(server.post(BODY), 200);
}

#[test]
fn a_client_that_reads_nothing_does_not_delay_the_end() {
    let mut server = Server::start(&["--client-timeout", "5m", "--shutdown-timeout", "1s"]);
    let client = client_that_reads_nothing(&server);
    server.terminate();
    assert!(server.wait().success());
    drop(client);
}

#[test]
fn a_client_that_reads_nothing_is_disconnected() {
    let mut server = Server::start(&["--client-timeout", "1s", "--shutdown-timeout", "1h"]);
    let mut client = client_that_reads_nothing(&server);
    server.terminate();
    // Without a write time-out the server would wait an hour for this client.
    assert!(server.wait().success());
    let mut answers = Vec::new();
    let _ = client.read_to_end(&mut answers);
    assert!(!answers.is_empty());
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    let mut server = Server::start(&["--client-timeout", "1h", "--shutdown-timeout", "1h"]);
    // A request in progress, for which the server would wait an hour.
    let mut client = server.connect();
    let headers = format!("{}Expect: 100-continue\r\n", sign(BODY));
    client.write_all(head(&headers, BODY.len()).as_bytes()).unwrap();
    assert_eq!(status(&mut client), 100, "the server waits for the body");
    server.terminate();
    // Once the server refuses connections, it has handled the first signal.
    while TcpStream::connect(server.address).is_ok() {
        std::thread::yield_now();
    }
    server.terminate();
    assert_eq!(server.wait().code(), Some(1));
    drop(client);
}

#[test]
fn a_lake_inside_the_raw_objects_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let url = |name: &str| url::Url::from_file_path(directory.path().join(name)).unwrap().to_string();
    std::fs::create_dir(directory.path().join("raw")).unwrap();
    let (raw, lake) = (url("raw"), url("raw/lake"));
    for arguments in [
        vec!["serve", "--listen", "127.0.0.1:0", "--every", "1s", "--sink", &raw, "--lake", &lake],
        vec!["run", "--raw", &raw, "--lake", &lake],
        vec!["replay", &raw, "--lake", &lake],
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_bluetick")).args(&arguments).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && message.contains("must not contain each other"),
            "{arguments:?}: {message}"
        );
    }
    assert_eq!(std::fs::read_dir(directory.path().join("raw")).unwrap().count(), 0);
}

/// The system calls of a server in order, as written by `strace`.
fn traced(prepare: impl FnOnce(&Server)) -> (PathBuf, Vec<String>, Server) {
    let calls = "trace=mkdir,mkdirat,openat,write,fsync,fdatasync,rename,renameat,renameat2,sendto,writev";
    let mut server = Server::start_under(&["strace", "-f", "-y", "-s", "64", "-e", calls, "-o", "TRACE"], &[]);
    prepare(&server);
    assert_eq!(server.post(BODY), 200);
    server.terminate();
    server.wait();
    let directory = server.directory.path().canonicalize().unwrap();
    let trace = std::fs::read_to_string(directory.join("trace")).unwrap();
    (directory, trace.lines().map(str::to_owned).collect(), server)
}

/// Checks that the only object below `root`, and the directory entries of all parent folders, were synced before the
/// response.
fn check_synced_before_answer(root: &Path, calls: &[String]) {
    let answer = calls.iter().position(|call| call.contains("HTTP/1.1 200")).unwrap();
    let renames: Vec<usize> =
        (0..answer).filter(|at| calls[*at].contains("rename") && calls[*at].contains(root.to_str().unwrap())).collect();
    let [rename] = renames.as_slice() else { panic!("one object, not {renames:?}") };
    let object = calls[*rename].split('"').nth(3).unwrap();
    // If another thread's call interrupts a call, strace splits it: the first part contains the path, the second is
    // `<... fsync resumed>`.
    let synced = |path: &Path, from: usize| {
        let path = format!("<{}>", path.display());
        (from..answer).any(|at| calls[at].contains("fsync(") && calls[at].contains(&path))
    };
    let hidden = calls[*rename].split('"').nth(1).unwrap();
    assert!(
        (0..*rename).any(|at| calls[at].contains("fsync(") && calls[at].contains(&format!("<{hidden}>"))),
        "content of {object}"
    );
    let mut made = *rename;
    let mut folder = Path::new(object).parent().unwrap();
    loop {
        assert!(synced(folder, made), "{} was not synced after its last entry was made", folder.display());
        if folder == root {
            break;
        }
        let name = format!("\"{}\"", folder.display());
        made = (0..answer).find(|at| calls[*at].contains("mkdir") && calls[*at].contains(&name)).unwrap();
        folder = folder.parent().unwrap();
    }
}

#[test]
fn an_object_and_all_its_new_folders_are_on_disk_before_the_answer() {
    let (directory, calls, _server) = traced(|_| {});
    check_synced_before_answer(&directory.join("raw"), &calls);
}

#[test]
fn a_spilled_object_and_all_its_new_folders_are_on_disk_before_the_answer() {
    let (directory, calls, _server) = traced(|server| {
        // A file in place of the sink's directory makes the sink fail.
        std::fs::remove_dir(server.directory.path().join("raw")).unwrap();
        std::fs::write(server.directory.path().join("raw"), "in the way").unwrap();
    });
    check_synced_before_answer(&directory.join("spill"), &calls);
}
