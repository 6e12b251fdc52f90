//! Clients of the API that mean no good: slow, huge, malformed, out of date, or ten thousand at
//! once. Each is refused within its bound, and the others are served.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic fails the test that called")]

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use pgkeep_testkit::{Api, ControlPlane, Refusal, Xml, read_answer};
use time::Duration;

const DESCRIBE: &str = "DescribeDBInstances";
/// More than pgkeep serves at a time.
const SLOW: usize = 300;
/// More than the kernel keeps besides, unless it is asked to.
const AGAIN: usize = 600;
/// How many requests are answered meanwhile at least, and in which time: some seconds would do.
const HONEST: usize = 20;
const HONEST_LIMIT: std::time::Duration = std::time::Duration::from_mins(1);
const MANY: usize = 10_000;
const THREADS: usize = 20;

/// The answer to what may be no request.
fn answer(api: &Api, text: &str) -> Result<Xml, Refusal> {
    read_answer(api.send(text).unwrap()).unwrap()
}

/// The status of an answer that may be none of the API's.
fn status(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    // A connection with bytes that nobody read is reset once the answer is sent.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).split(' ').nth(1).unwrap_or_default().to_owned()
}

#[test]
fn who_is_slow_is_sent_away_and_the_others_are_served() {
    let plane = ControlPlane::start();
    let api = plane.api();
    let request = api.request(DESCRIBE, &[]);
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    // Half a head, nothing at all, and a body that does not come.
    let (half, beginning) = (&head[..head.len() / 2], format!("{head}\r\n\r\n{}", &body[..3]));
    let parts = [half, "", &beginning];
    let mut slow: Vec<_> =
        (0..SLOW).map(|number| api.send(parts[number % parts.len()]).unwrap()).collect();
    let trickle = thread::spawn({
        let (api, head) = (api.clone(), head.to_owned());
        move || trickle(&api, &head)
    });
    // Those that have waited longest make room; the last of them has its time.
    assert_eq!(plane.call(DESCRIBE, &[]).unwrap().texts("DBInstances"), [""]);
    let refusal = read_answer(slow.pop().unwrap()).unwrap().unwrap_err();
    assert_eq!((refusal.status, &*refusal.message), (400, "A request takes at most 20 s."));
    for stream in slow {
        let status = status(stream);
        assert!(["", "400", "408"].contains(&&*status), "{status}");
    }
    let sent = trickle.join().unwrap();
    assert!((50..300).contains(&sent), "{sent} bytes in 20 s, one in 0.1 s");
    plane.assert_clean();
}

/// Sends a head over and over, byte by byte; answers how many were taken.
fn trickle(api: &Api, head: &str) -> usize {
    let mut stream = api.send("").unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_millis(100))).unwrap();
    let waiting = |error: io::Error| error.kind() == io::ErrorKind::WouldBlock;
    let bytes = head.bytes().cycle();
    let sent = bytes.take_while(|byte| {
        stream.write_all(&[*byte]).is_ok() && stream.read(&mut [0]).is_err_and(waiting)
    });
    sent.count()
}

#[test]
fn who_comes_again_and_again_takes_the_api_from_nobody() {
    let plane = ControlPlane::start();
    let api = plane.api();
    let request = api.request(DESCRIBE, &[]);
    let parts = [&request[..request.len() / 2], &request[..request.len() - 1]];
    let (sent_away, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let come_again = |part: &str| {
        while !over.load(Ordering::Relaxed) {
            wait_for_end(api.send(part), &over);
            sent_away.fetch_add(1, Ordering::Relaxed);
        }
    };
    let come_again = &come_again;
    let answers = thread::scope(|scope| {
        for number in 0..AGAIN {
            scope.spawn(move || come_again(parts[number % parts.len()]));
        }
        let begun = Instant::now();
        let mut answers = Vec::new();
        let is_due = |count| count < HONEST || sent_away.load(Ordering::Relaxed) < 2 * AGAIN;
        while is_due(answers.len()) && begun.elapsed() < HONEST_LIMIT {
            answers.push(api.try_call(DESCRIBE, &[]));
        }
        over.store(true, Ordering::Relaxed);
        answers
    });
    let (count, sent_away) = (answers.len(), sent_away.into_inner());
    assert!(answers.iter().all(|it| matches!(it, Ok(Ok(_)))), "{answers:?}");
    assert!(count >= HONEST && sent_away >= 2 * AGAIN, "{count} answers, {sent_away} sent away");
    plane.assert_clean();
}

/// Waits until pgkeep closes a connection, or all is over.
fn wait_for_end(stream: io::Result<TcpStream>, over: &AtomicBool) {
    let Ok(mut stream) = stream else { return };
    stream.set_read_timeout(Some(std::time::Duration::from_millis(100))).unwrap();
    let waiting = |error: io::Error| error.kind() == io::ErrorKind::WouldBlock;
    while !over.load(Ordering::Relaxed) && stream.read(&mut [0]).is_err_and(waiting) {}
}

#[test]
fn ten_thousand_at_once_are_answered() {
    let plane = ControlPlane::start();
    let ask = || {
        let one = || plane.api().send(&plane.api().request(DESCRIBE, &[])).unwrap();
        // None is read before all are sent.
        let sent: Vec<_> = (0..MANY / THREADS).map(|_| one()).collect();
        let answers = sent.into_iter().map(|it| read_answer(it).unwrap());
        answers.flatten().count()
    };
    let answered: usize = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|it| it.join().unwrap()).sum()
    });
    assert_eq!(answered, MANY);
    plane.assert_clean();
}

