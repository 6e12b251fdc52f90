//! The shared authorities, and the openssl command.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Instant;

use pgkeep_model::{CA_POLICIES, KeyAlgorithm};
use pgkeep_pki::{Authorities, LeafKey};
use tempfile::TempDir;
use time::OffsetDateTime;
use time::macros::datetime;

/// When the shared authorities were made; a leap day, on purpose.
pub(crate) const NOW: OffsetDateTime = datetime!(2028-02-29 12:00 UTC);
pub(crate) const REGION: &str = "eu-central-1";
pub(crate) const ECC: &str = "rds-ca-ecc384-g1";

/// Authorities made once, with the files that they left; their folder is gone.
pub(crate) struct Shared {
    pub(crate) authorities: Authorities,
    files: BTreeMap<PathBuf, String>,
    /// The mode of every file and folder, the outermost first.
    pub(crate) modes: Vec<(PathBuf, u32)>,
}

pub(crate) fn shared() -> &'static Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    SHARED.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        let home = folder.path().join("state/authorities");
        let started = Instant::now();
        let authorities = Authorities::ensure(&home, REGION, None, NOW).unwrap();
        eprintln!("made the shared authorities in {:?}", started.elapsed());
        Shared { authorities, files: read_tree(&home), modes: read_modes(&home) }
    })
}

impl Shared {
    /// The text of `<identifier>/<name>`.
    pub(crate) fn file(&self, identifier: &str, name: &str) -> &str {
        &self.files[&Path::new(identifier).join(name)]
    }

    /// A new folder with the files of the authorities that are wanted.
    pub(crate) fn restore(&self, wanted: impl Fn(&str) -> bool) -> TempDir {
        let home = TempDir::new().unwrap();
        for (path, content) in &self.files {
            let folder = path.parent().unwrap();
            if wanted(folder.to_str().unwrap()) {
                fs::create_dir_all(home.path().join(folder)).unwrap();
                write_private(&home.path().join(path), content);
            }
        }
        home
    }

    /// A key for leaves of this kind; the slow one is borrowed from an authority.
    pub(crate) fn leaf_key(&self, algorithm: KeyAlgorithm) -> LeafKey {
        match algorithm {
            KeyAlgorithm::Rsa4096 => {
                let pem = self.file(CA_POLICIES[1].identifier, "root-key.pem");
                LeafKey::from_pem(algorithm, pem).unwrap()
            }
            quick => LeafKey::generate(quick).unwrap(),
        }
    }
}

/// Every file under a folder, by its path below it.
pub(crate) fn read_tree(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    for authority in fs::read_dir(folder).unwrap() {
        for file in fs::read_dir(authority.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let content = fs::read_to_string(&path).unwrap();
            files.insert(path.strip_prefix(folder).unwrap().to_owned(), content);
        }
    }
    files
}

fn read_modes(folder: &Path) -> Vec<(PathBuf, u32)> {
    let mode = fs::metadata(folder).unwrap().permissions().mode() & 0o7777;
    let mut modes = vec![(folder.to_owned(), mode)];
    if folder.is_dir() {
        let entries = fs::read_dir(folder).unwrap();
        modes.extend(entries.flat_map(|entry| read_modes(&entry.unwrap().path())));
    }
    modes
}

pub(crate) fn write_private(path: &Path, content: &str) {
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Runs openssl on an input; what it printed, and whether it agreed.
pub(crate) fn try_openssl(args: &[&str], input: &[u8]) -> (bool, String) {
    let mut child = Command::new("openssl")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that needs no input may be gone before it is written.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (output.status.success(), text.concat())
}

pub(crate) fn openssl(args: &[&str], input: impl AsRef<[u8]>) -> String {
    let (agreed, text) = try_openssl(args, input.as_ref());
    assert!(agreed, "openssl {args:?}: {text}");
    text.trim_end().to_owned()
}

/// What follows the first `=` of openssl's answer, as in `serial=…`.
pub(crate) fn openssl_value(args: &[&str], input: impl AsRef<[u8]>) -> String {
    openssl(args, input).split_once('=').unwrap().1.to_owned()
}

/// The extensions of a certificate as openssl prints them: name with `critical`, and value.
pub(crate) fn extensions(pem: &str) -> BTreeMap<String, String> {
    let text = openssl(&["x509", "-noout", "-text"], pem);
    let lines = text.lines().skip_while(|line| !line.contains("X509v3 extensions:")).skip(1);
    let lines = lines.take_while(|line| line.starts_with("            "));
    let mut found = BTreeMap::new();
    let mut name = String::new();
    for line in lines {
        if line.starts_with("                ") {
            found.insert(name.clone(), line.trim().to_owned());
        } else {
            line.trim().trim_end_matches(':').clone_into(&mut name);
            name = name.replace("X509v3 ", "").replace(": critical", "!");
        }
    }
    found
}

/// Asks openssl to verify a chain strictly, as a client would at `at`.
pub(crate) fn verify(
    root: &str,
    subordinate: Option<&str>,
    leaf: &str,
    host: &str,
    at: OffsetDateTime,
) -> (bool, String) {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, content: &str| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (root, at) = (write("root.pem", root), at.unix_timestamp().to_string());
    let mut args = vec!["verify", "-x509_strict", "-purpose", "sslserver", "-attime", &at];
    args.extend(["-verify_hostname", host, "-no-CApath", "-no-CAstore", "-CAfile", &root]);
    let untrusted = subordinate.map(|pem| write("subordinate.pem", pem));
    args.extend(untrusted.iter().flat_map(|path| ["-untrusted", path.as_str()]));
    try_openssl(&args, leaf.as_bytes())
}

/// The certificates of a PEM text, one by one; nothing may stand between them.
pub(crate) fn split(pem: &str) -> Vec<String> {
    const END: &str = "-----END CERTIFICATE-----\n";
    let blocks: Vec<String> = pem.split_inclusive(END).map(str::to_owned).collect();
    for block in &blocks {
        assert!(block.starts_with("-----BEGIN CERTIFICATE-----\n") && block.ends_with(END));
    }
    blocks
}
