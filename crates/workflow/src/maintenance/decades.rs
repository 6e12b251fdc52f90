//! Decades of an installation on a clock that is moved: three servers, one of each authority,
//! renewed when their windows say so; authorities looked at as `serve` does, though only every four
//! weeks, which is about all that the margin allows.
//!
//! At each step clients (rustls' own verifier, at that moment) judge what is served, before and
//! after, with every bundle that was there in the last ten years, or longer as `pgkeep doctor`
//! promises.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration as StdDuration;

use pgkeep_model::CA_POLICIES;
use pgkeep_pki::{Authorities, CertificateInfo, LeafKey, PairPem, trusted_until};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use time::macros::datetime;

use super::*;
use crate::decide::tests::instance;
use crate::effects::certificate_record;

const START: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);
const REGION: &str = "us-east-1";
const LOOK: Duration = Duration::weeks(4);
const WINDOWS: [&str; 3] = ["sun:04:00-sun:05:00", "wed:23:30-thu:00:30", "sat:10:00-sat:10:30"];
/// How old a client's bundle is at most.
const BUNDLE_YEARS: i32 = 10;

/// A trust bundle, and when it was published last.
struct Bundle {
    pem: String,
    until: OffsetDateTime,
    verifier: Arc<WebPkiServerVerifier>,
    /// Until when `pgkeep doctor` calls it good, by authority.
    promised: Vec<(&'static str, OffsetDateTime)>,
}

impl Bundle {
    fn new(authorities: &Authorities, until: OffsetDateTime) -> Self {
        let pem = authorities.bundle_pem();
        let trusted = CertificateInfo::all_from_pem(&pem).unwrap();
        let promised = CA_POLICIES.iter().zip(authorities.describe()).map(|(policy, info)| {
            (
                policy.identifier,
                trusted_until(policy.subordinate_years, &info.roots, &trusted).unwrap(),
            )
        });
        let promised = promised.collect();
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            roots.add(root.unwrap()).unwrap();
        }
        let builder =
            WebPkiServerVerifier::builder_with_provider(roots.into(), default_provider().into());
        Self { pem, until, verifier: builder.build().unwrap(), promised }
    }
}

/// What a server serves.
struct Pair {
    chain: String,
    roots: String,
}

struct Server {
    instance: DbInstance,
    key: LeafKey,
    pair: Option<Pair>,
    renewals: i32,
}

impl Server {
    fn renew(&mut self, authorities: &Authorities, now: OffsetDateTime) {
        let desired = &self.instance.desired;
        let (authority, endpoint) = (&desired.ca_identifier, &desired.endpoint);
        let leaf = authorities.issue_leaf(authority, &self.key, endpoint, now).unwrap();
        let days = (leaf.not_after - leaf.not_before).whole_days();
        assert!((365..=366).contains(&days), "cut short: {days} days");
        self.instance.applied.certificate = Some(certificate_record(authority, endpoint, &leaf));
        self.renewals += 1;
        self.pair = Some(Pair { chain: leaf.chain_pem, roots: authorities.bundle_pem() });
    }

    /// What a client with a bundle says.
    fn accepted(&self, bundle: &Bundle, now: OffsetDateTime) -> Result<(), rustls::Error> {
        let chain = &self.pair.as_ref().unwrap().chain;
        let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).map(|it| it.unwrap());
        let chain: Vec<_> = chain.collect();
        let name = ServerName::try_from(&*self.instance.desired.endpoint).unwrap();
        let second = u64::try_from(now.unix_timestamp()).unwrap();
        let at = UnixTime::since_unix_epoch(StdDuration::from_secs(second));
        bundle.verifier.verify_server_cert(&chain[0], &chain[1..], &name, &[], at).map(drop)
    }

    /// Whether clients accept what is served, and pgkeep finds its files whole.
    fn judge(&self, authorities: &Authorities, bundles: &[Bundle], now: OffsetDateTime) {
        let Some(pair) = &self.pair else { return };
        let desired = &self.instance.desired;
        let oldest = now.replace_day(28).unwrap().replace_year(now.year() - BUNDLE_YEARS).unwrap();
        let is_good = |bundle: &&Bundle| {
            let promised = bundle.promised.iter().find(|(ca, _)| *ca == desired.ca_identifier);
            bundle.until >= oldest || promised.unwrap().1 >= now
        };
        for bundle in bundles.iter().filter(is_good) {
            let judged = self.accepted(bundle, now);
            judged.unwrap_or_else(|error| panic!("{now}: {} {error}", desired.ca_identifier));
        }
        // The verifier does not look at the dates of what it trusts.
        let life = |it: &CertificateInfo| (it.not_before, it.not_after);
        let [leaf, subordinate] = &*CertificateInfo::all_from_pem(&pair.chain).unwrap() else {
            panic!("no chain")
        };
        let roots = CertificateInfo::all_from_pem(&bundles.last().unwrap().pem).unwrap();
        let root = roots.iter().find(|root| root.subject == subordinate.issuer).unwrap();
        for (own, issuer) in [(leaf, subordinate), (subordinate, root), (root, root)] {
            assert!(life(own).0 <= now && now <= life(own).1, "{now}: {own:?}");
            assert!(life(issuer).0 <= life(own).0 && life(own).1 <= life(issuer).1, "{own:?}");
        }
        let key = self.key.to_pem();
        let files = PairPem { chain: &pair.chain, key: &key, roots: &pair.roots };
        authorities.check_pair(&desired.ca_identifier, &desired.endpoint, &files).unwrap();
    }

    /// The end of the subordinate's name: `G1.A`.
    fn issuer(&self) -> String {
        let chain = CertificateInfo::all_from_pem(&self.pair.as_ref().unwrap().chain).unwrap();
        last_word(&chain[1].subject)
    }
}

