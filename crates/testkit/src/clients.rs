//! Clients of the API by other hands: the AWS CLI and the SDKs, run as their users run them.

use std::env;
use std::process::Command;

use crate::ControlPlane;
use crate::program::{program, run};

impl ControlPlane {
    /// Lets a client know this control plane, and nothing of this machine's own configuration.
    pub fn lead(&self, client: &mut Command) {
        for (name, _) in env::vars_os().filter(|(name, _)| is_foreign(&name.to_string_lossy())) {
            client.env_remove(name);
        }
        client
            .envs(self.environment())
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("AWS_PAGER", "");
    }

    /// `aws rds` with these words, split at spaces: what it printed, JSON.
    #[track_caller]
    pub fn aws(&self, words: &str) -> String {
        run(&mut self.aws_command(words), "").success()
    }

    /// What `aws rds` says of a call that the API refuses.
    #[track_caller]
    pub fn aws_refusal(&self, words: &str) -> String {
        run(&mut self.aws_command(words), "").failure().trim().to_owned()
    }

    fn aws_command(&self, words: &str) -> Command {
        let mut aws = program("PGKEEP_AWS", "aws");
        self.lead(&mut aws);
        // Version 1 replaces the endpoint of `rds` in us-east-1 by the service's own unless it is
        // told on the command line (awscli/customizations/overridesslcommonname.py); the variable
        // is not asked. A test must never call another machine.
        aws.args(["--endpoint-url", &self.environment()["AWS_ENDPOINT_URL_RDS"]]);
        aws.args(["--output", "json", "rds"]).args(words.split_whitespace());
        aws
    }
}

/// What would lead a client elsewhere; a proxy has no business with loopback.
fn is_foreign(name: &str) -> bool {
    name.starts_with("AWS_") || name.to_ascii_lowercase().ends_with("_proxy")
}
