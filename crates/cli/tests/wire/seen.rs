//! Looks at one engine: its defaults, and its TLS by default and with a group that opens TLS 1.1.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use pgkeep_probe::{Cipher, TlsVersion, VersionAnswer, accepted_suites};
use pgkeep_testkit::{ControlPlane, Instance, Outcome, Psql, run, wait_until};

use super::{openssl, reference};
use crate::groups::{LIMIT, create_group, reboot, set};

/// Far more than an answer takes on loopback.
const WITHIN: Duration = Duration::from_secs(20);

/// The alert `protocol_version`, RFC 8446 §6.2.
const PROTOCOL_VERSION: u8 = 70;

/// The majors with a setting for the protocol version.
const FIRST_WITH_MINIMUM: u16 = 12;

/// Those whose suites the openssl command is asked for too: the oldest, which speaks the most, and
/// the newest. It is asked of the distribution's engine as well.
const JUDGED: [u16; 2] = [10, 18];

/// The client's own bounds lie in its connection string; this lets its library go as low.
const OLD_CLIENT: &str = "openssl_conf = init\n[init]\nssl_conf = ssl\n[ssl]\n\
                          system_default = old\n[old]\nMinProtocol = TLSv1.1\n\
                          CipherString = DEFAULT:@SECLEVEL=0\n";

/// The suites of each version, by [`TlsVersion::ALL`], in the order of the server's choice.
pub(crate) type Suites = [Vec<Cipher>; 4];

/// Which engine to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    /// pgkeep's own download of a major version.
    Pinned(u16),
    /// The distribution's.
    System(u16),
}

impl Engine {
    pub(crate) fn major(self) -> u16 {
        match self {
            Self::Pinned(major) | Self::System(major) => major,
        }
    }
}

/// The kind of a server's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Rsa,
    Ecdsa,
}

impl Key {
    pub(crate) const BOTH: [Self; 2] = [Self::Rsa, Self::Ecdsa];

    /// As people write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rsa => "RSA",
            Self::Ecdsa => "ECDSA",
        }
    }

    fn authority(self) -> &'static str {
        match self {
            Self::Rsa => "rds-ca-rsa2048-g1",
            Self::Ecdsa => "rds-ca-ecc384-g1",
        }
    }
}

/// What was seen of an engine; pairs are by [`Key::BOTH`].
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) engine: Engine,
    pub(crate) release: String,
    pub(crate) openssl: String,
    pub(crate) force_ssl: String,
    pub(crate) ciphers: String,
    pub(crate) by_default: [Suites; 2],
    /// With a group that opens TLS 1.1, where there is a setting for it.
    pub(crate) opened: Option<Opened>,
    /// The suites of psql's sessions with TLS 1.1.
    pub(crate) sessions: [String; 2],
}

/// What was seen with a group that opens TLS 1.1.
#[derive(Debug)]
pub(crate) struct Opened {
    /// `ssl_ciphers`, as the server has it then.
    pub(crate) ciphers: String,
    pub(crate) suites: [Suites; 2],
}

/// Looks at one engine with an instance of its own.
pub(crate) fn look(plane: &ControlPlane, engine: Engine) -> Seen {
    let major = engine.major();
    let name = &*format!("db-{major}");
    plane.create(name, &major.to_string(), &[]);
    let instance = plane.wait_available(name);
    let [force_ssl, ciphers] = defaults(plane, &instance, major);
    let openssl = openssl_of(plane, &instance);

    let has_minimum = major >= FIRST_WITH_MINIMUM;
    let by_default = Key::BOTH.map(|key| {
        let instance = serve_with(plane, name, key);
        let suites = enumerate(&instance);
        judge(engine, &instance, &suites, &ciphers, key);
        if has_minimum {
            let refusal = old_session(plane, &instance).failure();
            assert!(refusal.contains("alert protocol version"), "{refusal}");
        }
        suites
    });
    if has_minimum {
        open_tls11(plane, name, major);
    }
    let mut opened = Key::BOTH.map(|key| {
        let instance = serve_with(plane, name, key);
        let session = old_session(plane, &instance).success();
        let (version, suite) = session.split_once('|').unwrap();
        assert_eq!(version, "TLSv1.1");
        (enumerate(&instance), suite.to_owned())
    });
    let sessions = opened.each_mut().map(|(_, suite)| std::mem::take(suite));
    let opened = has_minimum.then(|| Opened {
        ciphers: Psql::to(plane, &instance).query("SHOW ssl_ciphers"),
        suites: opened.map(|(suites, _)| suites),
    });
    plane.delete(name);
    plane.wait_deleted(name);
    if has_minimum {
        plane.call("DeleteDBParameterGroup", &[("DBParameterGroupName", &group_of(name))]).unwrap();
    }
    let release = instance.version.clone();
    Seen { engine, release, openssl, force_ssl, ciphers, by_default, opened, sessions }
}