#[test]
fn what_is_too_large_or_no_request_is_refused() {
    let plane = ControlPlane::start();
    let api = plane.api();
    let refuse = |parameters: &[(&str, &str)], expected: &str| {
        let refusal = plane.call(DESCRIBE, parameters).unwrap_err();
        assert!(refusal.message.contains(expected), "{refusal}");
    };
    let long = "a".repeat(256 * 1024);
    refuse(&[("DBInstanceIdentifier", &long)], "A request has at most 262144 bytes.");
    refuse(&[(&["a"; 9].join("."), "deep")], "the name has too many parts");
    let names: Vec<_> = (0..1000).map(|number| format!("Name{number}")).collect();
    let many: Vec<_> = names.iter().map(|name| (&**name, "")).collect();
    refuse(&many, "it has too many parameters");

    let request = api.request(DESCRIBE, &[]);
    let with = |more: &str| request.replacen("\r\n", &format!("\r\n{more}\r\n"), 1);
    let headers: Vec<_> = (0..64).map(|number| format!("X-{number}: a")).collect();
    for (text, expected) in [
        (with(&format!("X-Long: {long}")), "431"),
        (with(&headers.join("\r\n")), "431"),
        (request.replacen("POST / ", &format!("POST /?{long} "), 1), "431"),
        (request.replacen("POST / ", &format!("POST /?{} ", &long[..70_000]), 1), "414"),
        (request.replacen("HTTP/1.1", "HTTP/9.9", 1), "400"),
        ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}\u{3}".to_owned(), "400"),
    ] {
        assert_eq!(status(api.send(&text).unwrap()), expected, "{}", &text[..40.min(text.len())]);
    }
    assert!(plane.call(DESCRIBE, &[]).is_ok());
    plane.assert_clean();
}

/// A page whose name was made to lead here has the browser send that name.
#[test]
fn what_is_not_signed_is_for_names_of_this_machine() {
    let plane = ControlPlane::start();
    let api = plane.api();
    for path in ["/metrics", "/global/global-bundle.pem", "/us-east-1/us-east-1-bundle.crl"] {
        let ask = |head: &str| {
            status(api.send(&format!("GET {path} {head}\r\nConnection: close\r\n\r\n")).unwrap())
        };
        assert_eq!(ask("HTTP/1.1\r\nHost: evil.example:7432"), "421");
        assert_eq!(ask("HTTP/1.1\r\nHost: api.localhost"), "200");
        assert_eq!(ask("HTTP/1.0"), "200");
    }
    // What is signed may use a name that somebody gave the API.
    let value = |name: &str| &*plane.environment()[name];
    let (key, secret) = (value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY"));
    let named = Api::new("http://rds.example.com:7432", "us-east-1", key, secret);
    assert!(answer(api, &named.request(DESCRIBE, &[])).is_ok());
    plane.assert_clean();
}

/// As in the service a request can be sent again from a quarter of an hour before its date to as
/// long after it, and a presigned one as long as it says; no later, no earlier, and not changed.
#[test]
fn what_is_out_of_date_or_changed_is_refused() {
    let plane = ControlPlane::start();
    let refused = |text: &str| answer(plane.api(), text).unwrap_err().code;
    let at = |minutes| plane.api().clone().ahead(Duration::minutes(minutes)).request(DESCRIBE, &[]);
    let request = at(0);
    for _ in 0..2 {
        assert!(answer(plane.api(), &request).is_ok());
    }
    assert_eq!(refused(&at(-16)), "RequestExpired");
    assert_eq!(refused(&at(16)), "RequestExpired");
    assert!(answer(plane.api(), &at(14)).is_ok());
    let presigned = |minutes, expires_s| {
        plane.api().clone().ahead(Duration::minutes(minutes)).presigned(DESCRIBE, expires_s)
    };
    let (hour_s, week_s) = (60 * 60, 7 * 24 * 60 * 60);
    for _ in 0..2 {
        assert!(answer(plane.api(), &presigned(-59, hour_s)).is_ok());
    }
    assert_eq!(refused(&presigned(-61, hour_s)), "RequestExpired");
    assert!(answer(plane.api(), &presigned(-60 * 24 * 6, week_s)).is_ok());
    assert_eq!(refused(&presigned(0, week_s + 1)), "IncompleteSignature");
    let longer = presigned(-61, hour_s).replace("Expires=3600", "Expires=7200");
    assert_eq!(refused(&longer), "SignatureDoesNotMatch");
    let changed = request.replace("Action=DescribeDBInstances", "Action=DescribeDBLogFiles ");
    assert_eq!(refused(&changed), "SignatureDoesNotMatch");
    let path = request.replacen("POST / ", "POST /?Action=DeleteDBInstance ", 1);
    assert_eq!(refused(&path), "SignatureDoesNotMatch");
    plane.assert_clean();
}
