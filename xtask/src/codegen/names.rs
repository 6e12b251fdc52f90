//! Names of the API in Rust's own spelling: `DBInstanceArn` is `db_instance_arn`, `DbInstanceArn`.

/// The name of a field.
pub(super) fn snake_case(name: &str) -> String {
    let snake = words(name).join("_").to_ascii_lowercase();
    if snake == "type" { format!("r#{snake}") } else { snake }
}

/// The name of a constant.
pub(super) fn constant_case(name: &str) -> String {
    words(name).join("_").to_ascii_uppercase()
}

/// The name of a type or a variant.
pub(super) fn camel_case(name: &str) -> String {
    let capitalise = |word: &str| word[..1].to_ascii_uppercase() + &word[1..].to_ascii_lowercase();
    words(name).into_iter().map(capitalise).collect()
}

/// Splits before a capital that follows a small letter or a digit, and before the last capital of
/// an acronym that a word follows. A plural acronym (`IPsIn`, `AZs`) stays one word.
fn words(name: &str) -> Vec<&str> {
    let bytes = name.as_bytes();
    let at = |i: usize| bytes.get(i).copied().unwrap_or(b'.');
    let mut words = Vec::new();
    let mut start = 0;
    for i in 1..bytes.len() {
        let plural = at(i + 1) == b's' && !at(i + 2).is_ascii_lowercase();
        let after_acronym =
            at(i - 1).is_ascii_uppercase() && at(i + 1).is_ascii_lowercase() && !plural;
        if at(i).is_ascii_uppercase() && (!at(i - 1).is_ascii_uppercase() || after_acronym) {
            words.push(&name[start..i]);
            start = i;
        }
    }
    words.push(&name[start..]);
    words.into_iter().map(|word| word.trim_matches('.')).collect()
}

#[cfg(test)]
mod tests {
    use super::{camel_case, constant_case, snake_case};

    #[test]
    fn acronyms_stay_whole() {
        for (name, snake) in [
            ("DBInstanceIdentifier", "db_instance_identifier"),
            ("CACertificateIdentifier", "ca_certificate_identifier"),
            ("EnableIAMDatabaseAuthentication", "enable_iam_database_authentication"),
            ("ReadReplicaDBInstanceIdentifiers", "read_replica_db_instance_identifiers"),
            ("MultiAZ", "multi_az"),
            ("PerformanceInsightsKMSKeyId", "performance_insights_kms_key_id"),
            ("S3BucketName", "s3_bucket_name"),
            ("ServerlessV2PlatformVersion", "serverless_v2_platform_version"),
            ("Iops", "iops"),
            ("Type", "r#type"),
        ] {
            assert_eq!(snake_case(name), snake);
        }
        assert_eq!(camel_case("DBInstance"), "DbInstance");
        assert_eq!(
            camel_case("DownloadDBLogFilePortionDetails"),
            "DownloadDbLogFilePortionDetails"
        );
        for (name, constant) in [
            ("DBInstanceNotFound", "DB_INSTANCE_NOT_FOUND"),
            ("QuotaExceeded.DBSecurityGroup", "QUOTA_EXCEEDED_DB_SECURITY_GROUP"),
            ("DBSubnetGroupDoesNotCoverEnoughAZs", "DB_SUBNET_GROUP_DOES_NOT_COVER_ENOUGH_AZS"),
            ("InsufficientAvailableIPsInSubnetFault", "INSUFFICIENT_AVAILABLE_IPS_IN_SUBNET_FAULT"),
        ] {
            assert_eq!(constant_case(name), constant);
        }
    }
}
