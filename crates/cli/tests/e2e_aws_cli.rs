//! The AWS CLI, unchanged: the life of instances, the lists, and what is refused.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic fails the test that called")]

mod aws;

use pgkeep_testkit::{
    ControlPlane, Instance, MASTER_PASSWORD, Psql, distant_maintenance_window, openssl, run,
};
use serde_json::{Value, json};

use aws::{aws, changed, creation, described};

#[test]
fn instances_of_two_versions_and_three_authorities() {
    let plane = ControlPlane::start();
    let cases = [
        ("one", "16", "rds-ca-rsa2048-g1"),
        ("two", "16", "rds-ca-rsa4096-g1"),
        ("three", "13", "rds-ca-ecc384-g1"),
    ];
    for (identifier, version, authority) in cases {
        let words = creation(identifier, version);
        let made = changed(&plane, &format!("{words} --ca-certificate-identifier {authority}"));
        assert_eq!(made["DBInstanceStatus"], "creating");
        assert_eq!(made["Endpoint"], Value::Null, "not before it was proved");
        assert_eq!(made["CertificateDetails"], json!({ "CAIdentifier": authority }));
    }
    for (identifier, version, authority) in cases {
        plane.aws(&format!("wait db-instance-available --db-instance-identifier {identifier}"));
        let by_name = described(&plane, &format!("--db-instance-identifier {identifier}"));
        let [instance] = &by_name[..] else { panic!("{by_name:?}") };
        assert_eq!(instance["CACertificateIdentifier"], authority);
        assert!(instance["EngineVersion"].as_str().unwrap().starts_with(version));
        let (arn, resource_id) = (&instance["DBInstanceArn"], &instance["DbiResourceId"]);
        assert_eq!(arn, &format!("arn:aws:rds:us-east-1:123456789012:db:{identifier}"));
        for words in [
            format!("--db-instance-identifier {}", arn.as_str().unwrap()),
            format!("--filters Name=db-instance-id,Values={identifier}"),
            format!("--filters Name=dbi-resource-id,Values={}", resource_id.as_str().unwrap()),
        ] {
            assert_eq!(described(&plane, &words), by_name, "{words}");
        }
        let instance = plane.instance(identifier).unwrap();
        assert_eq!(Psql::to(&plane, &instance).query("SELECT 1"), "1");
    }
    let names = |words: &str| -> Vec<_> {
        described(&plane, words).iter().map(|it| it["DBInstanceIdentifier"].clone()).collect()
    };
    assert_eq!(names(""), ["one", "three", "two"]);
    assert_eq!(names("--filters Name=db-instance-id,Values=one,two"), ["one", "two"]);
    assert_eq!(names("--filters Name=dbi-resource-id,Values=db-ABSENT"), [Value::Null; 0]);
    for (identifier, ..) in cases {
        let words = "delete-db-instance --skip-final-snapshot --db-instance-identifier";
        plane.aws(&format!("{words} {identifier}"));
    }
    for (identifier, ..) in cases {
        plane.aws(&format!("wait db-instance-deleted --db-instance-identifier {identifier}"));
    }
    plane.assert_clean();
}

