//! What becomes of a client's session: the rules of each client, applied to what was seen.
//!
//! An outcome reaches as far as authentication, and is unknown without the answers it rests on.

use serde::Serialize;

use super::access::{is_anonymous, offers_plus};
use super::certificate::ServedCertificate;
use super::chain::Judged;
use super::clients::{CLIENTS, Client, Tls, Verify, Way, WithoutRoot};
use super::facts::describe_ssl_answer;
use super::handshake::agree;
use super::host_name::{LibpqRelease, libpq_host_name};
use super::paths::{MAX_SHORT, Paths, is_known};
use crate::plaintext::PlaintextAnswer;
use crate::survey::{Asked, AuthAnswer, DirectTls, SslAnswer, Survey, VersionSeen};

/// What becomes of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Encrypted; chain and name were verified.
    Verified,
    /// Encrypted; the chain was verified, the name was not.
    ChainVerified,
    /// Encrypted, with whomever.
    Unverified,
    /// Connected without TLS.
    Plaintext,
    /// Not connected.
    Refused,
    /// Not known, as something was not asked.
    Unknown,
}

impl Outcome {
    /// The name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::ChainVerified => "chain-verified",
            Self::Unverified => "unverified",
            Self::Plaintext => "plaintext",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

/// The roots that a client was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Root {
    /// The roots that the report judges by.
    Given,
    /// None, and no file where it looks by default.
    Absent,
}

/// What a client does with a word of `sslmode`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Prediction {
    /// The client.
    pub client: &'static str,
    /// What its behaviour rests on.
    pub basis: &'static str,
    /// The word, with what else is set.
    pub sslmode: &'static str,
    /// Whether the client does so without being told, or told of the roots alone.
    pub is_default: bool,
    /// Which roots it has.
    pub root: Root,
    /// What becomes of the session.
    pub outcome: Outcome,
    /// Why it refuses: a part of its own words, where these are known.
    pub why: Option<String>,
}

/// What happened to one try.
enum Try {
    Connected(Outcome),
    Failed(Stage, String),
    Unknown,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The server has no TLS.
    Declined,
    /// It answered `SSLRequest` with an error.
    Error,
    /// It closed, or answered what is no answer.
    Nonsense,
    Handshake,
    /// 28000.
    Refusal,
    /// Another end, after which no client tries again.
    End,
}

/// What predictions are made from.
pub(super) struct World<'a> {
    pub(super) survey: &'a Survey,
    pub(super) judged: &'a Judged,
    pub(super) server_name: &'a str,
    pub(super) has_roots: bool,
}

/// Every client with every word, with the given roots and without.
pub(super) fn predictions(world: &World<'_>) -> Vec<Prediction> {
    let mut all = Vec::new();
    for client in &CLIENTS {
        for (word, way) in client.words {
            let roots = [Root::Given, Root::Absent];
            for root in roots.into_iter().filter(|root| *root == Root::Absent || world.has_roots) {
                let (outcome, why) = match world.outcome(client, *way, root) {
                    Try::Connected(outcome) => (outcome, None),
                    Try::Failed(_, words) => (Outcome::Refused, Some(words)),
                    Try::Unknown => (Outcome::Unknown, None),
                };
                let default = match root {
                    Root::Given => client.default_with_root,
                    Root::Absent => client.default,
                };
                all.push(Prediction {
                    client: client.name,
                    basis: client.basis,
                    sslmode: word,
                    is_default: *word == default,
                    root,
                    outcome,
                    why,
                });
            }
        }
    }
    all
}

