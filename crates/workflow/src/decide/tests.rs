//! Every world leads to rest: the effects are simulated on all combinations of what can be there.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use pgkeep_model::{
    Applied, CertificateRecord, CertificateRefusal, DbInstance, DbiResourceId, Desired,
    EngineSource, InstanceStatus, Kept, PasswordVerifier, Pending,
};
use time::OffsetDateTime;

use super::*;

/// More effects than any way to rest takes.
const LIMIT: usize = 12;

/// One that runs.
pub(crate) fn instance() -> DbInstance {
    DbInstance {
        resource_id: DbiResourceId::from_random([7; 17]),
        created_at: OffsetDateTime::UNIX_EPOCH,
        generation: 1,
        status: InstanceStatus::Creating,
        desired: Desired {
            identifier: "db1".parse().unwrap(),
            endpoint: "db1.example".to_owned(),
            address: Ipv4Addr::LOCALHOST.into(),
            port: 5432,
            engine_source: EngineSource::System,
            engine_version: "15.18".parse().unwrap(),
            class: "db.t3.micro".to_owned(),
            ca_identifier: "rds-ca-rsa2048-g1".to_owned(),
            replaced_serial: None,
            parameter_group: "default.postgres15".to_owned(),
            master_username: "master".to_owned(),
            master_password: PasswordVerifier::new("md5".to_owned()),
            db_name: None,
            running: true,
            deleted: false,
            reboots: 1,
            deletion_protection: false,
            maintenance_window: String::new(),
            backup_window: String::new(),
            kept: Kept::default(),
            tags: BTreeMap::new(),
        },
        pending: Pending::default(),
        applied: Applied::default(),
    }
}

fn wanted() -> Wanted {
    let digest = |name: &str| name.to_owned();
    Wanted {
        start_digest: digest("start"),
        reload_digest: digest("reload"),
        access_digest: digest("access"),
        bootstrap_digest: digest("bootstrap"),
        proof_digest: digest("proof"),
    }
}

pub(crate) fn certificate(instance: &DbInstance) -> CertificateRecord {
    CertificateRecord {
        ca_identifier: instance.desired.ca_identifier.clone(),
        endpoint: instance.desired.endpoint.clone(),
        serial: "01".to_owned(),
        fingerprint: "ff".to_owned(),
        not_before: OffsetDateTime::UNIX_EPOCH,
        not_after: OffsetDateTime::UNIX_EPOCH,
    }
}

/// What an effect does to the world and to the record, as `effects` does it.
fn simulate(effect: Effect, instance: &mut DbInstance, wanted: &Wanted, world: &mut World) {
    let issued = CertificateRecord { serial: "03".to_owned(), ..certificate(instance) };
    let applied = &mut instance.applied;
    match effect {
        Effect::InstallEngine => world.engine = true,
        Effect::TakeDataDirectory => {
            world.data_directory = true;
            applied.bootstrap_digest = Some(wanted.bootstrap_digest.clone());
        }
        Effect::IssueCertificate => {
            // The whole pair that was proved stays, to be put back.
            let was_proved = applied.certificate == applied.proved;
            world.previous |= world.certificate && was_proved && applied.proved.is_some();
            world.certificate = true;
            world.renews = false;
            applied.certificate = Some(issued);
            applied.refusal = None;
            applied.proof_digest = None;
        }
        Effect::PutBack => {
            world.certificate = true;
            world.previous = false;
            applied.certificate.clone_from(&applied.proved);
            applied.reload_digest = None;
            applied.proof_digest = None;
        }
        Effect::Start => {
            world.running = true;
            applied.proof_digest = None;
            applied.start_digest = Some(wanted.start_digest.clone());
            applied.reload_digest = Some(wanted.reload_digest.clone());
            applied.reboots = instance.desired.reboots;
        }
        Effect::ApplyAccess => {
            applied.access_digest = Some(wanted.access_digest.clone());
            applied.bootstrap_digest = Some(wanted.bootstrap_digest.clone());
        }
        Effect::Reload => {
            applied.reload_digest = Some(wanted.reload_digest.clone());
            applied.proof_digest = None;
        }
        Effect::Prove => {
            applied.proved.clone_from(&applied.certificate);
            applied.proof_digest = Some(wanted.proof_digest.clone());
            world.previous = false;
        }
        Effect::Stop | Effect::Abandon => {
            world.running = false;
            applied.start_digest = None;
            applied.proof_digest = None;
        }
        Effect::Remove => world.data_directory = false,
    }
}