#[test]
fn a_life_of_changes() {
    let plane = ControlPlane::start();
    let tags = "--tags Key=team,Value=billing Key=stage,Value=test";
    let window = format!("--preferred-maintenance-window {}", distant_maintenance_window());
    let words = format!("{} --db-name orders {window} {tags}", creation("db", "16"));
    let made = changed(&plane, &words);
    let pair = |key: &str, value: &str| json!({ "Key": key, "Value": value });
    assert_eq!(made["TagList"], json!([pair("stage", "test"), pair("team", "billing")]));
    let arn = made["DBInstanceArn"].as_str().unwrap().to_owned();
    plane.wait_available("db");

    plane.aws(&format!("add-tags-to-resource --resource-name {arn} --tags Key=cost,Value=7"));
    plane.aws(&format!("remove-tags-from-resource --resource-name {arn} --tag-keys stage"));
    let kept = aws(&plane, &format!("list-tags-for-resource --resource-name {arn}"));
    assert_eq!(kept["TagList"], json!([pair("cost", "7"), pair("team", "billing")]));

    changes_at_once(&plane);
    changes_that_wait(&plane);
    reboot_stop_and_start(&plane, "renamed");

    let named = "--db-instance-identifier renamed";
    plane.aws(&format!("modify-db-instance {named} --deletion-protection"));
    let protected = plane.aws_refusal(&format!("delete-db-instance --skip-final-snapshot {named}"));
    assert!(protected.ends_with(
        "(InvalidParameterCombination) when calling the DeleteDBInstance operation: Cannot delete \
         protected DB Instance, please disable deletion protection and try again."
    ));
    plane.aws(&format!("modify-db-instance {named} --no-deletion-protection"));
    let gone = changed(&plane, &format!("delete-db-instance --skip-final-snapshot {named}"));
    assert_eq!(gone["DBInstanceStatus"], "deleting");
    plane.wait_deleted("renamed");
    plane.assert_clean();
}

/// Connects with the password that `changes_at_once` sets.
fn psql(plane: &ControlPlane, instance: &Instance) -> Psql {
    Psql::to(plane, instance).with("password", "another-password")
}

fn changes_at_once(plane: &ControlPlane) {
    let modify = |change: &str| {
        let words = "modify-db-instance --apply-immediately --db-instance-identifier db";
        let asked = changed(plane, &format!("{words} {change}"));
        assert_eq!(asked["DBInstanceStatus"], "available", "as it is when it is asked");
        (asked, plane.wait_available("db"))
    };
    let (asked, instance) = modify("--master-user-password another-password");
    assert_eq!(asked["PendingModifiedValues"], json!({ "MasterUserPassword": "****" }));
    assert!(Psql::to(plane, &instance).refusal().contains("password authentication failed"));
    assert_eq!(psql(plane, &instance).query("SELECT 1"), "1");

    let (asked, instance) = modify("--db-port-number 6543");
    assert_eq!(asked["PendingModifiedValues"], json!({ "Port": 6543 }));
    assert_eq!(instance.port, 6543);
    assert_eq!(psql(plane, &instance).query("SELECT inet_server_port()"), "6543");

    // 1 GiB and 2 GiB: LEAST({DBInstanceClassMemory/9531392},5000).
    assert_eq!(psql(plane, &instance).query("SHOW max_connections"), "112");
    let (_, instance) = modify("--db-instance-class db.t3.small");
    assert_eq!(psql(plane, &instance).query("SHOW max_connections"), "225");

    let (_, instance) = modify("--ca-certificate-identifier rds-ca-ecc384-g1");
    assert_eq!(instance.xml.text("CAIdentifier").as_deref(), Some("rds-ca-ecc384-g1"));
    let root = plane.desk().join("ecc384.pem");
    let printed = run(plane.command("bundle").args(["--ca", "rds-ca-ecc384-g1"]), "").success();
    std::fs::write(&root, printed + "\n").unwrap();
    let root = root.display().to_string();
    assert_eq!(psql(plane, &instance).with("sslrootcert", &root).query("SELECT 1"), "1");
}

/// A class that waits for the window is applied with the next change that is asked for at once.
fn changes_that_wait(plane: &ControlPlane) {
    let modify = "modify-db-instance --db-instance-identifier db";
    let words = format!("{modify} --no-apply-immediately --db-instance-class db.t3.medium");
    let waiting = json!({ "DBInstanceClass": "db.t3.medium" });
    assert_eq!(changed(plane, &words)["PendingModifiedValues"], waiting);
    let [shown] = &described(plane, "--db-instance-identifier db")[..] else { panic!() };
    assert_eq!(shown["PendingModifiedValues"], waiting);
    assert_eq!(shown["DBInstanceClass"], "db.t3.small");
    assert_eq!(shown["DBInstanceStatus"], "available");

    plane.aws(&format!("{modify} --apply-immediately --new-db-instance-identifier Renamed"));
    let instance = plane.wait_available("renamed");
    assert!(instance.endpoint.starts_with("renamed."), "{}", instance.endpoint);
    let orders = psql(plane, &instance).with("dbname", "orders");
    assert_eq!(orders.query("SHOW max_connections"), "450");
    assert_eq!(plane.instance("db").unwrap_err().code, "DBInstanceNotFound");
}

