//! moto's server, an imitation of the API without databases: what requests are compared with.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::api::Api;

const SCRIPT: &str = include_str!("moto.py");

/// The running server, which ends with this.
pub(super) struct Moto {
    child: Child,
    pub(super) api: Api,
}

impl Moto {
    /// Starts it with so many instances.
    pub(super) fn start(python: &Path, instances: usize) -> Result<Self> {
        let mut child = Command::new(python)
            .args(["-c", SCRIPT, &instances.to_string()])
            // The script ends with its input.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start moto")?;
        let stdout = child.stdout.take().context("moto has no output")?;
        let mut moto = Self { child, api: Api::new("", "testing", "testing") };
        let mut url = String::new();
        BufReader::new(stdout).read_line(&mut url)?;
        ensure!(!url.is_empty(), "moto's server did not start");
        moto.api = Api::new(&url, "testing", "testing");
        Ok(moto)
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
