//! What a server shows one choice at a time: suites, groups, schemes of signatures.

use crate::error::ProbeError;

/// A list that a server shows one choice at a time: it is offered what it has not chosen yet,
/// until it chooses nothing of that.
pub(crate) struct Choices {
    left: Vec<u16>,
    chosen: Vec<u16>,
    most: usize,
    end: Option<Result<(), ProbeError>>,
}

impl Choices {
    /// Out of `all`, at most so many.
    pub(crate) fn of(all: Vec<u16>, most: usize) -> Self {
        Self { left: all, chosen: Vec::new(), most, end: None }
    }

    /// What to offer next; nothing at the end.
    pub(crate) fn next_offer(&self) -> Option<Vec<u16>> {
        let goes_on = self.end.is_none() && !self.left.is_empty() && self.chosen.len() < self.most;
        goes_on.then(|| self.left.clone())
    }

    /// Notes what the server chose of the offer.
    pub(crate) fn note(&mut self, answer: Result<Option<u16>, ProbeError>) {
        match answer {
            Ok(Some(code)) if self.left.contains(&code) => {
                self.left.retain(|other| *other != code);
                self.chosen.push(code);
            }
            // What was not offered is no answer to it.
            Ok(_) | Err(ProbeError::Closed { .. }) => self.end = Some(Ok(())),
            Err(error) => self.end = Some(Err(error)),
        }
    }

    /// The choices in their order, and whether it came to the server's own end.
    pub(crate) fn into_parts(self) -> (Vec<u16>, Result<(), ProbeError>) {
        (self.chosen, self.end.unwrap_or(Ok(())))
    }
}