impl World<'_> {
    fn outcome(&self, client: &Client, way: Way, root: Root) -> Try {
        match way {
            Way::Plain => self.plain(),
            Way::PlainThenTls(verify) => match self.plain() {
                Try::Failed(Stage::Refusal, words) => match self.tls(client, verify, root) {
                    Try::Failed(stage, more) => {
                        // asyncpg alone says what came last.
                        let again = stage == Stage::Declined && client.tls != Tls::Python;
                        Try::Failed(stage, if again { words } else { more })
                    }
                    other => other,
                },
                other => other,
            },
            Way::TlsThenPlain(verify) => match self.tls(client, verify, root) {
                Try::Failed(stage, words) if goes_on(client, stage) => match self.plain() {
                    Try::Failed(stage, _) if stage != Stage::Refusal => Try::Failed(stage, words),
                    other => other,
                },
                other => other,
            },
            Way::Tls(verify) => self.tls(client, verify, root),
            Way::TlsIfRoot(words) if root == Root::Absent => {
                Try::Failed(Stage::End, words.to_owned())
            }
            Way::TlsIfRoot(_) => self.tls(client, Verify::Chain, root),
            Way::Direct(verify) => self.direct(client, verify, root),
            Way::Never(words) => Try::Failed(Stage::End, words.to_owned()),
        }
    }

    fn plain(&self) -> Try {
        if let SslAnswer::Unreachable(reason) = &self.survey.ssl_request {
            return Try::Failed(Stage::End, reason.clone());
        }
        match &self.survey.plaintext {
            Asked::Answer(PlaintextAnswer::ReachesAuthentication { .. }) => {
                Try::Connected(Outcome::Plaintext)
            }
            Asked::Answer(PlaintextAnswer::RefusedBeforeAuthentication(answer)) => {
                Try::Failed(Stage::Refusal, answer.message.clone())
            }
            Asked::Answer(PlaintextAnswer::OtherError(answer)) => {
                Try::Failed(Stage::End, answer.message.clone())
            }
            Asked::Answer(PlaintextAnswer::Closed) => {
                Try::Failed(Stage::End, "server closed the connection unexpectedly".to_owned())
            }
            Asked::Answer(PlaintextAnswer::Garbage { .. }) => {
                Try::Failed(Stage::End, "expected authentication request from server".to_owned())
            }
            Asked::Failed(reason) => Try::Failed(Stage::End, reason.clone()),
            Asked::No => Try::Unknown,
        }
    }

    fn tls(&self, client: &Client, verify: Verify, root: Root) -> Try {
        let answer = &self.survey.ssl_request;
        match answer {
            SslAnswer::Accepted => self.handshake(client, verify, root),
            SslAnswer::Declined => Try::Failed(Stage::Declined, client.says.no_tls.to_owned()),
            SslAnswer::Unreachable(reason) => Try::Failed(Stage::End, reason.clone()),
            SslAnswer::TimedOut => Try::Failed(Stage::End, describe_ssl_answer(answer)),
            SslAnswer::Error(_) => Try::Failed(Stage::Error, describe_ssl_answer(answer)),
            SslAnswer::Closed | SslAnswer::Garbage(_) => {
                Try::Failed(Stage::Nonsense, describe_ssl_answer(answer))
            }
        }
    }

    fn direct(&self, client: &Client, verify: Verify, root: Root) -> Try {
        if let SslAnswer::Unreachable(reason) = &self.survey.ssl_request {
            return Try::Failed(Stage::End, reason.clone());
        }
        // Roots are read before the handshake, and here nothing is asked before that.
        if let (WithoutRoot::Refuses(words), Root::Absent, Verify::Chain | Verify::Full) =
            (client.without_root, root, verify)
        {
            return Try::Failed(Stage::Handshake, words.to_owned());
        }
        match &self.survey.direct_tls {
            Asked::Answer(DirectTls::Accepted { alpn: true }) => {
                self.handshake(client, verify, root)
            }
            Asked::Answer(DirectTls::Accepted { alpn: false }) => {
                let words = "direct SSL connection was established without ALPN protocol \
                             negotiation extension";
                Try::Failed(Stage::Handshake, words.to_owned())
            }
            Asked::Answer(DirectTls::Alert(alert)) => {
                Try::Failed(Stage::Handshake, format!("SSL error: alert {alert}"))
            }
            Asked::Answer(DirectTls::Refused) => {
                Try::Failed(Stage::Handshake, "SSL error: ".to_owned())
            }
            Asked::Failed(reason) => Try::Failed(Stage::Handshake, reason.clone()),
            Asked::No => Try::Unknown,
        }
    }

    fn handshake(&self, client: &Client, verify: Verify, root: Root) -> Try {
        let leaf = self.judged.chain.certificates.first();
        if let Some(failed) = self.no_handshake() {
            return failed;
        }
        match agree(client.tls, self.survey, leaf) {
            None => return Try::Unknown,
            Some(Err(reason)) => return Try::Failed(Stage::Handshake, reason),
            Some(Ok(())) if self.survey.key_proved == Asked::Answer(false) => {
                return Try::Failed(Stage::Handshake, "bad signature".to_owned());
            }
            // What it shows was not seen, and may be more than a client takes.
            Some(Ok(())) if leaf.is_none() && !is_anonymous(self.survey) => return Try::Unknown,
            Some(Ok(())) => {}
        }
        let level = match self.verify(client, verify, root) {
            Some(Ok(level)) => level,
            Some(Err(words)) => return Try::Failed(Stage::Handshake, words),
            None => return Try::Unknown,
        };
        self.authenticate(client, leaf, level)
    }

    /// What becomes of a handshake where none at all got a usable answer.
    fn no_handshake(&self) -> Option<Try> {
        let versions = &self.survey.versions;
        let all = |is: fn(&VersionSeen) -> bool| {
            !versions.is_empty() && versions.iter().all(|(_, seen)| is(seen))
        };
        if all(|seen| *seen == VersionSeen::TimedOut) {
            return Some(Try::Failed(Stage::End, "timeout expired".to_owned()));
        }
        let is_failed = all(|seen| matches!(seen, VersionSeen::Failed(_)));
        is_failed.then(|| Try::Failed(Stage::Handshake, "SSL error: ".to_owned()))
    }

    /// How much was verified, or why not; none where that is not known.
    fn verify(
        &self,
        client: &Client,
        verify: Verify,
        root: Root,
    ) -> Option<Result<Outcome, String>> {
        let given = self.judged.given.as_ref().filter(|_| root == Root::Given);
        let system = self.judged.system.as_ref();
        let (paths, has_name) = match verify {
            Verify::Nothing => return Some(Ok(Outcome::Unverified)),
            Verify::ChainIfRoot if root == Root::Absent => return Some(Ok(Outcome::Unverified)),
            Verify::System => (system, true),
            Verify::ChainIfRoot | Verify::Chain | Verify::Full if root == Root::Given => {
                (given, verify == Verify::Full)
            }
            _ => match client.without_root {
                WithoutRoot::Refuses(words) => return Some(Err(words.to_owned())),
                WithoutRoot::Empty => return Some(Err(client.says.distrust.to_owned())),
                WithoutRoot::System => (system, verify == Verify::Full),
            },
        };
        let leads = if self.judged.chain.certificates.is_empty() {
            Some(false)
        } else {
            leads(client, paths?, &self.judged.chain.certificates)
        };
        match leads {
            None => return None,
            Some(false) => return Some(Err(client.says.distrust.to_owned())),
            Some(true) => {}
        }
        if !has_name {
            return Some(Ok(Outcome::ChainVerified));
        }
        Some(self.verify_name(client).map(|()| Outcome::Verified))
    }

    fn verify_name(&self, client: &Client) -> Result<(), String> {
        let chain = &self.judged.chain;
        match client.says.wrong_name {
            None => libpq_host_name(&chain.names, self.server_name, LibpqRelease::From15),
            Some(_) if chain.is_named(self.server_name, client.tls) => Ok(()),
            Some(words) => Err(words.replace("{host}", self.server_name)),
        }
    }

    fn authenticate(
        &self,
        client: &Client,
        leaf: Option<&ServedCertificate>,
        level: Outcome,
    ) -> Try {
        let binding_failed = match &self.survey.session {
            Asked::Answer(session) => matches!(session.channel_binding, Asked::Failed(_)),
            Asked::No | Asked::Failed(_) => false,
        };
        match &self.survey.authentication {
            // The client certificate of the target lets in who is refused without it.
            Asked::Answer(AuthAnswer::Error(_))
                if matches!(self.survey.session, Asked::Answer(_)) =>
            {
                Try::Connected(level)
            }
            Asked::Answer(AuthAnswer::Error(answer)) => {
                let refused = answer.sqlstate == "28000";
                let stage = if refused { Stage::Refusal } else { Stage::End };
                Try::Failed(stage, answer.message.clone())
            }
            Asked::Answer(AuthAnswer::Closed) => {
                Try::Failed(Stage::End, "server closed the connection unexpectedly".to_owned())
            }
            Asked::Answer(AuthAnswer::Method(method))
                if client.binds_channel && offers_plus(method) =>
            {
                let is_libpq = client.says.wrong_name.is_none();
                let is_undefined = is_libpq && leaf.is_some_and(|leaf| !leaf.is_bindable());
                if is_undefined {
                    let words = "could not find digest for NID UNDEF";
                    return Try::Failed(Stage::End, words.to_owned());
                }
                if binding_failed {
                    let words = "channel binding check failed";
                    return Try::Failed(Stage::End, words.to_owned());
                }
                Try::Connected(level)
            }
            // That our own handshake failed, or was not made, is no word of the server's.
            Asked::Answer(AuthAnswer::Method(_)) | Asked::No | Asked::Failed(_) => {
                Try::Connected(level)
            }
        }
    }
}

/// Whether a client finds a path; not known of those that may take a signature or a length of the
/// path that webpki does not.
fn leads(client: &Client, paths: &Paths, chain: &[ServedCertificate]) -> Option<bool> {
    match client.tls {
        Tls::OpenSsl | Tls::Python => is_known(&paths.openssl),
        Tls::Node => is_known(&paths.level_1),
        Tls::Rustls => Some(paths.strict.is_ok()),
        Tls::Go => is_known(&paths.anchored),
        Tls::Java | Tls::DotNet => {
            let is_weak = chain.iter().any(ServedCertificate::is_signature_weak);
            let is_short = chain.len() <= MAX_SHORT;
            is_known(&paths.anchored).filter(|_| is_short && !is_weak)
        }
    }
}

fn goes_on(client: &Client, stage: Stage) -> bool {
    match stage {
        Stage::Declined => true,
        Stage::Handshake => client.second.after_handshake,
        Stage::Refusal => client.second.after_refusal,
        Stage::Error => client.second.after_error,
        Stage::Nonsense => client.second.after_nonsense,
        Stage::End => false,
    }
}
