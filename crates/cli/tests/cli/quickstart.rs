//! The main job, from nothing to a verified connection, with psql as the judge.

use crate::support::{Finished, Foreground, Place};

const READY: &str = "Serving until Ctrl-C";

#[test]
fn quickstart_proves_what_it_says_and_stops_what_it_started() {
    let place = Place::new();
    let run = || Finished::of(&place.plane(&["quickstart", "--exit"]).output().unwrap());
    let first = run().succeeded();
    for fact in [
        "SSL connection (protocol: TLSv1.3, cipher: TLS_AES_256_GCM_SHA384, bits: 256",
        "Certificate CN      demo.",
        "pgkeep RDS us-east-1 Subordinate CA RSA2048 G1",
        "Certificate ends    ",
        "sslmode=disable     refused: no pg_hba.conf entry",
        "sslmode=verify-full sslrootcert=",
        "jdbc:postgresql://demo.",
        "eval \"$(pgkeep env --data-dir ",
    ] {
        assert!(first.contains(fact), "no {fact} in {first}");
    }
    assert!(!first.contains("Password"), "nobody can use it: {first}");
    let second = run().succeeded();
    let head = |text: &str| text.lines().next().map(str::to_owned);
    assert_eq!(head(&second), head(&first), "demo was not adopted");
}

#[test]
fn the_commands_agree_with_psql_about_a_running_instance() {
    let place = Place::new();
    let command = place.plane(&["quickstart", "--stop-instances"]);
    let (mut quickstart, said) = Foreground::start(command, READY);
    let mut lines = said.lines().skip_while(|line| !line.starts_with("Password"));
    let password = lines.nth(1).unwrap().trim().to_owned();

    let sql = "SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let mut psql = place.pgkeep(&["psql", "demo", "--", "-X", "-A", "-t", "-c", sql]);
    let seen = Finished::of(&psql.env("PGPASSWORD", &password).output().unwrap());
    assert_eq!(seen.succeeded(), "t|TLSv1.3\n");
    let mut plain = place.pgkeep(&["psql", "demo", "--", "-X", "sslmode=disable"]);
    let refused = Finished::of(&plain.env("PGPASSWORD", &password).output().unwrap());
    assert!(refused.err.contains("no encryption"), "{refused:?}");

    let tls = place.run(&["tls", "demo", "--json"]).succeeded();
    assert!(tls.contains("\"serves_what_is_recorded\": true"), "{tls}");
    assert!(tls.contains("\"plaintext_refused\": true"), "{tls}");
    let ls = place.run(&["ls"]).succeeded();
    assert!(ls.contains("demo        available"), "{ls}");
    let log = place.run(&["logs", "demo"]).succeeded();
    assert!(log.contains("database system is ready to accept connections"), "{log}");
    assert_eq!(place.run(&["psql", "nobody"]).code, Some(1));
    let doctor = place.plane(&["doctor", "--json"]).output().unwrap();
    let doctor = Finished::of(&doctor).succeeded();
    assert!(doctor.contains("serves http://127.0.0.1:"), "{doctor}");

    assert_eq!(quickstart.stop(), Some(0));
    let stopped = place.run(&["tls", "demo"]);
    assert_eq!(stopped.code, Some(1), "nothing is served: {stopped:?}");
    let ls = place.run(&["ls"]).succeeded();
    assert!(ls.contains("demo        starting"), "nothing may say available: {ls}");
    let state = [place.data().join("state.db"), place.data().join("credentials")];
    for file in state {
        let bytes = std::fs::read(file).unwrap();
        assert!(!bytes.windows(password.len()).any(|window| window == password.as_bytes()));
    }
}