fn reboot_stop_and_start(plane: &ControlPlane, identifier: &str) {
    let named = format!("--db-instance-identifier {identifier}");
    let start_time = || {
        psql(plane, &plane.wait_available(identifier)).query("SELECT pg_postmaster_start_time()")
    };
    let before = start_time();
    let asked = changed(plane, &format!("reboot-db-instance {named}"));
    assert_eq!(asked["DBInstanceStatus"], "rebooting");
    let after = start_time();
    assert_ne!(after, before);

    let asked = changed(plane, &format!("stop-db-instance {named}"));
    assert_eq!(asked["DBInstanceStatus"], "stopping");
    let instance = plane.wait_for(identifier, "stopped");
    assert_eq!(plane.postmaster(&instance.resource_id), None);
    let twice = plane.aws_refusal(&format!("stop-db-instance {named}"));
    assert!(twice.ends_with(&format!("Instance {identifier} is not in available state.")));
    let asked = changed(plane, &format!("start-db-instance {named}"));
    assert_eq!(asked["DBInstanceStatus"], "starting");
    assert_ne!(start_time(), after);

    let source = format!("--source-type db-instance --source-identifier {identifier}");
    let events = aws(plane, &format!("describe-events {source}"));
    let texts: Vec<_> = events["Events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            assert_eq!(event["SourceType"], "db-instance");
            (event["EventCategories"][0].as_str().unwrap(), event["Message"].as_str().unwrap())
        })
        .collect();
    let expected = [
        ("availability", "DB instance restarted."),
        ("notification", "DB instance stopped."),
        ("notification", "DB instance started."),
    ];
    assert!(expected.iter().all(|event| texts.contains(event)), "{texts:?}");
}

#[test]
fn lists_that_need_no_change() {
    let plane = ControlPlane::start();
    plane.create("db", "16", &[]);

    let certificates = aws(&plane, "describe-certificates");
    assert_eq!(certificates["DefaultCertificateForNewLaunches"], "rds-ca-rsa2048-g1");
    let certificates = certificates["Certificates"].as_array().unwrap();
    assert_eq!(certificates.len(), 3);
    for certificate in certificates {
        let identifier = certificate["CertificateIdentifier"].as_str().unwrap();
        let root = run(plane.command("bundle").args(["--ca", identifier]), "").success();
        let ask = ["x509", "-noout", "-fingerprint", "-sha1"];
        let print = openssl(&ask, &root).success().to_lowercase().replace(':', "");
        assert_eq!(
            print,
            format!("sha1 fingerprint={}", certificate["Thumbprint"].as_str().unwrap())
        );
        assert_eq!(
            certificate["CertificateArn"],
            format!("arn:aws:rds:us-east-1::cert:{identifier}")
        );
        assert_eq!(certificate["CertificateType"], "CA");
        assert_eq!(certificate["CustomerOverride"], false);
    }

    let versions = aws(&plane, "describe-db-engine-versions --engine postgres");
    let versions = versions["DBEngineVersions"].as_array().unwrap();
    for major in 10..=18 {
        let of_major = |it: &&Value| it["MajorEngineVersion"] == *major.to_string();
        let version = versions.iter().find(of_major).unwrap();
        assert_eq!(version["DBParameterGroupFamily"], format!("postgres{major}"));
        assert_eq!(version["SupportsCertificateRotationWithoutRestart"], true);
        assert_eq!(version["SupportedCACertificateIdentifiers"].as_array().unwrap().len(), 3);
    }
    let one = aws(&plane, "describe-db-engine-versions --engine postgres --engine-version 16");
    assert_eq!(one["DBEngineVersions"].as_array().unwrap().len(), 1);
    let version = one["DBEngineVersions"][0]["EngineVersion"].as_str().unwrap();

    // Pages of 20, cut by the client at 45, joined by its token.
    let ask = format!(
        "describe-orderable-db-instance-options --engine postgres --engine-version {version} \
         --page-size 20 --max-items 45"
    );
    let first = aws(&plane, &ask);
    let token = first["NextToken"].as_str().unwrap();
    let second = aws(&plane, &format!("{ask} --starting-token {token}"));
    let options = |page: &Value| page["OrderableDBInstanceOptions"].as_array().unwrap().clone();
    let joined = [options(&first), options(&second)].concat();
    assert_eq!(joined.len(), 90);
    let all = aws(&plane, &ask.replace("--page-size 20 --max-items 45", "--max-items 90"));
    assert_eq!(joined, options(&all));
    assert!(joined.iter().all(|option| option["EngineVersion"] == version));

    log_files(&plane);
    plane.delete("db");
    plane.wait_deleted("db");
    plane.assert_clean();
}