/// `rds.force_ssl` and `ssl_ciphers`: of the reference page, the default group, the family and the
/// running server, all of which must be the same.
fn defaults(plane: &ControlPlane, instance: &Instance, major: u16) -> [String; 2] {
    const NAMES: [&str; 2] = ["rds.force_ssl", "ssl_ciphers"];
    let expected = [reference::force_ssl(major), reference::ciphers(&instance.version)];
    let group = format!("default.postgres{major}");
    let family = format!("postgres{major}");
    for (action, of) in [
        ("DescribeDBParameters", ("DBParameterGroupName", &*group)),
        ("DescribeEngineDefaultParameters", ("DBParameterGroupFamily", &*family)),
    ] {
        let [first, second] = NAMES;
        let filter = ("Filters.Filter.1.Name", "parameter-name");
        let values = ["Filters.Filter.1.Values.Value.1", "Filters.Filter.1.Values.Value.2"];
        let fields = [of, filter, (values[0], first), (values[1], second)];
        let parameters = plane.call(action, &fields).unwrap().elements("Parameter");
        let text = |name| parameters.iter().map(|it| it.text(name).unwrap()).collect::<Vec<_>>();
        assert_eq!(text("ParameterName"), NAMES, "{action} {group}");
        assert_eq!(text("ParameterValue"), expected, "{action} {group}");
    }
    let psql = Psql::to(plane, instance);
    let shown = NAMES.map(|name| psql.query(&format!("SHOW {name}")));
    assert_eq!(shown, expected, "the server of {group}");
    shown
}

/// The release of the library that the server has loaded, by the library's own text.
fn openssl_of(plane: &ControlPlane, instance: &Instance) -> String {
    let postmaster = plane.postmaster(&instance.resource_id).expect("it runs");
    let maps = fs::read_to_string(format!("/proc/{postmaster}/maps")).unwrap();
    let path = maps.lines().find_map(|line| Some(&line[line.find('/')?..]).filter(is_libcrypto));
    let library = fs::read(path.expect("libcrypto is loaded")).unwrap();
    let mark = b"OpenSSL ";
    let texts = library.windows(24).filter(|window| window.starts_with(mark));
    let texts = texts.map(|window| String::from_utf8_lossy(&window[mark.len()..]));
    let mut releases = texts.filter_map(|text| {
        let release = text.split(' ').next()?;
        release.starts_with(|c: char| c.is_ascii_digit()).then(|| release.to_owned())
    });
    releases.next().expect("a release of OpenSSL")
}

fn is_libcrypto(path: &&str) -> bool {
    path.contains("/libcrypto.so")
}

/// Lets the instance have a certificate for a key of that kind.
fn serve_with(plane: &ControlPlane, name: &str, key: Key) -> Instance {
    let serves = |instance: &Instance| {
        let details = instance.xml.elements("CertificateDetails");
        details[0].text("CAIdentifier").as_deref() == Some(key.authority())
            && instance.status == "available"
    };
    let instance = plane.instance(name).unwrap();
    if serves(&instance) {
        return instance;
    }
    plane.modify(name, &[("CACertificateIdentifier", key.authority())]);
    wait_until("the other authority's certificate", LIMIT, || {
        let instance = plane.instance(name).unwrap();
        if serves(&instance) { Ok(instance) } else { Err(instance.xml.to_string()) }
    })
}

/// Chooses a group whose minimum is TLS 1.1, and reboots for it.
fn open_tls11(plane: &ControlPlane, name: &str, major: u16) {
    let group = group_of(name);
    create_group(plane, &group, &format!("postgres{major}")).unwrap();
    set(plane, &group, &[("ssl_min_protocol_version", "TLSv1.1", "immediate")]).unwrap();
    plane.modify(name, &[("DBParameterGroupName", &group)]);
    let instance = reboot(plane, name);
    assert_eq!(Psql::to(plane, &instance).query("SHOW ssl_min_protocol_version"), "TLSv1.1");
}

fn group_of(name: &str) -> String {
    format!("tls11-{name}")
}

fn address(instance: &Instance) -> SocketAddr {
    SocketAddr::new(instance.address.unwrap(), instance.port)
}

/// Every suite of every version, on the wire.
fn enumerate(instance: &Instance) -> Suites {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    TlsVersion::ALL.map(|version| {
        let found = accepted_suites(address(instance), version, WITHIN);
        let found = runtime.block_on(found).unwrap();
        if found.suites.is_empty() {
            let refused = Some(VersionAnswer::Refused { alert: PROTOCOL_VERSION });
            assert_eq!(found.end, refused, "{version} of {}", instance.version);
        }
        found.suites
    })
}

fn judge(engine: Engine, instance: &Instance, suites: &Suites, ciphers: &str, key: Key) {
    match engine {
        Engine::Pinned(major) if !JUDGED.contains(&major) => return,
        Engine::Pinned(_) => {}
        Engine::System(_) => openssl::assert_same_order(ciphers, key, &suites[2]),
    }
    openssl::assert_agrees(instance, suites);
}

/// psql, which verifies all that it can, with TLS 1.1 and nothing else: version and suite of its
/// session by the server's own view.
fn old_session(plane: &ControlPlane, instance: &Instance) -> Outcome {
    let configuration: PathBuf = plane.desk().join(format!("{}.cnf", instance.identifier));
    fs::write(&configuration, OLD_CLIENT).unwrap();
    let psql = Psql::to(plane, instance).with("ssl_min_protocol_version", "TLSv1.1");
    let mut command: Command = psql.with("ssl_max_protocol_version", "TLSv1.1").command();
    command.env("OPENSSL_CONF", configuration).args(["--no-align", "--tuples-only", "--command"]);
    let own = "SELECT version, cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    run(command.arg(own), "")
}
