//! `pgkeep authority revoke`: a line in a file, from which all else follows in the pgkeep that
//! runs, or at its next start.

use pgkeep_model::{CertificateRecord, Clock as _, DbInstance};
use pgkeep_workflow::Revocation;

use super::running::{heed, wait};
use crate::args::AuthorityRevokeArgs;
use crate::authorities::find;
use crate::clock::SystemClock;
use crate::data_directory::DataDirectory;
use crate::failure::{hinted, wrong_use};
use crate::instances;
use crate::output;

pub(super) fn run(data: &DataDirectory, args: &AuthorityRevokeArgs) -> anyhow::Result<()> {
    let (serial, ca_identifier) = target(data, args)?;
    let folder = data.authorities_folder();
    let revocation = Revocation { serial_hex: serial, at: SystemClock.now(), ca_identifier };
    let serial = revocation.serial_hex.clone();
    if !revocation.record(&folder)? {
        return output::write(format!("{serial} was revoked before\n"));
    }
    if !heed(data)? {
        let then = "pgkeep does not run: lists and another certificate follow at its next start";
        return output::write(format!("{serial} is revoked; {then}\n"));
    }
    output::write(format!("{serial} is revoked, and in the lists of: pgkeep bundle --crl\n"))?;
    let users = data.instances()?.into_iter().filter(|it| {
        let certificate = it.applied.certificate.as_ref().or(it.applied.proved.as_ref());
        it.desired.running && certificate.is_some_and(|it| it.serial == serial)
    });
    let users: Vec<_> = users.map(|it| it.desired.identifier).collect();
    let chosen = args.instance.iter().filter(|it| !users.contains(it));
    for identifier in users.iter().chain(chosen) {
        let mut new = String::new();
        wait(&format!("{identifier} has no other certificate yet"), || {
            let instance = instances::find(&data.state()?, identifier)?;
            new = replaced(&instance, &serial).unwrap_or_default();
            Ok(!new.is_empty() || !instance.desired.running)
        })?;
        let new = if new.is_empty() { "gets another when it starts" } else { &new };
        output::write(format!("{identifier}: {new}\n"))?;
    }
    Ok(())
}

/// What an instance serves by now, if that is another certificate and was proved.
fn replaced(instance: &DbInstance, serial: &str) -> Option<String> {
    let (certificate, proved) = (&instance.applied.certificate, &instance.applied.proved);
    let new = certificate.as_ref().filter(|it| it.serial != serial && certificate == proved)?;
    Some(format!("serves {} by {}", new.serial, new.ca_identifier))
}

/// The serial number to revoke, and who issued it.
fn target(data: &DataDirectory, args: &AuthorityRevokeArgs) -> anyhow::Result<(String, String)> {
    if let Some(identifier) = &args.instance {
        let instance = instances::find(&data.state()?, identifier)?;
        let CertificateRecord { serial, ca_identifier, .. } =
            instance.applied.certificate.ok_or_else(|| {
                hinted(format!("{identifier} has no certificate yet"), "pgkeep ls lists them all")
            })?;
        return Ok((serial, ca_identifier));
    }
    let given = args.serial.as_deref().unwrap_or_default();
    let serial = given.replace(':', "").to_ascii_lowercase();
    if serial.is_empty() || serial.len() > 40 || !serial.bytes().all(|it| it.is_ascii_hexdigit()) {
        let hint = "it is what pgkeep tls ID shows, in hexadecimal";
        return Err(wrong_use(format!("{given:?} is not a serial number"), hint));
    }
    let authorities = data.authorities()?;
    let mut own = authorities.iter().flat_map(|it| it.roots.iter().chain(&it.subordinates));
    if let Some(authority) = own.find(|it| it.serial_hex == serial) {
        let message = format!("{serial} is the authority {}, no leaf", authority.subject);
        return Err(hinted(message, "give clients a bundle without its root instead"));
    }
    let rows = data.instances()?;
    let applied = rows.iter().flat_map(|it| [&it.applied.certificate, &it.applied.proved]);
    let known = applied.flatten().find(|it| it.serial == serial);
    let before = Revocation::read_all(&data.authorities_folder())?;
    let before = before.into_iter().find(|it| it.serial_hex == serial).map(|it| it.ca_identifier);
    let known = known.map(|it| it.ca_identifier.clone()).or(before);
    match (known, &args.ca) {
        (Some(known), _) => Ok((serial, known)),
        (None, Some(name)) => Ok((serial, find(authorities, name)?.identifier)),
        (None, None) => {
            let message = format!("no DB instance has {serial} in use");
            Err(hinted(message, "name the authority that issued it with --ca"))
        }
    }
}
