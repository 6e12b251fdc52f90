//! What the tests with the AWS CLI share: the words of its calls, and the JSON that it prints.

#![allow(dead_code, reason = "each test uses a part")]

use pgkeep_testkit::{ControlPlane, MASTER_PASSWORD, MASTER_USERNAME};
use serde_json::Value;

/// The words of `create-db-instance` that every instance here has in common.
pub(crate) fn creation(identifier: &str, version: &str) -> String {
    format!(
        "create-db-instance --db-instance-identifier {identifier} --engine postgres \
         --engine-version {version} --db-instance-class db.t3.micro --allocated-storage 20 \
         --master-username {MASTER_USERNAME} --master-user-password {MASTER_PASSWORD}"
    )
}

/// The answer of a call, as the CLI prints it.
#[track_caller]
pub(crate) fn aws(plane: &ControlPlane, words: &str) -> Value {
    serde_json::from_str(&plane.aws(words)).unwrap_or_default()
}

/// The instance in the answer of a call that changes one.
#[track_caller]
pub(crate) fn changed(plane: &ControlPlane, words: &str) -> Value {
    aws(plane, words)["DBInstance"].take()
}

/// The instances that a describe lists.
#[track_caller]
pub(crate) fn described(plane: &ControlPlane, words: &str) -> Vec<Value> {
    let mut answer = aws(plane, &format!("describe-db-instances {words}"));
    serde_json::from_value(answer["DBInstances"].take()).unwrap()
}
