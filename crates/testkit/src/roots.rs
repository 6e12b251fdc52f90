//! Files of roots that clients are given: the right one of one authority, and a wrong one.

use std::fs;
use std::path::PathBuf;

use crate::{ControlPlane, openssl, run};

impl ControlPlane {
    /// The root of one authority alone, as the page's `rds-ca-rsa2048-g1.pem`.
    #[track_caller]
    pub fn authority(&self, identifier: &str) -> PathBuf {
        let pem = run(self.command("bundle").args(["--ca", identifier]), "").success();
        let path = self.desk().join(format!("{identifier}.pem"));
        fs::write(&path, pem + "\n").expect("a file");
        path
    }

    /// A root with the name of an authority's, and another key.
    #[track_caller]
    pub fn namesake(&self, identifier: &str) -> PathBuf {
        let root = fs::read_to_string(self.authority(identifier)).expect("the root");
        let name = ["x509", "-noout", "-subject", "-nameopt", "compat"];
        let subject = openssl(&name, &root).success();
        let subject = subject.strip_prefix("subject=").expect("a subject").trim().to_owned();
        let path = self.desk().join(format!("{identifier}-namesake.pem"));
        let (key, out) = (path.with_extension("key"), path.display().to_string());
        let key = key.display().to_string();
        let arguments = ["req", "-x509", "-newkey", "rsa:2048", "-noenc", "-days", "2", "-subj"];
        let files = [&*subject, "-keyout", &*key, "-out", &*out];
        openssl(&[&arguments[..], &files[..]].concat(), "").success();
        path
    }
}
