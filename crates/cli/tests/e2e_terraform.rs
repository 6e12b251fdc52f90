//! Terraform itself: what it made it finds as it left it, what it changes is changed, and what it
//! destroys is gone.
//!
//! The one program of the tests that no package registry has: `cargo xtask test` leaves this test
//! out, and says so, where there is no Terraform with its AWS provider.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic fails the test that called")]

use std::env;
use std::fs;
use std::path::PathBuf;

use pgkeep_testkit::{ControlPlane, MASTER_PASSWORD, MASTER_USERNAME, Outcome, Psql, program, run};

/// What is changed between two applies.
struct Wanted {
    authority: &'static str,
    override_with: &'static str,
    force_ssl: &'static str,
}

const FIRST: Wanted =
    Wanted { authority: "rds-ca-rsa2048-g1", override_with: "rds-ca-rsa4096-g1", force_ssl: "0" };
const SECOND: Wanted =
    Wanted { authority: "rds-ca-ecc384-g1", override_with: "rds-ca-ecc384-g1", force_ssl: "1" };

impl Wanted {
    fn render(&self, url: &str) -> String {
        let Self { authority, override_with, force_ssl } = self;
        format!(
            r#"
terraform {{
  required_providers {{
    aws = {{
      source = "hashicorp/aws"
    }}
  }}
}}

provider "aws" {{
  region                      = "us-east-1"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true
  endpoints {{
    iam = "{url}"
    rds = "{url}"
    sts = "{url}"
  }}
}}

variable "password" {{
  type      = string
  sensitive = true
}}

resource "aws_rds_certificate" "default" {{
  certificate_identifier = "{override_with}"
}}

resource "aws_db_parameter_group" "tls" {{
  name   = "tls"
  family = "postgres16"
  parameter {{
    name  = "rds.force_ssl"
    value = "{force_ssl}"
  }}
  parameter {{
    name         = "max_connections"
    value        = "120"
    apply_method = "pending-reboot"
  }}
  tags = {{
    team = "a + b"
  }}
}}

resource "aws_db_instance" "db" {{
  identifier           = "db"
  engine               = "postgres"
  engine_version       = "16"
  instance_class       = "db.t3.micro"
  allocated_storage    = 20
  db_name              = "app"
  username             = "{MASTER_USERNAME}"
  password             = var.password
  parameter_group_name = aws_db_parameter_group.tls.name
  ca_cert_identifier   = "{authority}"
  apply_immediately    = true
  skip_final_snapshot  = true
  tags = {{
    team = "a + b"
  }}
}}
"#
        )
    }
}

#[test]
fn what_is_applied_is_found_and_destroyed() {
    let plane = ControlPlane::start();
    let before = overridden(&plane);
    let terraform = Terraform::new(&plane);
    terraform.write(&FIRST);
    terraform.run(&["init"]).success();
    terraform.apply();
    assert_is(&plane, &FIRST);
    let pid = plane.postmaster(&plane.wait_available("db").resource_id);

    terraform.write(&SECOND);
    terraform.apply();
    assert_is(&plane, &SECOND);
    assert_eq!(plane.postmaster(&plane.wait_available("db").resource_id), pid);

    terraform.run(&["destroy", "-auto-approve"]).success();
    assert_eq!(plane.instances().len(), 0);
    let groups = plane.call("DescribeDBParameterGroups", &[]).unwrap();
    assert!(!groups.texts("DBParameterGroupName").contains(&"tls".to_owned()));
    assert_eq!(overridden(&plane), before);
    plane.assert_clean();
}

/// The authorities that `ModifyCertificates` has made the default.
fn overridden(plane: &ControlPlane) -> Vec<String> {
    let answer = plane.call("DescribeCertificates", &[]).unwrap();
    let certificates = answer.elements("Certificate");
    let chosen =
        certificates.iter().filter(|it| it.text("CustomerOverride").as_deref() == Some("true"));
    chosen.map(|it| it.text("CertificateIdentifier").unwrap()).collect()
}

fn assert_is(plane: &ControlPlane, wanted: &Wanted) {
    assert_eq!(overridden(plane), [wanted.override_with]);
    let instance = plane.wait_available("db");
    let served = instance.served_certificate();
    let root = plane.authority(wanted.authority);
    assert_eq!(plane.verify(&served, &instance.endpoint, &root), Ok(()));
    let psql = Psql::to(plane, &instance).with("dbname", "app");
    assert_eq!(psql.query("SHOW max_connections"), "120");
    let plaintext = psql.with("sslmode", "disable").run("SELECT 1");
    assert_eq!(plaintext.status.success(), wanted.force_ssl == "0", "{plaintext:?}");
}

/// Terraform in a folder of its own, which has its provider from a folder and calls nobody but
/// pgkeep.
struct Terraform<'a> {
    plane: &'a ControlPlane,
    url: &'a str,
}

impl<'a> Terraform<'a> {
    fn new(plane: &'a ControlPlane) -> Self {
        let plugins = env::var("PGKEEP_TERRAFORM_PLUGINS");
        let plugins = plugins.unwrap_or_else(|_| {
            panic!("this test needs PGKEEP_TERRAFORM_PLUGINS, which `cargo xtask test` sets")
        });
        let mirror = format!("filesystem_mirror {{\n    path = {plugins:?}\n  }}");
        let content = format!("provider_installation {{\n  {mirror}\n}}\n");
        let terraform = Self { plane, url: &plane.environment()["AWS_ENDPOINT_URL_RDS"] };
        fs::create_dir(terraform.folder()).unwrap();
        fs::write(terraform.folder().join("terraformrc"), content).unwrap();
        terraform
    }

    fn folder(&self) -> PathBuf {
        self.plane.desk().join("terraform")
    }

    fn write(&self, wanted: &Wanted) {
        fs::write(self.folder().join("main.tf"), wanted.render(self.url)).unwrap();
    }

    /// Applies what is written, after which there is nothing more to do.
    #[track_caller]
    fn apply(&self) {
        self.run(&["apply", "-auto-approve"]).success();
        let plan = self.run(&["plan", "-detailed-exitcode"]);
        assert_eq!(plan.status.code(), Some(0), "a second plan finds a difference: {plan:?}");
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) -> Outcome {
        let mut command = program("PGKEEP_TERRAFORM", "terraform");
        for (name, _) in env::vars_os().filter(|(name, _)| is_own(&name.to_string_lossy())) {
            command.env_remove(name);
        }
        self.plane.lead(&mut command);
        let nowhere = "http://127.0.0.1:1";
        command
            .current_dir(self.folder())
            .env("HOME", self.folder())
            .env("TF_CLI_CONFIG_FILE", self.folder().join("terraformrc"))
            .env("TF_IN_AUTOMATION", "1")
            .env("TF_VAR_password", MASTER_PASSWORD)
            .env("CHECKPOINT_DISABLE", "1")
            .env("AWS_ENDPOINT_URL", self.url)
            // Whatever it would call besides, it does not reach.
            .env("HTTP_PROXY", nowhere)
            .env("HTTPS_PROXY", nowhere)
            .env("NO_PROXY", "127.0.0.1");
        run(command.args(arguments).args(["-no-color", "-input=false"]), "")
    }
}

fn is_own(name: &str) -> bool {
    name.starts_with("TF_")
}
