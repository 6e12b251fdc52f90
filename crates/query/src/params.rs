//! The parameters of a request: a flat form whose dotted names spell a tree.
//!
//! `Tags.Tag.2.Key=a` is the member `Key` of the second item of the list `Tags`. The names stay
//! sorted, so that each subtree is one slice of them and no tree is ever built. A list's items
//! come in the order of their numbers, whatever numbers these are.

use std::collections::BTreeSet;
use std::fmt;

use percent_encoding::percent_decode;

use crate::decode::{DecodeError, excerpt};

/// The largest form, in bytes. The largest real request, 50 tags of 128 + 256 characters of three
/// escaped bytes each, is under 180 KiB.
pub const MAX_BODY_BYTES: usize = 256 * 1024;
/// The most parameters in a form, and so the most items in a list.
pub const MAX_PARAMS: usize = 1000;
/// The most parts in a name. The deepest of the API, `Filters.Filter.N.Values.Value.M`, has six.
pub const MAX_DEPTH: usize = 8;

/// The parameters of a request. `Debug` shows names only, as a value may be a password.
pub struct Params {
    /// Sorted by name, without duplicates.
    pairs: Vec<(String, String)>,
}

impl Params {
    /// Parses a form: the body of a POST, the query string of a GET.
    ///
    /// # Errors
    /// Where it exceeds a bound, is not UTF-8, or gives one parameter twice: which of the two
    /// another reader of the request would believe is anyone's guess.
    pub fn parse(form: &[u8]) -> Result<Self, DecodeError> {
        let too_large = |reason| Err(malformed("the form", reason));
        if form.len() > MAX_BODY_BYTES {
            return too_large("it is too long");
        }
        let mut pairs = Vec::new();
        for pair in form.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()) {
            let mut halves = pair.splitn(2, |&byte| byte == b'=');
            let name = decode_text(halves.next().unwrap_or_default())?;
            if name.split('.').count() > MAX_DEPTH {
                return Err(malformed(&name, "the name has too many parts"));
            }
            pairs.push((name, decode_text(halves.next().unwrap_or_default())?));
            if pairs.len() > MAX_PARAMS {
                return too_large("it has too many parameters");
            }
        }
        pairs.sort();
        if let Some(twice) = pairs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(malformed(&twice[0].0, "it is given twice"));
        }
        Ok(Self { pairs })
    }

    /// The operation asked for.
    ///
    /// # Errors
    /// [`DecodeError::MissingAction`] where there is none.
    pub fn action(&self) -> Result<&str, DecodeError> {
        self.value("Action").filter(|action| !action.is_empty()).ok_or(DecodeError::MissingAction)
    }

    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let found = self.pairs.binary_search_by(|pair| pair.0.as_str().cmp(name));
        found.ok().map(|i| self.pairs[i].1.as_str())
    }

    /// The parameters whose names begin with `prefix`.
    fn below<'a>(&'a self, prefix: &str) -> impl Iterator<Item = &'a str> {
        let start = self.pairs.partition_point(|pair| pair.0.as_str() < prefix);
        let names = self.pairs[start..].iter().map(|pair| pair.0.as_str());
        let prefix = prefix.to_owned();
        names.take_while(move |name| name.starts_with(&prefix))
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.pairs.iter().map(|pair| &pair.0)).finish()
    }
}

/// What can be read from a place in the parameters; `None` where nothing is there.
pub(crate) trait FromParams: Sized {
    fn from_params(at: &Scope<'_>) -> Result<Option<Self>, DecodeError>;
}

/// A place in the parameters.
pub(crate) struct Scope<'a> {
    params: &'a Params,
    /// The name up to here, empty at the root.
    path: String,
}

impl<'a> Scope<'a> {
    pub(crate) fn root_of(params: &'a Params) -> Self {
        Self { params, path: String::new() }
    }

    /// The name of this place.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The value of exactly this place.
    pub(crate) fn value(&self) -> Option<&'a str> {
        self.params.value(&self.path)
    }

    /// Whether a structure has no member here. The root always is one.
    pub(crate) fn is_absent(&self) -> bool {
        !self.path.is_empty() && self.params.below(&format!("{}.", self.path)).next().is_none()
    }

    /// The input of an operation; it may be empty.
    pub(crate) fn root<T: FromParams + Default>(&self) -> Result<T, DecodeError> {
        T::from_params(self).map(Option::unwrap_or_default)
    }

    pub(crate) fn optional<T: FromParams>(&self, name: &str) -> Result<Option<T>, DecodeError> {
        T::from_params(&self.member(name))
    }

    pub(crate) fn required<T: FromParams>(&self, name: &str) -> Result<T, DecodeError> {
        self.optional(name)?.ok_or_else(|| self.missing(name))
    }

    /// A list whose items are called `item`; `member` is accepted for every list. An empty list
    /// is the list's own name with an empty value.
    pub(crate) fn list<T: FromParams>(
        &self,
        name: &str,
        item: &str,
    ) -> Result<Option<Vec<T>>, DecodeError> {
        let list = self.member(name);
        let prefix = format!("{}.", list.path);
        let mut places = BTreeSet::new();
        for full in self.params.below(&prefix) {
            let mut parts = full[prefix.len()..].splitn(3, '.');
            let known = parts.next().is_some_and(|part| part == item || part == "member");
            let number = parts.next().and_then(|part| part.parse::<u32>().ok());
            let (true, Some(number)) = (known, number) else {
                return Err(malformed(full, "it is no item of the list"));
            };
            let end = parts.next().map_or(full.len(), |rest| full.len() - rest.len() - 1);
            places.insert((number, &full[..end]));
        }
        if places.is_empty() && list.value().is_none() {
            return Ok(None);
        }
        let read = |(_, path): (u32, &str)| {
            let at = Scope { params: self.params, path: path.to_owned() };
            T::from_params(&at)?.ok_or_else(|| malformed(path, "it is no item of the list"))
        };
        places.into_iter().map(read).collect::<Result<_, _>>().map(Some)
    }

    pub(crate) fn required_list<T: FromParams>(
        &self,
        name: &str,
        item: &str,
    ) -> Result<Vec<T>, DecodeError> {
        self.list(name, item)?.ok_or_else(|| self.missing(name))
    }

    fn member(&self, name: &str) -> Self {
        let path =
            if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        Scope { params: self.params, path }
    }

    fn missing(&self, name: &str) -> DecodeError {
        DecodeError::MissingParameter { name: self.member(name).path }
    }
}

fn malformed(name: &str, reason: &'static str) -> DecodeError {
    DecodeError::Malformed { name: excerpt(name), reason }
}

fn decode_text(bytes: &[u8]) -> Result<String, DecodeError> {
    let spaced: Vec<u8> = bytes.iter().map(|&b| if b == b'+' { b' ' } else { b }).collect();
    let text = percent_decode(&spaced).decode_utf8();
    text.map(Into::into).map_err(|_| malformed("the form", "it is not UTF-8"))
}