fn last_word(subject: &str) -> String {
    subject.rsplit(' ').next().unwrap().to_owned()
}

/// What happened to an authority: in which year, and what signs or what is trusted from then on.
type Chronicle = Vec<(i64, String)>;

/// Notes the latest, if it is new.
fn note(chronicle: &mut Chronicle, kind: &str, now: OffsetDateTime, names: &[String]) {
    let text = format!("{kind} {}", names.join(" "));
    if chronicle.iter().rfind(|(_, it)| it.starts_with(kind)).is_none_or(|(_, it)| *it != text) {
        chronicle.push(((now - START).whole_days() * 4 / 1461, text));
    }
}

/// Lives through that many years; the chronicles are in the order of `CA_POLICIES`.
fn live(home: &Path, years: i32) -> [Chronicle; 3] {
    let mut servers = [0, 1, 2].map(|number| {
        let policy = &CA_POLICIES[number];
        let mut instance = instance();
        instance.desired.ca_identifier = policy.identifier.to_owned();
        instance.desired.maintenance_window = WINDOWS[number].to_owned();
        Server { instance, key: LeafKey::generate(policy.key).unwrap(), pair: None, renewals: 0 }
    });
    let mut chronicles = [const { Chronicle::new() }; 3];
    let mut bundles = Vec::<Bundle>::new();
    let (mut now, mut next_look) = (START, START);
    let mut authorities = Authorities::ensure(home, REGION, None, START).unwrap();
    while now.year() < START.year() + years {
        if now >= next_look {
            next_look = now + LOOK;
            authorities = Authorities::ensure(home, REGION, None, now).unwrap();
        }
        let pem = authorities.bundle_pem();
        if let Some(newest) = bundles.last_mut() {
            newest.until = now;
        }
        if bundles.last().is_none_or(|newest| newest.pem != pem) {
            bundles.push(Bundle::new(&authorities, now));
        }
        for ((server, chronicle), info) in
            servers.iter_mut().zip(&mut chronicles).zip(authorities.describe())
        {
            server.judge(&authorities, &bundles, now);
            if server.pair.is_none() || renews(&server.instance, None, now) {
                server.renew(&authorities, now);
                server.judge(&authorities, &bundles, now);
            }
            let trusted: Vec<_> = info.roots.iter().map(|root| last_word(&root.subject)).collect();
            note(chronicle, "trusts", now, &trusted);
            note(chronicle, "signs", now, &[server.issuer()]);
        }
        let windows = servers.iter().map(|it| next_window(&it.instance, None, now).unwrap());
        let next = windows.chain([next_look]).min().unwrap();
        assert!(next > now, "it would renew again and again");
        now = next;
    }
    // Of the first bundle, the default authority's root has ended, those of the others have not.
    let with_first = servers.each_ref().map(|server| server.accepted(&bundles[0], now).is_ok());
    assert_eq!(with_first, [false, true, true]);
    for server in servers {
        // At half of the life and up to a week later.
        let (least, most) = (years * 52 / 27, years * 2);
        assert!((least..=most).contains(&server.renewals), "{}", server.renewals);
    }
    chronicles
}

fn chronicle(text: &[(i64, &str)]) -> Chronicle {
    text.iter().map(|(year, what)| (*year, (*what).to_owned())).collect()
}

#[test]
fn forty_five_years() {
    let home = tempfile::TempDir::new().unwrap();
    let [rsa2048, rsa4096, ecc384] = live(home.path(), 45);
    let subordinates = [
        (0, "trusts G1"),
        (0, "signs G1.A"),
        (9, "signs G1.B"),
        (18, "signs G1.C"),
        (27, "signs G1.D"),
        (36, "signs G1.E"),
    ];
    assert_eq!(rsa4096, chronicle(&subordinates));
    assert_eq!(ecc384, chronicle(&subordinates));
    let roots = [
        (0, "trusts G1"),
        (0, "signs G1.A"),
        (9, "signs G1.B"),
        (18, "signs G1.C"),
        (20, "trusts G1 G1.2"),
        (27, "signs G1.D"),
        (36, "signs G1.2.A"),
        (40, "trusts G1.2 G1.3"),
    ];
    assert_eq!(rsa2048, chronicle(&roots));
}