fn every_world() -> impl Iterator<Item = World> {
    (0..128).map(|bits| World {
        engine: bits & 1 != 0,
        data_directory: bits & 2 != 0,
        certificate: bits & 4 != 0,
        running: bits & 8 != 0,
        renews: bits & 16 != 0,
        previous: bits & 32 != 0,
        waits: bits & 64 != 0,
    })
}

/// What was recorded before: nothing, everything, or everything of an older wish.
fn every_record() -> Vec<Applied> {
    let done = Applied {
        certificate: Some(certificate(&instance())),
        proved: Some(certificate(&instance())),
        refusal: None,
        warned: None,
        start_digest: Some("start".to_owned()),
        reload_digest: Some("reload".to_owned()),
        parameters: None,
        access_digest: Some("access".to_owned()),
        bootstrap_digest: Some("bootstrap".to_owned()),
        proof_digest: Some("proof".to_owned()),
        reboots: 1,
        started_at: None,
        created: true,
    };
    let old = |change: fn(&mut Applied)| {
        let mut applied = done.clone();
        change(&mut applied);
        applied
    };
    vec![
        Applied::default(),
        old(|it| it.reboots = 0),
        old(|it| it.start_digest = None),
        old(|it| it.reload_digest = Some("older".to_owned())),
        old(|it| it.access_digest = Some("older".to_owned())),
        old(|it| it.bootstrap_digest = None),
        old(|it| it.proof_digest = None),
        old(|it| (it.certificate, it.proved) = (None, None)),
        old(unproved),
        old(|it| {
            unproved(it);
            it.refusal = Some(refusal());
        }),
        done,
    ]
}

/// Another certificate was issued, and nobody has seen it served.
fn unproved(applied: &mut Applied) {
    applied.certificate.as_mut().unwrap().serial = "02".to_owned();
    applied.proof_digest = None;
}

fn refusal() -> CertificateRefusal {
    CertificateRefusal { at: OffsetDateTime::UNIX_EPOCH, generation: 1, reason: String::new() }
}

/// Runs to rest and answers the effects on the way.
fn run(mut instance: DbInstance, mut world: World) -> Vec<Effect> {
    let wanted = wanted();
    let mut done = Vec::new();
    while let Some(effect) = decide(&instance, &wanted, world) {
        assert!(done.len() < LIMIT, "no rest after {done:?}");
        simulate(effect, &mut instance, &wanted, &mut world);
        done.push(effect);
        if effect == Effect::Remove {
            break;
        }
    }
    done
}

#[test]
fn every_world_comes_to_rest_with_a_proof() {
    for world in every_world() {
        for applied in every_record() {
            // A data directory that is gone is an error of the effect, not a way to rest.
            if !world.data_directory && (world.running || applied != Applied::default()) {
                continue;
            }
            // Only another than the one in use is the previous one, only a recorded one is whole.
            let has_other = applied.proved.is_some() && applied.proved != applied.certificate;
            let is_unknown = world.certificate && applied.certificate.is_none();
            if (world.previous && !has_other) || is_unknown {
                continue;
            }
            let was_done = applied == *every_record().last().unwrap();
            let done = run(DbInstance { applied, ..instance() }, world);
            let serves = world.certificate && (!world.renews || world.waits) && world.running;
            let all_there = world.engine && world.data_directory && serves;
            assert_eq!(done.is_empty(), was_done && all_there, "{world:?} {done:?}");
            let serves_anew =
                [Effect::IssueCertificate, Effect::PutBack, Effect::Start, Effect::Reload];
            if done.iter().any(|effect| serves_anew.contains(effect)) {
                assert_eq!(done.last(), Some(&Effect::Prove), "{world:?} {done:?}");
            }
        }
    }
}

#[test]
fn a_delete_wins_over_everything() {
    for world in every_world() {
        for applied in every_record() {
            let mut doomed = DbInstance { applied, ..instance() };
            doomed.desired.deleted = true;
            let expected: &[Effect] =
                if world.running { &[Effect::Abandon, Effect::Remove] } else { &[Effect::Remove] };
            assert_eq!(run(doomed, world), expected);
        }
    }
}