fn log_files(plane: &ControlPlane) {
    let instance = plane.wait_available("db");
    Psql::to(plane, &instance).run("SELECT no_such_function()").failure();
    let files = aws(plane, "describe-db-log-files --db-instance-identifier db");
    let files = files["DescribeDBLogFiles"].as_array().unwrap();
    let name = |file: &Value| file["LogFileName"].as_str().unwrap().to_owned();
    assert!(files.iter().all(|file| name(file).starts_with("error/postgres")), "{files:?}");
    let whole: String = files
        .iter()
        .map(|file| {
            let portion = format!(
                "download-db-log-file-portion --db-instance-identifier db --starting-token 0 \
                 --log-file-name {}",
                name(file)
            );
            aws(plane, &portion)["LogFileData"].as_str().unwrap_or_default().to_owned()
        })
        .collect();
    assert!(whole.contains("database system is ready to accept connections"), "{whole}");
    assert!(whole.contains("function no_such_function() does not exist"), "{whole}");
    assert!(!whole.contains(MASTER_PASSWORD) && !whole.contains("SCRAM-SHA-256$"), "{whole}");
    let absent = plane.aws_refusal(
        "download-db-log-file-portion --db-instance-identifier db \
         --log-file-name ../postgresql.conf",
    );
    assert!(absent.contains("(DBLogFileNotFoundFault)"), "{absent}");
}

#[test]
fn what_is_refused_changes_nothing() {
    let plane = ControlPlane::start();
    plane.create("db", "16", &[]);
    let instance = plane.wait_available("db");
    let named = "--db-instance-identifier db";
    for (words, refusal) in [
        (
            format!("delete-db-instance {named}"),
            "(InvalidParameterCombination) when calling the DeleteDBInstance operation: \
             FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.",
        ),
        (
            format!("delete-db-instance {named} --final-db-snapshot-identifier last"),
            "(NotImplemented) when calling the DeleteDBInstance operation: pgkeep has no \
             snapshots yet, so the DB instance was not deleted.",
        ),
        (
            "describe-db-instances --db-instance-identifier absent".to_owned(),
            "(DBInstanceNotFound) when calling the DescribeDBInstances operation: DBInstance \
             absent not found.",
        ),
        (
            format!("create-db-snapshot {named} --db-snapshot-identifier s"),
            "(NotImplemented) when calling the CreateDBSnapshot operation: The operation \
             CreateDBSnapshot is not implemented here",
        ),
    ] {
        let said = plane.aws_refusal(&words);
        assert!(said.contains(refusal), "{words}: {said}");
    }
    let after = plane.instance("db").unwrap();
    assert_eq!(after.xml, instance.xml);
    assert_eq!(Psql::to(&plane, &after).query("SELECT 1"), "1");
    plane.delete("db");
    plane.wait_deleted("db");
    plane.assert_clean();
}
