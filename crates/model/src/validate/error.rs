//! What is said to a client whose value was refused, and under which code of the API.

/// The error codes of the API for a value that breaks a rule; both answer with HTTP 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// The value itself is wrong.
    InvalidParameterValue,
    /// The value does not go with another.
    InvalidParameterCombination,
}

impl ErrorCode {
    /// The text of `<Code>` in an answer.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidParameterValue => "InvalidParameterValue",
            Self::InvalidParameterCombination => "InvalidParameterCombination",
        }
    }
}

/// A value refused. `Display` is the message of the answer: the service's own words, or ours
/// where the service's are not publicly known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant says what it is")]
pub enum InvalidParameter {
    #[error("The parameter {parameter} must be provided and must not be blank.")]
    Blank { parameter: &'static str },
    #[error(
        "The parameter {parameter} is not a valid identifier. Identifiers must begin with a \
         letter; must contain only ASCII letters, digits, and hyphens; and must not end with a \
         hyphen or contain two consecutive hyphens."
    )]
    Identifier { parameter: &'static str },
    #[error(
        "The parameter {parameter} is not a valid identifier because it is longer than {limit} \
         characters."
    )]
    IdentifierTooLong { parameter: &'static str, limit: usize },

    #[error("MasterUsername {name} cannot be used as it is a reserved word used by the engine")]
    MasterUsernameReserved { name: String },
    #[error(
        "MasterUsername {name} cannot be used because role names starting with \"pg_\" are \
         reserved by the PostgreSQL engine"
    )]
    MasterUsernamePrefix { name: String },
    /// Our words.
    #[error(
        "MasterUsername must begin with a letter and contain only 1 to 63 letters, digits and \
         underscores."
    )]
    MasterUsername,
    #[error(
        "The parameter MasterUserPassword is not a valid password. Only printable ASCII \
         characters besides '/', '@', '\"', ' ' may be used."
    )]
    PasswordCharacters,
    #[error(
        "The parameter MasterUserPassword is not a valid password because it is shorter than 8 \
         characters."
    )]
    PasswordTooShort,
    #[error(
        "The parameter MasterUserPassword is not a valid password because it is longer than 128 \
         characters."
    )]
    PasswordTooLong,
    #[error("DBName must begin with a letter and contain only alphanumeric characters.")]
    DbName,
    #[error("DBName {name} cannot be used. It is a reserved word for this engine")]
    DbNameReserved { name: String },

    #[error("Invalid DB Instance class: {class}")]
    InstanceClass { class: String },
    #[error("Invalid DB engine: {engine}")]
    Engine { engine: String },
    /// Our words.
    #[error("Invalid license model '{model}' for engine 'postgres'. Valid: postgresql-license.")]
    LicenseModel { model: String },
    /// Our words.
    #[error("Invalid port: {port}. The port must be between 1150 and 65535.")]
    Port { port: i64 },
    #[error("Invalid backup retention period: {days}. Retention period must be between 0 and 35.")]
    BackupRetentionPeriod { days: i64 },
    /// Our words.
    #[error(
        "Invalid monitoring interval: {seconds}. The interval must be one of 0, 1, 5, 10, 15, \
         30, 60."
    )]
    MonitoringInterval { seconds: i64 },
    #[error("ParameterGroupFamily {family} is not a valid parameter group family")]
    ParameterGroupFamily { family: String },

    /// Our words.
    #[error("Invalid storage type: {storage_type}")]
    StorageType { storage_type: String },
    #[error("Invalid storage size for engine name postgres and storage type {storage_type}: {gib}")]
    StorageSize { storage_type: &'static str, gib: i64 },
    #[error(
        "You can't specify IOPS or storage throughput for engine postgres and a storage size \
         less than 400."
    )]
    IopsBelow400,
    /// Our words.
    #[error("You can't specify IOPS for storage type {storage_type}.")]
    IopsNotTaken { storage_type: &'static str },
    /// Our words.
    #[error("You must specify IOPS for storage type {storage_type}.")]
    IopsMissing { storage_type: &'static str },
    /// Our words.
    #[error("Invalid iops for engine name postgres and storage type {storage_type}: {iops}")]
    Iops { storage_type: &'static str, iops: i64 },
    #[error(
        "Invalid iops to storage (GB) ratio for engine name postgres and storage type \
         {storage_type}: {:.4}", f64::from(*iops) / f64::from(*gib)
    )]
    IopsRatio { storage_type: &'static str, iops: u32, gib: u32 },

    #[error(
        "Invalid maintenance window format: {text}. Should be specified as a range \
         ddd:hh24:mi-ddd:hh24:mi (24H Clock UTC). Example: Sun:23:45-Mon:00:15"
    )]
    MaintenanceWindow { text: String },
    #[error(
        "Invalid maintenance window time '{time}' specified. Should be specified as a time \
         ddd:hh24:mi (24H Clock UTC). Example: Mon:00:15"
    )]
    MaintenanceWindowTime { time: String },
    #[error("The maintenance window must be at least 30 minutes.")]
    MaintenanceWindowTooShort,
    #[error("Maintenance window must be less than 24 hours.")]
    MaintenanceWindowTooLong,
    /// Our words.
    #[error(
        "Invalid backup window format: {text}. Should be specified as a range hh24:mi-hh24:mi \
         (24H Clock UTC). Example: 03:15-03:45"
    )]
    BackupWindow { text: String },
    #[error(
        "Invalid backup window time '{time}' specified. Should be specified as a time hh24:mi \
         (24H Clock UTC). Example: 03:15"
    )]
    BackupWindowTime { time: String },
    #[error("Backup window must be at least 30 minutes.")]
    BackupWindowTooShort,
    #[error("The backup window and maintenance window must not overlap.")]
    WindowsOverlap,

    /// Our words.
    #[error("Tag keys must be 1 to 128 characters long.")]
    TagKeyLength,
    #[error("Tag keys cannot start with the reserved prefix \"{prefix}\".")]
    TagKeyPrefix { prefix: &'static str },
    #[error(
        "Tag {part} may only contain unicode letters, digits, whitespace, or one of these \
         symbols: _ . : / = + \\ - @"
    )]
    TagCharacters { part: &'static str },
    /// Our words.
    #[error("Tag values must be at most 256 characters long.")]
    TagValueLength,
    /// Our words.
    #[error("Duplicate tag key: {key}")]
    TagDuplicate { key: String },
    /// Our words.
    #[error("A resource can have at most 50 tags.")]
    TooManyTags,

    #[error("Invalid resource name: {arn}")]
    Arn { arn: String },
    /// Our words.
    #[error("{text:?} is not a resource id such as db-ABCDEFGHIJKLMNOPQRSTUVWXYZ")]
    DbiResourceId { text: String },
    /// Our words, for the configuration.
    #[error("{text:?} is not an account id of 12 digits")]
    AccountId { text: String },
    /// Our words, for the configuration.
    #[error("{text:?} is not a region name such as us-east-1")]
    RegionName { text: String },
    /// Our words, for the configuration.
    #[error("{text:?} is not a lowercase DNS name such as rds.localhost")]
    DomainName { text: String },

    /// Also what the service says of a formula without its braces.
    #[error("invalid parameter value: {text}")]
    Formula { text: String },
    /// Our words.
    #[error("The formula {formula} has no value for this DB instance: {reason}")]
    FormulaValue { formula: String, reason: &'static str },

    #[error("Could not find parameter with name: {name}")]
    ParameterUnknown { name: String },
    /// Our words.
    #[error("The parameter {name} cannot be modified.")]
    ParameterNotModifiable { name: String },
    /// Our words.
    #[error("Invalid parameter value: {value} for: {name} allowed values are: {allowed}")]
    ParameterValue { name: String, value: String, allowed: String },
    /// Our words.
    #[error(
        "ssl_min_protocol_version {least} is above ssl_max_protocol_version {most}: no client \
         could connect."
    )]
    ProtocolRange { least: &'static str, most: &'static str },
    /// Our words.
    #[error(
        "ssl_ciphers has suites of TLSv1.2 only, and ssl_max_protocol_version is {most}: no \
         client could connect."
    )]
    CiphersProtocol { most: &'static str },
    /// Our words.
    #[error(
        "ssl_ciphers has no suite for the {key} key of the DB instance's certificate: clients up \
         to TLSv1.2 could not connect."
    )]
    CiphersKey { key: &'static str },
    /// Our words.
    #[error("{stage} cannot be on while log_statement_stats is on.")]
    StatementStats { stage: &'static str },
    /// Our words.
    #[error("{name} {value} needs OpenSSL {needed} or newer; this engine has OpenSSL {openssl}.")]
    OpensslTooOld { name: &'static str, value: String, openssl: String, needed: &'static str },
}

impl InvalidParameter {
    /// The code to answer with.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::StorageSize { .. }
            | Self::IopsBelow400
            | Self::IopsNotTaken { .. }
            | Self::IopsMissing { .. }
            | Self::Iops { .. }
            | Self::IopsRatio { .. }
            | Self::ProtocolRange { .. }
            | Self::CiphersProtocol { .. }
            | Self::CiphersKey { .. }
            | Self::StatementStats { .. } => ErrorCode::InvalidParameterCombination,
            _ => ErrorCode::InvalidParameterValue,
        }
    }
}