#[test]
fn a_stopped_instance_is_left_alone() {
    for world in every_world() {
        let mut stopped = instance();
        stopped.desired.running = false;
        let expected: &[Effect] = if world.running { &[Effect::Stop] } else { &[] };
        assert_eq!(run(stopped, world), expected);
    }
}

#[test]
fn each_change_costs_no_more_than_it_must() {
    use Effect::{ApplyAccess, IssueCertificate, Prove, Reload, Start, Stop, TakeDataDirectory};
    let all = World {
        engine: true,
        data_directory: true,
        certificate: true,
        previous: false,
        renews: false,
        waits: false,
        running: true,
    };
    let after = |change: fn(&mut DbInstance)| {
        let mut changed = DbInstance { applied: every_record().pop().unwrap(), ..instance() };
        change(&mut changed);
        run(changed, all)
    };
    assert_eq!(after(|it| it.desired.reboots += 1), [Stop, Start, Prove]);
    assert_eq!(after(|it| it.applied.access_digest = None), [ApplyAccess]);
    assert_eq!(after(|it| it.applied.bootstrap_digest = None), [ApplyAccess]);
    let done = DbInstance { applied: every_record().pop().unwrap(), ..instance() };
    assert_eq!(run(done, World { renews: true, ..all }), [IssueCertificate, Prove]);
    assert_eq!(after(|it| it.applied.reload_digest = None), [Reload, Prove]);
    assert_eq!(
        after(|it| {
            it.desired.ca_identifier = "rds-ca-ecc384-g1".to_owned();
            it.applied.reload_digest = None;
        }),
        [IssueCertificate, Reload, Prove]
    );
    let nothing = World { data_directory: false, certificate: false, running: false, ..all };
    assert_eq!(
        run(instance(), nothing),
        [TakeDataDirectory, IssueCertificate, Start, ApplyAccess, Prove]
    );
}

#[test]
fn a_refused_certificate_gives_way_to_the_one_before() {
    use Effect::{IssueCertificate, Prove, PutBack, Reload, Start};
    let all = World {
        engine: true,
        data_directory: true,
        certificate: true,
        previous: true,
        renews: false,
        waits: true,
        running: true,
    };
    let after = |refused: bool, world: World| {
        let mut applied = every_record().pop().unwrap();
        unproved(&mut applied);
        applied.refusal = refused.then(refusal);
        run(DbInstance { applied, ..instance() }, world)
    };
    assert_eq!(after(true, all), [PutBack, Reload, Prove]);
    let stopped = World { running: false, ..all };
    assert_eq!(after(true, stopped), [PutBack, Start, Prove]);
    // Also that of the endpoint before a rename, until another is issued.
    let mut renamed = DbInstance { applied: every_record().pop().unwrap(), ..instance() };
    unproved(&mut renamed.applied);
    renamed.applied.refusal = Some(refusal());
    renamed.applied.proved.as_mut().unwrap().endpoint = "before.localhost".to_owned();
    assert_eq!(run(renamed.clone(), stopped), [PutBack, Start, Prove]);
    let later = run(renamed, World { waits: false, ..stopped });
    assert_eq!(later, [PutBack, IssueCertificate, Start, Prove]);
    // Nobody knows yet whether the server took it.
    let damaged = World { certificate: false, ..all };
    assert_eq!(after(false, damaged)[0], Prove);
    assert_eq!(after(true, damaged), [PutBack, Reload, Prove]);
    // A start would fail.
    let damaged = World { certificate: false, ..stopped };
    assert_eq!(after(false, damaged), [IssueCertificate, Start, Prove]);
    let alone = World { certificate: false, previous: false, ..all };
    assert_eq!(after(true, alone)[0], IssueCertificate);
}

#[test]
fn after_a_refusal_only_damage_makes_another_certificate_at_once() {
    let all = World {
        engine: true,
        data_directory: true,
        certificate: true,
        previous: false,
        renews: true,
        waits: true,
        running: true,
    };
    let mut other = DbInstance { applied: every_record().pop().unwrap(), ..instance() };
    other.applied.refusal = Some(refusal());
    assert_eq!(run(other.clone(), all), []);
    other.desired.ca_identifier = "rds-ca-ecc384-g1".to_owned();
    assert_eq!(run(other.clone(), all), []);
    let later = run(other.clone(), World { waits: false, ..all });
    assert_eq!(later[0], Effect::IssueCertificate);
    let damaged = run(other, World { certificate: false, ..all });
    assert_eq!(damaged[0], Effect::IssueCertificate);
}
