//! Failures at the edge: `error:` with the whole chain once, and `hint:` with what to type next.

use std::error::Error;
use std::fmt;
use std::io;
use std::process::ExitCode;

use pgkeep_postgres::EngineError;
use pgkeep_store::StoreError;
use pgkeep_workflow::{PkiError, WorkflowError};

/// An error that knows what to do about it. It takes the place of the error that it holds, so
/// that a hint adds nothing to the chain.
#[derive(Debug)]
struct Hinted {
    hint: String,
    code: u8,
    error: anyhow::Error,
}

impl fmt::Display for Hinted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for Hinted {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

/// The exit code of most failures.
const FAILED: u8 = 1;
/// That of wrong use, as `clap` has it.
const WRONG_USE: u8 = 2;

/// What to do about a state file of a newer pgkeep, whose servers run on meanwhile.
const OF_NEWER: &str = "install that version or a later one; to go back to this one, \
                        use a copy of the data directory from before";

/// Adds what to do about a failure.
pub(crate) trait Hint<T> {
    /// Adds the sentence or command that `hint` gives.
    fn hint(self, hint: impl FnOnce() -> String) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> Hint<T> for Result<T, E> {
    fn hint(self, hint: impl FnOnce() -> String) -> anyhow::Result<T> {
        self.map_err(|error| Hinted { hint: hint(), code: FAILED, error: error.into() }.into())
    }
}

/// A failure with a hint.
pub(crate) fn hinted(message: impl fmt::Display, hint: impl fmt::Display) -> anyhow::Error {
    coded(FAILED, message, hint)
}

/// What was typed means nothing; the exit code says so.
pub(crate) fn wrong_use(message: impl fmt::Display, hint: impl fmt::Display) -> anyhow::Error {
    coded(WRONG_USE, message, hint)
}

fn coded(code: u8, message: impl fmt::Display, hint: impl fmt::Display) -> anyhow::Error {
    let error = anyhow::Error::msg(message.to_string());
    Hinted { hint: hint.to_string(), code, error }.into()
}

/// Prints a failure; the exit code for it.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if is_broken_pipe(error) {
        return ExitCode::FAILURE;
    }
    eprintln!("error: {}", render_chain(error.as_ref()));
    if let Some(hint) = hint_of(error) {
        eprintln!("hint: {hint}");
    }
    let hinted = error.downcast_ref::<Hinted>();
    ExitCode::from(hinted.map_or(FAILED, |hinted| hinted.code))
}

/// An error with everything that led to it, in one line.
pub(crate) fn render_chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

/// The reader of our output has seen enough: nobody is left to tell.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
    kind == Some(io::ErrorKind::BrokenPipe)
}

fn hint_of(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| {
        if let Some(hinted) = cause.downcast_ref::<Hinted>() {
            return Some(hinted.hint.clone());
        }
        if let Some(StoreError::Newer { .. }) = cause.downcast_ref::<StoreError>() {
            return Some(OF_NEWER.to_owned());
        }
        let pki = cause.downcast_ref::<PkiError>();
        let pki = pki.or_else(|| match cause.downcast_ref::<WorkflowError>() {
            Some(WorkflowError::Pki(pki)) => Some(pki),
            _ => None,
        });
        if let Some(PkiError::NoPassphrase(_)) = pki {
            let hint = "say where it is with --ca-passphrase-file or --ca-passphrase-command";
            return Some(hint.to_owned());
        }
        let engine = cause.downcast_ref::<EngineError>();
        let engine = engine.or_else(|| match cause.downcast_ref::<WorkflowError>() {
            Some(WorkflowError::Engine(engine)) => Some(engine),
            _ => None,
        });
        engine.and_then(EngineError::hint).map(str::to_owned)
    })
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn the_chain_is_told_once_and_the_hint_is_found_below_a_context() {
        let missing = io::Error::other("no such file");
        let error = Err::<(), _>(missing).context("cannot read x").hint(|| "make x".to_owned());
        let error = error.context("cannot start").unwrap_err();
        assert_eq!(render_chain(error.as_ref()), "cannot start: cannot read x: no such file");
        assert_eq!(hint_of(&error), Some("make x".to_owned()));
    }
}
