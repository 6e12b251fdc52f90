//! The openssl command: what an endpoint serves, and what OpenSSL thinks of it.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use time::OffsetDateTime;

use crate::api::now;
use crate::program::{program, run};
use crate::{ControlPlane, Instance};

const END: &str = "-----END CERTIFICATE-----\n";

/// The certificates that an endpoint sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The server's own certificate, PEM.
    pub leaf: String,
    /// The rest of what it sent, PEM.
    pub chain: String,
    /// The leaf's serial number, hexadecimal.
    pub serial: String,
}

impl Instance {
    /// Connects as `openssl s_client` does, and reads what comes over the wire.
    #[track_caller]
    pub fn served_certificate(&self) -> Served {
        let address = self.address.expect("the endpoint's name is in the hosts file");
        let address = SocketAddr::new(address, self.port).to_string();
        let arguments = ["s_client", "-starttls", "postgres", "-showcerts", "-connect", &address];
        let seen = openssl(&arguments, "").success() + "\n";
        let blocks = seen.split_inclusive(END).filter_map(|part| {
            part.find("-----BEGIN CERTIFICATE-----").map(|start| part[start..].to_owned())
        });
        let mut certificates: Vec<_> = blocks.collect();
        let leaf = certificates.remove(0);
        let serial = openssl(&["x509", "-noout", "-serial"], &leaf).success();
        let serial = serial.strip_prefix("serial=").expect("a serial number").to_owned();
        Served { leaf, chain: certificates.concat(), serial }
    }
}

impl ControlPlane {
    /// `openssl verify` of what was served, as strict as it can be, for a host name and against
    /// roots.
    ///
    /// # Errors
    /// What OpenSSL says against it.
    pub fn verify(&self, served: &Served, host: &str, roots: &Path) -> Result<(), String> {
        self.verify_at(served, host, roots, now())
    }

    /// The same at another time.
    ///
    /// # Errors
    /// What OpenSSL says against it.
    pub fn verify_at(
        &self,
        served: &Served,
        host: &str,
        roots: &Path,
        at: OffsetDateTime,
    ) -> Result<(), String> {
        let at = at.unix_timestamp().to_string();
        let file = |name: &str, content: &str| {
            let path = self.desk().join(format!("{}-{name}.pem", served.serial));
            fs::write(&path, content).expect("a file");
            path.display().to_string()
        };
        let (leaf, chain) = (file("leaf", &served.leaf), file("chain", &served.chain));
        let roots = roots.display().to_string();
        let outcome = openssl(
            &[
                "verify",
                "-x509_strict",
                "-purpose",
                "sslserver",
                "-attime",
                &at,
                "-verify_hostname",
                host,
                "-no-CApath",
                "-no-CAstore",
                "-CAfile",
                &roots,
                "-untrusted",
                &chain,
                &leaf,
            ],
            "",
        );
        if outcome.status.success() { Ok(()) } else { Err(outcome.stderr + &outcome.stdout) }
    }
}

/// Runs the openssl command.
#[track_caller]
pub fn openssl(arguments: &[&str], input: &str) -> crate::Outcome {
    run(program("PGKEEP_OPENSSL", "openssl").args(arguments), input)
}
